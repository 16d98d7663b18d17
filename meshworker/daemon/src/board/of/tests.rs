//! What people are shown of a look: the states, whom a refusal concerns, and
//! everything that is said of one member.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meshworker_core::{
    Evidence, Gate, Going, Grade, Leaver, MemberId, Orders, Pace, Peer, Place, Presence, Reason,
    Refusal, Release, Report, Roster, Sighting, Unity, Witness,
};
use tokio::time::Instant;

use super::{cluster, states, why};
use crate::board::Requests;
use crate::board::{Head, Look, Since};
use crate::status::{ClusterStatus, MemberState, StepStatus, Why};

/// The n-th address.
fn at(number: u8) -> Place {
    [10, 0, 0, number].into()
}

fn node(number: u8) -> String {
    format!("n{number}")
}

fn slot(number: u8) -> MemberId {
    MemberId::Slot {
        service: "db".into(),
        slot: number.into(),
    }
}

/// A look at members that DNS lists.
fn listed(numbers: &[u8]) -> Look {
    look(vec![Report::addresses(
        Witness::Dns,
        numbers.iter().map(|number| at(*number)),
    )])
}

fn look(reports: Vec<Report>) -> Look {
    Look {
        number: 7,
        at: Instant::now(),
        time: SystemTime::UNIX_EPOCH,
        took: Duration::from_millis(3),
        requests: Requests::default(),
        roster: Roster::merge(&reports, &[].into()),
        reports,
        answers: BTreeMap::new(),
        steps: Vec::new(),
        refusals: Vec::new(),
        leavers: Vec::new(),
        outsiders: std::collections::BTreeSet::new(),
        wanted: 0,
        losses: Vec::new(),
        unity: Unity::apart("the test"),
        settled: false,
        pace: Pace::Quick,
    }
}

/// What the docker witness says of slots.
fn tasks(said: &[(u8, Presence)]) -> Report {
    let sightings = said.iter().map(|(number, presence)| Sighting {
        member: Some(slot(*number)),
        presence: presence.clone(),
        ..Sighting::at(at(*number))
    });
    Report {
        sightings: sightings.collect(),
        ..Report::addresses(Witness::Docker, [at(1)])
    }
}

impl Look {
    /// These answer, and each sees all of them alive and the others dead.
    fn group(mut self, alive: &[u8], dead: &[u8]) -> Look {
        let peer = |number: &u8, alive| Peer {
            node: node(*number),
            address: Some(at(*number)),
            alive,
        };
        let peers = alive.iter().map(|number| peer(number, true));
        let peers: Arc<[Peer]> = peers.chain(dead.iter().map(|n| peer(n, false))).collect();
        for number in alive {
            let head = Head {
                node: node(*number),
                cluster_name: None,
                role: None,
                size: alive.len(),
                peers: Arc::clone(&peers),
                working: None,
                holdings: Default::default(),
                detail: (),
            };
            self.answers.insert(at(*number), Ok(head));
        }
        self
    }

    fn refusing(mut self, what: &str, reason: Reason) -> Look {
        self.refusals.push(Refusal::new(what, reason));
        self
    }

    fn leaver(mut self, number: u8, release: Release) -> Look {
        self.leavers.push(Leaver {
            member: slot(number),
            address: at(number),
            node: node(number),
            going: Going::ForGood,
            place: 1,
            progress: None,
            estimate: None,
            patient: true,
            release,
        });
        self
    }

    fn state(&self, number: u8) -> MemberState {
        states(self)[&at(number)].1
    }

    fn told(&self) -> ClusterStatus {
        cluster("db", "toy", self, &Since::default(), &Orders::default())
    }

    fn why(&self, name: &str) -> Option<Why> {
        why(self, &Since::default(), &Orders::default(), name)
    }
}

fn not_yet() -> Release {
    Release::Held {
        gate: Gate::DataSafe,
        seen: "5 slots".into(),
    }
}

#[test]
fn who_sees_the_others_is_joined_who_does_not_is_joining_who_says_nothing_is_silent() {
    let look = listed(&[1, 2, 3, 4]).group(&[1, 2], &[]).group(&[3], &[]);
    assert_eq!(look.state(1), MemberState::Joined);
    assert_eq!(look.state(2), MemberState::Joined);
    assert_eq!(look.state(3), MemberState::Joining);
    assert_eq!(look.state(4), MemberState::Silent);
    assert_eq!(look.told().joined(), 2);
}

