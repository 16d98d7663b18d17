use std::collections::BTreeMap;

use meshworker_core::{
    Going, Grade, Leaver, MemberId, Observation, Pace, Peer, Plan, Progress, Release, ReleaseGate,
    Unity, View,
};

use super::*;

/// One task of one slot of a service, at its own address.
fn member(slot: u64, phase: Phase, generation: u64) -> Announcement {
    Announcement {
        cluster: "db".to_owned(),
        service: "stack_db".to_owned(),
        slot,
        task: format!("task{slot}"),
        node: "node".to_owned(),
        address: ip(slot),
        phase,
        generation,
    }
}

fn present(slot: u64) -> Announcement {
    member(slot, Phase::Present, 1)
}

fn leaving(slot: u64) -> Announcement {
    member(slot, Phase::Leaving, 2)
}

fn ip(slot: u64) -> IpAddr {
    [10, 0, 0, slot as u8].into()
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Who is reported, with the phase.
fn reported(desk: &Desk, now: Instant) -> Vec<(IpAddr, Presence)> {
    let (report, _) = desk.report(now);
    let sightings = report.sightings.into_iter();
    sightings.map(|s| (s.address, s.presence)).collect()
}

fn leaver(slot: u64, place: usize, release: Release) -> Leaver {
    Leaver {
        member: leaving(slot).member(),
        address: ip(slot),
        node: format!("n{slot}"),
        going: Going::ForGood,
        place,
        progress: Some(Progress {
            unit: "slots",
            left: 5461,
        }),
        release,
    }
}

fn held(gate: ReleaseGate) -> Release {
    Release::Held {
        gate,
        seen: "something".to_owned(),
    }
}

/// What a pass finds that sees everybody who announced itself answering, and
/// these on their way out.
fn findings(desk: &Desk, began: Instant, settled: bool, leavers: Vec<Leaver>) -> Findings {
    let (report, _) = desk.report(began);
    let addresses: Vec<IpAddr> = report.sightings.iter().map(|s| s.address).collect();
    let peers: Vec<Peer> = addresses
        .iter()
        .map(|address| Peer {
            node: address.to_string(),
            address: Some(*address),
            alive: true,
        })
        .collect();
    let answers: BTreeMap<_, _> = addresses
        .iter()
        .map(|address| {
            let view = View {
                node: address.to_string(),
                cluster_name: None,
                size: peers.len(),
                peers: peers.clone().into(),
                working: None,
                detail: (),
            };
            (*address, Ok(view))
        })
        .collect();
    let observed = Observation {
        reports: vec![report],
        answers,
    };
    let plan: Plan<()> = Plan {
        steps: Vec::new(),
        leavers,
        settled,
        refusals: Vec::new(),
        unity: Unity::One {
            size: observed.answers.len(),
        },
        pace: Pace::Calm,
    };
    Findings::of(began, seconds(0.01), &observed, &plan)
}

#[test]
fn whoever_announces_itself_is_reported_with_its_identity_and_phase() {
    let (desk, now) = (Desk::default(), Instant::now());
    assert_eq!(desk.report(now).0.grade, Grade::Empty);
    desk.hear(&present(1), now).unwrap();
    desk.hear(&leaving(2), now).unwrap();
    desk.hear(&member(3, Phase::Stopping, 3), now).unwrap();
    let (report, _) = desk.report(now);
    assert_eq!(report.grade, Grade::Answer);
    assert_eq!(report.witness, Witness::Announce);
    let first = &report.sightings[0];
    assert_eq!(
        first.member,
        Some(MemberId::Slot {
            service: "stack_db".to_owned(),
            slot: 1
        })
    );
    assert_eq!(first.node.as_deref(), Some("node"));
    assert_eq!(first.task.as_deref(), Some("task1"));
    let expected = [Presence::Present, Presence::Leaving, Presence::Stopping];
    let expected: Vec<_> = (1..).map(ip).zip(expected).collect();
    assert_eq!(reported(&desk, now), expected);
}

#[test]
fn whoever_is_silent_for_five_seconds_is_dropped_a_stopping_one_no_sooner() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.hear(&present(1), start).unwrap();
    desk.hear(&member(2, Phase::Stopping, 3), start).unwrap();
    desk.hear(&present(1), start + seconds(3.0)).unwrap();
    assert_eq!(reported(&desk, start + seconds(4.9)).len(), 2);
    assert_eq!(
        reported(&desk, start + seconds(5.0)),
        [(ip(1), Presence::Present)]
    );
    assert_eq!(reported(&desk, start + seconds(8.0)), []);
}

