//! Slots that nobody owns although everybody names an owner: two masters hold each other
//! to be it.
//!
//! So it ends when a slot was handed over while its giver took a later epoch: the giver's
//! last claim takes the slot back from its target, and then it hears that it gave it away.
//! Neither claims it, so that no message ever settles it.

use std::collections::BTreeMap;

use meshworker_core::Place;
use redis::Value;
use tokio::time::Instant;

use super::client::{Client, Lease};
use super::perform::{nodes, reach, said, unanswered};
use super::slots::Slots;
use crate::Failure;

/// Lets the one of these masters claim the slots that has their keys; the first one where
/// none has any. Slots that somebody owns meanwhile are left alone, and so are those of
/// which several hold keys.
///
/// # Errors
///
/// A master refused, gave no answer, or is somebody else; or no slot could be settled.
pub async fn settle(
    client: &Client,
    first: Lease,
    slots: &Slots,
    others: &[(String, Place)],
    deadline: Instant,
) -> Result<String, Failure> {
    let mut masters = vec![first];
    for (node, address) in others {
        masters.push(reach(client, *address, node, deadline).await?);
    }
    let mut left = disowned(&mut masters, slots, deadline).await?;
    let mut holders: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (at, master) in masters.iter_mut().enumerate() {
        for slot in with_keys(master, &left, deadline).await? {
            holders.entry(slot).or_default().push(at);
        }
    }
    // Who gets a slot owns it before its giver lets go: looked at one after another, a slot
    // on its way can seem to be nobody's, but not twice.
    left = disowned(&mut masters, &left, deadline).await?;
    let mut settled = 0;
    let mut torn = Vec::new();
    let mut claims: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
    for slot in left.iter() {
        match holders.get(&slot).map(Vec::as_slice) {
            None => claims.entry(0).or_default().push(slot),
            Some([one]) => claims.entry(*one).or_default().push(slot),
            Some(_) => torn.push(slot),
        }
    }
    for (at, slots) in claims {
        let names = masters.iter().filter_map(|master| master.node.clone());
        let names: Vec<String> = names.collect();
        let own = names.get(at);
        let other = names.iter().find(|name| Some(*name) != own);
        if let (Some(own), Some(other), Some(master)) = (own, other, masters.get_mut(at)) {
            let mut commands = redis::pipe();
            for slot in &slots {
                // Whoever imports a slot takes a new epoch with it.
                let mut set = |state, node: &str| {
                    let command = commands.cmd("CLUSTER").arg("SETSLOT").arg(*slot);
                    command.arg(state).arg(node);
                };
                set("IMPORTING", other);
                set("NODE", own);
            }
            said(master.exchange(&commands, deadline).await)?;
            settled += slots.len();
        }
    }
    masters.into_iter().for_each(|master| client.keep(master));
    match torn.first() {
        Some(slot) if settled == 0 => Err(Failure::Refused(format!(
            "several masters hold keys of slot {slot}: look at them with CLUSTER GETKEYSINSLOT, \
             and let the one that is to own it claim it with CLUSTER SETSLOT"
        ))),
        _ => Ok(format!("{settled} have an owner again")),
    }
}

/// Those of the slots that none of these masters owns by its own word.
async fn disowned(
    masters: &mut [Lease],
    slots: &Slots,
    deadline: Instant,
) -> Result<Slots, Failure> {
    let mut left = slots.clone();
    for master in masters {
        let Some(table) = nodes(master, deadline).await? else {
            return Err(Failure::Unanswered("no table of nodes".into()));
        };
        if let Some(own) = table.table.get(table.myself) {
            let others = left.iter().filter(|slot| !own.slots.contains(*slot));
            left = others.collect();
        }
    }
    Ok(left)
}

/// Those of the slots of which this master holds keys.
async fn with_keys(
    master: &mut Lease,
    slots: &Slots,
    deadline: Instant,
) -> Result<Vec<u16>, Failure> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let mut count = redis::pipe();
    for slot in slots.iter() {
        count.cmd("CLUSTER").arg("COUNTKEYSINSLOT").arg(slot);
    }
    let replies = master.exchange(&count, deadline).await;
    let replies = replies.map_err(unanswered)?;
    let counted = slots.iter().zip(replies);
    counted
        .filter_map(|(slot, reply)| match reply {
            Value::Int(0) => None,
            Value::Int(_) => Some(Ok(slot)),
            other => Some(Err(Failure::Unanswered(format!(
                "COUNTKEYSINSLOT {slot}: found {other:?}, allowed: a number"
            )))),
        })
        .collect()
}
