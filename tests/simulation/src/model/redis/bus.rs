//! What the nodes do by themselves: gossip, failure detection, fail-over, copies.
//!
//! After `src/cluster_legacy.c` of Redis 7.4, in steps of a tenth of a second.

use super::node::{Id, Known, NONE, SLOTS};
use super::table::Table;
use super::{Redis, TIMEOUT};
use crate::chance::Chance;
use crate::net::Net;

/// How long a master that was failed and comes back with its slots is not believed.
const UNDO: u64 = 2 * TIMEOUT;
/// A replica whose link has been down for longer does not take over.
const VALID: u64 = 10 * TIMEOUT + 10_000;
/// A node that may serve again waits for so long.
const REJOIN: u64 = 2_000;
/// Everybody has heard of everybody's news within this time.
const GOSSIP: u64 = 1_000;

impl Redis {
    pub(super) fn gossip(&mut self, now: u64, net: &Net, chance: &mut Chance) {
        let up = self.up(now);
        self.shake_hands(&up, now, net);
        for a in &up {
            let ids: Vec<Id> = self.nodes[*a].known.keys().copied().collect();
            for id in ids {
                self.hear(*a, id, &up, now, net, chance);
            }
            self.nodes[*a].banned.retain(|_, until| now < *until);
        }
        for a in &up {
            self.detect(*a, &up, now, net);
        }
        for a in &up {
            self.fail_over(*a, &up, now, net, chance);
            self.copy(*a, &up, now, net, chance);
            self.serve(*a, now);
        }
    }

    /// The process that has this identity and answers.
    pub(super) fn process_of(&self, id: Id, up: &[usize]) -> Option<usize> {
        up.iter().copied().find(|at| self.nodes[*at].id == id)
    }

    fn reach(&self, a: usize, b: usize, net: &Net) -> bool {
        net.members_reach(self.processes[a].host, self.processes[b].host)
    }

    /// Whether `a` reaches this node where it believes it to be, or is reached by it.
    pub(super) fn link(&self, a: usize, id: Id, up: &[usize], net: &Net) -> Option<usize> {
        let b = self.process_of(id, up)?;
        let there = self.nodes[a].known.get(&id)?.address == self.processes[b].address;
        let back = self.nodes[b].known.get(&self.nodes[a].id);
        let found = back.is_some_and(|known| known.address == self.processes[a].address);
        // Also whoever has forgotten us answers.
        (self.reach(a, b, net) && (there || found)).then_some(b)
    }

    fn shake_hands(&mut self, up: &[usize], now: u64, net: &Net) {
        for a in up {
            let due: Vec<u8> = self.nodes[*a]
                .hands
                .iter()
                .filter(|(_, at)| **at <= now)
                .map(|(address, _)| *address)
                .collect();
            for address in due {
                let there = up
                    .iter()
                    .copied()
                    .find(|b| self.processes[*b].address == address);
                match there.filter(|b| b != a && self.reach(*a, *b, net)) {
                    Some(b) => {
                        self.introduce(*a, b, now);
                        self.introduce(b, *a, now);
                        self.nodes[*a].hands.remove(&address);
                    }
                    None if self.nodes[*a].hands[&address] + TIMEOUT <= now => {
                        self.nodes[*a].hands.remove(&address);
                    }
                    None => {}
                }
            }
        }
    }

    fn introduce(&mut self, a: usize, b: usize, now: u64) {
        let other = &self.nodes[b];
        let (id, master) = (other.id, other.master);
        let address = self.processes[b].address;
        let known = self.nodes[a].known.entry(id).or_insert(Known {
            address,
            epoch: 0,
            master,
            heard: now,
            fail: None,
            read: (0, 0),
        });
        known.address = address;
    }

    /// `a` hears of this node, and what it has to say.
    fn hear(&mut self, a: usize, id: Id, up: &[usize], now: u64, net: &Net, chance: &mut Chance) {
        let Some(b) = self.link(a, id, up, net) else {
            return;
        };
        let (epoch, current, master, version) = {
            let other = &self.nodes[b];
            (other.epoch, other.current, other.master, other.version)
        };
        let address = self.processes[b].address;
        let node = &mut self.nodes[a];
        let own = node.version;
        let owned = node.owned(id);
        let Some(known) = node.known.get_mut(&id) else {
            return;
        };
        known.heard = now;
        known.address = address;
        known.epoch = known.epoch.max(epoch);
        known.master = master;
        if let Some(since) = known.fail
            && (master.is_some() || owned == 0 || now >= since + UNDO)
        {
            known.fail = None;
        }
        node.current = node.current.max(current);
        let news = known.read != (version, own);
        known.read = (version, own);
        if news && master.is_none() {
            let mut theirs = self.nodes[b].table.clone();
            // It claims all that is its own.
            theirs.unclaimed.clear();
            self.claims(a, id, epoch, &theirs);
            self.object(a, b, &theirs);
        }
        // Two masters of one epoch: one of them takes another.
        let node = &mut self.nodes[a];
        if node.master.is_none()
            && master.is_none()
            && node.epoch == epoch
            && super::node::name(id) > super::node::name(node.id)
        {
            node.current += 1;
            node.epoch = node.current;
            node.version += 1;
        }
        if (now / 100 + u64::from(id) + a as u64).is_multiple_of(GOSSIP / 100) {
            self.learn(a, b, now, chance);
        }
    }

