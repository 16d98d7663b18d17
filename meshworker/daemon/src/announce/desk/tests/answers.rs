//! Who is answered what.

use super::*;

#[test]
fn nobody_is_answered_before_a_pass_has_looked() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), now).unwrap();
    let answer = desk.answer(&leaving(1), now);
    assert_eq!(answer.generation, 2);
    assert_eq!(answer.verdict, None);
    assert!(!answer.in_place);
    assert_eq!(answer.cluster, "no pass has looked yet");
}

#[test]
fn the_highest_fence_that_a_member_heard_is_known_and_no_more_than_is_believed() {
    let desk = Desk::default();
    assert_eq!(desk.fence(), Fence(0));
    for heard in [7, 9, 8] {
        desk.hear_of(heard);
    }
    assert_eq!(desk.fence(), Fence(9));
    for _ in 0..2 {
        desk.hear_of(u64::MAX);
        assert_eq!(desk.fence(), Fence(0).furthest());
    }
}

#[test]
fn a_release_carries_the_number_under_which_the_workers_agreed() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), start).unwrap();
    let now = start + seconds(0.2);
    let found = || {
        findings(
            &desk,
            start + seconds(0.1),
            true,
            vec![leaver(1, 1, Release::Granted)],
        )
    };
    let fence = || desk.answer(&leaving(1), now).verdict.unwrap().fence;
    desk.publish(found());
    assert_eq!(fence(), None);
    let member = leaving(1).member();
    desk.publish(found().permitted([((ip(1), member), Ok(Fence(12)))].into()));
    assert_eq!(fence(), Some(12));
}

#[test]
fn a_verdict_is_that_of_a_pass_which_saw_the_member_leaving() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    let granted = || vec![leaver(1, 1, Release::Granted)];
    // It leaves while a pass is looking: that pass has seen nothing of it, even
    // if there was a verdict of an earlier time.
    let began = start + seconds(1.0);
    desk.heard(&leaving(1), start + seconds(1.1)).unwrap();
    desk.publish(findings(&desk, began, true, granted()));
    assert_eq!(desk.answer(&leaving(1), start + seconds(1.2)).verdict, None);
    // The next pass has.
    desk.publish(findings(&desk, start + seconds(1.3), true, granted()));
    let now = start + seconds(1.6);
    desk.heard(&leaving(1), now).unwrap();
    let answer = desk.answer(&leaving(1), now);
    let verdict = answer.verdict.unwrap();
    assert_eq!(answer.generation, 2);
    assert!(verdict.granted);
    assert_eq!(verdict.going, "gone for good");
    assert_eq!(verdict.progress.as_deref(), Some("5461 slots left"));
    // A new phase, or another address, is not what it saw.
    let again = member(1, Phase::Leaving, 4);
    desk.heard(&again, now).unwrap();
    assert_eq!(desk.answer(&again, now).verdict, None);
    let moved = Announcement {
        address: ip(7).address,
        ..again
    };
    desk.heard(&moved, now).unwrap();
    assert_eq!(desk.answer(&moved, now).verdict, None);
}

#[test]
fn only_a_member_that_leaves_gets_a_verdict_and_only_its_own() {
    let (desk, start) = (Desk::default(), Instant::now());
    for said in [leaving(1), leaving(2), member(3, Phase::Stopping, 3)] {
        desk.heard(&said, start).unwrap();
    }
    let leavers = vec![
        leaver(1, 1, Release::Granted),
        leaver(2, 2, held(Gate::Turn)),
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
        address: ip(1).address,
        ..leaving(9)
    };
    assert_eq!(verdict(&other), None);
}

#[test]
fn findings_that_are_too_old_are_told_to_nobody() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), start).unwrap();
    desk.heard(&present(2), start).unwrap();
    let began = start + seconds(0.1);
    let granted = vec![leaver(1, 1, Release::Granted)];
    desk.publish(findings(&desk, began, true, granted));
    for said in [leaving(1), present(2)] {
        desk.heard(&said, began + seconds(2.0)).unwrap();
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
    desk.heard(&present(1), start).unwrap();
    let mut slow = findings(&desk, start, true, Vec::new());
    slow = slow.after(seconds(2.0));
    assert_eq!(slow.stale(start + seconds(5.9)), None);
    assert!(slow.stale(start + seconds(6.0)).is_some());
}

#[test]
fn findings_were_stale_before_a_calm_worker_looked_again() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    let began = start + seconds(0.1);
    let calm = findings(&desk, began, true, Vec::new()).until_next(seconds(5.5));
    desk.publish(calm);
    // As a supervisor asks, each second: the next pass looks after five and a half.
    for at in 1..=8 {
        let now = began + seconds(f64::from(at));
        desk.heard(&present(1), now).unwrap();
        assert!(desk.answer(&present(1), now).in_place, "{at}");
    }
    desk.heard(&present(1), began + seconds(9.0)).unwrap();
    let late = desk.answer(&present(1), began + seconds(9.0));
    assert_eq!(late.cluster, "the last look is 9.0 s old");
}

