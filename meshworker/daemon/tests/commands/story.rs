//! Clusters in various states, as a worker would tell of them.

use std::collections::BTreeMap;
use std::path::Path;

use meshworker::cli::show::Shown;
use meshworker::status::{
    ClusterStatus, Event, EventKind, FigureStatus, GroupMember, GroupStatus, LeaverStatus,
    MemberState, MemberStatus, Mode, Part, PassStatus, PlanStatus, RefusalStatus,
    ReplicationStatus, Severity, SightingStatus, SourceStatus, StepStatus, Summary, ViewStatus,
    WhoSees, Why, WitnessStatus,
};

/// Set to `1`, this variable lets the tests write the pages instead.
pub const UPDATE: &str = "MESHWORKER_UPDATE_DOCS";

/// When the last pass of every story ended.
pub const TIME: &str = "2026-11-21T03:10:20Z";

fn sighting(witness: &str, presence: &str, since: &str) -> SightingStatus {
    SightingStatus {
        witness: witness.into(),
        presence: presence.into(),
        since: format!("2026-11-21T{since}Z"),
        age_seconds: 0.4,
    }
}

fn peer(node: &str, slot: u8, alive: bool) -> WhoSees {
    WhoSees {
        node: node.into(),
        address: Some(format!("10.0.1.{}", slot + 2)),
        alive,
    }
}

fn figure(what: &str, value: u64, of: Option<u64>, words: &str) -> FigureStatus {
    FigureStatus {
        what: what.into(),
        value,
        of,
        words: words.into(),
    }
}

fn member(slot: u8, state: MemberState, node: &str) -> MemberStatus {
    let id = ["3f2a81c0", "90bd11e7", "c4417a5f", "e02b6d93"][usize::from(slot - 1)];
    MemberStatus {
        id: format!("cache_redis.{slot}"),
        address: format!("10.0.1.{}", slot + 2),
        // The swarm's own word for it is longer.
        node: Some(format!("id-of-{node}")),
        node_name: Some(node.into()),
        task: Some(format!("t{slot}x9k2m4qpa")),
        part: None,
        state,
        state_since: Some("2026-11-21T02:58:02Z".into()),
        standing: "wanted".into(),
        held: None,
        sightings: vec![
            sighting("dns", "present", "02:58:01"),
            sighting("docker", "present", "02:58:00"),
            sighting("database", "present", "02:58:02"),
        ],
        view: Some(ViewStatus {
            term: None,
            node: id.into(),
            cluster_name: Some("redis".into()),
            role: Some("master".into()),
            primary: false,
            size: 3,
            peers: vec![
                peer("3f2a81c0", 1, true),
                peer("90bd11e7", 2, true),
                peer("c4417a5f", 3, true),
            ],
            working: None,
            follows: None,
            figures: vec![
                figure("slots", 5461, None, "5461 slots"),
                figure("keys", 1204, None, "1204 keys"),
                figure("memory", 3 << 20, Some(64 << 20), "3/64M memory"),
            ],
            refuses_writes: None,
            role_since: None,
            replication: None,
        }),
        unanswered: None,
    }
}

/// One fact of the history.
pub fn event(id: u64, time: &str, kind: EventKind, member: Option<&str>, text: &str) -> Event {
    let warning = matches!(kind, EventKind::Refused | EventKind::Failed);
    Event {
        id,
        time: format!("2026-11-{time}Z"),
        cluster: "cache_redis".into(),
        kind,
        severity: if warning {
            Severity::Warning
        } else {
            Severity::Info
        },
        member: member.map(|member| format!("cache_redis.{member}")),
        reason: None,
        text: text.into(),
        evidence: Vec::new(),
    }
}

/// A cluster that is as it should be.
pub fn calm() -> Shown {
    let members = vec![
        member(1, MemberState::Joined, "node-a"),
        member(2, MemberState::Joined, "node-b"),
        member(3, MemberState::Joined, "node-c"),
    ];
    let witness = |name: &str, desired| WitnessStatus {
        witness: name.into(),
        grade: "answer".into(),
        complete: true,
        members: 3,
        desired,
    };
    let status = ClusterStatus {
        turned_away: Vec::new(),
        name: "cache_redis".into(),
        engine: "redis".into(),
        one: true,
        unity: "one cluster of 3 members".into(),
        settled: true,
        mode: Mode {
            dry_run: false,
            removals: true,
            held: None,
            drains: Vec::new(),
            drained_by: BTreeMap::new(),
            succession: Vec::new(),
        },
        pass: PassStatus {
            number: 812,
            time: TIME.into(),
            took_seconds: 0.0123,
            views: 3,
            steps: 0,
            pace: "calm".into(),
        },
        witnesses: vec![witness("dns", None), witness("docker", Some(3))],
        members,
        departed: Vec::new(),
        plan: PlanStatus::default(),
        leavers: Vec::new(),
    };
    told(status, history()[..3].to_vec())
}