    /// `a` tells `b` who owns slots that it claims with an older epoch.
    fn object(&mut self, a: usize, b: usize, theirs: &Table) {
        let own = self.nodes[b].id;
        let epoch = self.nodes[b].epoch;
        let node = &self.nodes[a];
        let mut newer: Vec<Id> = Vec::new();
        for slot in node.table.differing(theirs) {
            let owner = node.owner_of(slot);
            if theirs.owner_of(slot) == own
                && owner != own
                && !newer.contains(&owner)
                && node.claim(slot).is_some_and(|known| known > epoch)
            {
                newer.push(owner);
            }
        }
        let slots = (!newer.is_empty()).then(|| node.table.clone());
        for owner in newer {
            let node = &self.nodes[a];
            let epoch = match owner == node.id {
                true => node.epoch,
                false => node.known.get(&owner).map_or(0, |known| known.epoch),
            };
            let Some(known) = self.nodes[b].known.get_mut(&owner) else {
                continue;
            };
            known.epoch = known.epoch.max(epoch);
            known.master = None;
            if let Some(slots) = &slots {
                self.claims(b, owner, epoch, slots);
            }
        }
    }

    /// `a` learns from `b` of nodes that it does not know, and where others are.
    fn learn(&mut self, a: usize, b: usize, now: u64, chance: &mut Chance) {
        let told: Vec<(Id, Known)> = self.nodes[b]
            .known
            .iter()
            .map(|(id, known)| (*id, known.clone()))
            .collect();
        for (id, mut known) in told {
            let node = &mut self.nodes[a];
            if id == node.id || !chance.percent(60) {
                continue;
            }
            match node.known.get_mut(&id) {
                Some(mine) => {
                    let lost = mine.fail.is_some() || now >= mine.heard + TIMEOUT;
                    let well = known.fail.is_none() && now < known.heard + TIMEOUT;
                    if lost && well {
                        mine.address = known.address;
                    }
                }
                None if !node.banned.contains_key(&id) => {
                    known.read = (0, 0);
                    known.heard = now;
                    known.epoch = 0;
                    node.known.insert(id, known);
                    node.version += 1;
                }
                None => {}
            }
        }
    }

    fn suspects(&self, a: usize, id: Id, now: u64) -> bool {
        let known = self.nodes[a].known.get(&id);
        known.is_some_and(|known| known.fail.is_some() || now >= known.heard + TIMEOUT)
    }

    /// A majority of the masters holds a node to be gone.
    fn detect(&mut self, a: usize, up: &[usize], now: u64, net: &Net) {
        let node = &self.nodes[a];
        let mut suspected = node
            .known
            .iter()
            .filter(|(_, known)| known.fail.is_none() && now >= known.heard + TIMEOUT);
        let Some(_) = suspected.next() else { return };
        let ids: Vec<Id> = node.known.keys().copied().collect();
        let need = node.masters().len() / 2 + 1;
        // Also whoever leads nothing has a say (`clusterProcessGossipSection`).
        let leads = |id: &&Id| node.known[*id].master.is_none();
        let voters: Vec<Id> = ids.iter().filter(leads).copied().collect();
        let own = usize::from(node.master.is_none());
        for id in ids {
            let known = &self.nodes[a].known[&id];
            if known.fail.is_some() || now < known.heard + TIMEOUT {
                continue;
            }
            let votes = voters.iter().filter(|voter| {
                let by = self.link(a, **voter, up, net);
                by.is_some_and(|by| self.suspects(by, id, now))
            });
            if own + votes.count() < need {
                continue;
            }
            // It is told to everybody in reach.
            for b in up {
                let own = self.nodes[*b].id;
                let reached = *b == a || self.link(a, own, up, net).is_some();
                if let Some(known) = self.nodes[*b].known.get_mut(&id).filter(|_| reached) {
                    known.fail.get_or_insert(now);
                }
            }
        }
    }

