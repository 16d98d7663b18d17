//! Aerospike: a mesh that is joined by tips, with its data in memory and two copies
//! of each partition.

mod fragment;
mod request;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::Answer;
use meshworker_engines::aerospike::{Detail, Request, Rules};

pub use fragment::{Fragment, Node};

use super::{Asker, Cause, Death, Model, Process, access, last};
use crate::chance::{Chance, mix};
use crate::net::Net;
use crate::setup::Setup;

/// So many units of data there are, one bit each.
const UNITS: u32 = 24;
/// Members miss one of theirs after this time.
const DETECTION: u64 = 1_500;
/// A node dials those that it was told about this often.
const DIAL: u64 = 1_000;
/// A node answers, and can be met, this long after its start.
const START: u64 = 500;
/// A node is in a cluster this long after its start.
const FORMED: u64 = 1_900;
/// Each unit is on so many nodes, where there are so many.
const COPIES: usize = 2;
/// So many nodes Community Edition takes.
const MOST_NODES: usize = 8;

/// All nodes that ever were, by number, and the fragments that they form.
#[derive(Debug, Clone, Default)]
pub struct Aerospike {
    processes: Vec<Process>,
    nodes: Vec<Node>,
    /// The fragments, by number. A number is never used twice.
    fragments: BTreeMap<usize, Fragment>,
    formed: usize,
    enterprise: bool,
}

/// The id of whoever has this address: made of its network card's.
fn name(address: u8) -> String {
    format!("BB9{address:02X}00000A4202")
}

impl Model for Aerospike {
    type Planner = Rules;

    const NAME: &'static str = "aerospike";
    const FLOOR: usize = COPIES;
    const LEAST: u64 = 2;

    fn new(setup: &Setup, _chance: &mut Chance) -> Aerospike {
        Aerospike {
            enterprise: setup.hands_over,
            ..Aerospike::default()
        }
    }

