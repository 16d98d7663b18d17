//! AllegroGraph: one controlling server with a volume, which lets copies in and takes them out;
//! copies have no volume, and get all data when they come in.

mod fault;
mod repository;
mod request;
mod view;

use std::collections::BTreeSet;

use meshworker_core::{Answer, MemberId, Report, Witness};
use meshworker_engines::allegrograph::{AllegrographRequest, Detail, Rules};

pub use fault::Faulty;
use repository::{Instance, Repository, Roll};

use super::{Asker, Cause, Death, Model, Process, last};
use crate::chance::Chance;
use crate::event::{Erased, Event};
use crate::net::Net;
use crate::setup::Setup;

/// The port of the servers.
const PORT: u16 = 10035;
/// The name that leads to the controlling server.
const HOST: &str = "agraph";
/// The replica of the service that controls: all others are copies.
const CONTROLLING: u64 = 1;
/// So many units of data there are, one bit each.
const UNITS: u32 = 16;
/// A server answers this long after its start.
const START: u64 = 500;
/// Without a word for so long, an instance is out of reach.
const SILENT: u64 = 1_500;

/// All servers that ever were, by number, and the volume of the one that controls.
#[derive(Debug, Clone, Default)]
pub struct Allegrograph {
    processes: Vec<Process>,
    /// What each has, and the last thing that it had once it is gone.
    repositories: Vec<Option<Repository>>,
    /// Whose data is on the volume while no server uses it.
    volume: Option<usize>,
    /// Repositories have numbers that are never used twice.
    made: usize,
    happened: Vec<Event>,
}

/// The services' names in the swarm.
fn service(slot: u64) -> &'static str {
    match slot {
        CONTROLLING => "db_controlling",
        _ => "db_copy",
    }
}

impl Model for Allegrograph {
    type Planner = Faulty;

    const NAME: &'static str = "allegrograph";
    const FLOOR: usize = 1;
    const LEAST: u64 = 1;
    const VOUCHED_ONLY: bool = true;

    fn new(_setup: &Setup, _chance: &mut Chance) -> Allegrograph {
        Allegrograph::default()
    }

    fn planner(setup: &Setup) -> Faulty {
        let rules = Rules {
            port: PORT,
            service: "controlling".into(),
            host: Some(HOST.into()),
            at_once: 1,
            primary: None,
            begin: None,
            lost: None,
        };
        Faulty::of(rules, setup.relapse)
    }

    /// Somebody has to vouch for members, and nobody begins a cluster while one is listed for
    /// ever who is none.
    fn fit(setup: &mut Setup) {
        setup.supervised |= !setup.docker;
        setup.squatter = false;
    }

    /// Each name is of one service.
    fn name(&self, reports: &mut [Report]) {
        for report in reports {
            let of = report.witness;
            for sighting in &mut report.sightings {
                let mut there = self.processes.iter();
                let there = there.rfind(|one| one.address == last(sighting.address));
                let listed = there.filter(|_| of == Witness::Dns).map(|one| one.slot);
                let slot = match &sighting.member {
                    Some(MemberId::Slot { slot, .. }) => Some(*slot),
                    _ => listed,
                };
                let Some(slot) = slot.filter(|slot| *slot > 0) else {
                    continue;
                };
                sighting.part = Some(service(slot).into());
                if let Some(member) = &mut sighting.member {
                    let service = service(slot).into();
                    *member = MemberId::Slot { service, slot };
                }
            }
        }
    }

