//! Whose word on a member counts.

use super::*;
use meshworker_core::Place;

fn said(slot: u64, task: &str, address: u64, phase: Phase) -> Announcement {
    Announcement {
        task: task.to_owned(),
        address: ip(address).address,
        ..member(slot, phase, 1)
    }
}

/// Who is reported: slot if known, address, phase.
fn told(desk: &Desk, now: Instant) -> Vec<(Option<u64>, Place, Presence)> {
    let slot = |member: Option<MemberId>| match member {
        Some(MemberId::Slot { slot, .. }) => Some(slot),
        _ => None,
    };
    let sightings = desk.report(now).0.sightings.into_iter();
    sightings
        .map(|s| (slot(s.member), s.address, s.presence))
        .collect()
}

#[test]
fn with_the_token_of_one_member_one_spoke_for_every_member() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.heard(&present(1), now).unwrap();
    desk.heard(&present(2), now).unwrap();
    // Docker or DNS lists both, and one that says nothing.
    let everybody = Report::addresses(Witness::Dns, [1, 2, 3].map(ip));
    let mut found = findings(&desk, now, true, Vec::new());
    found = found.listing(&[everybody]);
    desk.publish(found);
    let before = told(&desk, now);
    for (slot, task, address) in [
        (1, "task1", 1),
        (1, "zzz", 1),
        (7, "task7", 1),
        (2, "task1", 2),
        // Nobody has ever heard of this address.
        (1, "task1", 66),
        (4, "task4", 66),
    ] {
        for phase in [
            Phase::Present,
            Phase::Leaving,
            Phase::Stopping,
            Phase::Waiting,
        ] {
            let lie = said(slot, task, address, phase);
            let heard = desk.hear(&lie, Speaker::Other, now);
            assert!(heard.is_err(), "{lie:?}");
            assert_eq!(told(&desk, now), before, "{lie:?}");
        }
    }
    let (times, last) = (desk.refused().times(), desk.refused_news().pop());
    assert_eq!(times, 24);
    let expected = "stack_db.4 at 10.0.0.66: address: found 10.0.0.66 from another address";
    assert!(last.is_some_and(|last| last.starts_with(expected)));
    assert_eq!(desk.refused().times(), 24);
    assert!(desk.refused_news().is_empty(), "it is told once");
    // Where nobody contradicts, and a witness of ours knows the address, it is heard.
    let quiet = said(3, "task3", 3, Phase::Present);
    desk.hear(&quiet, Speaker::Other, now).unwrap();
    assert_eq!(told(&desk, now).len(), 3);
    // Until the member speaks for itself.
    desk.heard(&said(3, "own", 3, Phase::Present), now).unwrap();
    let tasks = desk.report(now).0.sightings.into_iter();
    let tasks: Vec<_> = tasks.filter_map(|s| s.task).collect();
    assert_eq!(tasks, ["task1", "task2", "own"]);
    assert!(desk.hear(&quiet, Speaker::Other, now).is_err());
}

#[test]
fn a_newer_task_of_the_slot_at_another_address_silenced_the_first() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    // Not even under the first one's own id.
    let twin = said(1, "task1", 9, Phase::Stopping);
    desk.heard(&twin, start).unwrap();
    let first = (Some(1), ip(1), Presence::Present);
    assert_eq!(told(&desk, start)[0], first);
    let other = said(1, "newer", 9, Phase::Leaving);
    desk.heard(&other, start).unwrap();
    assert_eq!(
        told(&desk, start),
        [first.clone(), (None, ip(9), Presence::Leaving)]
    );
    // Nor by coming again and again.
    desk.heard(&present(1), start + seconds(4.0)).unwrap();
    desk.heard(&other, start + seconds(4.0)).unwrap();
    assert_eq!(told(&desk, start + seconds(4.0))[0], first);
    // Once the first one is silent, the slot is the other one's.
    let silent = start + seconds(8.0);
    desk.heard(&other, silent).unwrap();
    let now = silent + seconds(1.5);
    assert_eq!(told(&desk, now), [(Some(1), ip(9), Presence::Leaving)]);
}

#[test]
fn a_slot_whose_task_stops_is_its_successors_at_once() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.heard(&said(1, "old", 1, Phase::Stopping), now)
        .unwrap();
    desk.heard(&said(1, "new", 9, Phase::Present), now).unwrap();
    let slots: Vec<_> = told(&desk, now).into_iter().map(|told| told.0).collect();
    assert_eq!(slots, [Some(1), Some(1)]);
    // And so is its address.
    desk.heard(&said(2, "next", 1, Phase::Present), now)
        .unwrap();
    assert_eq!(told(&desk, now)[0], (Some(2), ip(1), Presence::Present));
}

#[test]
fn of_two_at_one_address_the_first_is_believed_until_it_is_silent() {
    let (desk, start) = (Desk::default(), Instant::now());
    let second = said(2, "task2", 1, Phase::Present);
    desk.heard(&present(1), start).unwrap();
    let refused = desk.heard(&second, start).unwrap_err().to_string();
    assert!(refused.contains("for which stack_db.1 speaks"), "{refused}");
    assert_eq!(told(&desk, start), [(Some(1), ip(1), Presence::Present)]);
    let later = start + seconds(5.0);
    desk.heard(&second, later).unwrap();
    assert_eq!(told(&desk, later), [(Some(2), ip(1), Presence::Present)]);
}

