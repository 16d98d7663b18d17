//! Redis Cluster: gossip, slots whose owner is whoever claims them with the highest
//! epoch, replicas that take over, and directories that outlive processes.

mod bus;
mod claims;
mod moves;
mod node;
mod request;
mod table;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use meshworker_core::Answer;
use meshworker_engines::redis::{Detail, RedisRequest, Rules, Shared};

use super::{Asker, Cause, Death, Model, Process, access};
use crate::chance::Chance;
use crate::event::Event;
use crate::net::Net;
use crate::relapse::Relapse;
use crate::setup::Setup;
use moves::Move;
use node::{Id, Known, NONE, Node, SLOTS, UNITS, slot_of};

/// `cluster-node-timeout`.
const TIMEOUT: u64 = 5_000;
/// A process opens its port after this time.
const START: u64 = 300;

/// All processes that ever were, and what is in the directories.
#[derive(Default)]
pub struct Redis {
    processes: Vec<Process>,
    /// The node of each process.
    nodes: Vec<Node>,
    /// The directories on each host, by slot and number, and the last process there.
    directories: BTreeMap<(usize, u64, u8), usize>,
    /// How many identities there have been.
    ids: Id,
    moves: Vec<Move>,
    shared: Shared,
    happened: Vec<Event>,
    volumes: bool,
    migration: bool,
    replicas: usize,
    now: u64,
    /// Whether slots were given away of which a directory has data that nobody runs:
    /// should that one come back, the later epoch wins.
    renewed: bool,
    /// Whether moves do not look at what others have begun.
    careless: bool,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<usize> = self.alive();
        f.debug_struct("Redis")
            .field("alive", &nodes)
            .finish_non_exhaustive()
    }
}

impl Model for Redis {
    type Planner = Rules;

    const NAME: &'static str = "redis";
    const FLOOR: usize = 3;
    const LEAST: u64 = 3;

    fn new(setup: &Setup, _chance: &mut Chance) -> Redis {
        Redis {
            volumes: setup.volumes,
            migration: setup.migration,
            careless: setup.relapse == Some(Relapse::TwoTargets),
            replicas: setup.replicas_per_master as usize,
            ..Redis::default()
        }
    }

