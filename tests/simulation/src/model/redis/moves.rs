//! Slots on their way, one exchange after another, as the engine moves them.

use super::Redis;
use super::node::{Id, NONE, keys_of};
use crate::model::last;
use crate::net::Net;
use meshworker_core::Place;
use meshworker_engines::redis::Slots;

/// The time that a move has, after which nothing new is begun.
const DEADLINE: u64 = 1_000;

/// So many exchanges take a tenth of a second.
const AT_ONCE: usize = 2;

/// What comes next.
#[derive(Debug, Clone)]
enum Stage {
    Mark,
    Import,
    Migrate,
    Empty,
    Own,
    Let,
    Tell,
}

/// A move of slots that a worker has begun.
#[derive(Debug, Clone)]
pub struct Move {
    worker: usize,
    source: Id,
    target: Id,
    /// Where they are reached.
    at: (u8, u8),
    others: Vec<u8>,
    /// What is still to be opened; then what is open.
    slots: Vec<u16>,
    /// What is empty at the source.
    empty: Vec<u16>,
    until: u64,
    stage: Stage,
}

impl Move {
    /// Slots that this worker moves between these two.
    pub fn new(
        worker: usize,
        ends: [(Id, u8); 2],
        slots: Vec<u16>,
        others: &[Place],
        now: u64,
    ) -> Move {
        let [(source, from), (target, to)] = ends;
        Move {
            worker,
            source,
            target,
            at: (from, to),
            others: others.iter().map(|at| last(*at)).collect(),
            slots,
            empty: Vec::new(),
            until: now + DEADLINE,
            stage: Stage::Mark,
        }
    }

    /// Whose move it is.
    pub fn worker(&self) -> usize {
        self.worker
    }
}

/// One slot, as its source sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Free,
    Ours,
    Arrived,
    Theirs,
}

impl Redis {
    /// Every move goes on by one exchange.
    pub(super) fn go_on(&mut self, now: u64, net: &Net) {
        let moves = std::mem::take(&mut self.moves);
        let up = self.up(now);
        for mut one in moves {
            let there = |redis: &Redis, address: u8, id: Id| {
                let at = up
                    .iter()
                    .copied()
                    .find(|at| redis.processes[*at].address == address)?;
                let reached = net.worker_reaches(one.worker, redis.processes[at].host);
                (reached && redis.nodes[at].id == id).then_some(at)
            };
            let source = there(self, one.at.0, one.source);
            let target = there(self, one.at.1, one.target);
            if let (Some(source), Some(target)) = (source, target)
                && (0..AT_ONCE).all(|_| self.exchange(&mut one, source, target, now, net))
            {
                self.moves.push(one);
            }
        }
    }

    /// One exchange. Returns whether there is more to do.
    fn exchange(&mut self, one: &mut Move, a: usize, b: usize, now: u64, net: &Net) -> bool {
        let (source, target) = (one.source, one.target);
        match one.stage {
            Stage::Mark => {
                one.slots
                    .retain(|slot| matches!(self.mark(a, *slot, target), Mark::Free | Mark::Ours));
                one.stage = Stage::Import;
            }
            Stage::Import => {
                if self.nodes[b].master.is_some() {
                    return false;
                }
                for slot in &one.slots {
                    let node = &mut self.nodes[b];
                    if node.owner_of(*slot) != node.id {
                        node.importing.insert(*slot, source);
                    }
                }
                one.stage = Stage::Migrate;
            }
            Stage::Migrate => {
                let slots = std::mem::take(&mut one.slots);
                for slot in slots {
                    // In one piece with the look at the mark.
                    match self.mark(a, slot, target) {
                        Mark::Free | Mark::Ours if self.owns(a, slot) => {
                            self.nodes[a].migrating.insert(slot, target);
                            one.slots.push(slot);
                        }
                        _ => self.give_up(b, slot),
                    }
                }
                one.stage = Stage::Empty;
            }
            Stage::Empty => {
                let Some(slot) = one.slots.first().copied() else {
                    one.stage = Stage::Own;
                    return !one.empty.is_empty();
                };
                let mark = self.mark(a, slot, target);
                if matches!(mark, Mark::Theirs | Mark::Free) {
                    self.give_up(b, slot);
                    one.slots.remove(0);
                } else if mark == Mark::Arrived || !self.nodes[a].has_keys(slot) {
                    // Those without keys are told from the others in one exchange.
                    let empty = |slot: &u16| !self.nodes[a].has_keys(*slot);
                    let (empty, full) = one.slots.iter().partition(|slot| empty(slot));
                    one.empty.extend::<Vec<u16>>(empty);
                    one.slots = full;
                } else if now >= one.until {
                    one.slots.clear();
                } else {
                    let keys = self.nodes[a].keys & keys_of(slot);
                    let key = keys & keys.wrapping_neg();
                    if self.nodes[b].master.is_some() {
                        return false;
                    }
                    self.nodes[b].keys |= key;
                    self.nodes[a].keys &= !key;
                }
            }
            Stage::Own if !self.has_heard(a, b) => {
                // It is asked again until the time is over.
                return now < one.until + DEADLINE / 2;
            }
            Stage::Own => {
                let empty = std::mem::take(&mut one.empty);
                for slot in empty {
                    match self.mark(a, slot, target) {
                        Mark::Ours => one.empty.push(slot),
                        Mark::Arrived => {}
                        Mark::Free | Mark::Theirs => self.give_up(b, slot),
                    }
                }
                // Whoever gives its last slot away may follow the target.
                let node = &self.nodes[a];
                let own = usize::from(node.owned(node.id));
                if !node.importing.is_empty() && own <= one.empty.len() {
                    one.empty.pop();
                }
                for slot in &one.empty {
                    self.set_node(b, *slot, target);
                }
                one.stage = Stage::Let;
            }
            Stage::Let => {
                for slot in &one.empty {
                    self.set_node(a, *slot, target);
                }
                one.stage = Stage::Tell;
            }
            Stage::Tell => {
                for other in std::mem::take(&mut one.others) {
                    let Some(at) = self.at_address(other, now) else {
                        continue;
                    };
                    if net.worker_reaches(one.worker, self.processes[at].host)
                        && self.nodes[at].master.is_none()
                    {
                        for slot in &one.empty {
                            self.set_node(at, *slot, target);
                        }
                    }
                }
                return false;
            }
        }
        true
    }