#[test]
fn what_comes_late_is_not_heard() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.hear(&leaving(1), now).unwrap();
    desk.hear(&present(1), now + seconds(1.0)).unwrap();
    assert_eq!(
        reported(&desk, now + seconds(1.0)),
        [(ip(1), Presence::Leaving)]
    );
    // Nor does it renew anything.
    assert_eq!(reported(&desk, now + seconds(5.0)), []);
}

#[test]
fn of_two_at_one_address_the_newer_is_reported_whoever_speaks_last() {
    let (desk, now) = (Desk::default(), Instant::now());
    let old = present(1);
    let new = Announcement {
        address: ip(1),
        ..leaving(2)
    };
    for said in [&old, &new, &old, &new, &old] {
        desk.hear(said, now).unwrap();
    }
    assert_eq!(reported(&desk, now), [(ip(1), Presence::Leaving)]);
    // The older one is told nothing that was found out about the newer one.
    desk.publish(findings(&desk, now + seconds(0.1), true, Vec::new()));
    assert!(!desk.answer(&old, now + seconds(0.2)).in_place);
}

#[test]
fn one_member_too_many_is_refused_and_the_others_still_renew() {
    let (desk, now) = (Desk::default(), Instant::now());
    for slot in 1..=MOST_MEMBERS as u64 {
        let said = Announcement {
            address: IpAddr::from((0x0a00_0000 + slot as u32).to_be_bytes()),
            ..present(slot)
        };
        desk.hear(&said, now).unwrap();
    }
    assert_eq!(desk.hear(&present(9999), now), Err(Full));
    assert_eq!(desk.report(now).0.sightings.len(), MOST_MEMBERS);
    // Once the others are gone there is place again.
    desk.hear(&present(9999), now + seconds(5.0)).unwrap();
}

#[test]
fn nobody_is_answered_before_a_pass_has_looked() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.hear(&leaving(1), now).unwrap();
    let answer = desk.answer(&leaving(1), now);
    assert_eq!(answer.generation, 2);
    assert_eq!(answer.verdict, None);
    assert!(!answer.in_place);
    assert_eq!(answer.cluster, "no pass has looked yet");
}

#[test]
fn a_verdict_is_that_of_a_pass_which_saw_the_member_leaving() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.hear(&present(1), start).unwrap();
    let granted = || vec![leaver(1, 1, Release::Granted)];
    // It leaves while a pass is looking: that pass has seen nothing of it, even
    // if there was a verdict of an earlier time.
    let began = start + seconds(1.0);
    desk.hear(&leaving(1), start + seconds(1.1)).unwrap();
    desk.publish(findings(&desk, began, true, granted()));
    assert_eq!(desk.answer(&leaving(1), start + seconds(1.2)).verdict, None);
    // The next pass has.
    desk.publish(findings(&desk, start + seconds(1.3), true, granted()));
    let now = start + seconds(1.6);
    desk.hear(&leaving(1), now).unwrap();
    let answer = desk.answer(&leaving(1), now);
    let verdict = answer.verdict.unwrap();
    assert_eq!(answer.generation, 2);
    assert!(verdict.granted);
    assert_eq!(verdict.going, "gone for good");
    assert_eq!(verdict.progress.as_deref(), Some("5461 slots left"));
    // A new phase, or another address, is not what it saw.
    let again = member(1, Phase::Leaving, 4);
    desk.hear(&again, now).unwrap();
    assert_eq!(desk.answer(&again, now).verdict, None);
    let moved = Announcement {
        address: ip(7),
        ..again
    };
    desk.hear(&moved, now).unwrap();
    assert_eq!(desk.answer(&moved, now).verdict, None);
}

