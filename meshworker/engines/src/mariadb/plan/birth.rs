//! A cluster begins: the lowest slot is opened in the first term, once every member that
//! there is to be answers, has nothing, and has promised.

use std::collections::BTreeSet;

use meshworker_core::{Gate, MemberId, Proposal, Situation, StepKind, Succession, Unity};

use super::slot::{server_of, slot};
use super::world::World;
use super::{Rules, ask, told, within};
use crate::mariadb::detail::Detail;
use crate::mariadb::gtid::Position;
use crate::mariadb::request::{Act, MariadbRequest};

/// What brings a cluster into being where nobody was ever opened.
pub fn propose(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Proposal<MariadbRequest> {
    if let Some(why) = too_early(rules, situation, world) {
        return Proposal {
            steps: within::fences(world),
            refusals: vec![told(crate::BEGIN, why.clone())],
            ..Proposal::nothing(Unity::apart(why))
        };
    }
    let steps = within::fences(world);
    let Some(first) = world.nodes.values().next().filter(|_| steps.is_empty()) else {
        return Proposal {
            steps,
            ..Proposal::nothing(Unity::apart(
                "a cluster begins: its members keep fences first",
            ))
        };
    };
    let bid = rules.bid(first);
    let term = world.next_term(&bid);
    let all = world.nodes.values();
    let lacks = all.clone().filter(|node| !node.is_sealed(term, &bid));
    let lacks: Vec<_> = lacks.collect();
    let ackers: Vec<u32> = world.nodes.keys().copied().skip(1).collect();
    let seal = lacks.iter().map(|node| world.seal(node, &bid));
    let task = first.member.task.clone();
    let promote = Act::Promote {
        term,
        holder: bid.holder(),
        cluster: format!("{}-{}-{term}", first.server, task.unwrap_or_default()),
        position: Position::default(),
        waits: !ackers.is_empty(),
        ackers: Some(ackers),
    };
    let sealed = world.nodes.len() - lacks.len();
    let missing = format!(
        "a cluster begins: {sealed} of {} members have promised",
        world.nodes.len()
    );
    let objections = match lacks.is_empty() {
        true => Vec::new(),
        false => vec![(Gate::Sealed, missing.clone())],
    };
    Proposal {
        succession: Some(Succession {
            what: format!("begin with {} in term {term}", first.member.id),
            predecessor: None,
            planned: true,
            forced: false,
            electors: all.map(|node| node.at()).collect(),
            objections,
            seal: seal.collect(),
            promote: vec![ask(first, promote, StepKind::Succeed)],
        }),
        ..Proposal::nothing(Unity::apart(missing))
    }
}

/// Why nothing is begun yet: somebody may have data.
fn too_early(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Option<String> {
    if let Some(born) = &situation.orders.born {
        return Some(format!(
            "cluster {born} was here, and nobody who has its data is: bring one of its disks \
             back; if it is lost, `meshworker acknowledge` lets a new one begin"
        ));
    }
    let waits = situation.wanted().chain(situation.leaving());
    // A stranger under the members' name keeps nobody from beginning.
    for member in waits.filter(|member| slot(member).is_some()) {
        match situation.answers.get(&member.address) {
            Some(Ok(_)) => {}
            Some(Err(why)) => return Some(format!("{}: {why}", member.id)),
            None => return Some(format!("{} was not asked", member.id)),
        }
    }
    if let Some(node) = world.nodes.values().find(|node| !node.detail.is_blank()) {
        return Some(format!(
            "{} has data that no worker has seen before: begin with empty disks, and load it \
             then",
            node.member.id
        ));
    }
    if let Some(member) = situation.spares().next() {
        return Some(format!("{} does not run yet", member.id));
    }
    let slots: BTreeSet<u32> = world.nodes.keys().copied().collect();
    let desired = situation.roster.census().desired();
    let Some(need) = rules.initial.or(desired) else {
        return Some(
            "no witness says how many members there are to be: set the option initial-members"
                .into(),
        );
    };
    if need == 1 && rules.initial != Some(1) {
        return Some(
            "a single empty disk looks the same before a birth and after a loss: set the option \
             initial-members=1 if this member may begin a cluster whenever it is empty, or \
             deploy 3 replicas"
                .into(),
        );
    }
    let need = need.max(desired.unwrap_or(0));
    // The first ones: others may have come up beside a cluster that is out of sight.
    let is_there = |slot: u64| server_of(slot).is_some_and(|server| slots.contains(&server));
    let first = u64::from(!is_there(0) && !is_zero_to_come(situation));
    let mut those = (first..).take(need);
    let lacks = those.find(|slot| !is_there(*slot));
    lacks.map(|slot| format!("the member of slot {slot} is not there, of {need} to begin with"))
}

/// Whether the member of slot 0, where a StatefulSet begins unless told otherwise, is not here
/// yet.
fn is_zero_to_come(situation: &Situation<'_, Detail>) -> bool {
    let mut services = situation
        .roster
        .members()
        .iter()
        .filter_map(|one| match &one.id {
            MemberId::Slot { service, .. } => Some(service.clone()),
            MemberId::Address(_) => None,
        });
    let zero = |service| MemberId::Slot { service, slot: 0 };
    let census = situation.roster.census();
    services.any(|service| census.is_to_fill(&zero(service)) == Some(true))
}
