use std::net::SocketAddr;

use crate::announce::{Answer, Verdict};

use super::*;

const TIMES: Times = Times {
    grace: Duration::from_secs(600),
    stop: Duration::from_secs(20),
    alone_after: Duration::from_secs(60),
};

fn at(seconds: f64) -> Moment {
    Moment(Duration::from_millis((seconds * 1000.0) as u64))
}

fn verdict(granted: bool, why: &str) -> Verdict {
    Verdict {
        granted,
        fence: None,
        why: why.into(),
        going: "gone for good".into(),
        place: 1,
        progress: None,
    }
}

/// What several workers say of the announcement of this generation.
fn round(generation: u64, verdicts: &[Option<Verdict>]) -> Event {
    let answers = verdicts.iter().enumerate().map(|(worker, verdict)| {
        let answer = Answer {
            generation,
            in_place: true,
            cluster: "one cluster of 3 members".into(),
            verdict: verdict.clone(),
            tell: None,
            siblings: Vec::new(),
            fence: None,
            mark: None,
        };
        (SocketAddr::from(([127, 0, 0, 1], worker as u16)), answer)
    });
    Event::Round(Round {
        answers: answers.collect(),
        failures: Vec::new(),
    })
}

fn silence() -> Event {
    Event::Round(Round::default())
}

fn held(why: &str) -> Note {
    Note::Held {
        why: why.into(),
        going: "gone for good".into(),
        place: 1,
        progress: None,
    }
}

fn announce(phase: Phase, generation: u64) -> Action {
    Action::Announce { phase, generation }
}

fn stops(note: Note) -> Vec<Action> {
    vec![Action::Say(note), announce(Phase::Stopping, 3)]
}

/// Asked to stop at 100 s.
fn leaving() -> Course {
    let mut course = Course::new(TIMES, 1);
    let actions = course.on(Event::Terminate, at(100.0));
    let expected = [
        Action::Say(Note::Leaves),
        announce(Phase::Leaving, 2),
        Action::Ask,
    ];
    assert_eq!(actions, expected);
    course
}

#[test]
fn a_running_database_is_left_alone() {
    let mut course = Course::new(TIMES, 1);
    assert_eq!(course.on(round(1, &[None]), at(1.0)), []);
    assert_eq!(course.on(silence(), at(1000.0)), []);
    assert_eq!(course.on(Event::Names { gone: true }, at(1000.0)), []);
    assert_eq!(course.on(Event::Tick, at(1000.0)), []);
    assert_eq!(course.on(Event::Interrupt, at(1000.0)), [Action::Interrupt]);
    assert_eq!(course.phase(), (Phase::Present, 1));
    assert!(!course.is_timed());
}

#[test]
fn it_stops_once_a_worker_grants_and_none_holds() {
    let mut course = leaving();
    let granted = || Some(verdict(true, "may stop"));
    let closed = || Some(verdict(false, "gate 6"));
    // A verdict on an earlier phase is none.
    assert_eq!(
        course.on(round(1, &[granted()]), at(100.1)),
        [Action::Say(Note::NoVerdict)]
    );
    // One that holds is enough, and is told once.
    let mixed = || round(2, &[granted(), None, closed()]);
    assert_eq!(course.on(mixed(), at(100.2)), [Action::Say(held("gate 6"))]);
    assert_eq!(course.on(mixed(), at(100.7)), []);
    assert_eq!(
        course.on(round(2, &[granted(), None]), at(100.8)),
        [Action::Say(Note::NoVerdict)]
    );
    let released = course.on(round(2, &[granted(), granted()]), at(101.0));
    assert_eq!(released, stops(Note::Released("may stop".into())));
    // The database hears of it once a worker has.
    assert_eq!(course.on(round(2, &[granted()]), at(101.1)), []);
    assert_eq!(course.on(round(3, &[None]), at(101.2)), [Action::Terminate]);
    assert_eq!(course.on(round(3, &[None]), at(101.7)), []);
    assert_eq!(
        course.on(Event::Ended { code: 0 }, at(102.0)),
        [Action::Say(Note::Ended(0)), announce(Phase::Ended, 4)]
    );
    // A worker hears of its end, so that nobody waits until the others miss it.
    assert_eq!(course.phase(), (Phase::Ended, 4));
    assert_eq!(course.on(round(3, &[None]), at(102.1)), []);
    assert_eq!(course.on(round(4, &[None]), at(102.2)), [Action::Exit(0)]);
    assert_eq!(course.on(Event::Tick, at(102.3)), []);
}

