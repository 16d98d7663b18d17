//! Which members that wait are told to start, and how, gate by gate.

use meshworker_core::{
    Authority, Disk, Holds, Ids, Nomination, Observation, Orders, Pace, Plan, Presence, Promise,
    Report, Start, Tell, Touches, Unanswered, Witness,
};

use Presence::{Present, Spare};

use crate::support::{Ask, Clock, Toy, announced, content, dns, ip, seen};

fn start(argument: &str) -> Start {
    Start {
        arguments: vec![argument.to_owned()],
        ..Start::default()
    }
}

/// A database that would have these started, one after another.
fn nominates(members: &[u8]) -> Toy {
    let mut toy = content();
    let nominations = members.iter().map(|last| Nomination {
        address: ip(*last),
        tell: Tell::Start(start(&format!("--name=n{last}"))),
        touches: Touches::All,
    });
    toy.0.nominations = nominations.collect();
    toy
}

/// Those that wait say what is on their disks.
fn volunteers(mut report: Report, disk: Option<&Disk>) -> Report {
    for sighting in &mut report.sightings {
        if sighting.presence == Spare {
            sighting.disk = disk.cloned().map(Box::new);
        }
    }
    report
}

/// The first runs, and the second and the third wait.
fn two_wait(disk: Option<&Disk>) -> Observation<()> {
    let says = announced(&[(1, Present), (2, Spare), (3, Spare)]);
    let mut observed = seen(vec![dns(&[1, 2, 3]), volunteers(says, disk)], &[1]);
    for last in [2, 3] {
        let silent = Err(Unanswered::Unreachable("refused".into()));
        observed.answers.insert(ip(last), silent);
    }
    observed
}

/// Who is nominated, and the gate that is closed to it with what was seen there.
fn nominees(plan: &Plan<Ask>) -> Vec<(String, Option<String>)> {
    let nominees = plan.nominees.iter();
    nominees
        .map(|one| {
            let closed = one.closed.as_ref();
            (one.member.to_string(), closed.map(ToString::to_string))
        })
        .collect()
}

/// A worker that has listened for long enough to have heard of everybody.
fn listening() -> Clock {
    let mut clock = Clock::start();
    for _ in 0..2 {
        clock.after(3, &nominates(&[]), &two_wait(None));
    }
    clock
}

const TURN: &str = "start gate 2 (one after another) is closed: ";

#[test]
fn those_that_touch_the_same_are_started_one_after_another() {
    let (mut clock, toy) = (listening(), nominates(&[2, 3]));
    let plan = clock.after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    let behind = |since: &str| {
        let seen = format!("db.2 was told to start {since} s ago, and does not answer yet");
        Some(format!("{TURN}{seen}"))
    };
    let expected = [("db.2".into(), None), ("db.3".into(), behind("0.0"))];
    assert_eq!(nominees(&plan), expected);
    assert_eq!(plan.nominees[0].tell, Tell::Start(start("--name=n2")));
    assert_eq!(plan.pace, Pace::Quick);
    let refused = plan.refusals.iter().map(ToString::to_string);
    let refused: Vec<_> = refused
        .filter(|line| line.contains("tell db.3 to start"))
        .collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    // It is proposed until it runs, and the other waits until it answers.
    let plan = clock.after(2, &toy, &two_wait(Some(&Disk::Nothing)));
    let expected = [("db.2".into(), None), ("db.3".into(), behind("2.0"))];
    assert_eq!(nominees(&plan), expected);
    let says = announced(&[(1, Present), (2, Present), (3, Spare)]);
    let up = seen(
        vec![dns(&[1, 2, 3]), volunteers(says, Some(&Disk::Nothing))],
        &[1, 2],
    );
    let plan = clock.after(1, &nominates(&[3]), &up);
    assert_eq!(nominees(&plan), [("db.3".into(), None)]);
}

/// One that was told and never came up kept everybody else from starting.
#[test]
fn one_that_does_not_come_up_holds_the_others_up_for_a_minute() {
    let (mut clock, toy) = (listening(), nominates(&[2]));
    clock.after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    let other = nominates(&[3]);
    let plan = clock.after(59, &other, &two_wait(Some(&Disk::Nothing)));
    assert!(plan.nominees[0].closed.is_some());
    let plan = clock.after(1, &other, &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), [("db.3".into(), None)]);
}

