//! What the witnesses say, and how they lie.

use std::collections::{BTreeMap, VecDeque};

use meshworker_core::{Grade, MemberId, Place, Presence, Report, Sighting, Witness};

use crate::address;
use crate::chance::Chance;
use crate::net::Net;
use crate::swarm::{HOST_DOWN, Phase, State, Swarm, Task};

/// A record appears when a container has run for this long.
const RECORD_IN: u64 = 400;
/// A record is gone so long after its task was removed.
const RECORD_OUT: u64 = 1_100;
/// The records of a silent host are gone after this time.
const RECORD_LOST: u64 = 6_600;

/// How a witness lies for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It says what was true some milliseconds ago.
    Stale(u64),
    /// It leaves out this many of those that it should list.
    Missing(usize),
    /// It cuts its answer, and says so.
    Truncated,
    /// It says that nobody is there.
    Empty,
    /// It says that the name does not exist.
    NxDomain,
    /// It fails.
    ServFail,
    /// It does not answer.
    Timeout,
    /// It lists this stranger's address, or one that nobody has.
    Phantom(u8),
}

/// Number, slot, address and presence of each task.
type Tasks = Vec<(usize, u64, u8, Presence)>;

/// What the name server and the task list would truly say, now and lately.
#[derive(Debug, Clone, Default)]
pub struct Past(VecDeque<(u64, Vec<u8>, Tasks, u64)>);

impl Past {
    /// Remembers what is true now, for some seconds.
    pub fn note(&mut self, now: u64, swarm: &Swarm, net: &Net) {
        if self.0.len() == 12 {
            self.0.pop_front();
        }
        self.0.push_back((
            now,
            records(now, swarm, net),
            tasks(now, swarm, net),
            swarm.desired,
        ));
    }

    /// The most replicas that were asked for lately.
    pub fn most_desired(&self) -> u64 {
        self.0.iter().map(|past| past.3).max().unwrap_or_default()
    }

    fn at(&self, when: u64) -> Option<&(u64, Vec<u8>, Tasks, u64)> {
        self.0
            .iter()
            .rfind(|(at, ..)| *at <= when)
            .or(self.0.front())
    }
}

/// The addresses that a name server lists.
fn records(now: u64, swarm: &Swarm, net: &Net) -> Vec<u8> {
    let listed = swarm.live().filter(|(_, task)| {
        task.state == State::Running
            && now >= task.starts + RECORD_IN
            && task.unwanted.is_none_or(|since| now < since + RECORD_OUT)
            && net
                .lost_since(task.host)
                .is_none_or(|since| now < since + RECORD_LOST)
    });
    listed.map(|(_, task)| task.address).collect()
}

/// What the managers know of each task.
fn tasks(now: u64, swarm: &Swarm, net: &Net) -> Tasks {
    let dead = |task: &Task| {
        net.silent_since(task.host)
            .is_some_and(|s| now >= s + HOST_DOWN)
    };
    let listed = swarm.live();
    listed
        .map(|(number, task)| {
            let presence = if dead(task) {
                Presence::OutOfSight
            } else if task.unwanted.is_some() {
                Presence::Leaving
            } else {
                Presence::Present
            };
            (number, task.slot, task.address, presence)
        })
        .collect()
}

/// What the name server answers.
pub fn dns(now: u64, past: &Past, lie: Option<Lie>, chance: &mut Chance) -> Report {
    let when = match lie {
        Some(Lie::Stale(age)) => now.saturating_sub(age),
        _ => now,
    };
    let mut listed = past
        .at(when)
        .map(|(_, dns, ..)| dns.clone())
        .unwrap_or_default();
    let grade = match lie {
        Some(Lie::Missing(count)) => {
            listed.truncate(listed.len().saturating_sub(count));
            None
        }
        Some(Lie::Phantom(address)) => {
            listed.push(address);
            None
        }
        Some(Lie::Truncated) => {
            listed.truncate(chance.below(listed.len() + 1));
            Some(Grade::Truncated)
        }
        Some(Lie::Empty) => Some(Grade::Empty),
        Some(Lie::NxDomain) => Some(Grade::NxDomain),
        Some(Lie::ServFail) => Some(Grade::ServFail),
        Some(Lie::Timeout) => Some(Grade::Timeout),
        Some(Lie::Stale(_)) | None => None,
    };
    match grade {
        Some(Grade::Truncated) => Report {
            grade: Grade::Truncated,
            ..Report::addresses(Witness::Dns, listed.into_iter().map(address))
        },
        Some(grade) => Report::unknown(Witness::Dns, grade),
        None if listed.is_empty() => Report::unknown(Witness::Dns, Grade::NxDomain),
        None => Report::addresses(Witness::Dns, listed.into_iter().map(address)),
    }
}

/// What the task list says.
pub fn docker(now: u64, past: &Past, lie: Option<Lie>) -> Report {
    let when = match lie {
        Some(Lie::Stale(age)) => now.saturating_sub(age),
        Some(_) => return Report::unknown(Witness::Docker, Grade::Failed("the API fails".into())),
        None => now,
    };
    let Some((_, _, tasks, desired)) = past.at(when) else {
        return Report::unknown(Witness::Docker, Grade::Timeout);
    };
    let tasks = tasks.iter();
    Report {
        witness: Witness::Docker,
        grade: Grade::Answer,
        sightings: tasks
            .map(|(task, slot, at, p)| sighting(*task, *slot, *at, p.clone()))
            .collect(),
        coming: Vec::new(),
        desired: usize::try_from(*desired).ok(),
    }
}

/// What the members announced of themselves.
pub fn announce(heard: &BTreeMap<usize, (u64, u64, u8, Phase)>) -> Report {
    Report {
        witness: Witness::Announce,
        grade: Grade::Answer,
        sightings: heard
            .iter()
            .map(|(task, (_, slot, at, phase))| {
                let presence = match phase {
                    Phase::Present => Presence::Present,
                    Phase::Leaving => Presence::Leaving,
                    Phase::Stopping => Presence::Stopping,
                };
                sighting(*task, *slot, *at, presence)
            })
            .collect(),
        coming: Vec::new(),
        desired: None,
    }
}

fn sighting(task: usize, slot: u64, at: u8, presence: Presence) -> Sighting {
    let at: Place = address(at);
    Sighting {
        member: Some(MemberId::Slot {
            service: "db".into(),
            slot,
        }),
        task: Some(task.to_string()),
        presence,
        ..Sighting::at(at)
    }
}
