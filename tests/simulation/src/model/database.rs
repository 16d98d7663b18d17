//! All nodes, what they hold, and what they do by themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ask, Cause, Death, Fragment, Node, UNITS};
use crate::chance::{Chance, mix};
use crate::net::Net;

/// Members miss one of theirs after this time.
const DETECTION: u64 = 1_500;
/// A node dials those that it was told about this often.
const DIAL: u64 = 1_000;
/// A node answers, and can be met, this long after its start.
pub const START: u64 = 500;
/// Each unit is on so many nodes, where there are so many.
const COPIES: usize = 2;

/// All nodes that ever were, by number, and the fragments that they form.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// All nodes that ever were.
    pub nodes: Vec<Node>,
    /// The fragments, by number. A number is never used twice.
    pub fragments: BTreeMap<usize, Fragment>,
    formed: usize,
}

impl Database {
    /// A node's id.
    pub fn name(node: usize) -> String {
        format!("n{node}")
    }

    /// The number of the node with this id.
    pub fn number(name: &str) -> Option<usize> {
        name.strip_prefix('n')?.parse().ok()
    }

    /// Starts a node, alone.
    pub fn start(&mut self, ours: bool, address: u8, host: usize, now: u64) -> usize {
        let at = self.nodes.len();
        let fragment = self.form([at].into(), None);
        self.nodes.push(Node {
            ours,
            address,
            host,
            started: now,
            died: None,
            fragment,
            seeds: BTreeMap::new(),
            departed: BTreeSet::new(),
            units: 0,
            quiesced: false,
        });
        at
    }

    /// Ends a node.
    pub fn stop(&mut self, at: usize, now: u64, cause: Cause) {
        if let Some(node) = self.nodes.get_mut(at).filter(|node| node.is_alive()) {
            node.died = Some(Death { at: now, cause });
        }
    }