/// A member that changed its word with every announcement made the worker ask all
/// nodes each time.
#[test]
fn who_changes_his_word_all_the_time_does_not_wake_the_worker_all_the_time() {
    let (desk, start) = (Desk::default(), Instant::now());
    let number = |now| desk.report(now).1;
    let before = number(start);
    for change in 0..2_000_u32 {
        let said = Announcement {
            node: format!("n{change}"),
            ..present(1)
        };
        let now = start + seconds(f64::from(change) / 200.0);
        desk.heard(&said, now).unwrap();
    }
    let woken = number(start + seconds(10.0)) - before;
    assert!((2..=15).contains(&woken), "{woken}");
    // The last word counts all the same.
    let nodes = desk.report(start + seconds(10.0)).0.sightings;
    assert_eq!(nodes[0].node.as_deref(), Some("n1999"));
}

/// Whoever knew the token could claim a slot at an address of its own, and the slot's
/// next task waited for it for ever.
#[test]
fn a_made_up_predecessor_held_up_a_slot_for_ever() {
    let (desk, start) = (Desk::default(), Instant::now());
    let elsewhere = |said: Announcement, node: &str| Announcement {
        node: node.to_owned(),
        ..said
    };
    let lie = elsewhere(said(3, "lie", 9, Phase::Present), "nowhere");
    let next = elsewhere(said(3, "next", 3, Phase::Waiting), "n3");
    let nobody = |now| {
        let mut none = findings(&Desk::default(), now, false, Vec::new());
        none = none.listing(&[Report::addresses(Witness::Dns, [ip(3)])]);
        none
    };
    let granted = |now| {
        desk.heard(&lie, now).unwrap();
        desk.heard(&next, now).unwrap();
        desk.publish(nobody(now));
        desk.answer(&next, now)
            .verdict
            .map(|verdict| verdict.granted)
    };
    // A database that loads its data answers late.
    assert_eq!(granted(start + seconds(3.0)), Some(false));
    let mut now = start + seconds(3.0);
    while now < start + seconds(120.0) {
        assert_eq!(granted(now), Some(false));
        now += seconds(4.0);
    }
    assert_eq!(granted(now), Some(true));

    // One that answers as a database of ours, or that DNS lists, holds it up.
    desk.publish(findings(&desk, now, false, Vec::new()));
    let verdict = desk.answer(&next, now).verdict.unwrap();
    assert!(!verdict.granted, "{verdict:?}");
    let listed = nobody(now).listing(&[Report::addresses(Witness::Dns, [ip(9)])]);
    desk.publish(listed);
    assert!(!desk.answer(&next, now).verdict.unwrap().granted);

    // Docker knows better, at once and either way.
    let task = |task: &str, last| {
        let mut report = Report::addresses(Witness::Docker, [ip(last)]);
        report.sightings[0].task = Some(task.to_owned());
        report
    };
    for (report, expected) in [
        (task("next", 3), true),
        (task("lie", 3), true),
        (task("lie", 9), false),
    ] {
        desk.publish(findings(&desk, now, false, Vec::new()).listing(&[report]));
        let verdict = desk.answer(&next, now).verdict.unwrap();
        assert_eq!(verdict.granted, expected, "{verdict:?}");
    }
}

#[test]
fn one_who_counts_higher_silenced_the_member_itself() {
    let (desk, now) = (Desk::default(), Instant::now());
    let listed = Report::addresses(Witness::Dns, [ip(3)]);
    desk.publish(findings(&desk, now, true, Vec::new()).listing(&[listed]));
    // Somebody has the token, knows the member's task, and is there first.
    let lie = Announcement {
        generation: u64::MAX,
        ..said(3, "task3", 3, Phase::Present)
    };
    desk.hear(&lie, Speaker::Other, now).unwrap();
    let own = said(3, "task3", 3, Phase::Leaving);
    desk.hear(&own, Speaker::Itself, now).unwrap();
    assert_eq!(told(&desk, now), [(Some(3), ip(3), Presence::Leaving)]);
    assert!(desk.hear(&lie, Speaker::Other, now).is_err());
}

#[test]
fn made_up_predecessors_one_after_another_held_up_a_slot_for_ever() {
    let (desk, start) = (Desk::default(), Instant::now());
    let elsewhere = |said: Announcement, node: &str| Announcement {
        node: node.to_owned(),
        ..said
    };
    let next = elsewhere(said(3, "next", 3, Phase::Waiting), "n3");
    let granted = |number: usize, now| {
        let name = format!("lie{number}");
        let lie = elsewhere(said(3, &name, 9, Phase::Present), "nowhere");
        desk.heard(&lie, now).unwrap();
        desk.heard(&next, now).unwrap();
        let nobody = findings(&Desk::default(), now, false, Vec::new());
        desk.publish(nobody.listing(&[Report::addresses(Witness::Dns, [ip(3)])]));
        let verdict = desk.answer(&next, now).verdict;
        let stops = Announcement {
            phase: Phase::Stopping,
            ..lie
        };
        desk.heard(&stops, now).unwrap();
        verdict.map(|verdict| verdict.granted)
    };
    let mut now = start + seconds(3.0);
    let mut number = 0;
    while now < start + seconds(120.0) {
        assert_eq!(granted(number, now), Some(false));
        now += seconds(4.0);
        number += 1;
    }
    assert_eq!(granted(number, now), Some(true));
}