#[test]
fn a_single_node_is_a_cluster_only_where_nobody_else_answers() {
    let alone = listed(&[1]).group(&[1], &[]);
    assert_eq!(alone.state(1), MemberState::Joined);
    let two = listed(&[1, 2]).group(&[1], &[]).group(&[2], &[]);
    assert_eq!(two.state(1), MemberState::Joining);
    assert_eq!(two.state(2), MemberState::Joining);
    assert!(states(&listed(&[])).is_empty());
}

#[test]
fn of_two_halves_the_larger_one_is_the_cluster() {
    let look = listed(&[1, 2, 3, 4, 5])
        .group(&[1, 2], &[3, 4, 5])
        .group(&[3, 4, 5], &[1, 2]);
    for number in [3, 4, 5] {
        assert_eq!(look.state(number), MemberState::Joined);
    }
    for number in [1, 2] {
        assert_eq!(look.state(number), MemberState::Joining);
    }
    // Everybody answers: nobody has departed, whatever the halves say.
    assert!(look.told().departed.is_empty());
}

#[test]
fn of_two_halves_of_one_size_exactly_one_is_the_cluster() {
    let look = listed(&[1, 2, 3, 4])
        .group(&[1, 2], &[3, 4])
        .group(&[3, 4], &[1, 2]);
    assert_eq!(look.told().joined(), 2);
}

#[test]
fn whom_something_lasting_keeps_out_is_refused_whom_time_keeps_out_is_joining() {
    let look = listed(&[1, 2, 3, 4])
        .group(&[1, 2], &[])
        .group(&[3], &[])
        .group(&[4], &[])
        .refusing("join 10.0.0.3", Reason::OnHold("disk".into()))
        .refusing(
            "join 10.0.0.4",
            Reason::Awaiting {
                attempts: 1,
                left: Duration::from_secs(1),
            },
        );
    assert_eq!(look.state(3), MemberState::Refused);
    assert_eq!(look.state(4), MemberState::Joining);
}

#[test]
fn who_goes_is_leaving_until_it_may_stop() {
    let report = tasks(&[
        (1, Presence::Present),
        (2, Presence::Leaving),
        (3, Presence::Leaving),
        (4, Presence::Leaving),
    ]);
    let says = Sighting {
        presence: Presence::Stopping,
        ..Sighting::at(at(4))
    };
    let announced = Report {
        sightings: vec![says],
        ..Report::addresses(Witness::Announce, [at(4)])
    };
    let look = look(vec![report, announced])
        .group(&[1, 2, 3, 4], &[])
        .leaver(2, not_yet())
        .leaver(3, Release::Granted);
    assert_eq!(look.state(1), MemberState::Joined);
    assert_eq!(look.state(2), MemberState::Leaving);
    assert_eq!(look.state(3), MemberState::Released);
    assert_eq!(look.state(4), MemberState::Released);
    let leavers = look.told().leavers;
    assert!(!leavers[0].released && leavers[1].released);
    assert!(leavers[0].waits_for.as_ref().unwrap().contains("5 slots"));
    assert_eq!(leavers[1].waits_for, None);
}

#[test]
fn whom_the_task_list_disowns_and_whom_only_the_database_knows_are_unknown() {
    let dns = || Report::addresses(Witness::Dns, [at(1), at(2)]);
    let told = |reports: Vec<Report>| {
        let roster = Roster::merge(&reports, &[at(1), at(3)].into());
        let look = Look {
            roster,
            ..look(reports)
        };
        let told = look.group(&[1, 2, 3], &[]).told().members.into_iter();
        told.map(|member| (member.standing, member.state))
            .collect::<Vec<_>>()
    };
    let is = |standing: &str, state| (standing.to_owned(), state);
    let wanted = is("wanted", MemberState::Joined);
    let disowned = is("disowned", MemberState::Unknown);
    let with_tasks = told(vec![dns(), tasks(&[(1, Presence::Present)])]);
    assert_eq!(with_tasks, [wanted.clone(), disowned.clone(), disowned]);
    let unlisted = is("unlisted", MemberState::Unknown);
    assert_eq!(told(vec![dns()]), [wanted.clone(), wanted, unlisted]);
}