#[test]
fn only_a_member_that_leaves_gets_a_verdict_and_only_its_own() {
    let (desk, start) = (Desk::default(), Instant::now());
    for said in [leaving(1), leaving(2), member(3, Phase::Stopping, 3)] {
        desk.hear(&said, start).unwrap();
    }
    let leavers = vec![
        leaver(1, 1, Release::Granted),
        leaver(2, 2, held(ReleaseGate::Turn)),
        leaver(3, 3, Release::Granted),
    ];
    desk.publish(findings(&desk, start + seconds(0.1), true, leavers));
    let verdict = |said: &Announcement| desk.answer(said, start + seconds(0.2)).verdict;
    assert!(verdict(&leaving(1)).unwrap().granted);
    let second = verdict(&leaving(2)).unwrap();
    assert!(!second.granted);
    assert_eq!(second.place, 2);
    assert_eq!(
        second.why,
        "release gate 1 (one after another) is closed: something"
    );
    assert_eq!(verdict(&member(3, Phase::Stopping, 3)), None);
    // Whoever claims another slot at this address is somebody else.
    let other = Announcement {
        address: ip(1),
        ..leaving(9)
    };
    assert_eq!(verdict(&other), None);
}

#[test]
fn findings_that_are_too_old_are_told_to_nobody() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.hear(&leaving(1), start).unwrap();
    desk.hear(&present(2), start).unwrap();
    let began = start + seconds(0.1);
    let granted = vec![leaver(1, 1, Release::Granted)];
    desk.publish(findings(&desk, began, true, granted));
    for said in [leaving(1), present(2)] {
        desk.hear(&said, began + seconds(2.0)).unwrap();
    }
    let before = began + seconds(2.9);
    assert!(desk.answer(&leaving(1), before).verdict.unwrap().granted);
    assert!(desk.answer(&present(2), before).in_place);
    let after = began + seconds(3.0);
    assert_eq!(desk.answer(&leaving(1), after).verdict, None);
    assert!(!desk.answer(&present(2), after).in_place);
    assert_eq!(
        desk.answer(&present(2), after).cluster,
        "the last look is 3.0 s old"
    );
}

#[test]
fn a_large_cluster_has_findings_that_hold_for_longer() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.hear(&present(1), start).unwrap();
    let mut slow = findings(&desk, start, true, Vec::new());
    slow = slow.after(seconds(2.0));
    assert_eq!(slow.stale(start + seconds(5.9)), None);
    assert!(slow.stale(start + seconds(6.0)).is_some());
}

#[test]
fn in_place_is_who_answers_in_a_cluster_at_rest_and_is_meant_to_stay() {
    let (desk, start) = (Desk::default(), Instant::now());
    for said in [present(1), leaving(2)] {
        desk.hear(&said, start).unwrap();
    }
    let in_place = |said: &Announcement| desk.answer(said, start + seconds(0.2)).in_place;
    desk.publish(findings(&desk, start + seconds(0.1), false, Vec::new()));
    assert!(!in_place(&present(1)));
    desk.publish(findings(&desk, start + seconds(0.1), true, Vec::new()));
    assert!(in_place(&present(1)));
    assert!(!in_place(&leaving(2)));
    assert_eq!(
        desk.answer(&present(1), start + seconds(0.2)).cluster,
        "one cluster of 2 members"
    );
}

#[tokio::test]
async fn news_are_a_new_member_a_new_phase_and_a_silent_one_not_a_renewal() {
    use futures_util::FutureExt;
    let desk = Desk::default();
    let now = Instant::now();
    let news = |number: u64| desk.news_since(number).now_or_never().is_some();
    let number = || desk.report(Instant::now()).1;
    let none = number();
    assert!(!news(none));
    desk.hear(&present(1), now).unwrap();
    assert!(news(none));
    let one = number();
    desk.hear(&present(1), now).unwrap();
    assert!(!news(one));
    desk.hear(&leaving(1), now).unwrap();
    assert!(news(one));
    // Silence is news by itself: nobody has to come for it.
    let last = number();
    let silent = now.checked_sub(EXPIRES - seconds(0.2)).unwrap();
    desk.hear(&present(2), silent).unwrap();
    let with_both = number();
    assert_ne!(last, with_both);
    let waited = tokio::time::timeout(seconds(60.0), desk.news_since(with_both));
    waited.await.unwrap();
    assert_eq!(
        reported(&desk, Instant::now()),
        [(ip(1), Presence::Leaving)]
    );
}