    /// The nodes that run and belong to the cluster that is looked after.
    pub fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, n)| n.ours && n.is_alive())
            .map(|(at, _)| at)
    }

    /// The node that runs at this address.
    pub fn at(&self, address: u8) -> Option<usize> {
        let mut nodes = self.nodes.iter();
        nodes.rposition(|node| node.address == address && node.is_alive())
    }

    /// For each unit, the running nodes that hold it, one bit each.
    pub fn holders(&self) -> Vec<u128> {
        let mut holders = vec![0; UNITS as usize];
        for at in self.alive() {
            for (unit, holders) in holders.iter_mut().enumerate() {
                if self.nodes[at].units & (1 << unit) != 0 {
                    *holders |= 1 << at;
                }
            }
        }
        holders
    }

    /// Makes these nodes one cluster with all data in its place, as if it had
    /// always been so.
    pub fn found(&mut self, members: BTreeSet<usize>) {
        for at in &members {
            let old = self.nodes[*at].fragment;
            self.fragments.remove(&old);
            self.nodes[*at].units = u32::MAX >> (32 - UNITS);
        }
        let fragment = self.form(members.clone(), None);
        for at in members {
            self.nodes[at].fragment = fragment;
        }
        self.balance(fragment);
    }

    /// Does what is asked of the node, unless it is not its cluster's business.
    ///
    /// # Errors
    ///
    /// Why it was not done.
    pub fn ask(
        &mut self,
        at: usize,
        ask: &Ask,
        now: u64,
        chance: &mut Chance,
    ) -> Result<(), String> {
        let node = self.nodes.get_mut(at).ok_or("nobody is there")?;
        if !node.ours {
            return Err("it belongs to another cluster".into());
        }
        match ask {
            Ask::Join(address) => {
                let dial = now + chance.between(300, 1_500);
                node.seeds.insert(crate::last_byte(*address), dial);
            }
            Ask::Forget(name) => {
                let gone = Self::number(name).ok_or("no such node")?;
                node.departed.remove(&gone);
                let address = self.nodes.get(gone).map(|gone| gone.address);
                // Not the seed of whoever is there now.
                if let Some(address) = address.filter(|a| self.at(*a).is_none_or(|n| n == gone)) {
                    self.nodes[at].seeds.remove(&address);
                }
            }
            Ask::HandOver => {
                if !node.quiesced {
                    node.quiesced = true;
                    let fragment = node.fragment;
                    self.move_data(fragment, now, chance);
                }
            }
        }
        Ok(())
    }

    /// What the nodes do by themselves.
    pub fn tick(&mut self, now: u64, net: &Net, chance: &mut Chance) {
        let numbers: Vec<usize> = self.fragments.keys().copied().collect();
        for number in numbers {
            self.notice(number, now, net, chance);
        }
        self.dial(now, net, chance);
        let done = self.fragments.iter();
        let done = done.filter(|(_, f)| f.work.is_some_and(|(_, until)| until <= now));
        let done: Vec<usize> = done.map(|(number, _)| *number).collect();
        for number in done {
            // Nothing can be copied to or from one that is not there.
            if self.parts(number, net).len() == 1 {
                self.balance(number);
            }
        }
    }

    /// The members that reach each other, as groups; the dead are groups of
    /// their own.
    fn parts(&self, number: usize, net: &Net) -> Vec<BTreeSet<usize>> {
        let mut parts: Vec<BTreeSet<usize>> = Vec::new();
        let Some(fragment) = self.fragments.get(&number) else {
            return parts;
        };
        for at in &fragment.members {
            let node = &self.nodes[*at];
            let same = |other: &usize| {
                let other = &self.nodes[*other];
                node.is_alive() && other.is_alive() && net.members_reach(node.host, other.host)
            };
            match parts.iter_mut().find(|part| part.first().is_some_and(same)) {
                Some(part) => drop(part.insert(*at)),
                None => parts.push([*at].into()),
            }
        }
        parts
    }

    /// Members miss those that they do not reach, after a while.
    fn notice(&mut self, number: usize, now: u64, net: &Net, chance: &mut Chance) {
        let Some(fragment) = self.fragments.get(&number) else {
            return;
        };
        // The usual case, and quickly told.
        let whole = fragment.members.iter().all(|at| {
            self.nodes[*at].is_alive()
                && fragment.members.first().is_some_and(|first| {
                    net.members_reach(self.nodes[*first].host, self.nodes[*at].host)
                })
        });
        let torn = fragment.torn;
        let Some(fragment) = self.fragments.get_mut(&number) else {
            return;
        };
        fragment.torn = if whole { None } else { torn.or(Some(now)) };
        if fragment.torn.is_none_or(|since| now < since + DETECTION) {
            return;
        }
        let parts = self.parts(number, net);
        let Some(fragment) = self.fragments.remove(&number) else {
            return;
        };
        for part in parts {
            let new = self.form(part.clone(), None);
            for at in &part {
                let node = &mut self.nodes[*at];
                node.fragment = new;
                let missed = fragment.members.difference(&part).copied();
                if node.is_alive() {
                    node.departed.extend(missed);
                }
            }
            if part.iter().all(|at| self.nodes[*at].is_alive()) {
                self.move_data(new, now, chance);
            } else {
                self.fragments.remove(&new);
            }
        }
    }

    /// Nodes dial whom they were told about, and whom they miss.
    fn dial(&mut self, now: u64, net: &Net, chance: &mut Chance) {
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            if !node.is_alive() || (node.seeds.is_empty() && node.departed.is_empty()) {
                continue;
            }
            let mut due: Vec<u8> = Vec::new();
            due.extend(
                node.seeds
                    .iter()
                    .filter(|(_, at)| **at <= now)
                    .map(|(a, _)| a),
            );
            if now.is_multiple_of(DIAL) {
                due.extend(node.departed.iter().map(|gone| self.nodes[*gone].address));
            }
            for address in due {
                if let Some(next) = self.nodes[at].seeds.get_mut(&address) {
                    *next = now + DIAL;
                }
                let node = &self.nodes[at];
                let met = self.at(address).filter(|other| {
                    let other = &self.nodes[*other];
                    other.ours
                        && node.ours
                        && other.fragment != node.fragment
                        && now >= other.started + START
                        && net.members_reach(node.host, other.host)
                });
                if let Some(met) = met {
                    self.merge(at, met, now, chance);
                }
            }
        }
    }

    fn merge(&mut self, a: usize, b: usize, now: u64, chance: &mut Chance) {
        let (a, b) = (self.nodes[a].fragment, self.nodes[b].fragment);
        let mut members = BTreeSet::new();
        for number in [a, b] {
            if let Some(fragment) = self.fragments.remove(&number) {
                members.extend(fragment.members);
            }
        }
        let new = self.form(members.clone(), None);
        for at in &members {
            let node = &mut self.nodes[*at];
            node.fragment = new;
            node.departed.retain(|gone| !members.contains(gone));
        }
        self.move_data(new, now, chance);
    }

    /// Whoever uses the database writes anew what was lost, once it is at rest.
    pub fn load(&mut self) {
        let largest = self.fragments.iter().filter(|(_, fragment)| {
            let first = fragment.members.first().map(|at| &self.nodes[*at]);
            first.is_some_and(|node| node.ours) && fragment.members.len() >= COPIES
        });
        let Some((number, fragment)) = largest.max_by_key(|(_, f)| f.members.len()) else {
            return;
        };
        if fragment.work.is_some() || fragment.torn.is_some() {
            return;
        }
        let number = *number;
        let holders = self.holders();
        let lost = holders
            .iter()
            .enumerate()
            .filter(|(_, holders)| **holders == 0);
        let lost = lost.fold(0, |lost, (unit, _)| lost | 1 << unit);
        if lost == 0 {
            return;
        }
        if let Some(first) = fragment_first(&self.fragments, number) {
            self.nodes[first].units |= lost;
            self.balance(number);
        }
    }

    fn form(&mut self, members: BTreeSet<usize>, work: Option<(u64, u64)>) -> usize {
        self.formed += 1;
        let fragment = Fragment {
            members,
            torn: None,
            work,
        };
        self.fragments.insert(self.formed, fragment);
        self.formed
    }

    /// A cluster that has just changed begins to move data a moment later.
    fn move_data(&mut self, number: usize, now: u64, chance: &mut Chance) {
        let from = now + chance.between(0, 800);
        let until = from + chance.between(500, 5_000);
        if let Some(fragment) = self.fragments.get_mut(&number) {
            fragment.work = Some((from, until));
        }
    }

    /// Puts every unit that somebody holds on as many nodes as it should be.
    fn balance(&mut self, number: usize) {
        let Some(fragment) = self.fragments.get_mut(&number) else {
            return;
        };
        fragment.work = None;
        let members: Vec<usize> = fragment.members.iter().copied().collect();
        let held = members
            .iter()
            .fold(0, |held, at| held | self.nodes[*at].units);
        let staying = members.iter().filter(|at| !self.nodes[**at].quiesced);
        let mut takers: Vec<usize> = staying.copied().collect();
        if takers.is_empty() {
            takers.clone_from(&members);
        }
        for at in &members {
            self.nodes[*at].units = 0;
        }
        for unit in (0..UNITS).filter(|unit| held & (1 << unit) != 0) {
            takers.sort_by_key(|at| mix(u64::from(unit) << 32 | *at as u64));
            for at in takers.iter().take(COPIES) {
                self.nodes[*at].units |= 1 << unit;
            }
        }
    }
}

fn fragment_first(fragments: &BTreeMap<usize, Fragment>, number: usize) -> Option<usize> {
    fragments.get(&number)?.members.first().copied()
}
