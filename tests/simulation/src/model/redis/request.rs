//! What becomes of a request.

use meshworker_engines::redis::{Act, RedisRequest};

use super::moves::Move;
use super::node::{NONE, keys_of, number};
use super::{Redis, UNITS};
use crate::chance::Chance;
use crate::event::{Assigned, Event};
use crate::model::{Asker, last};

/// For so long a node that was forgotten is not believed in.
const BAN: u64 = 60_000;

impl Redis {
    /// Does what is asked, after the same questions that the engine asks first.
    pub(super) fn obey(
        &mut self,
        at: usize,
        request: &RedisRequest,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        let now = asker.now;
        if number(&request.node) != Some(self.nodes[at].id) || !self.processes[at].ours {
            return Err("another node lives there now".into());
        }
        let meet = |redis: &Redis, address: u8, id: &str| {
            let there = redis.at_address(address, now).filter(|there| {
                asker
                    .net
                    .worker_reaches(asker.worker, redis.processes[*there].host)
            });
            let there = there.ok_or("nobody answers there")?;
            match number(id) == Some(redis.nodes[there].id) && redis.processes[there].ours {
                true => Ok::<usize, String>(there),
                false => Err("another node lives there now".into()),
            }
        };
        match &request.act {
            Act::Meet { address, guest, .. } => {
                meet(self, last(*address), guest)?;
                let done = now + chance.between(100, 1_000);
                self.nodes[at].hands.entry(last(*address)).or_insert(done);
            }
            Act::Assign(slots) => {
                let node = &self.nodes[at];
                if slots.iter().any(|slot| node.owner_of(slot) != NONE) {
                    return Err("slot is already busy".into());
                }
                let keys = slots.iter().fold(0, |keys, slot| keys | keys_of(slot));
                let holders = self.holders_but(at, keys);
                self.renewed |= self.nodes.iter().any(|node| node.keys & keys != 0);
                let node = &mut self.nodes[at];
                for slot in slots.iter() {
                    node.set_owner(slot, node.id);
                    node.importing.remove(&slot);
                }
                self.happened.push(Event::Assigned(Assigned {
                    looked: asker.looked,
                    node: at,
                    keys,
                    holders,
                    awaited: Vec::new(),
                }));
            }
            Act::Replicate { master } => {
                let master = number(master).ok_or("no such node")?;
                let node = &mut self.nodes[at];
                match node.known.get(&master) {
                    None => return Err("Unknown node".into()),
                    Some(known) if known.master.is_some() => {
                        return Err("I can only replicate a master, not a replica.".into());
                    }
                    Some(_) => {}
                }
                if node.master.is_none() && (node.owned(node.id) > 0 || node.keys != 0) {
                    return Err("the node must be empty and without assigned slots".into());
                }
                node.follow(master, now);
            }
            Act::Move {
                slots,
                target,
                address,
                others,
            } => {
                let there = meet(self, last(*address), target)?;
                let ends = [at, there];
                let ends = ends.map(|at| (self.nodes[at].id, self.processes[at].address));
                let slots = slots.iter().collect();
                let one = Move::new(asker.worker, ends, slots, others, now);
                self.moves.push(one);
            }
            Act::Failover => {
                let node = &mut self.nodes[at];
                if node.master.is_some() {
                    node.takeover = Some(now + chance.between(100, 600));
                }
            }
            Act::Reset { master } => {
                let node = &mut self.nodes[at];
                if node.master != number(master) {
                    return Ok(());
                }
                let old = std::mem::take(&mut node.keys);
                node.master = None;
                node.known.clear();
                node.hands.clear();
                node.importing.clear();
                node.migrating.clear();
                for slot in 0..super::SLOTS {
                    node.set_owner(slot, NONE);
                }
                node.version += 1;
                self.note_erased(at, old, "it was reset");
            }
            Act::Claim { slots, others } => {
                let mut masters = vec![at];
                for (id, address) in others {
                    masters.push(meet(self, last(*address), id)?);
                }
                self.settle(&masters, slots);
            }
            Act::Close(slots) => {
                let node = &mut self.nodes[at];
                for slot in slots.iter() {
                    if node.owner_of(slot) == node.id {
                        node.importing.remove(&slot);
                    } else {
                        node.migrating.remove(&slot);
                    }
                }
            }
            Act::Forget { node: gone } => {
                let Some(gone) = number(gone) else {
                    return Err("Unknown node".into());
                };
                let node = &mut self.nodes[at];
                if node.master == Some(gone) {
                    return Err("Can't forget my master!".into());
                }
                if node.known.remove(&gone).is_some() {
                    node.banned.insert(gone, now + BAN);
                    for slot in 0..super::SLOTS {
                        if node.owner_of(slot) == gone {
                            node.set_owner(slot, NONE);
                        }
                    }
                    node.version += 1;
                }
            }
        }
        Ok(())
    }

    /// The other running members that hold some of these keys.
    fn holders_but(&self, at: usize, keys: u64) -> Vec<usize> {
        let all = 0..self.processes.len();
        all.filter(|other| {
            let process = &self.processes[*other];
            *other != at
                && process.ours
                && process.is_alive()
                && self.nodes[*other].keys & keys != 0
        })
        .collect()
    }

    /// Notes which of these keys, dropped by this node, no other running one holds.
    pub(super) fn note_erased(&mut self, at: usize, keys: u64, how: &str) {
        if keys == 0 || self.renewed || !self.processes[at].ours {
            return;
        }
        let others = (0..self.processes.len()).filter(|other| {
            *other != at && self.processes[*other].ours && self.processes[*other].is_alive()
        });
        // What is in the directory of one that does not run at present is not lost.
        let idle = self.directories.values().copied();
        let idle = idle.filter(|at| !self.processes[*at].is_alive());
        let held =
            (others.chain(idle)).fold(self.nodes[at].keys, |held, at| held | self.nodes[at].keys);
        for unit in (0..UNITS).filter(|unit| keys & !held & (1 << unit) != 0) {
            self.happened.push(Event::Erased(crate::event::Erased {
                unit,
                node: at,
                how: how.to_owned(),
            }));
        }
    }
}