#[test]
fn a_refusal_names_its_members_by_id_by_address_and_by_node() {
    let report = tasks(&[(1, Presence::Present), (2, Presence::Present)]);
    let mut look = look(vec![report]).group(&[1, 2], &[]);
    let off = || Reason::RemovalsOff;
    for what in [
        "stop db.2",
        "join 10.0.0.2",
        "forget n2 (10.0.0.9)",
        "move 10.0.0.2: slot",
    ] {
        look = look.refusing(what, off());
    }
    look = look.refusing("forget n22", off());
    let sighting = Evidence::Sighting {
        witness: Witness::Docker,
        member: slot(1),
        presence: Presence::Present,
    };
    look.refusals.push(Refusal {
        evidence: vec![sighting],
        ..Refusal::new("wait", off())
    });
    let concerned: Vec<Vec<String>> = look
        .told()
        .plan
        .refusals
        .into_iter()
        .map(|refusal| refusal.members)
        .collect();
    let (one, two) = (vec!["db.1".to_owned()], vec!["db.2".to_owned()]);
    let expected = [&two, &two, &two, &two, &Vec::new(), &one];
    assert_eq!(concerned.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_member_is_found_by_its_id_its_slot_its_address_and_its_node() {
    let report = tasks(&[(1, Presence::Present), (2, Presence::Present)]);
    let mut look = look(vec![report])
        .group(&[1], &[2])
        .refusing("join 10.0.0.2", Reason::OnHold("disk".into()))
        .leaver(2, not_yet());
    look.steps.push(StepStatus {
        kind: "join".into(),
        to: "10.0.0.1".into(),
        request: "tip".into(),
        introduces: Some("10.0.0.2".into()),
        evidence: Vec::new(),
        ok: None,
        reply: None,
    });
    look = look.group(&[2], &[]);
    for name in ["db.2", "2", "10.0.0.2", "n2"] {
        let why = look.why(name).unwrap();
        assert_eq!(why.members.len(), 1, "{name}");
        assert_eq!(why.members[0].id, "db.2");
        assert_eq!(why.seen_by, ["10.0.0.1 (db.1): not alive"]);
        assert_eq!((why.steps.len(), why.refusals.len()), (1, 1));
        assert!(why.leaver.is_some());
    }
    assert!(look.why("db.1").unwrap().leaver.is_none());
    for name in ["3", "db", "", "10.0.0.22", "n"] {
        assert!(look.why(name).is_none(), "{name}");
    }
}

#[test]
fn who_is_gone_is_told_as_departed_and_can_be_asked_about() {
    let look = listed(&[1, 2])
        .group(&[1, 2], &[3])
        .refusing("forget n3", Reason::RemovalsOff);
    let departed = look.told().departed;
    assert_eq!(departed.len(), 1);
    assert_eq!(departed[0].node, "n3");
    assert_eq!(departed[0].address.as_deref(), Some("10.0.0.3"));
    for name in ["n3", "10.0.0.3"] {
        let why = look.why(name).unwrap();
        assert!(why.members.is_empty());
        assert_eq!(why.seen_by.len(), 2);
        assert!(why.seen_by.iter().all(|said| said.ends_with(": not alive")));
        assert_eq!(why.refusals.len(), 1);
    }
}

#[test]
fn whom_it_is_refused_to_forget_is_gone_where_peers_do_not_tell() {
    let look = listed(&[1, 2])
        .group(&[1, 2], &[])
        .refusing("forget 10.0.0.3", Reason::RemovalsOff)
        .refusing("forget n2", Reason::RemovalsOff);
    let departed = look.told().departed;
    assert_eq!(departed.len(), 1);
    assert_eq!(departed[0].node, "10.0.0.3");
    assert_eq!(departed[0].address.as_deref(), Some("10.0.0.3"));
    assert_eq!(look.why("10.0.0.3").unwrap().refusals.len(), 1);
}

#[test]
fn in_a_large_cluster_peers_are_told_only_of_whom_is_asked_for() {
    let of = |size: u8| {
        let numbers: Vec<u8> = (1..=size).collect();
        listed(&numbers).group(&numbers, &[])
    };
    let told = |look: &Look| look.told().members[0].view.as_ref().unwrap().peers.len();
    assert_eq!(told(&of(64)), 64);
    let large = of(65);
    assert_eq!(told(&large), 0);
    let why = large.why("10.0.0.1").unwrap();
    assert_eq!(why.members[0].view.as_ref().unwrap().peers.len(), 65);
}

#[test]
fn a_witness_that_cannot_tell_is_shown_as_such() {
    let nothing = Report::unknown(Witness::Docker, Grade::Timeout);
    let look = look(vec![Report::addresses(Witness::Dns, [at(1)]), nothing]);
    let told = look.told();
    let shown: Vec<_> = told
        .witnesses
        .iter()
        .map(|w| (&*w.grade, w.complete))
        .collect();
    assert_eq!(shown, [("answer", true), ("time-out", false)]);
    let docker = told.members[0]
        .sightings
        .iter()
        .find(|s| s.witness == "docker");
    assert_eq!(docker.unwrap().presence, "unknown (time-out)");
    assert_eq!(told.members[0].unanswered, None);
}

#[test]
fn a_replica_follows_a_member_and_not_an_id() {
    let report = tasks(&[(1, Presence::Present), (2, Presence::Present)]);
    let mut look = look(vec![report]).group(&[1, 2], &[]);
    let mut follow = |number: u8, master: &str| {
        let Some(Ok(head)) = look.answers.get_mut(&at(number)) else {
            panic!("it answers");
        };
        head.holdings.follows = Some(master.to_owned());
    };
    follow(1, "gone");
    follow(2, &node(1));
    let members = look.told().members;
    let follows = members
        .iter()
        .map(|one| one.view.as_ref().unwrap().follows.clone());
    let expected = ["gone".to_owned(), slot(1).to_string()].map(Some);
    assert_eq!(follows.collect::<Vec<_>>(), expected);
}

/// The others see it alive: it was in before its name was another cluster's.
#[test]
fn a_member_of_another_cluster_that_was_in_before_was_shown_as_joined() {
    let mut look = listed(&[1, 2, 3]).group(&[1, 2, 3], &[]);
    look.outsiders.insert(at(3));
    let states = states(&look);
    assert_eq!(states[&at(2)].1, MemberState::Joined);
    assert_eq!(states[&at(3)].1, MemberState::Refused);
}

/// While one was updated, its successor was silent, and there were seven of six.
#[test]
fn a_successor_that_waits_behind_a_leaver_was_silent_and_one_too_many() {
    let present = tasks(&[(1, Presence::Present), (2, Presence::Present)]);
    let successor = Sighting {
        member: Some(slot(1)),
        ..Sighting::at(at(9))
    };
    let mut docker = present;
    docker.desired = Some(2);
    docker.sightings.push(successor);
    let behind = Reason::Waiting {
        behind: "10.0.0.1".into(),
    };
    let before = look(vec![docker.clone()]).group(&[1, 2], &[]);
    assert_eq!(before.state(9), MemberState::Silent);
    let look = look(vec![docker])
        .group(&[1, 2], &[])
        .refusing("join 10.0.0.9", behind);
    assert_eq!(look.state(9), MemberState::Waiting);
    let told = look.told().witnesses;
    assert_eq!((told[0].members, told[0].desired), (2, Some(2)));
}

/// What another cluster's member remembers was shown as this one's.
#[test]
fn a_refused_members_memories_are_not_this_clusters() {
    let mut look = listed(&[1, 2, 7]).group(&[1, 2], &[3]).group(&[7], &[8, 9]);
    look.outsiders.insert(at(7));
    let departed = look.told().departed;
    let nodes: Vec<&str> = departed.iter().map(|gone| gone.node.as_str()).collect();
    assert_eq!(nodes, ["n3"]);
}

#[test]
fn a_member_that_is_held_in_a_cluster_that_is_held_has_its_own_reason() {
    let look = listed(&[1, 2]).group(&[1, 2], &[]);
    let orders = Orders {
        hold: Some("a new switch".into()),
        held: [("10.0.0.2".to_owned(), "a new disk".to_owned())].into(),
        ..Orders::default()
    };
    let told = cluster("db", "toy", &look, &Since::default(), &orders);
    assert_eq!(told.mode.held.as_deref(), Some("a new switch"));
    let held = told.members.iter().map(|member| member.held.as_deref());
    assert_eq!(held.collect::<Vec<_>>(), [None, Some("a new disk")]);
}

/// Another witness joined, and all members were so for no time.
#[test]
fn a_state_that_lasts_began_again_when_another_witness_joined() {
    let mut since = Since::default();
    let mut note = |seconds: u64, mut look: Look| {
        look.time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        since.note(&look, &states(&look));
        let told = cluster("db", "toy", &look, &since, &Orders::default());
        let since = told.members.iter().map(|one| one.state_since.clone());
        since.map(Option::unwrap).collect::<Vec<_>>()
    };
    let at_second = |second| format!("1970-01-01T00:00:{second:02}.000Z");
    let told = note(1, listed(&[1, 2]).group(&[1, 2], &[]));
    assert_eq!(told, [at_second(1), at_second(1)]);
    let addresses = |witness| Report::addresses(witness, [at(1), at(2)]);
    let both = || vec![addresses(Witness::Dns), addresses(Witness::Announce)];
    let told = note(2, look(both()).group(&[1, 2], &[]));
    assert_eq!(told, [at_second(1), at_second(1)]);
    let told = note(3, look(both()).group(&[1], &[2]));
    assert_eq!(told, [at_second(1), at_second(3)]);
}