/// What happened to the cluster up to now.
pub fn history() -> Vec<Event> {
    use EventKind::{Done, Leave, Member, Refused, Unity};
    vec![
        event(
            1,
            "20T22:58:01",
            Member,
            Some("3"),
            "cache_redis.3 at 10.0.1.5 came into sight: dns, docker",
        ),
        event(
            2,
            "20T22:58:02",
            Done,
            Some("3"),
            "join at 10.0.1.3: CLUSTER MEET 10.0.1.5 6379 -> OK",
        ),
        event(3, "20T22:58:04", Unity, None, "one cluster of 3 members"),
        event(
            4,
            "21T03:09:51",
            Leave,
            Some("4"),
            "cache_redis.4 asks to leave: gone for good, 1365 slots left",
        ),
        event(
            5,
            "21T03:10:18",
            Refused,
            Some("2"),
            "not done: join 10.0.1.9: it belongs to cluster 'sessions', not 'redis'",
        ),
    ]
}

/// Much goes on: one leaves, one is refused, one is silent, one was forgotten.
pub fn busy() -> Shown {
    let mut status = calm().status.unwrap();
    let mut leaving = member(4, MemberState::Leaving, "node-a");
    leaving.state_since = Some("2026-11-21T03:09:51Z".into());
    leaving.standing = "leaving".into();
    for (said, presence) in leaving
        .sightings
        .iter_mut()
        .zip(["present", "leaving", "present"])
    {
        said.presence = presence.into();
        said.since = "2026-11-21T03:09:51Z".into();
    }
    let mut refused = member(
        2,
        MemberState::Refused,
        "a-node-with-a-very-long-name.example.internal",
    );
    refused.address = "10.0.1.9".into();
    refused.sightings.pop();
    refused.view = None;
    let mut silent = member(3, MemberState::Silent, "node-c");
    silent.view = None;
    silent.unanswered = Some("no answer before the deadline".into());
    silent.sightings[1].presence = "unknown (time-out)".into();
    silent.sightings[2].presence = "absent".into();
    silent.held = Some("disk is being replaced, back at eight".into());
    let mut first = member(1, MemberState::Joined, "node-a");
    if let Some(view) = &mut first.view {
        view.working = Some("slot 7 is moving".into());
    }
    status.members = vec![first, refused, silent, leaving];
    status.one = false;
    status.settled = false;
    status.unity =
        "not one cluster: cache_redis.2 is not in it, and cache_redis.3 does not answer".into();
    status.mode.removals = false;
    status.pass.steps = 2;
    status.pass.pace = "quick".into();
    status.witnesses[0].grade = "truncated answer".into();
    status.witnesses[0].complete = false;
    status.departed = vec![WhoSees {
        node: "77ab3390".into(),
        address: Some("10.0.1.12".into()),
        alive: false,
    }];
    status.leavers = vec![leaver()];
    status.plan = plan();
    told(status, history()[3..].to_vec())
}

/// A member that hands over its slots.
pub fn leaver() -> LeaverStatus {
    LeaverStatus {
        member: "cache_redis.4".into(),
        address: "10.0.1.6".into(),
        node: "e02b6d93".into(),
        going: "gone for good".into(),
        place: 1,
        left: Some(1365),
        unit: Some("slots".into()),
        estimate_seconds: Some(12.2),
        released: false,
        waits_for: Some("gate 5 (it holds nothing alone) is closed: 1365 slots".into()),
    }
}

/// Two requests, one of which failed, and two refusals.
pub fn plan() -> PlanStatus {
    let step = |request: &str, ok, reply: &str| StepStatus {
        kind: "leave".into(),
        to: "10.0.1.6".into(),
        request: request.into(),
        introduces: None,
        evidence: vec!["docker: cache_redis.4 leaving".into()],
        ok: Some(ok),
        reply: Some(reply.into()),
    };
    PlanStatus {
        steps: vec![
            step("move 256 slots to 10.0.1.3", true, "OK"),
            step(
                "move 256 slots to 10.0.1.4",
                false,
                "no answer before the deadline",
            ),
        ],
        refusals: vec![
            RefusalStatus {
                what: "join 10.0.1.9".into(),
                kind: "wrong_cluster".into(),
                reason: "it belongs to cluster 'sessions', not 'redis'".into(),
                evidence: vec!["10.0.1.9: cluster_name sessions".into()],
                members: vec!["cache_redis.2".into()],
            },
            RefusalStatus {
                what: "forget 77ab3390".into(),
                kind: "gate_1_witnesses_answer".into(),
                reason:
                    "gate 1 (every witness gave a complete answer) is closed: dns: truncated answer"
                        .into(),
                evidence: vec!["dns: cache_redis.9 unknown (truncated answer)".into()],
                members: Vec::new(),
            },
        ],
    }
}

/// All evidence for the member that leaves.
pub fn why() -> Why {
    let status = busy().status.unwrap();
    let plan = plan();
    Why {
        turned_away: Vec::new(),
        members: vec![status.members[3].clone()],
        seen_by: vec![
            "10.0.1.3 (cache_redis.1): alive".into(),
            "10.0.1.5 (cache_redis.3): no answer".into(),
        ],
        steps: plan.steps,
        refusals: Vec::new(),
        leaver: Some(leaver()),
        events: history()[3..4].to_vec(),
    }
}

