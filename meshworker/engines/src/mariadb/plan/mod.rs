//! What follows from what MariaDB's members say, and from what is on the disks of those that
//! wait. Pure: the same situation gives the same proposal, whatever happened before.
//!
//! ```text
//! nobody was ever opened ──> birth     the lowest slot of all, once all have promised
//! a primary takes writes ──> within    fence, enrol, follow; who leaves
//! nobody takes writes    ──> succeed   seal, then promote whoever has everything
//! in each                ──> waiting   who waits is started, in which role
//! ```
//!
//! Who may acknowledge a write is written down in a replicated row, the roll, before it
//! follows; so whoever takes over knows whom to ask. No second primary can have a write
//! acknowledged: an acknowledgement takes one of the roll, and each of them has promised the
//! new term, and receives nothing, before anybody is opened in it.

mod birth;
mod chosen;
mod leave;
mod slot;
mod succeed;
mod waiting;
mod within;
mod world;

#[cfg(test)]
mod tests;

use meshworker_core::{
    Capabilities, Planner, Proposal, Reason, Refusal, Situation, Step, StepKind,
};

use super::detail::Detail;
use super::request::{Act, MariadbRequest};
use crate::Access;
use world::{Node, World};

/// The planner of a MariaDB cluster, by what the operator wishes. It has no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The port of all servers.
    pub port: u16,
    /// Under which name this worker has terms promised: no other one has it.
    pub holder: String,
    /// How many members a birth waits for, where the configuration says so.
    pub initial: Option<usize>,
    /// Which slot is to be the primary when it can, where the configuration says so.
    pub primary: Option<usize>,
    /// Which members are preferred as primaries, as the option has them.
    pub preferred: String,
    /// Which ones are forbidden.
    pub forbidden: String,
}

impl Planner for Rules {
    type Detail = Detail;
    type Request = MariadbRequest;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<MariadbRequest> {
        let world = match World::of(self, situation) {
            Ok(world) => world,
            Err(why) => return Proposal::stuck(situation, &why),
        };
        if let Some(node) = world.foreign().next() {
            let cluster = node.detail.mark().cluster;
            let why = format!(
                "{} has data of cluster {cluster}: stop it, and put its data aside",
                node.member.id
            );
            return Proposal::stuck(situation, &why);
        }
        if let Some(why) = world.rivals() {
            return Proposal::stuck(situation, &why);
        }
        let mut proposal = match world.primary() {
            Some(primary) => within::propose(self, situation, &world, primary),
            None if world.term == 0 => birth::propose(self, situation, &world),
            None => succeed::propose(self, situation, &world),
        };
        waiting::nominate(&world, &mut proposal);
        proposal.refusals.extend(remarks(&world));
        proposal
    }
}

/// For whom a worker has a term promised: to itself, and for one candidate. Two candidates
/// cannot be opened in one term.
pub struct Bid<'a> {
    worker: &'a str,
    candidate: u32,
}

impl Bid<'_> {
    /// The name under which it is promised.
    pub fn holder(&self) -> String {
        format!("{}.{}", self.worker, self.candidate)
    }

    /// Whether this one was promised to the same worker.
    pub fn is_of_its_worker(&self, holder: &str) -> bool {
        let rest = holder.strip_prefix(self.worker);
        rest.is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Rules {
    fn bid(&self, candidate: &Node<'_>) -> Bid<'_> {
        Bid {
            worker: &self.holder,
            candidate: candidate.server,
        }
    }

    /// The wishes among these options; terms are promised to this `holder`.
    pub fn of(access: &Access, holder: String) -> Rules {
        let option = |name: &str| super::number(access.options.get(name)?)?;
        let word = |name: &str| access.options.get(name).cloned().unwrap_or_default();
        Rules {
            port: access.service_port,
            holder,
            initial: option(super::INITIAL),
            primary: option(crate::PRIMARY),
            preferred: word(super::PREFERRED),
            forbidden: word(super::FORBIDDEN),
        }
    }
}

/// What an operator is to know.
fn remarks(world: &World<'_>) -> Vec<Refusal> {
    let mut remarks = Vec::new();
    for node in world.nodes.values() {
        for fault in &node.detail.faults {
            let what = format!("trust {} with writes", node.member.id);
            remarks.push(told(&what, fault.clone()));
        }
        let semi_sync = node.detail.semi_sync;
        if node.detail.is_open() && semi_sync.waits && !semi_sync.holds {
            let why =
                "it has stopped waiting for acknowledgements: whoever writes there may lose it";
            remarks.push(told(
                &format!("trust {} with writes", node.member.id),
                why.into(),
            ));
        }
    }
    for node in world.stale() {
        let why = format!(
            "it takes writes in term {}, and term {} was opened since: none of them is \
             acknowledged; end its process",
            node.detail.mark().term,
            world.term
        );
        remarks.push(told(&format!("let {} be", node.member.id), why));
    }
    remarks
}

/// A remark for the operator.
fn told(what: &str, why: String) -> Refusal {
    Refusal::new(what, Reason::Misconfigured(why))
}

/// A request to a server.
fn ask(node: &Node<'_>, act: Act, kind: StepKind) -> Step<MariadbRequest> {
    let request = MariadbRequest {
        server: node.server,
        act,
        kind,
    };
    Step::new(node.at(), request, Vec::new())
}