    /// Whether `b` knows with which epoch `a` claims its slots, and no other has the same.
    fn has_heard(&self, a: usize, b: usize) -> bool {
        let source = &self.nodes[a];
        let mut others = source.known.values();
        let alone = others.all(|known| {
            known.master.is_some() || known.fail.is_some() || known.epoch != source.epoch
        });
        let heard = self.nodes[b].known.get(&source.id);
        self.careless || (alone && heard.is_some_and(|known| known.epoch >= source.epoch))
    }

    /// Who has keys of a slot that none of these owns claims it; the first where none has any.
    pub(super) fn settle(&mut self, masters: &[usize], slots: &Slots) {
        for slot in slots.iter() {
            if masters.iter().any(|at| self.owns(*at, slot)) {
                continue;
            }
            let holders = masters.iter().filter(|at| self.nodes[**at].has_keys(slot));
            let holders: Vec<usize> = holders.copied().collect();
            let at = match holders.as_slice() {
                [] => masters[0],
                [one] => *one,
                _ => continue,
            };
            let other = masters.iter().find(|other| **other != at);
            if let Some(other) = other.map(|other| self.nodes[*other].id) {
                self.nodes[at].importing.insert(slot, other);
                self.set_node(at, slot, self.nodes[at].id);
            }
        }
    }

    fn owns(&self, at: usize, slot: u16) -> bool {
        self.nodes[at].owner_of(slot) == self.nodes[at].id
    }

    fn mark(&self, source: usize, slot: u16, target: Id) -> Mark {
        let node = &self.nodes[source];
        match node.owner_of(slot) {
            owner if owner == target => Mark::Arrived,
            _ if self.careless => Mark::Ours,
            owner if owner == node.id => match node.migrating.get(&slot) {
                None => Mark::Free,
                Some(other) if *other == target => Mark::Ours,
                Some(_) => Mark::Theirs,
            },
            _ => Mark::Theirs,
        }
    }

    /// The target gives up the slot, unless it has got keys of it.
    fn give_up(&mut self, target: usize, slot: u16) {
        let node = &mut self.nodes[target];
        if !node.has_keys(slot) {
            node.importing.remove(&slot);
            node.migrating.remove(&slot);
        }
    }

    /// `CLUSTER SETSLOT slot NODE id`.
    pub(super) fn set_node(&mut self, at: usize, slot: u16, id: Id) {
        let node = &mut self.nodes[at];
        let mine = node.owner_of(slot) == node.id;
        let known = id == node.id || node.known.contains_key(&id);
        if node.master.is_some() || !known || id == NONE {
            return;
        }
        if mine && id != node.id && node.has_keys(slot) {
            return;
        }
        if !node.has_keys(slot) {
            node.migrating.remove(&slot);
        }
        node.set_owner(slot, id);
        if id == node.id && node.importing.remove(&slot).is_some() {
            node.bump();
            node.version += 1;
        }
        if mine && id != node.id && node.owned(node.id) == 0 && self.migration {
            node.follow(id, self.now);
        }
    }
}
