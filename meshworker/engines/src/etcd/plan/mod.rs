//! What follows from what etcd's members say, and from what is on the disks of those that
//! wait. Pure: the same situation gives the same proposal, whatever happened before.
//!
//! ```text
//! nobody answers ──> birth    one promise by all, then one seed alone
//!                ──> restart  not beside data: whoever has some is started with it
//! no quorum      ──> restart  and nothing else but who holds what
//! a cluster      ──> waiting  who waits is started, or puts foreign data aside
//!                ──> leave    leadership first, and out before it stops
//!                ──> depart   the dead
//!                ──> change   one step at most: promote, undo, shrink, grow
//! ```

mod birth;
mod change;
mod depart;
mod leave;
mod names;
mod restart;
mod start;
mod waiting;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use meshworker_core::{
    Capabilities, Planner, Proposal, Reason, Refusal, Situation, Step, StepKind, Unity,
};

use super::detail::{Detail, Listed};
use super::request::{Act, EtcdRequest};
use super::size::{self, Size};
use super::versions;
use crate::Access;
pub use start::unasked;
use world::{Seen, World};

/// The planner of an etcd cluster, by what the operator wishes. It has no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The client port.
    pub service_port: u16,
    /// How clients talk to members: `http` or `https`.
    pub scheme: &'static str,
    /// Where the others reach the member of a slot, with `{slot}` for its number.
    pub peer_url: String,
    /// How many voters there are to be, where the configuration says so.
    pub ideal: Option<usize>,
    /// How many members a birth waits for, where the configuration says so.
    pub initial: Option<usize>,
}

impl Planner for Rules {
    type Detail = Detail;
    type Request = EtcdRequest;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<EtcdRequest> {
        match Seen::of(self, situation) {
            Seen::Nobody => restart::with(self, situation, birth::propose(self, situation)),
            Seen::Stuck(why) => restart::with(self, situation, Proposal::stuck(situation, &why)),
            Seen::Cluster(world) => self.within(situation, &world),
        }
    }
}

impl Rules {
    /// The wishes among these options.
    pub fn of(access: &Access) -> Rules {
        let option = |name: &str| access.options.get(name).map(String::as_str);
        Rules {
            service_port: access.service_port,
            scheme: start::scheme(access.tls.is_some()),
            peer_url: option(super::PEER_URL)
                .unwrap_or(super::USUAL_PEER_URL)
                .to_owned(),
            ideal: option(size::IDEAL).and_then(|text| size::parse(text).ok()?),
            initial: option(super::INITIAL).and_then(|text| super::initial(text)?),
        }
    }

    /// Where the others reach the member that is known by this number.
    fn peer_url(&self, number: u64) -> String {
        self.peer_url.replace("{slot}", &number.to_string())
    }

    /// By which number a listed member is known: that of the slot in which it joined, by its
    /// peer URL or its name.
    fn number(&self, listed: &Listed) -> Option<u64> {
        let (before, after) = self.peer_url.split_once("{slot}")?;
        let number = |url: &String| -> Option<u64> {
            url.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
        };
        let by_name = || listed.name.strip_prefix("etcd-")?.parse().ok();
        listed.peer_urls.iter().find_map(number).or_else(by_name)
    }

    /// What is to be done in a cluster that has a quorum.
    fn within(
        &self,
        situation: &Situation<'_, Detail>,
        world: &World<'_>,
    ) -> Proposal<EtcdRequest> {
        let desired = situation.roster.census().desired();
        let key = world.leader.view.detail.wish.as_deref();
        let size = Size::of(&situation.orders.wishes, key, self.ideal, desired);
        let mut refusals: Vec<Refusal> = (size.remarks.iter().cloned())
            .map(|remark| told("change the number of voters", remark))
            .collect();
        refusals.extend(remarks(world));
        if world
            .alarms
            .values()
            .flatten()
            .any(|alarm| alarm.forbids_everything())
        {
            let mut all = Proposal::stuck(
                situation,
                "an alarm says that data differs: nothing is changed",
            );
            all.refusals.extend(refusals);
            return restart::with(self, situation, all);
        }
        let waiting = waiting::nominations(self, situation, world);
        let departures = depart::departures(self, situation, world);
        let leaves = leave::leaves(situation, world);
        let going = leaves.iter().any(|leave| !leave.last.is_empty());
        let change = change::next(self, situation, world, &size, !departures.is_empty());
        let parts = world.voters().count();
        let unity = match &change {
            _ if !world.unlisted.is_empty() => Unity::apart("a member answers and is not listed"),
            Some(change) if situation.leaving().next().is_none() => Unity::apart(&change.missing),
            _ => Unity::One { size: parts },
        };
        // A learner is waited for by nobody who is to mend the cluster first.
        let learner = world.learner().filter(|_| !departures.is_empty());
        Proposal {
            steps: change
                .and_then(|change| change.step)
                .into_iter()
                .filter(|_| !going)
                .collect(),
            departures,
            leaves,
            nominations: waiting,
            stuck: learner
                .map(|node| node.listed.id.clone())
                .into_iter()
                .collect(),
            outsiders: world.unlisted.clone(),
            born: Some(world.leader.view.detail.cluster.clone()),
            refusals,
            ..Proposal::nothing(unity)
        }
    }
}

/// What an operator is to know of alarms, of voters that lag and of versions.
fn remarks(world: &World<'_>) -> Vec<Refusal> {
    let mut remarks = Vec::new();
    for (node, raised) in &world.alarms {
        for alarm in raised {
            let why = format!("alarm {alarm} at {node}: {}", alarm.advice());
            remarks.push(told("keep quiet about an alarm", why));
        }
    }
    for (node, (_, view)) in world
        .voters()
        .filter_map(|node| node.there.map(|there| (node, there)))
    {
        let behind = world.behind(view);
        if !world.in_step(behind) {
            let why = format!("{} votes, and is {behind} entries behind", node.name());
            remarks.push(told("count on a voter that lags", why));
        }
    }
    let leader = &world.leader.view.detail;
    if let Some(missed) = leader.missed.filter(|missed| leader.revision < *missed) {
        let why = format!(
            "revision {missed} was acknowledged, and the leader is at {}: disks were set back to \
             an older state, or forced into a new cluster; bring a disk back that has it",
            leader.revision
        );
        remarks.push(told("count on what was acknowledged", why));
    }
    let views = world
        .nodes
        .iter()
        .filter_map(|node| Some(&node.there?.1.detail));
    let versions: BTreeSet<&str> = views.map(|detail| &*detail.version).collect();
    for version in &versions {
        if let Some(fault) = versions::fault(version) {
            remarks.push(told(
                "trust this version",
                format!("etcd {version}: {fault}"),
            ));
        }
    }
    if let (Some(first), Some(last)) = (versions.first(), versions.last())
        && !versions::go_together(first, last)
    {
        let why = format!("etcd {first} beside {last}: update one minor version at a time");
        remarks.push(told("trust these versions", why));
    }
    remarks
}

/// A remark for the operator.
fn told(what: &str, why: String) -> Refusal {
    Refusal::new(what, Reason::Misconfigured(why))
}

/// A request to the leader.
fn ask(world: &World<'_>, act: Act, kind: StepKind) -> Step<EtcdRequest> {
    let request = EtcdRequest {
        node: world.leader.view.node.clone(),
        act,
        kind,
    };
    Step::new(world.leader.at, request, Vec::new())
}