/// A text, held against a file of this folder, or written there.
pub fn same(page: &str, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/commands/pages")
        .join(file);
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        std::fs::write(&path, format!("{page}\n")).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(page, expected.trim_end(), "{file}; {UPDATE}=1 writes it");
}

/// A status with its line.
pub fn told(status: ClusterStatus, lately: Vec<Event>) -> Shown {
    Shown {
        summary: Summary {
            name: status.name.clone(),
            engine: status.engine.clone(),
            one: status.one,
            unity: status.unity.clone(),
            joined: status.joined(),
            members: status.members.len(),
            refusals: status.plan.refusals.len(),
            mode: status.mode.clone(),
            age_seconds: Some(0.4),
        },
        status: Some(status),
        lately,
    }
}

fn worker(slot: u64, part: Part) -> GroupMember {
    let store = ["6f0c2b7e91d3a548", "b41d77e0c85f2a36", "09ce5a1832d7f46b"];
    let answers = slot != 3;
    GroupMember {
        store: store[slot as usize - 1].into(),
        slot: Some(slot),
        node: Some(["node-a", "node-b", "node-c"][slot as usize - 1].into()),
        address: Some(format!("10.0.1.{}", 19 + slot)),
        part,
        answers,
        kept: answers.then_some(true),
        last: answers.then_some(184),
        behind: Some(if answers { 0 } else { 12 }),
        leaving: false,
        waits: (slot == 3).then(|| "it was heard 41 s ago, and is listed no more".into()),
    }
}

/// Three workers, of which the second one acts and the third one is gone: what two say.
pub fn workers() -> Vec<(String, GroupStatus)> {
    let leader = GroupStatus {
        group: Some("d2b8f04e6a91c357".into()),
        me: "b41d77e0c85f2a36".into(),
        acts: true,
        fence: Some(171),
        why: None,
        leader: Some("b41d77e0c85f2a36".into()),
        since: Some("2026-11-21T02:41:07Z".into()),
        term: 3,
        committed: 184,
        takeovers: 1,
        open: 0,
        other: None,
        unkept: None,
        unsound: None,
        members: vec![
            worker(1, Part::Voter),
            worker(2, Part::Leader),
            worker(3, Part::Voter),
        ],
    };
    let follower = GroupStatus {
        me: "6f0c2b7e91d3a548".into(),
        acts: false,
        fence: None,
        why: Some("worker 2 on node-b".into()),
        ..leader.clone()
    };
    vec![
        ("http://10.0.1.20:4748".into(), follower),
        ("http://10.0.1.21:4748".into(), leader),
    ]
}

/// The first of them, once the others are lost.
pub fn bereft() -> Vec<(String, GroupStatus)> {
    let (worker, mut status) = workers().swap_remove(0);
    status.leader = None;
    status.since = None;
    status.why = Some("nobody leads: a majority of the workers' stores is not there".into());
    status.members[1].part = Part::Voter;
    status.members[1].answers = false;
    status.members[1].last = None;
    vec![(worker, status)]
}

/// A primary, its replicas, and one that is not started yet.
pub fn replicas() -> ClusterStatus {
    let member = |slot: u8, host: u8, role: Option<&str>, working: Option<&str>| {
        let mut member = member(1, MemberState::Joined, "node-a");
        member.id = format!("db_mariadb.{slot}");
        member.address = format!("10.0.1.{host}");
        let view = member.view.as_mut().unwrap();
        view.primary = role == Some("primary");
        view.follows = (role == Some("replica")).then(|| "db_mariadb.2".to_owned());
        (view.role, view.term) = (role.map(str::to_owned), Some(5));
        view.working = working.map(str::to_owned);
        view.role_since = Some("2026-11-28T02:41:09Z".into());
        let behind = (slot == 3).then_some(9);
        let position = if slot == 3 { "0-2-1187" } else { "0-2-1204" };
        let acknowledges = match role {
            Some("primary") => "waits for one of 2 to acknowledge",
            _ => "acknowledges what it receives",
        };
        view.replication = Some(ReplicationStatus {
            position: position.into(),
            acknowledges: acknowledges.into(),
            source: (role == Some("replica")).then(|| SourceStatus {
                connected: true,
                applies: true,
                received: "0-2-1204".into(),
                behind_seconds: behind.or(Some(0)),
                error: None,
            }),
        });
        member
    };
    let waits = MemberStatus {
        state: MemberState::Waiting,
        view: None,
        unanswered: Some("connection refused".into()),
        ..member(4, 9, None, None)
    };
    let mut status = calm().status.unwrap();
    status.members = vec![
        member(1, 3, Some("replica"), None),
        member(2, 4, Some("primary"), None),
        member(3, 5, Some("replica"), Some("it is more than 5 s behind")),
        waits,
    ];
    status.plan.refusals = vec![RefusalStatus {
        what: "have db_mariadb.4 follow".into(),
        kind: "foreign_cluster".into(),
        reason: "it has transaction 0-4-18, which the primary has not".into(),
        evidence: Vec::new(),
        members: vec!["db_mariadb.4".into()],
    }];
    status
}