    fn planner(setup: &Setup) -> Rules {
        let replicas = setup.replicas_per_master.to_string();
        Rules::of(&access(6379, &[("replicas-per-master", replicas)]))
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn start(&mut self, process: Process, chance: &mut Chance) -> usize {
        let at = self.processes.len();
        let loaded = process.started + START + chance.between(0, 1_500);
        let found = self.directory(&process);
        let mut node = match found.and_then(|key| self.directories.get(&key)) {
            Some(last) => {
                let old = &self.nodes[*last];
                let mut node = Node::new(old.id, loaded);
                node.known.clone_from(&old.known);
                node.table.clone_from(&old.table);
                node.table.unclaimed.clear();
                (node.epoch, node.current, node.master) = (old.epoch, old.current, old.master);
                node.migrating.clone_from(&old.migrating);
                node.importing.clone_from(&old.importing);
                (node.keys, node.has_copy) = (old.keys, old.has_copy);
                node.link_lost = old.master.map(|_| process.started);
                node
            }
            None => {
                let id = self.ids;
                self.ids += 1;
                Node::new(id, loaded)
            }
        };
        for known in node.known.values_mut() {
            known.heard = loaded;
            known.read = (0, 0);
        }
        if !process.ours {
            node.epoch = 1;
            (0..SLOTS).for_each(|slot| node.set_owner(slot, node.id));
        }
        node.version = 1_000 * (at as u64 + 1);
        if let Some(key) = found {
            self.directories.insert(key, at);
        }
        self.processes.push(process);
        self.nodes.push(node);
        at
    }

    fn stop(&mut self, at: usize, now: u64, cause: Cause) {
        if let Some(process) = self.processes.get_mut(at).filter(|p| p.is_alive()) {
            process.died = Some(Death { at: now, cause });
        }
    }

    fn found(&mut self, members: BTreeSet<usize>, now: u64) {
        let members: Vec<usize> = members.into_iter().collect();
        let masters = (members.len() / (1 + self.replicas))
            .max(3)
            .min(members.len());
        let share = usize::from(SLOTS).div_ceil(masters);
        let owners: Vec<Id> = (0..usize::from(SLOTS))
            .map(|slot| self.nodes[members[slot / share]].id)
            .collect();
        let known: Vec<(Id, Known)> = members
            .iter()
            .enumerate()
            .map(|(place, at)| {
                let known = Known {
                    address: self.processes[*at].address,
                    epoch: if place < masters { place as u64 + 1 } else { 0 },
                    master: (place >= masters).then(|| self.nodes[members[place % masters]].id),
                    heard: now,
                    fail: None,
                    read: (0, 0),
                };
                (self.nodes[*at].id, known)
            })
            .collect();
        for (place, at) in members.iter().enumerate() {
            let node = &mut self.nodes[*at];
            node.loaded = node.loaded.min(now);
            (node.epoch, node.master) = (known[place].1.epoch, known[place].1.master);
            node.current = masters as u64;
            let others = known.iter().filter(|(id, _)| *id != node.id);
            node.known = others.cloned().collect();
            for (slot, owner) in owners.iter().enumerate() {
                node.set_owner(slot as u16, *owner);
            }
            let leads = node.master.unwrap_or(node.id);
            let held = (0..UNITS).filter(|unit| owners[usize::from(slot_of(*unit))] == leads);
            node.keys = held.fold(0, |keys, unit| keys | 1 << unit);
            (node.ok, node.ok_since) = (true, Some(now));
            (node.synced, node.has_copy) = (node.master.is_some(), node.master.is_some());
        }
    }

    fn tick(&mut self, now: u64, net: &Net, chance: &mut Chance) {
        self.now = now;
        for at in self.up(now) {
            if !std::mem::replace(&mut self.nodes[at].stocked, true) {
                self.take_stock(at);
            }
        }
        self.gossip(now, net, chance);
        self.go_on(now, net);
    }

    fn write(&mut self, now: u64) {
        let mut held = 0;
        for at in self.alive() {
            held |= self.nodes[at].keys;
        }
        let up = self.up(now);
        for unit in (0..UNITS).filter(|unit| held & (1 << unit) == 0) {
            let slot = slot_of(unit);
            // A write whose copies are not waited for may be lost by itself: only what
            // is copied at once is written.
            let owner = up.iter().copied().find(|at| {
                let node = &self.nodes[*at];
                let mut crew = up
                    .iter()
                    .filter(|other| self.nodes[**other].master == Some(node.id));
                node.ok
                    && node.master.is_none()
                    && node.owner_of(slot) == node.id
                    && !node.migrating.contains_key(&slot)
                    && crew.all(|other| self.nodes[*other].synced)
            });
            if let Some(owner) = owner {
                let id = self.nodes[owner].id;
                self.nodes[owner].keys |= 1 << unit;
                for at in &up {
                    if self.nodes[*at].master == Some(id) {
                        self.nodes[*at].keys |= 1 << unit;
                    }
                }
            }
        }
    }

    fn holders(&self) -> Vec<u128> {
        let mut holders = vec![0; UNITS];
        for at in self.alive() {
            for (unit, holders) in holders.iter_mut().enumerate() {
                if self.nodes[at].keys & (1 << unit) != 0 {
                    *holders |= 1 << at;
                }
            }
        }
        holders
    }

    fn answer(&self, at: usize, now: u64) -> Answer<Detail> {
        self.view(at, now)
    }

    fn ask(
        &mut self,
        at: usize,
        request: &RedisRequest,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        self.obey(at, request, asker, chance)
    }

    fn is_at_work_for(&self, worker: usize) -> bool {
        self.moves.iter().any(|one| one.worker() == worker)
    }

    fn abandon(&mut self, worker: usize) {
        self.moves.retain(|one| one.worker() != worker);
    }

    fn forgets(&self, _at: usize, request: &RedisRequest) -> Vec<usize> {
        use meshworker_engines::redis::Act;
        let Act::Forget { node } = &request.act else {
            return Vec::new();
        };
        let gone = node::number(node);
        let mut nodes = self.nodes.iter();
        let last = nodes.rposition(|node| Some(node.id) == gone);
        last.into_iter().collect()
    }

    fn is_whole(&self, at: usize, members: u64, _now: u64) -> bool {
        let node = &self.nodes[at];
        let alive = node.known.values().filter(|known| known.fail.is_none());
        node.ok
            && (node.master.is_none() || node.synced)
            && node.migrating.is_empty()
            && node.importing.is_empty()
            && alive.count() as u64 + 1 >= members
    }

    fn missing(&self, members: &[usize], now: u64) -> Option<String> {
        let up = self.up(now);
        let ids: BTreeSet<Id> = members.iter().map(|at| self.nodes[*at].id).collect();
        let first = &self.nodes[*members.first()?];
        for at in members {
            let node = &self.nodes[*at];
            if !up.contains(at) {
                return Some(format!("n{at} loads"));
            }
            let known: BTreeSet<Id> = node.known.keys().copied().chain([node.id]).collect();
            if known != ids {
                return Some(format!("n{at} knows {known:?}, not {ids:?}"));
            }
            if !node.ok {
                return Some(format!("n{at} does not serve"));
            }
            if !node.table.same_owners(&first.table) {
                return Some(format!("n{at} has not heard of all owners"));
            }
            if !node.migrating.is_empty() || !node.importing.is_empty() {
                return Some(format!("n{at} has slots on the move"));
            }
            let replica = node.master.is_some();
            if replica && !node.synced || !replica && node.owned(node.id) == 0 {
                return Some(format!("n{at} has no part"));
            }
        }
        None
    }

    fn is_beyond_help(&self) -> bool {
        !self.orphans().is_empty()
    }

    fn is_renewed(&self) -> bool {
        self.renewed
    }

    fn is_outside(&self, at: usize, _now: u64) -> bool {
        let node = &self.nodes[at];
        node.keys == 0 && node.owned(NONE) == SLOTS
    }

    fn is_remembered(&self, at: usize) -> bool {
        let id = self.nodes[at].id;
        let mut alive = self.alive().into_iter();
        alive.any(|other| self.nodes[other].known.contains_key(&id))
    }

    fn is_free(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        node.master.is_some() || node.owned(node.id) == 0
    }

    fn kept(&self, host: usize, slot: u64) -> u64 {
        let there = (host, slot, 0)..=(host, slot, u8::MAX);
        let last = self.directories.range(there).map(|(_, last)| *last);
        let idle = last.filter(|last| !self.processes[*last].is_alive());
        idle.fold(0, |keys, last| keys | self.nodes[last].keys)
    }

    fn lose_disk(&mut self, host: usize) {
        self.directories.retain(|key, _| key.0 != host);
    }

    fn found_there(&self, at: usize) -> String {
        let node = &self.nodes[at];
        let (id, slots, keys) = (node.id, node.owned(node.id), node.keys);
        match node.master {
            Some(master) => format!(", node {id}, follows {master}, keys {keys:x}"),
            None => format!(", node {id}, {slots} slots, keys {keys:x}"),
        }
    }

    fn happened(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.happened)
    }
}

