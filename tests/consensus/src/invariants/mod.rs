//! What must never happen, one promise per file, and what must happen in the end.

mod acknowledged_orders_survive;
mod logs_agree;
mod no_act_without_intent;
mod one_authority;
mod one_leader_per_term;
mod whole_in_the_end;

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::Fence;
use meshworker_group::{Applied, Command, GroupId, Replica, StoreId};

pub use whole_in_the_end::missing;

use super::world::{Told, World};

/// The name of a promise, and how it was broken.
pub type Broken = (&'static str, String);

/// What has been seen, by which promises are checked.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What the story came to so far.
    pub told: Told,
    leaders: BTreeMap<(GroupId, u64), StoreId>,
    entries: BTreeMap<(GroupId, u64), (u64, Option<Command>)>,
    acknowledged: Vec<(GroupId, u64, String)>,
    intents: BTreeMap<(GroupId, Fence), (String, u64)>,
    made: BTreeMap<(GroupId, String), Fence>,
    /// Who votes in each group, and who did until the change is complete, as whoever has
    /// applied most knows it.
    voters: BTreeMap<GroupId, (u64, [BTreeSet<StoreId>; 2])>,
    given_up: BTreeSet<GroupId>,
}

impl Ledger {
    /// Notes who votes.
    pub fn votes(&mut self, replica: &Replica) {
        let known = self.voters.entry(replica.group()).or_default();
        if replica.applied() >= known.0 {
            *known = (replica.applied(), votes(replica));
        }
    }

    /// A group is one no more.
    pub fn given_up(&mut self, group: GroupId) {
        self.given_up.insert(group);
        self.acknowledged.retain(|(of, _, _)| *of != group);
    }

    /// Whether in some group a majority of the stores that vote is lost, or there are two groups
    /// of several, so that only a person can help.
    pub fn is_beyond_help(&self, world: &World) -> bool {
        // Whoever is scaled away takes its store out of reach, too.
        let running = world
            .swarm
            .running()
            .filter_map(|task| task.process.as_ref());
        let stores: BTreeSet<StoreId> = running.map(|process| process.disk.seen.store).collect();
        let lost = |voters: &BTreeSet<StoreId>| {
            let there = voters.iter().filter(|store| stores.contains(store)).count();
            !voters.is_empty() && 2 * there <= voters.len()
        };
        let there = world
            .swarm
            .running()
            .filter_map(|task| task.process.as_ref());
        let mut there = there.filter_map(|process| process.participant.replica());
        there.any(|replica| {
            let newest = self.voters.get(&replica.group());
            let newest = newest.iter().flat_map(|(_, voters)| voters);
            votes(replica).iter().chain(newest).any(lost)
        }) || is_torn(world)
    }

    /// Whoever leads in a term.
    ///
    /// # Errors
    ///
    /// Another one did.
    pub fn leads(&mut self, group: GroupId, term: u64, store: StoreId) -> Result<(), Broken> {
        one_leader_per_term::check(&mut self.leaders, group, term, store)
    }

    /// What a store has applied.
    ///
    /// # Errors
    ///
    /// Another one applied something else there.
    pub fn applied(&mut self, group: GroupId, applied: &[Applied], now: u64) -> Result<(), Broken> {
        for entry in applied {
            self.told.entries += 1;
            if let Some(Command::Intend(intent)) = &entry.command {
                let first = (intent.target.clone(), now);
                self.intents.entry((group, entry.fence)).or_insert(first);
            }
            logs_agree::check(&mut self.entries, group, entry)?;
        }
        Ok(())
    }

    /// An order was acknowledged.
    pub fn acknowledge(&mut self, group: GroupId, index: u64, why: String) {
        self.told.orders += 1;
        self.acknowledged.push((group, index, why));
    }

    /// Somebody may act who could not before.
    ///
    /// # Errors
    ///
    /// It does not know what was acknowledged.
    pub fn took_over(&mut self, replica: &Replica) -> Result<(), Broken> {
        self.told.leaders += 1;
        acknowledged_orders_survive::check(&self.acknowledged, replica)
    }

    /// An act was made.
    ///
    /// # Errors
    ///
    /// It may not have been.
    pub fn acts(
        &mut self,
        group: GroupId,
        fence: Fence,
        target: &str,
        now: u64,
    ) -> Result<(), Broken> {
        self.told.acts += 1;
        no_act_without_intent::check(&self.intents, &mut self.made, group, fence, target, now)
    }

    /// Who may act at this moment.
    ///
    /// # Errors
    ///
    /// There are two.
    pub fn one_authority(
        &mut self,
        held: &[(u64, GroupId, Fence, [bool; 2])],
    ) -> Result<(), Broken> {
        self.told.hole |= one_authority::check(held)?;
        Ok(())
    }
}

fn votes(replica: &Replica) -> [BTreeSet<StoreId>; 2] {
    [replica.voters(), replica.outgoing()].map(BTreeSet::clone)
}

/// Whether two groups act, in each of which several vote: neither gives way by itself.
fn is_torn(world: &World) -> bool {
    let running = world.swarm.running();
    let replicas = running.filter_map(|task| task.process.as_ref()?.participant.replica());
    let leaders = replicas.filter(|one| one.is_leader() && one.voters().len() > 1);
    let groups: BTreeSet<GroupId> = leaders.map(Replica::group).collect();
    groups.len() > 1
}
