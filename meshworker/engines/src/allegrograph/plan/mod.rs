//! What brings the servers nearer to one cluster.
//!
//! One instance controls the others: all changes are asked of it, one after another. Whether
//! there is a cluster is known by its instances alone; it is begun once, where every server
//! says that it knows of none.

mod birth;
mod depart;
mod grow;
mod leave;
mod lost;
mod world;

#[cfg(test)]
mod tests;

use meshworker_core::{
    Capabilities, Member, MemberId, Place, Planner, Proposal, Reason, Refusal, Situation, Step,
    StepKind, Unity,
};

use super::detail::{Detail, State};
use super::request::{Act, AllegrographRequest};
use super::{ADDRESS, AT_ONCE, AUTO, BEGIN, HOST, LOST, SERVICE};
use crate::{Access, PRIMARY};
use world::{Seen, World};

/// The planner of a replicated repository. It has no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The port of the servers.
    pub port: u16,
    /// The service of which the controlling instance is.
    pub service: String,
    /// Where the others reach it, where a name says so.
    pub host: Option<String>,
    /// How many copies are made at a time.
    pub at_once: usize,
    /// Who is to control the others, where the configuration says so.
    pub primary: Option<String>,
    /// Which instance may begin a cluster where there was one.
    pub begin: Option<String>,
    /// Which instance is lost for good.
    pub lost: Option<String>,
}

impl Planner for Rules {
    type Detail = Detail;
    type Request = AllegrographRequest;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<AllegrographRequest> {
        let mut proposal = match Seen::of(self, situation) {
            Seen::Nobody => birth::propose(self, situation),
            Seen::Lost(known) => lost::propose(self, situation, &known),
            Seen::Several(names) => {
                let names = names.join(", ");
                Proposal::stuck(
                    situation,
                    &format!("several say that they control the others: {names}"),
                )
            }
            Seen::Cluster(world) => self.within(situation, &world),
        };
        // Whoever has no data, or gets it yet, is waited for by nobody else.
        let busy = situation.views().into_values();
        let busy = busy.filter(|(_, view)| view.working.is_some());
        proposal.stuck = busy.map(|(_, view)| view.node.clone()).collect();
        proposal
    }
}

impl Rules {
    /// The wishes among these options.
    pub fn of(access: &Access) -> Rules {
        let option = |name: &str| access.options.get(name).cloned().unwrap_or_default();
        let unless = |name: &str, nobody: &str| {
            let value = option(name);
            (!value.is_empty() && value != nobody).then_some(value)
        };
        Rules {
            port: access.service_port,
            service: option(SERVICE),
            host: unless(HOST, ADDRESS),
            at_once: super::at_once(&option(AT_ONCE)).unwrap_or(1),
            primary: unless(PRIMARY, AUTO),
            begin: unless(BEGIN, AUTO),
            lost: unless(LOST, AUTO),
        }
    }

    /// Whether a member is of the service that controls.
    fn may_begin(&self, member: &Member) -> bool {
        let is_it = |name: &str| {
            let short = name.trim_start_matches("tasks.");
            short == self.service || short.ends_with(&format!("_{}", self.service))
        };
        let by_service = match &member.id {
            MemberId::Slot { service, .. } => Some(is_it(service)),
            MemberId::Address(_) => None,
        };
        by_service.or_else(|| member.part.as_deref().map(is_it)) == Some(true)
    }

    /// Where the others are to reach a member.
    fn host(&self, member: &Member) -> String {
        let named = self.host.clone().filter(|_| self.may_begin(member));
        named.unwrap_or_else(|| member.address.address.to_string())
    }

    /// Who is to control the others, by an operator's wish or the configuration.
    fn wished<'a>(&self, situation: &Situation<'a, Detail>) -> Option<&'a Member> {
        let wish = situation
            .orders
            .wishes
            .get(PRIMARY)
            .or(self.primary.as_deref())?;
        let mut members = situation.wanted();
        members.find(|member| member.id.to_string() == wish || member.address.to_string() == wish)
    }

    /// Whether an operator says that this instance is lost for good.
    fn is_lost(&self, situation: &Situation<'_, Detail>, instance: &str) -> bool {
        let said = situation.orders.wishes.get(LOST);
        said.or(self.lost.as_deref()) == Some(instance)
    }

    /// Whether an operator has this instance begin a cluster where there was one.
    fn is_to_begin(&self, situation: &Situation<'_, Detail>, instance: &str) -> bool {
        let said = situation.orders.wishes.get(BEGIN);
        said.or(self.begin.as_deref()) == Some(instance)
    }

    /// What is to be done in a cluster whose controlling server answers.
    fn within(
        &self,
        situation: &Situation<'_, Detail>,
        world: &World<'_>,
    ) -> Proposal<AllegrographRequest> {
        let grow::Growth {
            mut steps,
            mut refusals,
            missing,
        } = grow::next(self, situation, world);
        let departures = depart::departures(self, situation, world);
        let leaves = leave::leaves(self, situation, world);
        if let Some(step) = self.hand_over(situation, world, &mut refusals) {
            steps = vec![step];
        }
        // One change at a time, and those first who cannot wait for long.
        if leaves.iter().any(|leave| !leave.last.is_empty()) {
            steps.clear();
        }
        let size = world.there().count();
        let unity = match missing {
            Some(missing) if situation.leaving().next().is_none() => Unity::apart(missing),
            _ => Unity::One { size },
        };
        let outside = situation.leaving_views();
        let outside = outside.filter(|(member, _)| world.is_free(member));
        Proposal {
            steps,
            departures,
            leaves,
            outsiders: outside.map(|(member, _)| member.address).collect(),
            refusals,
            born: Some(world.chief.1.node.clone()),
            ..Proposal::nothing(unity)
        }
    }

    /// The order that another one controls, if it is one of the cluster and has all data.
    fn hand_over(
        &self,
        situation: &Situation<'_, Detail>,
        world: &World<'_>,
        refusals: &mut Vec<Refusal>,
    ) -> Option<Step<AllegrographRequest>> {
        let wished = self.wished(situation)?;
        if wished.address == world.chief.0.address {
            return None;
        }
        let what = format!("have {} control the others", wished.id);
        match world.instance_of(wished) {
            Some(instance)
                if !world.is_copied(instance)
                    && !matches!(instance.state, State::Down | State::Stopped) =>
            {
                Some(ask(
                    world.chief.0.address,
                    Act::Control(instance.name.clone()),
                    StepKind::Arrange,
                ))
            }
            Some(_) => {
                refusals.push(told(&what, "its data is being copied yet, or it is down"));
                None
            }
            None => {
                refusals.push(told(&what, "it is not in the cluster"));
                None
            }
        }
    }
}

/// A remark for the operator.
fn told(what: &str, why: impl Into<String>) -> Refusal {
    Refusal::new(what, Reason::Misconfigured(why.into()))
}

fn ask(to: Place, act: Act, kind: StepKind) -> Step<AllegrographRequest> {
    Step::new(to, AllegrographRequest { act, kind }, Vec::new())
}