/// It was told again at once, and the others never had their turn.
#[test]
fn one_that_never_comes_up_goes_behind_the_others() {
    let (mut clock, toy) = (listening(), nominates(&[2, 3]));
    let told = |clock: &mut Clock| {
        let plan = clock.after(30, &toy, &two_wait(Some(&Disk::Nothing)));
        let told = plan.nominees.into_iter().filter(|one| one.closed.is_none());
        told.map(|one| one.member.to_string()).collect::<Vec<_>>()
    };
    let turns: Vec<_> = (0..6).flat_map(|_| told(&mut clock)).collect();
    assert_eq!(turns, ["db.2", "db.2", "db.3", "db.3", "db.2", "db.2"]);
}

/// Another one was begun anew beside it.
#[test]
fn one_that_loads_its_data_is_waited_for_however_long_that_takes() {
    let (mut clock, toy) = (listening(), nominates(&[2]));
    clock.after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    let says = announced(&[(1, Present), (2, Present), (3, Spare)]);
    let says = volunteers(says, Some(&Disk::Nothing));
    let mut loads = seen(vec![dns(&[1, 2, 3]), says], &[1]);
    let starting = Err(Unanswered::Starting("it loads".into()));
    loads.answers.insert(ip(2), starting);
    for _ in 0..5 {
        let plan = clock.after(60, &nominates(&[3]), &loads);
        assert!(plan.nominees[0].closed.is_some());
    }
}

/// Whom it told before it was started again, it had forgotten.
#[test]
fn a_worker_that_has_just_started_tells_nobody_to_start() {
    let (mut clock, toy) = (Clock::start(), nominates(&[2]));
    let plan = clock.after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    let seen = "this worker has listened for 0.0 s, and hears of everybody within 3";
    let closed = Some(format!("{TURN}{seen}"));
    assert_eq!(nominees(&plan), [("db.2".into(), closed)]);
    let plan = clock.after(3, &toy, &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), [("db.2".into(), None)]);
}

#[test]
fn those_that_touch_nothing_in_common_are_started_together() {
    let mut toy = nominates(&[2, 3]);
    for (nomination, part) in toy.0.nominations.iter_mut().zip(["a", "b"]) {
        nomination.touches = Touches::Parts([part.to_owned()].into());
    }
    let plan = listening().after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    assert_eq!(
        nominees(&plan),
        [("db.2".into(), None), ("db.3".into(), None)]
    );
}

/// Those of a birth promise together, and nobody waits for one that has nothing to start.
#[test]
fn promises_are_asked_of_all_at_once_and_hold_nobody_up() {
    let mut promises = nominates(&[2, 3]);
    for nomination in &mut promises.0.nominations {
        nomination.tell = Tell::Promise(Promise {
            number: 1,
            to: "a birth".into(),
        });
    }
    let mut clock = listening();
    let all = [("db.2".into(), None), ("db.3".into(), None)];
    let plan = clock.after(1, &promises, &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), all);
    // Whoever starts then waits for none of them, and they wait for it.
    let plan = clock.after(1, &nominates(&[3]), &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), [("db.3".into(), None)]);
    let plan = clock.after(1, &promises, &two_wait(Some(&Disk::Nothing)));
    let gates: Vec<bool> = plan
        .nominees
        .iter()
        .map(|one| one.closed.is_some())
        .collect();
    assert_eq!(gates, [true, false]);
}

/// A supervisor of another version, a member that runs, and one that nobody knows.
#[test]
fn who_does_not_say_what_is_on_its_disk_is_not_started() {
    let closed = |at: u8| {
        Some(format!(
            "start gate 1 (it waits, and says what it has) is closed: 10.0.0.{at} does not say \
             that it waits, and what is on its disk"
        ))
    };
    let plan = listening().after(1, &nominates(&[2, 1, 9]), &two_wait(None));
    let expected = [
        ("db.2".into(), closed(2)),
        ("db.1".into(), closed(1)),
        ("10.0.0.9".into(), closed(9)),
    ];
    assert_eq!(nominees(&plan), expected);
}

