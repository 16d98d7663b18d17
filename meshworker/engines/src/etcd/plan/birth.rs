//! A cluster begins once: one seed alone, after every member has promised on its disk that
//! it counts for this birth and for no other one.
//!
//! Whoever promised keeps a higher number only in place of a lower one, so that of two
//! workers who see different members none gathers all promises beside the other. A birth
//! that was promised by half of the disks or more may have happened: if its seed's disk
//! does not have the promise any more, data may be gone with it, and nobody but an operator
//! knows.

use std::collections::BTreeSet;

use meshworker_core::{
    Disk, Member, Nomination, Promise, Proposal, Situation, Tell, Touches, Unity,
};

use super::world::slot;
use super::{Rules, start, told};
use crate::etcd::detail::Detail;
use crate::etcd::request::EtcdRequest;

/// The number of a promise that is to no birth but to a cluster that runs: the highest one.
pub const BEGUN: u64 = u64::MAX;

/// A member that waits with a disk that counts for a birth.
#[derive(Clone, Copy)]
struct Blank<'a> {
    member: &'a Member,
    slot: u64,
    promise: Option<&'a Promise>,
}

/// What brings a cluster into being where nobody answers.
pub fn propose(rules: &Rules, situation: &Situation<'_, Detail>) -> Proposal<EtcdRequest> {
    let waits = |why: String| Proposal {
        refusals: vec![told("begin a cluster", why.clone())],
        ..Proposal::nothing(Unity::apart(why))
    };
    let blanks = match all_blank(rules, situation) {
        Ok(blanks) => blanks,
        Err(why) => return waits(why),
    };
    match next(rules, &blanks) {
        Ok((nominations, why)) => Proposal {
            nominations,
            ..Proposal::nothing(Unity::apart(why))
        },
        Err(why) => waits(why),
    }
}

/// All members that there are to be, if all of them wait with nothing on their disks.
fn all_blank<'a>(
    rules: &Rules,
    situation: &Situation<'a, Detail>,
) -> Result<Vec<Blank<'a>>, String> {
    // Its data is somewhere, or lost: which of the two, an operator knows.
    if let Some(born) = &situation.orders.born {
        return Err(format!(
            "cluster {born} was here, and nobody who has its data answers: bring one of its disks \
             back; if all are lost, `meshworker acknowledge` lets a new one begin"
        ));
    }
    let mut others = situation.wanted().chain(situation.leaving());
    if let Some(member) = others.next() {
        return Err(match situation.answers.get(&member.address) {
            Some(Err(why)) => format!("{}: {why}", member.id),
            _ => format!("{} has not said what is on its disk", member.id),
        });
    }
    let desired = situation.roster.census().desired();
    let need = rules.initial.or(desired).ok_or(
        "no witness says how many members there are to be: set the option initial-members",
    )?;
    let mut blanks = Vec::new();
    for member in situation.spares() {
        let slot = slot(member).ok_or(format!("{}: its slot is not known", member.id))?;
        let promise = match member.disk.as_deref() {
            None => return Err(format!("{} has not said what is on its disk", member.id)),
            Some(Disk::Nothing) => None,
            Some(Disk::Holds(holds)) => match &holds.ids {
                None => holds.promise.as_ref(),
                Some(ids) => {
                    return Err(format!(
                        "{} has data of cluster {} and does not run: no cluster is begun beside it",
                        member.id, ids.cluster
                    ));
                }
            },
            Some(Disk::Unreadable(why)) => return Err(format!("{}: {why}", member.id)),
        };
        blanks.push(Blank {
            member,
            slot,
            promise,
        });
    }
    let slots: BTreeSet<u64> = blanks.iter().map(|blank| blank.slot).collect();
    if slots.len() != blanks.len() {
        return Err("two members wait in one slot".into());
    }
    if desired.unwrap_or(blanks.len()) == 1 && rules.initial != Some(1) {
        return Err(
            "a single empty disk looks the same before a birth and after a loss: set the option \
             initial-members=1 if this member may begin a cluster whenever it is empty, or \
             deploy 3 replicas"
                .into(),
        );
    }
    // With fewer of them somebody may have data whom nobody hears.
    if blanks.len() < need.max(desired.unwrap_or(0)) {
        let need = need.max(desired.unwrap_or(0));
        return Err(format!("{} of {need} members are there", blanks.len()));
    }
    blanks.sort_by_key(|blank| blank.slot);
    Ok(blanks)
}

/// Whom to tell what, and what is missing yet.
fn next(rules: &Rules, blanks: &[Blank<'_>]) -> Result<(Vec<Nomination>, String), String> {
    let highest = blanks.iter().filter_map(|blank| blank.promise);
    let highest = highest.max_by_key(|promise| (promise.number, &promise.to));
    let lowest = blanks.first().ok_or("nobody is there")?;
    let keeps = |promise: &Promise| {
        let kept = blanks.iter().filter(|blank| blank.promise == Some(promise));
        kept.count()
    };
    let seed = |promise: &Promise| {
        let (slot, _) = promise.to.split_once('-')?;
        let slot: u64 = slot.parse().ok()?;
        let own = blanks.iter().find(|blank| blank.slot == slot)?;
        (own.promise == Some(promise)).then_some(own)
    };
    let promise = match highest {
        None => first_to(lowest, 1),
        Some(promise) if promise.number == BEGUN => {
            return Err(format!(
                "cluster {} has begun, and whoever has its data is not there: bring those disks \
                 back; if they are lost, remove the file `promise` from each slot's directory",
                promise.to
            ));
        }
        Some(promise) if seed(promise).is_some() => promise.clone(),
        Some(promise) if 2 * keeps(promise) >= blanks.len() => {
            return Err(format!(
                "a cluster may have begun as {}, and the disk of its seed is gone: bring that \
                 disk back; if no cluster was ever there, remove the file `promise` from each \
                 slot's directory",
                promise.to
            ));
        }
        // Too few for it to have happened.
        Some(promise) => first_to(lowest, promise.number.saturating_add(1)),
    };
    let lacks: Vec<&Blank<'_>> = blanks
        .iter()
        .filter(|blank| blank.promise != Some(&promise))
        .collect();
    let missing = format!(
        "a cluster begins: {} of {} members have promised",
        blanks.len() - lacks.len(),
        blanks.len()
    );
    let Some(seed) = seed(&promise).filter(|_| lacks.is_empty()) else {
        let asked = lacks.into_iter().map(|blank| Nomination {
            address: blank.member.address,
            tell: Tell::Promise(promise.clone()),
            touches: Touches::Parts([format!("slot {}", blank.slot)].into()),
        });
        return Ok((asked.collect(), missing));
    };
    let who = start::Known {
        member: seed.member,
        slot: seed.slot,
        number: seed.slot,
    };
    let start = start::alone(rules, who, &promise.to);
    let begins = Nomination {
        address: seed.member.address,
        tell: Tell::Start(start),
        touches: Touches::All,
    };
    Ok((vec![begins], missing))
}

/// A promise to this seed. Its task is in it, which is no other birth's: ids in etcd are
/// made of it.
fn first_to(seed: &Blank<'_>, number: u64) -> Promise {
    let address = seed.member.address.to_string();
    let task = seed.member.task.as_ref().unwrap_or(&address);
    Promise {
        number,
        to: format!("{}-{task}-{number}", seed.slot).into(),
    }
}
