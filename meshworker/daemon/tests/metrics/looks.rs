//! Looks as passes make them, put together by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use meshworker::board::Requests;
use meshworker::board::{Head, Look};
use meshworker::config::{Cluster, Inputs, Origin, Raw};
use meshworker::status::StepStatus;
use meshworker_core::{
    Change, Gate, Going, Grade, Leaver, MemberId, Pace, Peer, Place, Presence, Progress, Reason,
    Refusal, Release, Report, Role, Roster, Sighting, Unity, Witness,
};
use tokio::time::Instant;

/// The member of this slot is here.
pub fn at(slot: u8) -> Place {
    Place::from([10, 0, 1, slot])
}

/// A cluster of this name, of the defaults.
pub fn cluster(name: &str, engine: &str) -> Cluster {
    let given = [("servicename", name), ("engine", engine), ("docker", "no")];
    let mut raw = Raw::default();
    for (setting, value) in given {
        raw.give(setting, value, Origin::Flag).unwrap();
    }
    Inputs::default().cluster(&raw).unwrap()
}

/// One witness's answer: these slots, each with its presence.
pub fn report(witness: Witness, seen: &[(u8, Presence)]) -> Report {
    let mut report = Report::addresses(witness, seen.iter().map(|(slot, _)| at(*slot)));
    for (sighting, (slot, presence)) in report.sightings.iter_mut().zip(seen) {
        *sighting = Sighting {
            presence: presence.clone(),
            member: (witness == Witness::Docker).then(|| id(*slot)),
            ..sighting.clone()
        };
    }
    report
}

/// All these slots are present.
pub fn present(witness: Witness, slots: &[u8]) -> Report {
    let seen: Vec<_> = slots
        .iter()
        .map(|slot| (*slot, Presence::Present))
        .collect();
    report(witness, &seen)
}

fn id(slot: u8) -> MemberId {
    MemberId::Slot {
        service: "cache_redis".into(),
        slot: slot.into(),
    }
}

/// What the member of a slot says when its cluster is these slots.
fn head(slot: u8, together: &[u8]) -> Head {
    let peers = together.iter().map(|peer| Peer {
        node: format!("n{peer}"),
        address: Some(at(*peer)),
        alive: true,
    });
    Head {
        node: format!("n{slot}"),
        cluster_name: None,
        role: Some(Role::of("master")),
        size: together.len(),
        peers: peers.collect::<Arc<[Peer]>>(),
        working: None,
        holdings: Default::default(),
        detail: (),
    }
}

/// A look of this number, a second after the one before: these witnesses, and
/// the members of these slots are one cluster; `alone` answer and are in none.
pub fn look(number: u64, reports: Vec<Report>, together: &[u8], alone: &[u8]) -> Look {
    let mut answers: BTreeMap<Place, Result<Head, String>> = BTreeMap::new();
    for slot in together {
        answers.insert(at(*slot), Ok(head(*slot, together)));
    }
    for slot in alone {
        answers.insert(at(*slot), Ok(head(*slot, &[*slot])));
    }
    let passed = Duration::from_secs(number);
    Look {
        number,
        at: beginning() + passed,
        time: UNIX_EPOCH + Duration::from_secs(1_767_225_600) + passed,
        took: Duration::from_millis(20),
        requests: Requests::default(),
        roster: Roster::merge(&reports, &BTreeSet::new()),
        reports,
        answers,
        steps: Vec::new(),
        refusals: Vec::new(),
        leavers: Vec::new(),
        outsiders: std::collections::BTreeSet::new(),
        wanted: together.len(),
        losses: Vec::new(),
        unity: Unity::One {
            size: together.len(),
        },
        settled: true,
        pace: Pace::Calm,
    }
}

/// The same in every look of a test, so that their distances are exact.
fn beginning() -> Instant {
    static BEGINNING: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

/// A request of this kind; `ok` is none when it was not made.
pub fn step(kind: &str, ok: Option<bool>) -> StepStatus {
    StepStatus {
        kind: kind.into(),
        to: at(1).to_string(),
        request: "cluster meet 10.0.1.3".into(),
        introduces: Some(at(3).to_string()),
        evidence: Vec::new(),
        ok,
        reply: ok.map(|_| "a reply".into()),
    }
}

/// A member on its way out, with so many slots left.
pub fn leaver(slot: u8, left: u64, release: Release) -> Leaver {
    Leaver {
        member: id(slot),
        address: at(slot),
        node: format!("n{slot}"),
        going: Going::ForGood,
        place: 1,
        progress: Some(Progress {
            unit: "slots",
            left,
        }),
        estimate: None,
        patient: true,
        release,
    }
}

/// Held because it holds data.
pub fn held() -> Release {
    Release::Held {
        gate: Gate::DataSafe,
        seen: "5461 slots".into(),
    }
}

/// What the release gate before data says of a leaver.
pub fn unsafe_to_go(slot: u8, seen: &str) -> Refusal {
    let reason = Reason::Closed(Change::Part.closed(Gate::DataSafe, seen));
    Refusal::new(format!("release cache_redis.{slot}"), reason)
}

/// Two passes over a cluster of three that grows to four while one member leaves,
/// beside a stale record and an announced member that DNS does not list.
pub fn story() -> [Look; 2] {
    let witnesses = |grade: Grade| {
        let mut docker = report(
            Witness::Docker,
            &[
                (1, Presence::Present),
                (2, Presence::Present),
                (3, Presence::Present),
                (4, Presence::Leaving),
            ],
        );
        docker.desired = Some(3);
        let mut dns = present(Witness::Dns, &[1, 2, 4, 9]);
        dns.grade = grade;
        vec![dns, docker, present(Witness::Announce, &[3])]
    };
    let failed = Grade::Failed("no route to host".into());
    let mut first = look(1, witnesses(failed), &[1, 2, 4], &[3]);
    first.unity = Unity::apart("10.0.1.3 is not in");
    first.settled = false;
    first.steps = vec![step("join", Some(true)), step("leave", Some(false))];
    first.refusals = vec![unsafe_to_go(4, "5461 slots")];
    first.leavers = vec![leaver(4, 5461, held())];
    let mut second = look(2, witnesses(Grade::Answer), &[1, 2, 3, 4], &[]);
    second.took = Duration::from_millis(300);
    second.steps = vec![step("leave", Some(true))];
    second.refusals = vec![unsafe_to_go(4, "5000 slots")];
    second.leavers = vec![leaver(4, 5000, held())];
    second.answers.insert(at(9), Err("time-out".into()));
    [first, second]
}
