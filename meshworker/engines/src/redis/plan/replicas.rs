//! Who is a master, and who follows whom.

use std::collections::BTreeMap;

use meshworker_core::{Reason, Refusal, counted};

use super::assign::spread;
use super::versions::{self, flows};
use super::world::{Node, World};
use super::{Draft, Rules};
use crate::redis::MIN_MASTERS;
use crate::redis::request::Act;

/// Who plays which part, once all slots have an owner.
pub struct Cast<'w, 'a> {
    /// The members that own slots, or are about to, in order.
    pub masters: Vec<&'w Node<'a>>,
    /// Masters without slots and keys that nobody needs as masters.
    idle: Vec<&'w Node<'a>>,
    /// Owners of slots that are neither of them nor meant to go.
    away: usize,
}

/// Gives every member its part. An empty newcomer becomes a master when the
/// cluster has grown enough for one more.
pub fn cast<'w, 'a>(rules: &Rules, world: &'w World<'a>) -> Cast<'w, 'a> {
    let gets_slots = |node: &&Node<'_>| {
        let coming = node.view.detail.open.iter().any(|open| !open.leaves);
        node.is_master() && (!node.own.slots.is_empty() || coming)
    };
    let mut masters: Vec<&Node<'_>> = world.members().filter(gets_slots).collect();
    let mut idle: Vec<&Node<'_>> = world
        .members()
        .filter(|node| node.is_master() && !gets_slots(node))
        .collect();
    // Owners that nobody lists, or dead and not replaced ones, count as well;
    // those that are meant to go need somebody to take their place.
    let goes = |id: &str| world.nodes.get(id).is_some_and(|node| node.leaving);
    let away = world.owners.keys();
    let away = away.filter(|id| !goes(id) && !masters.iter().any(|node| node.id == **id));
    let away = away.count();
    let open = rules
        .masters(world.members().count())
        .saturating_sub(masters.len() + away);
    // Slots must be able to come to it.
    let able = |node: &Node<'_>| masters.is_empty() || masters.iter().any(|m| flows(m, node));
    let empty = idle.iter().copied();
    let empty: Vec<&Node<'_>> = empty.filter(|n| n.is_empty() && able(n)).collect();
    let promoted = spread(&empty, open, &masters);
    idle.retain(|node| !promoted.iter().any(|master| master.id == node.id));
    masters.extend(promoted);
    masters.sort_by_key(|node| node.order);
    Cast {
        masters,
        idle,
        away,
    }
}

/// Members without a part follow the master that has the fewest replicas, if
/// possible on another host; and a master that lacks one gets it from a master
/// that has more than enough.
pub fn attach(rules: &Rules, world: &World<'_>, cast: &Cast<'_, '_>, draft: &mut Draft) {
    if cast.masters.is_empty() {
        return;
    }
    let mut seekers = Vec::new();
    for node in &cast.idle {
        if !node.is_empty() {
            draft.refusals.push(dirty(node));
            draft
                .waits
                .push(format!("{} has keys and no slots", node.address));
        } else if rules.replicas == 0 {
            draft.waits.push(format!("{} has no slots", node.address));
        } else {
            seekers.push(*node);
        }
    }
    let masters = &cast.masters;
    let mut crews: Vec<Crew<'_, '_>> = cast.masters.iter().map(|node| Crew::of(node)).collect();
    for node in world.members().filter(|node| node.own.replica) {
        let master = node.own.master.as_deref().unwrap_or_default();
        if let Some(crew) = crews.iter_mut().find(|crew| crew.master.id == master) {
            // It cannot read what its master has become: it copies in vain.
            let in_vain = !node.view.detail.in_sync && !flows(crew.master, node);
            if in_vain && masters.iter().any(|master| flows(master, node)) {
                seekers.push(node);
            } else {
                crew.replicas.push(node);
            }
        } else if !world.owners.contains_key(master) {
            // Its master is gone, or became a replica: nobody will be sorry.
            seekers.push(node);
        }
    }
    let (mut seekers, unable): (Vec<_>, Vec<_>) = seekers
        .into_iter()
        .partition(|node| masters.iter().any(|master| flows(master, node)));
    for node in unable {
        let master = cast.masters.first();
        let what = format!("give {} a master to follow", node.address);
        let refusal = master.map(|master| versions::refusal(what, master, node));
        draft.refusals.extend(refusal);
    }
    seekers.sort_by_key(|node| node.order);
    let mut pairs = if !seekers.is_empty() {
        place(&seekers, &mut crews)
    } else if world.complete && world.leavers().next().is_none() {
        even_out(rules, &mut crews)
    } else {
        Vec::new()
    };
    part_hosts(&mut pairs);
    for (replica, master) in pairs {
        let known = replica.entry(master.id);
        if known.is_some_and(|entry| !entry.replica && entry.is_alive()) {
            let said = replica.said(if replica.own.replica {
                format!(
                    "follows {}",
                    replica.own.master.as_deref().unwrap_or("nobody")
                )
            } else {
                "is a master without slots and keys".to_owned()
            });
            let master = master.id.to_owned();
            draft.step(replica, Act::Replicate { master }, vec![said]);
        } else {
            let (replica, master) = (replica.address, master.address);
            draft
                .waits
                .push(format!("{replica} does not know its master {master} yet"));
        }
    }
}