#[test]
fn a_reason_that_only_counts_down_is_told_once_and_remembered() {
    let mut course = leaving();
    let wait = |seconds: &str| Some(verdict(false, &format!("{seconds} s are left")));
    let told = course.on(round(2, &[wait("2.0")]), at(100.2));
    assert_eq!(told, [Action::Say(held("2.0 s are left"))]);
    assert_eq!(course.on(round(2, &[wait("1.5")]), at(100.7)), []);
    let moved = Some(Verdict {
        progress: Some("7 slots left".into()),
        ..wait("1.0").unwrap()
    });
    assert_eq!(course.on(round(2, &[moved]), at(101.2)).len(), 1);
    course.on(round(2, &[wait("0.5")]), at(101.7));
    let last = Some(Box::new(held("0.5 s are left")));
    let stopped = course.on(Event::Tick, at(680.0));
    assert_eq!(stopped, stops(Note::Deadline { last }));
}

#[test]
fn a_stop_that_no_worker_hears_of_waits_a_second() {
    let mut course = leaving();
    course.on(round(2, &[Some(verdict(true, "may stop"))]), at(101.0));
    assert_eq!(course.on(silence(), at(101.9)), []);
    assert_eq!(course.on(Event::Tick, at(102.0)), [Action::Terminate]);
}

#[test]
fn a_second_signal_is_obeyed_at_once() {
    for signal in [Event::Terminate, Event::Interrupt] {
        let mut course = leaving();
        course.on(round(2, &[Some(verdict(false, "gate 6"))]), at(101.0));
        let mut expected = stops(Note::SecondSignal);
        expected.push(Action::Terminate);
        assert_eq!(course.on(signal, at(102.0)), expected);
        assert_eq!(course.on(Event::Terminate, at(103.0)), [Action::Terminate]);
    }
}

#[test]
fn at_the_deadline_it_stops_all_the_same_and_says_what_held_it() {
    let mut course = leaving();
    let closed = || round(2, &[Some(verdict(false, "gate 6"))]);
    course.on(closed(), at(679.9));
    assert_eq!(course.on(Event::Tick, at(679.95)), []);
    let last = Some(Box::new(held("gate 6")));
    assert_eq!(
        course.on(Event::Tick, at(680.0)),
        stops(Note::Deadline { last })
    );
    assert_eq!(course.on(Event::Tick, at(681.0)), [Action::Terminate]);
    let again = [Action::Say(Note::AsksAgain), Action::Terminate];
    assert_eq!(course.on(Event::Tick, at(699.4)), again);
    // Half a second before Swarm would.
    assert_eq!(
        course.on(Event::Tick, at(699.5)),
        [Action::Say(Note::Killed), Action::Kill]
    );
    assert_eq!(course.on(Event::Tick, at(699.6)), []);
    assert_eq!(
        course.on(Event::Ended { code: 137 }, at(699.7)),
        [Action::Say(Note::Ended(137)), Action::Exit(137)]
    );
}

#[test]
fn without_any_name_for_two_seconds_the_whole_stack_is_gone() {
    let gone = || Event::Names { gone: true };
    let mut course = leaving();
    assert_eq!(course.on(gone(), at(100.5)), []);
    assert_eq!(course.on(Event::Names { gone: false }, at(101.5)), []);
    assert_eq!(course.on(gone(), at(102.5)), [Action::LookAlone(true)]);
    assert_eq!(course.on(gone(), at(104.4)), []);
    let mut expected = stops(Note::StackGone);
    expected.insert(1, Action::LookAlone(false));
    assert_eq!(course.on(gone(), at(104.5)), expected);
    // A worker that answers is there, whatever DNS says.
    let mut course = leaving();
    course.on(gone(), at(100.5));
    course.on(round(2, &[Some(verdict(false, "gate 6"))]), at(102.0));
    assert_eq!(course.on(gone(), at(102.6)), []);
    assert_eq!(course.on(gone(), at(109.0)), []);
}

#[test]
fn after_a_long_silence_it_decides_alone() {
    let alone = |granted, why: &str| Event::Alone {
        granted,
        everybody: false,
        why: why.into(),
    };
    let mut course = leaving();
    course.on(round(2, &[None]), at(110.0));
    // First it only listens.
    assert_eq!(course.on(silence(), at(111.9)), []);
    assert_eq!(course.on(silence(), at(112.0)), [Action::LookAlone(true)]);
    assert_eq!(course.on(alone(true, "may stop"), at(120.0)), []);
    assert_eq!(course.on(alone(false, "busy"), at(130.0)), []);
    assert_eq!(course.on(silence(), at(169.9)), []);
    let begins = [Action::Say(Note::Alone(TIMES.alone_after))];
    assert_eq!(course.on(silence(), at(170.0)), begins);
    assert_eq!(course.on(silence(), at(170.5)), []);
    let busy = Action::Say(Note::HeldAlone("busy".into()));
    assert_eq!(course.on(alone(false, "busy"), at(171.0)), [busy]);
    assert_eq!(course.on(alone(false, "busy"), at(172.0)), []);
    // A worker is back: it decides again.
    assert_eq!(
        course.on(round(2, &[None]), at(173.0)),
        [Action::LookAlone(false), Action::Say(Note::NoVerdict)]
    );
    assert_eq!(course.on(alone(true, "too late"), at(173.1)), []);
    assert_eq!(course.on(silence(), at(175.0)), [Action::LookAlone(true)]);
    assert_eq!(course.on(silence(), at(233.0)), begins);
    let mut expected = stops(Note::DecidedAlone("may stop".into()));
    expected.insert(1, Action::LookAlone(false));
    assert_eq!(course.on(alone(true, "may stop"), at(236.0)), expected);
}