    fn planner(_setup: &Setup) -> Rules {
        Rules::of(&access(3002, &[]))
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn start(&mut self, process: Process, _chance: &mut Chance) -> usize {
        let at = self.processes.len();
        let fragment = self.form([at].into(), None);
        self.processes.push(process);
        self.nodes.push(Node {
            fragment,
            ..Node::default()
        });
        at
    }

    fn stop(&mut self, at: usize, now: u64, cause: Cause) {
        if let Some(process) = self.processes.get_mut(at).filter(|p| p.is_alive()) {
            process.died = Some(Death { at: now, cause });
        }
    }

    fn holders(&self) -> Vec<u128> {
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

    fn found(&mut self, members: BTreeSet<usize>, _now: u64) {
        let first = members.first().map(|at| self.processes[*at].address);
        for at in &members {
            let old = self.nodes[*at].fragment;
            self.fragments.remove(&old);
            self.nodes[*at].units = u32::MAX >> (32 - UNITS);
            if let Some(first) = first.filter(|first| self.processes[*at].address != *first) {
                self.nodes[*at].seeds.insert(first, 0);
            }
        }
        let fragment = self.form(members.clone(), None);
        for at in members {
            self.nodes[at].fragment = fragment;
        }
        self.balance(fragment);
    }

    fn answer(&self, at: usize, now: u64) -> Answer<Detail> {
        self.view(at, now)
    }

    fn ask(
        &mut self,
        at: usize,
        request: &Request,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        self.obey(at, request, asker, chance)
    }

    fn forgets(&self, at: usize, request: &Request) -> Vec<usize> {
        match request {
            Request::TipClear(seed) => self
                .remembered(last(seed.ip().into()))
                .into_iter()
                .collect(),
            // A node lists no peer among those that are gone: whoever is one again, at an
            // address that another remembers, is not forgotten by it.
            Request::AlumniReset { .. } => {
                let gone = self.gone(at).into_iter();
                gone.filter_map(|address| self.remembered(address))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn takes(request: &Request) -> bool {
        matches!(request, Request::Quiesce)
    }

    fn is_outside(&self, at: usize, now: u64) -> bool {
        let node = &self.nodes[at];
        // A node is in no cluster before its first round, whoever dials it: it says so,
        // and has nothing yet.
        let formed = now >= self.processes[at].started + FORMED;
        let fragment = self.fragments.get(&node.fragment);
        // Who died is a member until it is missed.
        let others = |fragment: &Fragment| {
            let mut others = fragment.members.iter().filter(|other| **other != at);
            others.any(|other| self.processes[*other].is_alive())
        };
        node.units == 0 && !(formed && fragment.is_some_and(others))
    }

    fn sees(&self, at: usize) -> String {
        let node = &self.nodes[at];
        let fragment = self.fragments.get(&node.fragment);
        let members = fragment.map(|fragment| &fragment.members);
        let gone = &node.departed;
        format!(", in one cluster with {members:?}, remembers {gone:?}")
    }

    fn is_remembered(&self, at: usize) -> bool {
        let mut alive = self.alive().into_iter();
        alive.any(|other| self.nodes[other].departed.contains(&at))
    }

    fn group(&self, at: usize) -> usize {
        self.nodes[at].fragment
    }

    fn is_whole(&self, at: usize, members: u64, _now: u64) -> bool {
        let fragment = self.fragments.get(&self.nodes[at].fragment);
        fragment.is_some_and(|f| {
            f.work.is_none() && f.torn.is_none() && f.members.len() as u64 >= members
        })
    }

    fn missing(&self, members: &[usize], _now: u64) -> Option<String> {
        for at in members {
            let node = &self.nodes[*at];
            let fragment = self.fragments.get(&node.fragment)?;
            if !fragment.members.iter().eq(members) {
                return Some(format!(
                    "n{at} sees {:?}, not {members:?}",
                    fragment.members
                ));
            }
            // Where fewer are wished for than copies are kept, nobody is forgotten.
            let enough = members.len() >= Self::FLOOR;
            let alive = |gone: &&usize| {
                let address = self.processes[**gone].address;
                members
                    .iter()
                    .any(|at| self.processes[*at].address == address)
            };
            let mut departed = node.departed.iter().filter(|gone| !alive(gone));
            if let Some(gone) = departed.next().filter(|_| enough) {
                return Some(format!("n{at} remembers n{gone}"));
            }
        }
        None
    }

    fn tick(&mut self, now: u64, net: &Net, chance: &mut Chance) {
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

    fn write(&mut self, _now: u64) {
        let largest = self.fragments.iter().filter(|(_, fragment)| {
            let first = fragment.members.first().map(|at| &self.processes[*at]);
            first.is_some_and(|process| process.ours) && fragment.members.len() >= COPIES
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
}

impl Aerospike {
    /// The node that decides who is in this fragment.
    fn principal(&self, fragment: usize) -> Option<usize> {
        let members = &self.fragments.get(&fragment)?.members;
        members
            .iter()
            .copied()
            .max_by_key(|at| self.processes[*at].address)
    }

    /// The members that reach each other, as groups; the dead are groups of
    /// their own.
    fn parts(&self, number: usize, net: &Net) -> Vec<BTreeSet<usize>> {
        let mut parts: Vec<BTreeSet<usize>> = Vec::new();
        let Some(fragment) = self.fragments.get(&number) else {
            return parts;
        };
        for at in &fragment.members {
            let node = &self.processes[*at];
            let same = |other: &usize| {
                let other = &self.processes[*other];
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
            self.processes[*at].is_alive()
                && fragment.members.first().is_some_and(|first| {
                    net.members_reach(self.processes[*first].host, self.processes[*at].host)
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
                if self.processes[*at].is_alive() {
                    node.departed.extend(missed);
                }
            }
            if part.iter().all(|at| self.processes[*at].is_alive()) {
                self.move_data(new, now, chance);
            } else {
                self.fragments.remove(&new);
            }
        }
    }

    /// Nodes dial whom they were told about.
    fn dial(&mut self, now: u64, net: &Net, chance: &mut Chance) {
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            if node.seeds.is_empty() || node.aside || !self.processes[at].is_alive() {
                continue;
            }
            let due = node.seeds.iter().filter(|(_, at)| **at <= now);
            let due: Vec<u8> = due.map(|(address, _)| *address).collect();
            for address in due {
                self.nodes[at].seeds.insert(address, now + DIAL);
                let (own, node) = (&self.processes[at], &self.nodes[at]);
                let met = self.at(address).filter(|met| {
                    let other = &self.processes[*met];
                    other.ours
                        && own.ours
                        && self.nodes[*met].fragment != node.fragment
                        && !self.nodes[*met].aside
                        && now >= other.started + START
                        && now >= own.started + START
                        && net.members_reach(own.host, other.host)
                });
                if let Some(met) = met {
                    self.merge(at, met, now, chance);
                }
            }
        }
    }

    fn merge(&mut self, a: usize, b: usize, now: u64, chance: &mut Chance) {
        let (a, b) = (self.nodes[a].fragment, self.nodes[b].fragment);
        let sizes = [a, b].map(|number| self.fragments.get(&number).map_or(0, |f| f.members.len()));
        // Whoever is heard of last is ignored.
        if !self.enterprise && sizes.iter().sum::<usize>() > MOST_NODES {
            return;
        }
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
