//! Slots and their keys on their way from one master to another.
//!
//! ```text
//! target: SETSLOT s IMPORTING source     keys that the source no longer has
//! source: SETSLOT s MIGRATING target     are asked for at the target
//! source: GETKEYSINSLOT, MIGRATE ...     until the slot is empty there
//! target, source, others: SETSLOT s NODE target
//! ```
//!
//! In this order every key has one place at any time, and stopping anywhere
//! leaves marks in both nodes' tables that the next pass sees and finishes.
//! <https://redis.io/docs/latest/commands/cluster-setslot/#redis-cluster-live-resharding-explained>

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::client::{Client, Lease};
use super::perform::{said, unanswered};
use super::slots::Slots;
use super::wire::refusal;
use crate::Failure;

/// How many slots are open at once: a worker that dies leaves no more behind,
/// and empty slots still go in few round trips.
const OPEN_AT_ONCE: usize = 16;

/// How many keys one `MIGRATE` takes, during which the source serves nobody
/// else.
const KEYS_AT_ONCE: usize = 64;

/// Slots on their way from one master to another.
pub struct Migration<'a> {
    /// How further nodes are reached.
    pub client: &'a Client,
    /// The master that gives.
    pub source: Lease,
    /// The master that takes.
    pub target: Lease,
    /// When to stop at the latest. What is not moved by then, a later pass moves.
    pub deadline: Instant,
}