/// `docker stack rm` with a name server that says nothing, or something else.
#[test]
fn all_that_left_waited_a_minute_for_workers_that_left_with_them() {
    let all = |granted| Event::Alone {
        granted,
        everybody: true,
        why: "may stop; everybody goes".into(),
    };
    let mut course = leaving();
    assert_eq!(course.on(all(true), at(101.0)), [], "nobody was asked");
    assert_eq!(course.on(silence(), at(102.0)), [Action::LookAlone(true)]);
    assert_eq!(course.on(all(false), at(103.0)), []);
    let mut expected = stops(Note::AllLeave("may stop; everybody goes".into()));
    expected.insert(1, Action::LookAlone(false));
    assert_eq!(course.on(all(true), at(105.0)), expected);
    // A worker that answers decides.
    let mut course = leaving();
    course.on(silence(), at(102.0));
    assert_eq!(
        course.on(round(2, &[None]), at(103.0)),
        [Action::LookAlone(false), Action::Say(Note::NoVerdict)]
    );
    assert_eq!(course.on(all(true), at(103.1)), []);
}

#[test]
fn a_database_that_was_never_up_is_not_waited_for() {
    let mut course = leaving();
    assert_eq!(course.on(Event::Own(Own::Answers), at(100.1)), []);
    assert_eq!(
        course.on(Event::Own(Own::Deaf), at(100.1)),
        stops(Note::NeverUp)
    );
    let mut course = leaving();
    let loads = || "still starting: LOADING".to_owned();
    assert_eq!(
        course.on(Event::Own(Own::Starts(loads())), at(100.1)),
        stops(Note::NotUpYet(loads()))
    );
    // One that was a member may only be stuck.
    let mut course = Course::new(TIMES, 1);
    course.on(round(1, &[None]), at(1.0));
    course.on(Event::Terminate, at(2.0));
    assert_eq!(course.on(Event::Own(Own::Deaf), at(2.1)), []);
    assert_eq!(course.on(Event::Own(Own::Starts(loads())), at(2.2)), []);
}

#[test]
fn a_hung_database_waited_for_a_verdict_that_never_came_and_blamed_the_worker() {
    let mut course = leaving();
    let mute = || Event::Own(Own::Mute("no answer before the deadline".to_owned()));
    let no_verdict = |course: &mut Course, seconds| course.on(round(2, &[None]), at(seconds));
    assert_eq!(
        no_verdict(&mut course, 100.1),
        [Action::Say(Note::NoVerdict)]
    );
    assert_eq!(course.on(mute(), at(101.0)), []);
    let why = Note::Mute("no answer before the deadline".to_owned());
    assert_eq!(no_verdict(&mut course, 101.1), [Action::Say(why)]);
    assert_eq!(no_verdict(&mut course, 160.0), []);
    // Nobody has judged it for as long as nobody may be silent.
    let begins = [
        Action::Say(Note::AloneUnjudged(TIMES.alone_after)),
        Action::LookAlone(true),
    ];
    assert_eq!(no_verdict(&mut course, 160.1), begins);
    assert_eq!(no_verdict(&mut course, 161.0), []);
    // A verdict is one, whatever the database says.
    let closed = round(2, &[Some(verdict(false, "gate 2"))]);
    let told = [Action::LookAlone(false), Action::Say(held("gate 2"))];
    assert_eq!(course.on(closed, at(162.0)), told);
    let granted = round(2, &[Some(verdict(true, "may stop"))]);
    let released = course.on(granted, at(163.0));
    assert_eq!(released, stops(Note::Released("may stop".into())));
}

