//! The keys of open slots, on their way.

use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::marks::{self, Mark, Marks};
use super::weight::{AT_ONCE, Bounds, weigh};
use super::{Migration, Tally};
use crate::Failure;
use crate::redis::heavy::Heavy;
use crate::redis::perform::{said, unanswered};
use crate::redis::wire::refusal;

/// How many keys one `MIGRATE` takes, during which the source serves nobody
/// else.
const KEYS_AT_ONCE: usize = 64;

/// Some keys of one slot.
struct Batch {
    slot: u16,
    keys: Vec<Value>,
}

impl Migration<'_> {
    /// Moves the keys of these slots, until the source has none or only so much
    /// time is left, since a slot may be of any size. Returns the slots that are
    /// empty there.
    ///
    /// What is asked is asked for all slots at once. What moves moves one slot
    /// after another, between which the source serves others: a target that hangs
    /// keeps it for one `MIGRATE` and no more.
    pub(super) async fn empty(
        &mut self,
        mut slots: Vec<u16>,
        target: &str,
        bounds: &mut Bounds,
        patience: Duration,
        tally: &mut Tally,
    ) -> Result<Vec<u16>, Failure> {
        let mut empty = Vec::new();
        while !slots.is_empty() && tally.begun.is_none() {
            let batches = self.batches(&slots, target, tally, &mut empty).await?;
            let keys: Vec<Value> = batches.iter().flat_map(|b| b.keys.clone()).collect();
            let weights = match keys.is_empty() || self.is_late(patience) {
                true => Vec::new(),
                false => {
                    let until = self.soon();
                    let weights = weigh(&mut self.source, &keys, until).await;
                    weights.map_err(unanswered)?
                }
            };
            slots.clear();
            let mut weights = weights.into_iter();
            for batch in batches {
                if self.is_late(patience) {
                    // What has been opened is finished by the next pass.
                    tally.begun = Some(batch.slot);
                    break;
                }
                let own: Vec<u64> = weights.by_ref().take(batch.keys.len()).collect();
                match self.send(&batch, &own, target, bounds).await? {
                    // Some may be left, or new.
                    None => slots.push(batch.slot),
                    Some(heavy) => tally.keep(heavy),
                }
            }
        }
        if !slots.is_empty() {
            // The time was up after these: some may have got rid of all.
            self.batches(&slots, target, tally, &mut empty).await?;
        }
        Ok(empty)
    }

    fn is_late(&self, patience: Duration) -> bool {
        self.deadline.duration_since(Instant::now()) <= patience
    }

    /// Some keys of each of these slots, as far as the slot is still to move and has
    /// any; those without are added to `empty`.
    async fn batches(
        &mut self,
        slots: &[u16],
        target: &str,
        tally: &mut Tally,
        empty: &mut Vec<u16>,
    ) -> Result<Vec<Batch>, Failure> {
        let mut commands = marks::question();
        for slot in slots {
            commands.cmd("CLUSTER").arg("GETKEYSINSLOT");
            commands.arg(*slot).arg(KEYS_AT_ONCE);
        }
        let replies = self.source.exchange(&commands, self.soon()).await;
        let mut replies = replies.map_err(unanswered)?.into_iter();
        let now = Marks::parse(replies.next().as_ref(), target).map_err(unanswered)?;
        let mut batches = Vec::new();
        for slot in slots.iter().copied() {
            let reply = replies.next();
            match now.of(slot) {
                Mark::Ours => {}
                Mark::Arrived => {
                    empty.push(slot);
                    continue;
                }
                other => {
                    let why = other.objection();
                    let why = why.unwrap_or_else(|| "somebody stopped its move".into());
                    self.abandon(slot, &why, tally).await?;
                    continue;
                }
            }
            match reply {
                Some(Value::Array(keys)) if keys.is_empty() => empty.push(slot),
                Some(Value::Array(keys)) => batches.push(Batch { slot, keys }),
                Some(reply) => {
                    let why = refusal(&reply).unwrap_or_else(|| "no list of keys".into());
                    return Err(Failure::Refused(why));
                }
                None => return Err(Failure::Unanswered("no list of keys".into())),
            }
        }
        Ok(batches)
    }

    /// Moves as many of the keys as may go at once. If none may, says why.
    async fn send(
        &mut self,
        batch: &Batch,
        weights: &[u64],
        target: &str,
        bounds: &mut Bounds,
    ) -> Result<Option<Heavy>, Failure> {
        let mut load = Vec::new();
        let (mut weight, mut stuck) = (0_u64, None);
        for (key, own) in batch.keys.iter().zip(weights) {
            let all = weight.saturating_add(*own);
            let heavy = bounds.too_heavy(batch.slot, key, *own);
            let full = || bounds.too_full(batch.slot, key, all, target);
            if let Some(heavy) = heavy.or_else(full) {
                stuck = Some(heavy);
            } else if load.is_empty() || all <= AT_ONCE {
                load.push(key);
                weight = all;
            }
        }
        if load.is_empty() {
            return match stuck {
                Some(heavy) => Ok(Some(heavy)),
                None => Err(Failure::Unanswered("keys without a size".into())),
            };
        }
        // What is under way at the source is waited for: a try that was given up
        // goes on there, and the next one would only begin anew after it.
        let most = bounds.patience(weight);
        let migrate = self.migrate(&load, most)?;
        let deadline = Instant::now() + most + most / 2;
        said(self.source.exchange(&migrate, deadline).await)?;
        bounds.took(weight);
        Ok(None)
    }

    /// `MIGRATE` of these keys. `REPLACE`, since after a broken attempt a key
    /// may be at both ends: then the source's is the one that was served.
    fn migrate(&self, keys: &[&Value], patience: Duration) -> Result<Pipeline, Failure> {
        let access = self.client.access();
        let mut commands = redis::pipe();
        let host = self.target.address.address.to_string();
        commands.cmd("MIGRATE").arg(host);
        commands.arg(self.port).arg("").arg(0);
        commands.arg(patience.as_millis() as u64);
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
}