impl Redis {
    /// Our processes that answer.
    fn up(&self, now: u64) -> Vec<usize> {
        let all = 0..self.processes.len();
        all.filter(|at| {
            let process = &self.processes[*at];
            process.ours && process.is_alive() && self.nodes[*at].loaded <= now
        })
        .collect()
    }

    /// Owners of slots, by somebody's table, that do not run.
    fn orphans(&self) -> BTreeSet<Id> {
        let alive = self.alive();
        let ids: BTreeSet<Id> = alive.iter().map(|at| self.nodes[*at].id).collect();
        let mut orphans = BTreeSet::new();
        for at in &alive {
            let node = &self.nodes[*at];
            let gone = (0..NONE).filter(|id| node.owned(*id) > 0 && !ids.contains(id));
            orphans.extend(gone);
        }
        orphans
    }

    /// The process that answers at this address.
    fn at_address(&self, address: u8, now: u64) -> Option<usize> {
        let mut processes = self.processes.iter();
        let at = processes.rposition(|p| p.address == address && p.is_alive())?;
        (self.nodes[at].loaded <= now).then_some(at)
    }

    /// The directory that a process of this slot takes on its host: its slot's, or
    /// another one while that is locked.
    fn directory(&self, process: &Process) -> Option<(usize, u64, u8)> {
        if !self.volumes || !process.ours {
            return None;
        }
        let key = |number: u8| (process.host, process.slot, number);
        let free = |number: &u8| {
            let last = self.directories.get(&key(*number));
            last.is_none_or(|last| !self.processes[*last].is_alive())
        };
        (0..u8::MAX).find(free).map(key)
    }

    /// What a node does about the keys that it finds when it starts.
    fn take_stock(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if node.master.is_some() {
            return;
        }
        for unit in 0..UNITS {
            let slot = slot_of(unit);
            if !node.has_keys(slot) || node.importing.contains_key(&slot) {
                continue;
            }
            match node.owner_of(slot) {
                NONE => node.set_owner(slot, node.id),
                owner if owner == node.id => {}
                owner => {
                    node.importing.insert(slot, owner);
                }
            }
        }
    }
}