impl Migration<'_> {
    /// Moves as many of the slots as the time allows, and says how many.
    ///
    /// # Errors
    ///
    /// A node refused, or gave no answer: slots may be left open.
    pub async fn run(mut self, slots: &Slots, others: &[IpAddr]) -> Result<String, Failure> {
        let ids = self.source.node.clone().zip(self.target.node.clone());
        let Some((source, target)) = ids else {
            return Err(Failure::Unanswered("a node without id".into()));
        };
        // No new slots are opened in the last quarter of the time.
        let patience = self.client.access().deadline / 4;
        let all: Vec<u16> = slots.iter().collect();
        let mut moved = Vec::new();
        for part in all.chunks(OPEN_AT_ONCE) {
            if self.deadline.duration_since(Instant::now()) < patience {
                break;
            }
            let (full, ready) = self.open(part, &source, &target).await?;
            for slot in full {
                if !self.empty(slot, patience / 2).await? {
                    // What has been opened is finished by the next pass.
                    self.tell(&moved, &target, others).await;
                    let (done, all) = (moved.len(), all.len());
                    return Ok(format!("moved {done} of {all} slots, and a part of {slot}"));
                }
            }
            if !ready.is_empty() {
                let owned = set_slots(&ready, "NODE", Some(&target));
                said(self.target.exchange(&owned, self.deadline).await)?;
                said(self.source.exchange(&owned, self.deadline).await)?;
            }
            moved.extend_from_slice(part);
        }
        self.tell(&moved, &target, others).await;
        self.client.keep(self.source);
        self.client.keep(self.target);
        Ok(format!("moved {} of {} slots", moved.len(), all.len()))
    }

    /// Marks the slots as on the move at both ends. Returns those whose keys are
    /// to be moved, and those whose owner is to be changed; the rest has been
    /// moved before.
    async fn open(
        &mut self,
        slots: &[u16],
        source: &str,
        target: &str,
    ) -> Result<(Vec<u16>, Vec<u16>), Failure> {
        let importing = set_slots(slots, "IMPORTING", Some(source));
        let at_target = self.target.exchange(&importing, self.deadline).await;
        let at_target = at_target.map_err(unanswered)?;
        let migrating = set_slots(slots, "MIGRATING", Some(target));
        let at_source = self.source.exchange(&migrating, self.deadline).await;
        let at_source = at_source.map_err(unanswered)?;
        let mut full = Vec::new();
        let mut ready = Vec::new();
        for ((slot, target), source) in slots.iter().zip(&at_target).zip(&at_source) {
            match (refusal(target), refusal(source)) {
                (None, None) => {
                    full.push(*slot);
                    ready.push(*slot);
                }
                // The target was given it, the source has not heard of it: only
                // an empty source lets go, so no key can be overwritten.
                (Some(why), None) if why.contains(OWNER) => ready.push(*slot),
                (Some(why), Some(other)) if why.contains(OWNER) && other.contains(NO_OWNER) => {}
                // A third master may own it by now: taking it would lose keys.
                (why, other) => {
                    let why = why.or(other).unwrap_or_default();
                    let close = set_slots(&[*slot], "STABLE", None);
                    if let Err(error) = self.target.exchange(&close, self.deadline).await {
                        return Err(unanswered(error));
                    }
                    return Err(Failure::Refused(format!("slot {slot}: {why}")));
                }
            }
        }
        Ok((full, ready))
    }

    /// Moves the keys of one slot, until the source has none, which it returns;
    /// or until only so much time is left, since a slot may be of any size.
    async fn empty(&mut self, slot: u16, patience: Duration) -> Result<bool, Failure> {
        while self.deadline.duration_since(Instant::now()) > patience {
            let mut commands = redis::pipe();
            commands.cmd("CLUSTER").arg("GETKEYSINSLOT");
            commands.arg(slot).arg(KEYS_AT_ONCE);
            let replies = self.source.exchange(&commands, self.deadline).await;
            let keys = match replies.map_err(unanswered)?.into_iter().next() {
                Some(Value::Array(keys)) => keys,
                Some(reply) => {
                    let why = refusal(&reply).unwrap_or_else(|| "no list of keys".into());
                    return Err(Failure::Refused(why));
                }
                None => return Err(Failure::Unanswered("no list of keys".into())),
            };
            if keys.is_empty() {
                return Ok(true);
            }
            let migrate = self.migrate(&keys)?;
            said(self.source.exchange(&migrate, self.deadline).await)?;
        }
        Ok(false)
    }

    /// `MIGRATE` of these keys. `REPLACE`, since after a broken attempt a key
    /// may be at both ends: then the source's is the one that was served.
    fn migrate(&self, keys: &[Value]) -> Result<Pipeline, Failure> {
        let access = self.client.access();
        let left = self.deadline.duration_since(Instant::now());
        let mut commands = redis::pipe();
        commands.cmd("MIGRATE").arg(self.target.address.to_string());
        commands.arg(access.service_port).arg("").arg(0);
        commands.arg(left.max(Duration::from_millis(1)).as_millis() as u64);
        commands.arg("REPLACE");
        if let Some(file) = &access.password {
            let password = file
                .read()
                .map_err(|error| Failure::Refused(error.to_string()))?;
            match &access.user {
                Some(user) => commands.arg("AUTH2").arg(user).arg(password),
                None => commands.arg("AUTH").arg(password),
            };
        }
        commands.arg("KEYS");
        for key in keys {
            if let Value::BulkString(key) = key {
                commands.arg(key);
            }
        }
        Ok(commands)
    }

    /// Tells the other masters who owns the slots now. They would hear of it
    /// anyway, a moment later; until then they send clients to the old owner.
    async fn tell(&self, slots: &[u16], target: &str, others: &[IpAddr]) {
        if slots.is_empty() {
            return;
        }
        let news = set_slots(slots, "NODE", Some(target));
        let told = others.iter().map(|other| async {
            let asked = self.client.ask(*other, &news, self.deadline).await;
            if let Ok((lease, _)) = asked {
                self.client.keep(lease);
            }
        });
        join_all(told).await;
    }
}

/// What Redis answers for a slot that was moved already: by the target to
/// `IMPORTING`, by the source to `MIGRATING`.
const OWNER: &str = "already the owner";
const NO_OWNER: &str = "not the owner";

fn set_slots(slots: &[u16], state: &str, node: Option<&str>) -> Pipeline {
    let mut commands = redis::pipe();
    for slot in slots {
        commands.cmd("CLUSTER").arg("SETSLOT").arg(*slot).arg(state);
        if let Some(node) = node {
            commands.arg(node);
        }
    }
    commands
}
