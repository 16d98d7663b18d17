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

mod empty;
mod epochs;
mod marks;
mod port;
mod weight;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Pipeline, Value};
use tokio::time::{Instant, sleep};

pub use self::weight::OPEN_AT_ONCE;

use self::epochs::Epochs;
use self::marks::{Mark, Marks};
use self::weight::{Bounds, weigh};
use super::client::{Client, Lease};
use super::heavy::{Heavies, Heavy};
use super::perform::{said, unanswered};
use super::slots::Slots;
use super::wire::{Expect, refusal, text};
use crate::Failure;
use meshworker_core::Place;

/// How many keys of a slot are weighed before it is opened. Most have fewer; of
/// those that have more, further ones are weighed before they move.
const KEYS_LOOKED_AT: usize = 256;

/// Slots on their way from one master to another.
pub struct Migration<'a> {
    /// How further nodes are reached.
    pub client: &'a Client,
    /// Where it is noted what cannot move.
    pub heavies: &'a Heavies,
    /// The master that gives.
    pub source: Lease,
    /// The master that takes.
    pub target: Lease,
    /// When to stop at the latest. What is not moved by then, a later pass moves.
    pub deadline: Instant,
    /// The port at which the target takes keys, as far as clients know.
    pub port: u16,
}

/// Slots whose keys are to be moved, and slots that only lack their new owner.
#[derive(Default)]
struct Opened {
    full: Vec<u16>,
    empty: Vec<u16>,
}

/// What has become of the slots so far.
#[derive(Default)]
struct Tally {
    moved: Vec<u16>,
    /// The slot that the time did not suffice for.
    begun: Option<u16>,
    /// Slots that stay where they are, and why.
    left: Vec<String>,
    /// Those of them that are too large to move.
    heavy: Vec<Heavy>,
    /// Those that were looked at, whatever became of them.
    tried: Vec<u16>,
    /// Whether a replica does not follow: further slots would wait for it as well.
    waits: bool,
}

impl Tally {
    fn leave(&mut self, slot: u16, why: &str) {
        self.waits |= why.starts_with(NO_REPLICAS);
        self.left.push(format!("slot {slot}: {why}"));
    }

    fn keep(&mut self, heavy: Heavy) {
        self.leave(heavy.slot, &heavy.to_string());
        self.heavy.push(heavy);
    }

    /// Whether nothing more is begun.
    fn stops(&self) -> bool {
        self.begun.is_some() || self.waits
    }

    fn result(self, all: usize) -> Result<String, Failure> {
        let Tally {
            moved, begun, left, ..
        } = self;
        match left.first() {
            Some(why) if moved.is_empty() && begun.is_none() => Err(Failure::Refused(why.clone())),
            why => {
                let part = begun.map(|slot| format!(", and a part of {slot}"));
                let why = why.map(|why| format!("; {why}"));
                let (moved, part, why) = (
                    moved.len(),
                    part.unwrap_or_default(),
                    why.unwrap_or_default(),
                );
                Ok(format!("moved {moved} of {all} slots{part}{why}"))
            }
        }
    }
}