    fn fail_over(&mut self, a: usize, up: &[usize], now: u64, net: &Net, chance: &mut Chance) {
        let node = &self.nodes[a];
        let Some(master) = node.master else {
            return;
        };
        if let Some(at) = node.takeover {
            if now < at {
                return;
            }
            let leads = self.link(a, master, up, net);
            let leads = leads.filter(|at| self.nodes[*at].master.is_none());
            if leads.is_some() && node.synced && self.is_elected(a, master, up, now, net, false) {
                self.promote(a);
            } else if now >= at + TIMEOUT {
                self.nodes[a].takeover = None;
            }
            return;
        }
        let failed = node
            .known
            .get(&master)
            .is_some_and(|known| known.fail.is_some());
        let fresh = node.link_lost.is_none_or(|since| now < since + VALID);
        if !failed || !node.has_copy || !fresh || node.owned(master) == 0 {
            self.nodes[a].election = None;
            return;
        }
        match node.election {
            None => {
                let rank = node.known.iter().filter(|(id, known)| {
                    known.master == Some(master) && known.fail.is_none() && **id < node.id
                });
                let wait = 500 + 1_000 * rank.count() as u64 + chance.between(0, 500);
                self.nodes[a].election = Some(now + wait);
            }
            Some(at) if now >= at => {
                if self.is_elected(a, master, up, now, net, true) {
                    self.promote(a);
                } else {
                    self.nodes[a].election = Some(now + 2 * TIMEOUT);
                }
            }
            Some(_) => {}
        }
    }

    /// Whether a majority of the masters gives this replica its vote.
    fn is_elected(
        &mut self,
        a: usize,
        master: Id,
        up: &[usize],
        now: u64,
        net: &Net,
        failed: bool,
    ) -> bool {
        let masters = self.nodes[a].masters();
        let need = masters.len() / 2 + 1;
        let node = &self.nodes[a];
        let epoch = node.known.get(&master).map_or(0, |known| known.epoch);
        let claimed: Vec<u16> = (0..SLOTS).filter(|s| node.owner_of(*s) == master).collect();
        let voters = masters.iter().filter_map(|id| self.link(a, *id, up, net));
        let voters: Vec<usize> = voters
            .filter(|voter| {
                let node = &self.nodes[*voter];
                let known = node.known.get(&master);
                let gone = known.is_some_and(|known| known.fail.is_some());
                let voted = node.votes.get(&master);
                node.master.is_none()
                    && (gone || !failed)
                    && voted.is_none_or(|at| now >= at + 2 * TIMEOUT)
                    // Nobody takes over what another one has got since.
                    && claimed.iter().all(|s| node.claim(*s).is_none_or(|known| known <= epoch))
            })
            .collect();
        if voters.len() < need {
            return false;
        }
        let mut most = self.nodes[a].current;
        for voter in voters {
            most = most.max(self.nodes[voter].current);
            self.nodes[voter].votes.insert(master, now);
        }
        self.nodes[a].current = most;
        true
    }

    fn promote(&mut self, a: usize) {
        let node = &mut self.nodes[a];
        let Some(master) = node.master.take() else {
            return;
        };
        node.current += 1;
        node.epoch = node.current;
        (node.election, node.takeover, node.link_lost) = (None, None, None);
        for slot in 0..SLOTS {
            if node.owner_of(slot) == master {
                node.set_owner(slot, node.id);
            }
        }
        node.version += 1;
    }

    /// A replica follows its master.
    fn copy(&mut self, a: usize, up: &[usize], now: u64, net: &Net, chance: &mut Chance) {
        let Some(master) = self.nodes[a].master else {
            return;
        };
        let from = self.link(a, master, up, net);
        let node = &mut self.nodes[a];
        let Some(from) = from else {
            node.link_lost.get_or_insert(now);
            (node.synced, node.copied) = (false, None);
            return;
        };
        if !node.synced {
            let whole = *node.copied.get_or_insert_with(|| {
                let takes = if node.has_copy { 200 } else { 4_000 };
                now + chance.between(200, 200 + takes)
            });
            if now < whole {
                return;
            }
        }
        node.link_lost = None;
        (node.synced, node.has_copy, node.copied) = (true, true, None);
        let (old, new) = (node.keys, self.nodes[from].keys);
        self.nodes[a].keys = new;
        self.note_erased(a, old & !new, "it copies its master");
    }

    /// Whether it holds the cluster to be in working order.
    fn serve(&mut self, a: usize, now: u64) {
        let node = &self.nodes[a];
        let fails = |id: &Id| {
            let known = node.known.get(id);
            known.is_some_and(|known| known.fail.is_some())
        };
        let masters = node.masters();
        let served = node.owned(NONE) == 0 && !masters.iter().any(fails) && self.is_owned(a);
        let reached = masters
            .iter()
            .filter(|id| **id == node.id || !self.suspects(a, **id, now));
        let could = served && reached.count() > masters.len() / 2;
        let node = &mut self.nodes[a];
        match could {
            false => (node.ok, node.ok_since) = (false, None),
            true => {
                let since = *node.ok_since.get_or_insert(now);
                let wait = if node.master.is_some() { 200 } else { REJOIN };
                node.ok |= now >= since + wait;
            }
        }
    }

    /// Whether every owner of slots is somebody whom this node holds to be there.
    fn is_owned(&self, a: usize) -> bool {
        let node = &self.nodes[a];
        let mut owners = (0..NONE).filter(|id| node.owned(*id) > 0);
        owners.all(|id| {
            id == node.id
                || node
                    .known
                    .get(&id)
                    .is_some_and(|known| known.fail.is_none())
        })
    }
}