#[test]
fn in_place_is_who_answers_in_a_cluster_at_rest_and_is_meant_to_stay() {
    let (desk, start) = (Desk::default(), Instant::now());
    for said in [present(1), leaving(2)] {
        desk.heard(&said, start).unwrap();
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

/// A task that waits to start in a slot which another task may still run in.
fn waiting(task: &str, node: &str) -> Announcement {
    Announcement {
        task: task.to_owned(),
        node: node.to_owned(),
        address: ip(99).address,
        ..member(4, Phase::Waiting, 1)
    }
}

#[tokio::test(start_paused = true)]
async fn a_successor_started_beside_the_member_that_still_ran_on_another_node() {
    let desk = Desk::default();
    let may = |asks: &Announcement| {
        let verdict = desk.answer(asks, Instant::now()).verdict;
        verdict.map(|verdict| (verdict.granted, verdict.why))
    };
    let hear = |said: &Announcement| desk.heard(said, Instant::now()).unwrap();
    let elsewhere = waiting("new", "other");
    hear(&elsewhere);
    assert_eq!(may(&elsewhere), None, "not everybody has announced itself");
    tokio::time::advance(EVERYBODY).await;
    let alone = (
        true,
        "no other task of this slot announces itself".to_owned(),
    );
    hear(&leaving(3));
    assert_eq!(may(&elsewhere), Some(alone.clone()));
    hear(&leaving(4));
    let held = "task task4 of this slot is leaving on node node".to_owned();
    assert_eq!(may(&elsewhere), Some((false, held)));
    // On the same node the lock says it better, and two that wait never wait
    // for each other.
    assert_eq!(may(&waiting("new", "node")), Some(alone.clone()));
    let stopping = member(4, Phase::Stopping, 3);
    hear(&stopping);
    let held = "task task4 of this slot stops on node node".to_owned();
    assert_eq!(may(&elsewhere), Some((false, held)));
    // It says so until it has ended.
    tokio::time::advance(EVERYBODY).await;
    assert_eq!(may(&elsewhere), Some(alone));
    // Who waits is wanted, and known for what it is.
    hear(&elsewhere);
    assert!(reported(&desk, Instant::now()).contains(&(ip(99), Presence::Waiting)));
    // Whether anybody is missed is said as well.
    assert!(!desk.answer(&elsewhere, Instant::now()).in_place);
    hear(&present(1));
    desk.publish(findings(&desk, Instant::now(), true, Vec::new()));
    assert!(desk.answer(&elsewhere, Instant::now()).in_place);
}

/// The answer to an announcement was a scanner of the ports that only the worker
/// reaches: it said why each address of the cluster does not answer.
#[test]
fn a_member_learned_what_is_open_at_another_address() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), start).unwrap();
    let reason = "10.9.9.9: unreachable: Connection refused";
    for gate in [Gate::MembersAnswer, Gate::MembersAgree, Gate::AtRest] {
        let release = Release::Held {
            gate,
            seen: reason.into(),
        };
        let found = found(
            &desk,
            start + seconds(0.1),
            Unity::apart(reason),
            vec![leaver(1, 1, release)],
        );
        desk.publish(found);
        let answer = desk.answer(&leaving(1), start + seconds(0.2));
        let said = serde_json::to_string(&answer).unwrap();
        assert!(!said.contains("10.9.9.9"), "{said}");
        assert!(
            answer
                .cluster
                .starts_with("not one cluster: 0 of 0 members answer; "),
            "{said}"
        );
        let why = answer.verdict.unwrap().why;
        assert!(why.starts_with("release gate"), "{why}");
    }
}

/// After a restart of all the first ones that ran were one cluster at rest by themselves:
/// the others were told that nobody missed them, and began on empty disks beside their data.
#[test]
fn several_that_waited_for_their_data_were_told_that_nobody_missed_it() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    let waits = |slot| member(slot, Phase::Waiting, 1);
    for slot in [2, 3] {
        desk.heard(&waits(slot), start).unwrap();
    }
    let now = start + seconds(0.2);
    desk.publish(findings(&desk, start + seconds(0.1), true, Vec::new()));
    for slot in [2, 3] {
        assert!(!desk.answer(&waits(slot), now).in_place);
    }
    // The only one that waits is not missed where the others are at rest without it.
    desk.heard(&member(2, Phase::Present, 2), now).unwrap();
    assert!(desk.answer(&waits(3), now).in_place);
    // Whoever waits to be told how to start is a spare.
    let spare = Announcement {
        disk: Some(meshworker_core::Disk::Nothing),
        ..waits(4)
    };
    desk.heard(&spare, now).unwrap();
    assert!(desk.answer(&spare, now).in_place);
    assert!(desk.answer(&waits(3), now).in_place);
}
