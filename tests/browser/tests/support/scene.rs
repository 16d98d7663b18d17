//! Clusters as a test wants them, and the stories that they go through.

use std::time::{Duration, SystemTime};

use meshworker::status::{
    ClusterStatus, Event, EventKind, LeaverStatus, MemberState, MemberStatus, Mode, PassStatus,
    PlanStatus, RefusalStatus, ReplicationStatus, Severity, SightingStatus, SourceStatus,
    ViewStatus, WhoSees, WitnessStatus,
};

pub const CLUSTER: &str = "cache_redis";

/// The time of a pass that is always the latest: answers have the time instead.
pub const NOW: &str = "now";

pub fn id(slot: usize) -> String {
    format!("cache_redis.{slot}")
}

fn address(slot: usize) -> String {
    format!("10.0.{}.{}", 1 + slot / 200, 3 + slot % 200)
}

/// A node's id in the database, which looks like one.
fn node(slot: usize) -> String {
    (0..40)
        .map(|place| {
            char::from_digit(((slot * 7919 + place * place * 31 + 5) % 16) as u32, 16).unwrap()
        })
        .collect()
}

/// RFC 3339 in UTC, so many seconds ago.
pub fn time(ago: u64) -> String {
    let then = SystemTime::now() - Duration::from_secs(ago);
    let seconds = then
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let (days, rest) = (seconds / 86400, seconds % 86400);
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// One that everybody sees, and that sees so many.
pub fn member(slot: usize, all: usize, nodes: usize) -> MemberStatus {
    let sighting = |witness: &str| SightingStatus {
        witness: witness.into(),
        presence: "present".into(),
        since: time(4000),
        age_seconds: 0.4,
    };
    let peers = (1..=all).map(|other| WhoSees {
        node: node(other),
        address: Some(address(other)),
        alive: true,
    });
    MemberStatus {
        id: id(slot),
        address: address(slot),
        node: Some(format!("swarm-{}", (slot - 1) % nodes + 1)),
        node_name: None,
        task: Some(format!("t{slot}x8kq0v3m1")),
        part: None,
        state: MemberState::Joined,
        state_since: Some(time(4000)),
        standing: "wanted".into(),
        held: None,
        sightings: ["dns", "announce", "docker"].map(sighting).into(),
        view: Some(ViewStatus {
            term: None,
            node: node(slot),
            cluster_name: None,
            role: Some("master".into()),
            primary: false,
            size: all,
            peers: peers.collect(),
            working: None,
            follows: None,
            figures: Vec::new(),
            refuses_writes: None,
            role_since: None,
            replication: None,
        }),
        unanswered: None,
    }
}

/// So many members, at rest, on so many swarm nodes.
pub fn calm(members: usize, nodes: usize) -> ClusterStatus {
    let witness = |name: &str, complete, desired| WitnessStatus {
        witness: name.into(),
        grade: "answer".into(),
        complete,
        members,
        desired,
    };
    ClusterStatus {
        turned_away: Vec::new(),
        name: CLUSTER.into(),
        engine: "redis".into(),
        one: true,
        unity: format!("one cluster of {members} members"),
        settled: true,
        mode: Mode {
            dry_run: false,
            removals: true,
            held: None,
            drains: Vec::new(),
            drained_by: Default::default(),
            succession: Vec::new(),
        },
        pass: PassStatus {
            number: 1,
            time: NOW.into(),
            took_seconds: 0.0042,
            views: members,
            steps: 0,
            pace: "calm".into(),
        },
        witnesses: vec![
            witness("dns", true, None),
            witness("announce", false, None),
            witness("docker", true, Some(members)),
        ],
        members: (1..=members)
            .map(|slot| member(slot, members, nodes))
            .collect(),
        departed: Vec::new(),
        plan: PlanStatus::default(),
        leavers: Vec::new(),
    }
}

/// One primary, and replicas that copy from it, in this term.
pub fn replicated(members: usize, primary: usize, term: u64) -> ClusterStatus {
    let mut status = calm(members, members);
    status.engine = "mariadb".into();
    for (slot, member) in (1..).zip(&mut status.members) {
        let Some(view) = &mut member.view else {
            continue;
        };
        let follows = slot != primary;
        view.role = Some(if follows { "replica" } else { "primary" }.into());
        (view.primary, view.term) = (!follows, Some(term));
        view.role_since = Some("2026-11-21T03:10:20Z".into());
        view.follows = follows.then(|| id(primary));
        let acknowledges = match follows {
            true => "acknowledges what it receives".to_owned(),
            false => format!("waits for one of {} to acknowledge", members - 1),
        };
        view.replication = Some(ReplicationStatus {
            position: format!("0-{primary}-1204"),
            acknowledges,
            source: follows.then(|| SourceStatus {
                connected: true,
                applies: true,
                received: format!("0-{primary}-1204"),
                behind_seconds: Some(0),
                error: None,
            }),
        });
    }
    status
}

/// Its database does not answer; the others see it alive, or not any more.
pub fn silence(status: &mut ClusterStatus, slot: usize, seen: bool) {
    status.one = false;
    status.settled = false;
    status.unity = format!("not one cluster: {} does not answer", id(slot));
    for member in &mut status.members {
        if member.id == id(slot) {
            member.state = MemberState::Silent;
            member.view = None;
            member.unanswered = Some("no answer within 1 s".into());
            member.sightings[1].presence = "unknown (no announcement)".into();
        } else if let Some(view) = &mut member.view {
            for peer in &mut view.peers {
                peer.alive &= seen || peer.node != node(slot);
            }
        }
    }
}

/// New ones answer, and know nobody yet.
pub fn join(status: &mut ClusterStatus, slots: &[usize], nodes: usize) {
    for slot in slots {
        let mut member = member(*slot, *slot, nodes);
        member.state = MemberState::Joining;
        if let Some(view) = &mut member.view {
            view.size = 1;
            view.peers.retain(|peer| peer.node == node(*slot));
        }
        status.members.push(member);
    }
    status.settled = false;
}

/// One is to go, and has so much left.
pub fn leave(status: &mut ClusterStatus, slot: usize, left: Option<u64>) {
    let place = status.leavers.len() + 1;
    let released = left.is_none();
    status.settled = false;
    for member in status.members.iter_mut().filter(|one| one.id == id(slot)) {
        member.state = if released {
            MemberState::Released
        } else {
            MemberState::Leaving
        };
        member.standing = "leaving".into();
        member.sightings[1].presence = "leaving".into();
    }
    status.leavers.push(LeaverStatus {
        member: id(slot),
        address: address(slot),
        node: node(slot),
        going: "gone for good".into(),
        place,
        left,
        unit: left.map(|_| "slots".into()),
        estimate_seconds: left.map(|left| left as f64 / 33.0),
        released,
        waits_for: left.map(|_| format!("slots move to {}", id(1))),
    });
}

/// A stranger answers, and is not taken in.
pub fn refuse(status: &mut ClusterStatus, slot: usize) {
    let mut stranger = member(slot, slot, 1);
    stranger.state = MemberState::Refused;
    stranger.node = None;
    stranger.task = None;
    if let Some(view) = &mut stranger.view {
        view.cluster_name = Some("another".into());
        view.size = 3;
        view.peers.retain(|peer| peer.node == node(slot));
    }
    status.plan.refusals.push(RefusalStatus {
        what: format!("join {}", stranger.address),
        kind: "another_cluster".into(),
        reason: "it is in another cluster, of 3 nodes, with data".into(),
        evidence: vec![format!("database {}: cluster 'another'", stranger.address)],
        members: vec![stranger.id.clone()],
    });
    status.members.push(stranger);
}

/// A fact.
pub fn event(id: u64, ago: u64, kind: EventKind, member: Option<usize>, text: &str) -> Event {
    let warning = matches!(kind, EventKind::Refused | EventKind::Failed);
    Event {
        id,
        time: time(ago),
        cluster: CLUSTER.into(),
        kind,
        severity: if warning {
            Severity::Warning
        } else {
            Severity::Info
        },
        member: member.map(self::id),
        reason: None,
        text: text.into(),
        evidence: vec!["dns: present".into()],
    }
}