    /// Its volume is one server's at a time.
    fn may_start(&self, slot: u64) -> bool {
        let mut all = self.processes.iter();
        slot != CONTROLLING || !all.any(|one| one.is_alive() && one.slot == slot)
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn start(&mut self, process: Process, _chance: &mut Chance) -> usize {
        let volume = (process.slot == CONTROLLING)
            .then(|| self.volume.take())
            .flatten();
        let found = volume.and_then(|before| self.repositories[before].clone());
        self.processes.push(process);
        self.repositories.push(found);
        self.processes.len() - 1
    }

    fn stop(&mut self, at: usize, now: u64, cause: Cause) {
        let Some(process) = self.processes.get_mut(at).filter(|p| p.is_alive()) else {
            return;
        };
        process.died = Some(Death { at: now, cause });
        let whole = self.repositories[at]
            .as_ref()
            .is_some_and(|one| one.copied.is_none());
        if process.slot == CONTROLLING && whole {
            self.volume = Some(at);
        }
    }

    fn found(&mut self, members: BTreeSet<usize>, now: u64) {
        let is_first = |at: &&usize| self.processes[**at].slot == CONTROLLING;
        let Some(first) = members.iter().find(is_first).copied() else {
            return;
        };
        let instances: Vec<Instance> = members
            .iter()
            .map(|at| {
                let process = &self.processes[*at];
                self.made += 1;
                Instance {
                    name: match *at == first {
                        true => format!("controlling-{CONTROLLING}-x{at}"),
                        false => format!("copy-{}-x{at}", process.slot),
                    },
                    address: (*at != first).then_some(process.address),
                    repository: self.made,
                }
            })
            .collect();
        let first = members
            .iter()
            .position(|at| *at == first)
            .unwrap_or_default();
        let roll = Roll {
            version: 1,
            controlling: instances[first].repository,
            instances: instances.clone(),
            removed: BTreeSet::new(),
        };
        for (at, own) in members.into_iter().zip(instances) {
            let mut repository = Repository::of(own.repository, roll.clone());
            repository.units = u32::MAX >> (32 - UNITS);
            repository.hear_all(now);
            self.repositories[at] = Some(repository);
        }
    }

    fn tick(&mut self, now: u64, net: &Net, _chance: &mut Chance) {
        let alive = self.alive();
        for at in alive.iter().copied() {
            for other in alive.iter().copied().filter(|other| *other != at) {
                let [own, their] = [at, other].map(|at| self.processes[at].host);
                if net.members_reach(own, their) {
                    self.speak(at, other, now);
                }
            }
        }
    }

    fn write(&mut self, _now: u64) {
        let lost = (0..UNITS).filter(|unit| self.holders()[*unit as usize] == 0);
        let lost = lost.fold(0, |lost, unit| lost | 1 << unit);
        let writes = |one: &&mut Repository| one.controls() && one.copied.is_none();
        let mut all = self.repositories.iter_mut().zip(&self.processes);
        let running = all.by_ref().filter(|(_, process)| process.is_alive());
        let first = running.filter_map(|(one, _)| one.as_mut()).find(writes);
        if let Some(first) = first {
            first.units |= lost;
        }
    }

    fn holders(&self) -> Vec<u128> {
        let mut holders = vec![0; UNITS as usize];
        for (at, process) in self.processes.iter().enumerate() {
            // What is on the volume is not lost.
            let there = process.is_alive() || self.volume == Some(at);
            let Some(repository) = self.repositories[at].as_ref().filter(|_| there) else {
                continue;
            };
            for (unit, holders) in holders.iter_mut().enumerate() {
                if repository.units & (1 << unit) != 0 {
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
        request: &AllegrographRequest,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        self.obey(at, request, asker, chance)
    }

    fn takes(_request: &AllegrographRequest) -> bool {
        false
    }

    fn forgets(&self, at: usize, request: &AllegrographRequest) -> Vec<usize> {
        self.removed_by(at, request)
    }

    fn is_whole(&self, at: usize, members: u64, now: u64) -> bool {
        let Some(chief) = self.chief() else {
            return false;
        };
        let listed = self.listed(chief, now);
        let own = self.repositories[at].as_ref().map(|one| one.id);
        let is_listed = listed.iter().any(|(id, _)| Some(*id) == own);
        listed.len() as u64 >= members && is_listed && listed.iter().all(|(_, up)| *up)
    }

    fn missing(&self, members: &[usize], now: u64) -> Option<String> {
        if members.is_empty() {
            return None;
        }
        let Some(chief) = self.chief() else {
            return Some("nobody controls the others".into());
        };
        let mut listed = self.listed(chief, now);
        for at in members {
            let own = self.repositories[*at].as_ref().map(|one| one.id);
            let known = listed.iter().position(|(id, _)| Some(*id) == own);
            match known.map(|known| listed.remove(known)) {
                Some((_, true)) => {}
                Some((_, false)) => return Some(format!("n{at} is not up")),
                None => return Some(format!("n{at} is in no cluster")),
            }
        }
        let (left, _) = listed.first()?;
        Some(format!(
            "an instance is left that nobody has: repository {left}"
        ))
    }

    /// The volume is lost, and copies live: an operator says who takes its place. Or all is lost.
    fn is_beyond_help(&self) -> bool {
        self.made > 0 && self.volume.is_none() && self.chief().is_none()
    }

    fn is_outside(&self, at: usize, _now: u64) -> bool {
        let own = self.repositories[at].as_ref();
        own.is_none_or(Repository::is_removed)
    }

    fn is_remembered(&self, at: usize) -> bool {
        let gone = self.repositories[at].as_ref().map(|one| one.id);
        let chief = self
            .chief()
            .and_then(|chief| self.repositories[chief].as_ref());
        chief.is_some_and(|chief| {
            chief
                .roll
                .instances
                .iter()
                .any(|one| Some(one.repository) == gone)
        })
    }

    /// Nobody is let in or taken out while it is away.
    fn is_free(&self, at: usize) -> bool {
        self.processes[at].slot != CONTROLLING
    }

    fn lose_disk(&mut self, host: usize) {
        let lies_there = |at: &usize| self.processes[*at].host == host;
        self.volume = self.volume.filter(|at| !lies_there(at));
    }

    fn found_there(&self, at: usize) -> String {
        match &self.repositories[at] {
            Some(found) => format!(", with repository {}", found.id),
            None => String::new(),
        }
    }

    fn sees(&self, at: usize) -> String {
        format!(", has {:?}", self.repositories[at])
    }

    fn happened(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.happened)
    }
}

impl Allegrograph {
    /// The server that controls the others, by its own word.
    fn chief(&self) -> Option<usize> {
        let controls = |at: &usize| {
            self.repositories[*at]
                .as_ref()
                .is_some_and(Repository::controls)
        };
        self.alive().into_iter().find(controls)
    }

    /// The repositories that this one lists, and whether each is up.
    fn listed(&self, at: usize, now: u64) -> Vec<(usize, bool)> {
        let Some(own) = &self.repositories[at] else {
            return Vec::new();
        };
        let all = own.roll.instances.iter();
        all.map(|one| {
            let id = one.repository;
            (
                id,
                id == own.id || own.hears(id, now) && !self.is_copied(id),
            )
        })
        .collect()
    }

    /// Whether the server with this repository runs and gets its data.
    fn is_copied(&self, id: usize) -> bool {
        let mut alive = self.alive().into_iter();
        alive.any(|at| {
            let own = self.repositories[at].as_ref();
            own.is_some_and(|own| own.id == id && own.copied.is_some())
        })
    }

    /// One instance tells another one what it has and whom it knows.
    fn speak(&mut self, from: usize, to: usize, now: u64) {
        let Some(mut own) = self.repositories[from].take() else {
            return;
        };
        if let Some(other) = &mut self.repositories[to] {
            own.tell(other, now);
        }
        self.repositories[from] = Some(own);
    }

    /// Data that somebody has is thrown away, or left behind.
    fn erase(&mut self, node: usize, how: &str) {
        let how = how.to_owned();
        let unit = 0;
        self.happened
            .push(Event::Erased(Erased { unit, node, how }));
    }
}