#[test]
fn a_database_that_refused_to_stop_was_asked_once() {
    let mut course = leaving();
    course.on(round(2, &[Some(verdict(true, "may stop"))]), at(101.0));
    assert_eq!(course.on(round(3, &[None]), at(101.2)), [Action::Terminate]);
    assert_eq!(course.on(Event::Tick, at(102.1)), []);
    let again = [Action::Say(Note::AsksAgain), Action::Terminate];
    assert_eq!(course.on(Event::Tick, at(102.2)), again);
    // Ever later, and told no more.
    for (seconds, expected) in [
        (104.1, 0),
        (104.2, 1),
        (108.1, 0),
        (108.2, 1),
        (116.2, 1),
        (124.1, 0),
        (124.2, 1),
    ] {
        let asked = course.on(Event::Tick, at(seconds));
        assert_eq!(asked, vec![Action::Terminate; expected], "{seconds}");
    }
    // Somebody else asks: so does the supervisor, at once.
    assert_eq!(course.on(Event::Terminate, at(125.0)), [Action::Terminate]);
    assert_eq!(course.on(Event::Tick, at(132.2)), []);
}

#[test]
fn a_database_that_ends_by_itself_is_told_and_no_more() {
    for mut course in [Course::new(TIMES, 1), leaving()] {
        let (_, generation) = course.phase();
        let ended = [
            Action::Say(Note::Ended(3)),
            announce(Phase::Stopping, generation + 1),
        ];
        assert_eq!(course.on(Event::Ended { code: 3 }, at(200.0)), ended);
        assert_eq!(course.on(round(generation, &[None]), at(200.1)), []);
        assert_eq!(course.on(Event::Terminate, at(200.1)), []);
        assert_eq!(
            course.on(round(generation + 1, &[None]), at(200.2)),
            [Action::Exit(3)]
        );
    }
    let mut unheard = Course::new(TIMES, 1);
    unheard.on(Event::Ended { code: 3 }, at(200.0));
    assert_eq!(unheard.on(silence(), at(200.2)), []);
    assert_eq!(unheard.on(Event::Tick, at(200.3)), [Action::Exit(3)]);
}

/// A database that is taken out of its cluster ends by itself, in good order: its container
/// would start it again and again.
#[test]
fn who_was_taken_out_of_its_cluster_waits_anew_unless_it_was_to_leave() {
    let ended = |mut course: Course, code| course.on(Event::Ended { code }, at(200.0));
    let said = |code| Action::Say(Note::Ended(code));
    let running = || Course::new(TIMES, 1).told(true);
    let anew = [said(0), Action::Say(Note::TakenOut), Action::WaitAnew];
    assert_eq!(ended(running(), 0), anew);
    let stops = |code| [said(code), announce(Phase::Stopping, 2)];
    assert_eq!(ended(running(), 1), stops(1));
    assert_eq!(ended(Course::new(TIMES, 1), 0), stops(0));
    // Taken out before it was told that it may stop: nobody's loss.
    let gone = [said(0), announce(Phase::Ended, 3)];
    assert_eq!(ended(leaving().told(true), 0), gone);
    let killed = [said(137), announce(Phase::Stopping, 3)];
    assert_eq!(ended(leaving().told(true), 137), killed);
}

/// A database that is killed comes back in its container, at once and at its address; one
/// that ends with a word of its own does not, and neither does one that was to stop.
#[test]
fn who_was_ended_by_a_signal_waits_in_place_where_its_database_may() {
    let ended = |mut course: Course, code| course.on(Event::Ended { code }, at(200.0));
    let running = || Course::new(TIMES, 1).told(true).in_place(true);
    let said = |code| Action::Say(Note::Ended(code));
    let anew = [said(137), Action::Say(Note::WaitsInPlace), Action::WaitAnew];
    assert_eq!(ended(running(), 137), anew);
    let stops = |code, generation| vec![said(code), announce(Phase::Stopping, generation)];
    assert_eq!(ended(running(), 1), stops(1, 2));
    assert_eq!(
        ended(leaving().told(true).in_place(true), 137),
        stops(137, 3)
    );
    assert_eq!(ended(Course::new(TIMES, 1).told(true), 137), stops(137, 2));
}

/// Two were writable: the one of the lower term is killed, whether or not it is to leave,
/// and for no word on an earlier phase.
#[test]
fn an_outranked_primary_is_killed_and_not_asked() {
    let killing = |generation| {
        let Event::Round(mut round) = round(generation, &[None]) else {
            panic!("no round");
        };
        round.answers[0].1.tell = Some(FencedTell {
            fence: 7,
            tell: meshworker_core::Tell::Kill { term: 3 },
        });
        Event::Round(round)
    };
    let killed = [Action::Say(Note::Outranked), Action::Kill];
    let mut runs = Course::new(TIMES, 1);
    assert_eq!(runs.on(killing(1), at(1.0)), killed);
    assert_eq!(Course::new(TIMES, 2).on(killing(1), at(1.0)), []);
    let mut leaves = leaving();
    let (_, generation) = leaves.phase();
    assert_eq!(leaves.on(killing(generation), at(1.0)), killed);
}