#[test]
fn whom_an_operator_holds_is_not_started() {
    let orders = Orders {
        held: [("db.2".to_owned(), "its disk is full".to_owned())].into(),
        ..Orders::default()
    };
    let mut clock = listening();
    clock.orders = orders;
    let plan = clock.after(1, &nominates(&[2, 3]), &two_wait(Some(&Disk::Nothing)));
    let held = Some(format!("{TURN}on hold: its disk is full"));
    let expected = [("db.2".into(), held), ("db.3".into(), None)];
    assert_eq!(nominees(&plan), expected);
}

/// Of several workers one says who starts, and the others show the same.
#[test]
fn whoever_yields_starts_nobody_and_remembers_nobody_as_started() {
    let (mut clock, toy) = (listening(), nominates(&[2]));
    clock.authority = Authority::Yielded("10.0.0.77".into());
    let gate = "start gate 3 (this worker acts) is closed: another worker acts: 10.0.0.77";
    let plan = clock.after(1, &toy, &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), [("db.2".into(), Some(gate.to_owned()))]);
    clock.authority = Authority::alone().clone();
    // What it gains it begins anew, and listens first.
    clock.after(1, &nominates(&[3]), &two_wait(Some(&Disk::Nothing)));
    let plan = clock.after(3, &nominates(&[3]), &two_wait(Some(&Disk::Nothing)));
    assert_eq!(nominees(&plan), [("db.3".into(), None)]);
}

#[test]
fn what_is_on_the_disk_reaches_the_planner_by_the_members_word_alone() {
    let ids = Ids {
        node: "8e9e05c52164694d".into(),
        cluster: "cdf818194e3a8c32".into(),
    };
    let disk = Disk::Holds(Holds {
        ids: Some(ids),
        ..Holds::default()
    });
    let roster = two_wait(Some(&disk)).roster();
    assert_eq!(roster.at(ip(2)).unwrap().disk, Some(Box::new(disk)));
    assert_eq!(roster.at(ip(1)).unwrap().disk, None);
    assert_eq!(roster.at(ip(2)).unwrap().seen[&Witness::Announce], Spare);
}

#[test]
fn a_start_has_bounds_and_the_variables_that_its_engine_fixes() {
    let with = |name: &str, value: &str| Start {
        variables: [(name.to_owned(), value.to_owned())].into(),
        ..start("--x")
    };
    let check = |start: Start| start.check(&["ETCD_NAME"]).map_err(|why| why.to_string());
    assert_eq!(check(with("ETCD_NAME", "m1")), Ok(()));
    let foreign = check(with("LD_PRELOAD", "/tmp/x.so")).unwrap_err();
    assert_eq!(foreign, "variable 'LD_PRELOAD': allowed: ETCD_NAME");
    let nasty = ["a\0b".to_owned(), "x".repeat(4097)];
    for text in nasty {
        check(with("ETCD_NAME", &text)).unwrap_err();
        check(start(&text)).unwrap_err();
    }
    let many = Start {
        arguments: vec![String::new(); 65],
        ..Start::default()
    };
    let why = check(many).unwrap_err();
    assert_eq!(
        why,
        "found 65 arguments and 0 variables; allowed: 64 of each"
    );
}

/// What is told before a start is told to whoever waits, and the end of a database to whoever
/// runs: neither takes the other's word.
#[test]
fn only_who_runs_is_told_to_end_its_database() {
    let told = |last: u8, tell: Tell| {
        let mut toy = nominates(&[last]);
        toy.0.nominations[0].tell = tell;
        let plan = listening().after(1, &toy, &two_wait(Some(&Disk::Nothing)));
        nominees(&plan)
    };
    let kill = Tell::Kill { term: 4 };
    let closed = |seen: &str| {
        Some(format!(
            "start gate 1 (it waits, and says what it has) is closed: {seen}"
        ))
    };
    assert_eq!(told(1, kill.clone()), [("db.1".into(), None)]);
    let waits = closed("10.0.0.2 does not say that its database runs");
    assert_eq!(told(2, kill), [("db.2".into(), waits)]);
    let fetch = Tell::Fetch { from: ip(1) };
    assert_eq!(told(2, fetch.clone()), [("db.2".into(), None)]);
    let runs = closed("10.0.0.1 does not say that it waits, and what is on its disk");
    assert_eq!(told(1, fetch), [("db.1".into(), runs)]);
}