/// A replica becomes a master when there are fewer than a majority takes, or
/// none is to be a replica: a master that gave its slots away follows another
/// one from then on, also when it has come back. Returns whether one does.
///
/// Only while everything else is in order: its copy of the data is dropped.
pub fn promote(rules: &Rules, world: &World<'_>, cast: &Cast<'_, '_>, draft: &mut Draft) -> bool {
    let members = world.members().count();
    let need = match rules.replicas {
        0 => rules.masters(members),
        _ => MIN_MASTERS.min(members),
    };
    let in_order = world.complete
        && world.fragments.len() == 1
        && world.leavers().next().is_none()
        && draft.steps.is_empty()
        && draft.waits.is_empty()
        && world.members().all(|node| node.view.working.is_none());
    if cast.masters.len() >= need || cast.away > 0 || !in_order {
        return false;
    }
    let crew = |master: &Node<'_>| {
        let replicas = world.members().filter(|node| node.own.replica);
        replicas
            .filter(|node| node.own.master.as_deref() == Some(master.id))
            .filter(|node| node.view.detail.in_sync)
            .filter(|node| cast.masters.iter().all(|master| flows(master, node)))
            .collect::<Vec<_>>()
    };
    let crews = cast.masters.iter().map(|master| crew(master));
    let Some(largest) = crews.rev().max_by_key(Vec::len) else {
        return false;
    };
    let Some(replica) = spread(&largest, 1, &cast.masters).pop() else {
        return false;
    };
    let master = replica.own.master.clone().unwrap_or_default();
    let said = format!(
        "follows {master}, and {} masters are too few",
        cast.masters.len()
    );
    draft.step(replica, Act::Reset { master }, vec![replica.said(said)]);
    true
}

/// A master with its replicas.
struct Crew<'w, 'a> {
    master: &'w Node<'a>,
    replicas: Vec<&'w Node<'a>>,
}

impl<'w, 'a> Crew<'w, 'a> {
    fn of(master: &'w Node<'a>) -> Crew<'w, 'a> {
        Crew {
            master,
            replicas: Vec::new(),
        }
    }

    /// How bad it would be to add this replica: few replicas first, then the
    /// master's host, then those of its replicas.
    fn cost(&self, replica: &Node<'_>) -> (usize, bool, usize) {
        let same = |other: &&&Node<'_>| other.host == replica.host;
        (
            self.replicas.len(),
            self.master.host == replica.host,
            self.replicas.iter().filter(same).count(),
        )
    }
}

type Pair<'w, 'a> = (&'w Node<'a>, &'w Node<'a>);

fn place<'w, 'a>(seekers: &[&'w Node<'a>], crews: &mut [Crew<'w, 'a>]) -> Vec<Pair<'w, 'a>> {
    let mut pairs = Vec::new();
    for seeker in seekers {
        let best = crews
            .iter_mut()
            .filter(|crew| flows(crew.master, seeker))
            .min_by_key(|crew| (crew.cost(seeker), crew.master.order));
        if let Some(crew) = best {
            crew.replicas.push(seeker);
            pairs.push((*seeker, crew.master));
        }
    }
    pairs
}

/// Replicas move from masters that have two more than those that lack one.
fn even_out<'w, 'a>(rules: &Rules, crews: &mut [Crew<'w, 'a>]) -> Vec<Pair<'w, 'a>> {
    let mut moved: BTreeMap<&str, Pair<'w, 'a>> = BTreeMap::new();
    loop {
        let size = |at: &usize| {
            crews
                .get(*at)
                .map_or(0, |crew: &Crew<'_, '_>| crew.replicas.len())
        };
        let richest = (0..crews.len()).rev().max_by_key(size);
        let poorest = (0..crews.len()).min_by_key(size);
        let (Some(richest), Some(poorest)) = (richest, poorest) else {
            break;
        };
        if size(&poorest) >= rules.replicas || size(&richest) < size(&poorest) + 2 {
            break;
        }
        let Some(master) = crews.get(poorest).map(|crew| crew.master) else {
            break;
        };
        let Some(replica) = crews.get_mut(richest).and_then(|crew| {
            let able = |node: &&Node<'_>| flows(master, node);
            let at = crew.replicas.iter().rposition(able)?;
            Some(crew.replicas.remove(at))
        }) else {
            break;
        };
        if let Some(crew) = crews.get_mut(poorest) {
            crew.replicas.insert(0, replica);
            moved.insert(replica.id, (replica, crew.master));
        }
    }
    moved.into_values().collect()
}

/// Swaps masters between replicas where that parts more of them from their
/// masters' hosts: whoever chose first may have taken the only good one.
fn part_hosts(pairs: &mut [Pair<'_, '_>]) {
    let clash = |replica: &Node<'_>, master: &Node<'_>| usize::from(replica.host == master.host);
    for a in 0..pairs.len() {
        for b in 0..a {
            let (Some((one, first)), Some((two, second))) =
                (pairs.get(a).copied(), pairs.get(b).copied())
            else {
                continue;
            };
            let able = flows(second, one) && flows(first, two);
            if able
                && clash(one, second) + clash(two, first) < clash(one, first) + clash(two, second)
            {
                if let Some(pair) = pairs.get_mut(a) {
                    *pair = (one, second);
                }
                if let Some(pair) = pairs.get_mut(b) {
                    *pair = (two, first);
                }
            }
        }
    }
}

fn dirty(node: &Node<'_>) -> Refusal {
    let keys = counted(node.view.detail.keys, "keys");
    Refusal {
        what: format!("give {} a part", node.address),
        reason: Reason::DataUnowned(format!(
            "it holds {keys} and owns no slot: if nobody needs them, send it FLUSHALL"
        )),
        evidence: vec![node.said(format!("{keys}, no slots"))],
    }
}