impl Migration<'_> {
    /// Moves as many of the slots as the time allows, and says how many.
    ///
    /// # Errors
    ///
    /// A node refused, or gave no answer: slots may be left open.
    pub async fn run(mut self, slots: &Slots, others: &[Place]) -> Result<String, Failure> {
        let ids = self.source.node.clone().zip(self.target.node.clone());
        let Some((source, target)) = ids else {
            return Err(Failure::Unanswered("a node without id".into()));
        };
        let usual = self.target.address.port(self.port);
        self.port = port::port(&mut self.target, usual, self.deadline).await;
        // No new slots are opened in the last quarter of the time.
        let patience = self.client.access().deadline / 4;
        let all: Vec<u16> = slots.iter().collect();
        let until = self.soon();
        let bounds = Bounds::ask(&mut self.source, &mut self.target, until).await;
        let mut bounds = bounds.map_err(unanswered)?;
        let mut tally = Tally::default();
        for part in all.chunks(bounds.slots_at_once()) {
            if tally.stops() || self.deadline.duration_since(Instant::now()) < patience {
                break;
            }
            tally.tried.extend(part);
            let opened = self
                .open(part, &source, &target, &bounds, &mut tally)
                .await?;
            let Opened { full, mut empty } = opened;
            let rest = self.empty(full, &target, &mut bounds, patience / 2, &mut tally);
            empty.extend(rest.await?);
            self.hand_over(&empty, &target, &bounds, &mut tally).await?;
        }
        self.tell(&tally.moved, &target, others).await;
        let found = std::mem::take(&mut tally.heavy);
        self.heavies.note(&source, tally.tried.drain(..), found);
        self.client.keep(self.source);
        self.client.keep(self.target);
        tally.result(all.len())
    }

    /// When a request that is made now must be answered: a large key may have taken
    /// all the time that there was, and what has been opened is closed all the same.
    fn soon(&self) -> Instant {
        let least = self.client.access().deadline / 2;
        self.deadline.max(Instant::now() + least)
    }

    /// What the source says of its slots now.
    async fn marks<'t>(&mut self, target: &'t str) -> Result<Marks<'t>, Failure> {
        let replies = self.source.exchange(&marks::question(), self.soon()).await;
        let replies = replies.map_err(unanswered)?;
        Marks::parse(replies.first(), target).map_err(unanswered)
    }

    /// Marks the slots as on the move at both ends. Those that another worker
    /// moves elsewhere, or that another master owns by now, are left alone.
    async fn open(
        &mut self,
        slots: &[u16],
        source: &str,
        target: &str,
        bounds: &Bounds,
        tally: &mut Tally,
    ) -> Result<Opened, Failure> {
        let now = self.marks(target).await?;
        let mut fresh = Vec::new();
        let mut free = Vec::new();
        for slot in slots {
            match now.of(*slot) {
                Mark::Free => fresh.push(*slot),
                Mark::Ours => free.push(*slot),
                Mark::Arrived => tally.moved.push(*slot),
                other => tally.leave(*slot, &other.objection().unwrap_or_default()),
            }
        }
        free.extend(self.movable(&fresh, target, bounds, tally).await?);
        if free.is_empty() {
            return Ok(Opened::default());
        }
        let importing = set_slots(&free, "IMPORTING", Some(source));
        let until = bounds.slots_deadline(free.len(), self.soon());
        let at_target = self.target.exchange(&importing, until).await;
        let mut willing = Vec::new();
        let mut owned = Vec::new();
        for (slot, reply) in free.iter().zip(at_target.map_err(unanswered)?) {
            match refusal(&reply) {
                None => willing.push(*slot),
                // It was given the slot, and the source has not heard of it: only
                // an empty source lets go, so no key can be overwritten.
                Some(why) if why.contains(OWNER) => {
                    owned.push(*slot);
                    willing.push(*slot);
                }
                Some(why) => tally.leave(*slot, &why),
            }
        }
        let until = bounds.slots_deadline(willing.len(), self.soon());
        let refused = marks::mark(&mut self.source, target, &willing, !bounds.waits, until).await;
        let mut opened = Opened::default();
        for (slot, refused) in willing.into_iter().zip(refused.map_err(unanswered)?) {
            match refused {
                None if owned.contains(&slot) => opened.empty.push(slot),
                None => opened.full.push(slot),
                Some(why) if owned.contains(&slot) && why.contains(NO_OWNER) => {
                    tally.moved.push(slot);
                }
                // Another worker was quicker, or a third master owns it by now:
                // taking it would lose keys.
                Some(why) => self.abandon(slot, &why, tally).await?,
            }
        }
        Ok(opened)
    }

    /// Those of the slots that can move as a whole. A slot that cannot is not begun:
    /// it would stay on the move for ever.
    async fn movable(
        &mut self,
        slots: &[u16],
        target: &str,
        bounds: &Bounds,
        tally: &mut Tally,
    ) -> Result<Vec<u16>, Failure> {
        let mut commands = redis::pipe();
        for slot in slots {
            commands.cmd("CLUSTER").arg("GETKEYSINSLOT");
            commands.arg(*slot).arg(KEYS_LOOKED_AT);
        }
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let replies = self.source.exchange(&commands, self.soon()).await;
        let replies = replies.map_err(unanswered)?;
        let mut keys = Vec::new();
        let mut owners = Vec::new();
        for (slot, reply) in slots.iter().zip(replies) {
            if let Value::Array(some) = reply {
                owners.extend(some.iter().map(|_| *slot));
                keys.extend(some);
            }
        }
        let weights = if keys.is_empty() {
            Vec::new()
        } else {
            let until = self.soon();
            let weights = weigh(&mut self.source, &keys, until).await;
            weights.map_err(unanswered)?
        };
        // The weight of each slot, and its heaviest key.
        let mut whole: BTreeMap<u16, (u64, &Value, u64)> = BTreeMap::new();
        let mut stuck: BTreeMap<u16, Heavy> = BTreeMap::new();
        for ((slot, key), weight) in owners.iter().zip(&keys).zip(&weights) {
            let (all, heaviest, most) = whole.entry(*slot).or_insert((0, key, 0));
            *all = all.saturating_add(*weight);
            if weight > most {
                (*heaviest, *most) = (key, *weight);
            }
            if let Some(heavy) = bounds.too_heavy(*slot, key, *weight) {
                stuck.entry(*slot).or_insert(heavy);
            }
        }
        let mut coming: u64 = 0;
        for (slot, (weight, key, _)) in whole {
            if stuck.contains_key(&slot) {
                continue;
            }
            let all = coming.saturating_add(weight);
            match bounds.too_full(slot, key, all, target) {
                Some(heavy) => {
                    stuck.insert(slot, heavy);
                }
                None => coming = all,
            }
        }
        let movable = slots.iter().filter(|slot| !stuck.contains_key(slot));
        let movable = movable.copied().collect();
        stuck.into_values().for_each(|heavy| tally.keep(heavy));
        Ok(movable)
    }

    /// The target gives up the slot, unless it has got keys of it: whoever owns
    /// them is to send it the rest.
    async fn abandon(&mut self, slot: u16, why: &str, tally: &mut Tally) -> Result<(), Failure> {
        tally.leave(slot, why);
        let mut count = redis::pipe();
        count.cmd("CLUSTER").arg("COUNTKEYSINSLOT").arg(slot);
        let replies = self.target.exchange(&count, self.soon()).await;
        if let Some(Value::Int(0)) = replies.map_err(unanswered)?.first() {
            let close = set_slots(&[slot], "STABLE", None);
            let closed = self.target.exchange(&close, self.soon()).await;
            closed.map_err(unanswered)?;
        }
        Ok(())
    }

    /// Makes the target the owner of these slots, which the source has emptied,
    /// and which are still on their way to it.
    async fn hand_over(
        &mut self,
        slots: &[u16],
        target: &str,
        bounds: &Bounds,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if slots.is_empty() {
            return Ok(());
        }
        let now = self.marks(target).await?;
        let mut ready = Vec::new();
        for slot in slots {
            match now.of(*slot) {
                Mark::Ours => ready.push(*slot),
                Mark::Arrived => tally.moved.push(*slot),
                other => {
                    let why = other.objection();
                    let why = why.unwrap_or_else(|| "somebody stopped its move".into());
                    self.abandon(*slot, &why, tally).await?;
                }
            }
        }
        // Whoever gives its last slot away may follow the target by itself
        // (`cluster-allow-replica-migration yes`), and then has what that one has: keys
        // that another worker moves to it would be gone.
        if now.gives_all(&ready)
            && let Some(slot) = ready.pop()
        {
            tally.leave(slot, "it is its owner's last one, and others come to it");
        }
        if ready.is_empty() {
            return Ok(());
        }
        if !self.target_has_heard().await? {
            let why = "its target has not heard of its owner's epoch yet";
            ready.iter().for_each(|slot| tally.leave(*slot, why));
            return Ok(());
        }
        let owned = set_slots(&ready, "NODE", Some(target));
        let until = bounds.slots_deadline(ready.len(), self.soon());
        said(self.target.exchange(&owned, until).await)?;
        match said(self.source.exchange(&owned, until).await) {
            // It gave its last slot away, and follows the target by itself since
            // (`cluster-allow-replica-migration yes`).
            Err(Failure::Refused(why)) if why.contains(NO_MASTER) => {}
            done => {
                done?;
            }
        }
        tally.moved.extend(ready);
        Ok(())
    }

    /// Waits until the target would claim the slots with a later epoch than the source does;
    /// false where it has not heard of the source's in time. That another master has the same
    /// one as the source is waited for as long, and no longer.
    async fn target_has_heard(&mut self) -> Result<bool, Failure> {
        let until = self.soon();
        loop {
            let source = self.source.exchange(&marks::question(), until).await;
            let target = self.target.exchange(&marks::question(), until).await;
            let [source, target] = [source, target].map(|replies| {
                let replies = replies.map_err(unanswered)?;
                let table = replies.first().and_then(text).unwrap_or_default();
                Ok::<_, Failure>(Epochs::parse(&table))
            });
            let source = source?;
            let heard = target?.has_heard(&source);
            let late = until.duration_since(Instant::now()) < 4 * GOSSIP;
            if late || heard && source.is_alone() {
                return Ok(heard);
            }
            sleep(GOSSIP).await;
        }
    }

    /// Tells the other masters who owns the slots now. They would hear of it
    /// anyway, a moment later; until then they send clients to the old owner.
    async fn tell(&self, slots: &[u16], target: &str, others: &[Place]) {
        if slots.is_empty() {
            return;
        }
        let news = set_slots(slots, "NODE", Some(target));
        let told = others.iter().map(|other| async {
            let asked = self
                .client
                .ask(*other, &news, Expect::Words, self.soon())
                .await;
            if let Ok((lease, _)) = asked {
                self.client.keep(lease);
            }
        });
        join_all(told).await;
    }
}

/// How long until it is asked again whether news have spread.
const GOSSIP: Duration = Duration::from_millis(50);

/// What Redis answers for a slot that was moved already: by the target to
/// `IMPORTING`, by the source to `MIGRATING`.
const OWNER: &str = "already the owner";
const NO_OWNER: &str = "not the owner";

/// What Valkey answers when a replica has not heard of the slot in time: it is as it
/// was, until the replica follows again or its master has given it up.
const NO_REPLICAS: &str = "NOREPLICAS";

/// What a replica answers to every `SETSLOT`.
const NO_MASTER: &str = "only with masters";

/// `CLUSTER SETSLOT` for each of these.
pub fn set_slots(slots: &[u16], state: &str, node: Option<&str>) -> Pipeline {
    let mut commands = redis::pipe();
    add_slots(&mut commands, slots, state, node);
    commands
}

fn add_slots(commands: &mut Pipeline, slots: &[u16], state: &str, node: Option<&str>) {
    for slot in slots {
        commands.cmd("CLUSTER").arg("SETSLOT").arg(*slot).arg(state);
        if let Some(node) = node {
            commands.arg(node);
        }
    }
}
