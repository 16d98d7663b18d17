//! Leavers whose goings do not touch each other go together.

use meshworker_core::{Floor, Gate, Leave, Presence, Touches, Unanswered};

use Presence::{Leaving, Present, Stopping};

use crate::leaving::{after_the_hold, five, leaving, queue};
use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, ip, leave, replica, seen, step, tasks,
};

const TURN: Option<Gate> = Some(Gate::Turn);
const SETTLED: Option<Gate> = Some(Gate::Settled);

/// A database in which these members are meant to go, and what each going touches.
fn touching(members: &[(u8, &[&str])]) -> Toy {
    let last: Vec<u8> = members.iter().map(|(last, _)| *last).collect();
    let mut toy = leaving(&last);
    for (leave, (_, parts)) in toy.0.leaves.iter_mut().zip(members) {
        leave.touches = Touches::Parts(parts.iter().map(|part| (*part).to_owned()).collect());
    }
    toy.0.quiet = true;
    toy
}

#[test]
fn leavers_that_do_not_touch_each_other_waited_for_each_other() {
    let all = five(&[(3, Leaving), (4, Leaving), (5, Leaving)]);
    let apart = touching(&[(3, &["a"]), (4, &["b"]), (5, &["c"])]);
    let mut clock = Clock::start();
    let plan = clock.after(1, &apart, &all);
    assert_eq!(queue(&plan), [(3, SETTLED), (4, SETTLED), (5, SETTLED)]);
    let plan = after_the_hold(&mut clock, &apart, &all);
    assert_eq!(queue(&plan), [(3, None), (4, None), (5, None)]);
    // Their word stands as long as any of them waits for another worker's.
    for _ in 0..100 {
        let plan = clock.after(1, &apart, &all);
        assert_eq!(queue(&plan), [(3, None), (4, None), (5, None)]);
    }
}

#[test]
fn leavers_that_touch_each_other_go_one_after_another() {
    let all = five(&[(3, Leaving), (4, Leaving), (5, Leaving)]);
    let two = touching(&[(3, &["a"]), (4, &["b", "a"]), (5, &["c"])]);
    let plan = after_the_hold(&mut Clock::start(), &two, &all);
    assert_eq!(queue(&plan), [(3, None), (4, TURN), (5, None)]);
    // Of whom it is not known what it touches, it touches everything.
    let mut unknown = touching(&[(3, &["a"]), (4, &["b"]), (5, &["c"])]);
    unknown.0.leaves[1].touches = Touches::All;
    let plan = after_the_hold(&mut Clock::start(), &unknown, &all);
    assert_eq!(queue(&plan), [(3, None), (4, TURN), (5, None)]);
    unknown.0.leaves.swap(0, 1);
    let plan = after_the_hold(&mut Clock::start(), &unknown, &all);
    assert_eq!(queue(&plan), [(4, None), (3, TURN), (5, TURN)]);
}

/// It stops, it is silent, the others notice: none of that keeps another one.
#[test]
fn one_that_goes_held_others_that_it_does_not_touch() {
    for (other, kept) in [("b", false), ("a", true)] {
        let both = touching(&[(4, &["a"]), (5, &[other])]);
        let mut clock = Clock::start();
        let first = touching(&[(4, &["a"])]);
        after_the_hold(&mut clock, &first, &five(&[(4, Leaving)]));
        let stops = five(&[(4, Stopping), (5, Leaving)]);
        let plan = clock.after(1, &both, &stops);
        let (turn, hold) = (TURN.filter(|_| kept), SETTLED.filter(|_| !kept));
        assert_eq!(queue(&plan).pop(), Some((5, turn.or(hold))));
        // It is silent, and the others hold it to be alive.
        let only = touching(&[(5, &[other])]);
        let mut silent = five(&[(5, Leaving)]);
        silent.answers.insert(ip(4), Err(Unanswered::Timeout));
        let plan = clock.after(1, &only, &silent);
        assert_eq!(queue(&plan), [(5, turn.or(hold))]);
        // They have noticed.
        let four = [1, 2, 3, 5];
        let gone = seen(vec![dns(&four), announced(&[(5, Leaving)])], &four);
        let plan = clock.after(1, &only, &gone);
        assert_eq!(queue(&plan), [(5, SETTLED.filter(|_| kept))]);
    }
}

#[test]
fn the_hold_begins_anew_when_anybody_else_comes_or_goes() {
    let toy = touching(&[(5, &["a"])]);
    for others in [&[1, 2, 3, 5][..], &[1, 2, 3, 4, 5, 6]] {
        let mut clock = Clock::start();
        clock.after(1, &toy, &five(&[(5, Leaving)]));
        clock.after(1, &toy, &five(&[(5, Leaving)]));
        let changed = seen(vec![dns(others), announced(&[(5, Leaving)])], others);
        let plan = clock.after(1, &toy, &changed);
        assert_eq!(queue(&plan), [(5, SETTLED)]);
    }
    // A worker that was killed knows nobody that it let go.
    let mut clock = Clock::start();
    let both = touching(&[(4, &["b"]), (5, &["a"])]);
    after_the_hold(&mut clock, &both, &five(&[(4, Leaving), (5, Leaving)]));
    clock.restart();
    let mut silent = five(&[(5, Leaving)]);
    silent.answers.insert(ip(4), Err(Unanswered::Timeout));
    let plan = clock.after(1, &toy, &silent);
    assert_eq!(queue(&plan), [(5, Some(Gate::MembersAnswer))]);
}

/// Three stay and two come back, where four must stay.
#[test]
fn two_that_come_back_did_not_count_on_each_other_while_both_were_gone() {
    let mut reports = vec![tasks(
        &[
            (1, Present),
            (2, Present),
            (3, Present),
            (4, Leaving),
            (5, Leaving),
        ],
        5,
    )];
    reports[0].sightings.push(replica(4, 14, Present));
    reports[0].sightings.push(replica(5, 15, Present));
    reports.push(announced(&[(4, Leaving), (5, Leaving)]));
    let both = seen(reports, &[1, 2, 3, 4, 5]);
    let floor = |members| {
        let mut toy = touching(&[(4, &["a"]), (5, &["b"])]);
        toy.0.floor = Floor {
            members,
            because: "the toy".into(),
        };
        toy
    };
    let plan = after_the_hold(&mut Clock::start(), &floor(4), &both);
    assert_eq!(queue(&plan), [(4, None), (5, Some(Gate::Floor))]);
    let plan = after_the_hold(&mut Clock::start(), &floor(3), &both);
    assert_eq!(queue(&plan), [(4, None), (5, None)]);
}

#[test]
fn what_does_not_touch_each_other_is_handed_over_side_by_side() {
    let all = five(&[(3, Leaving), (4, Leaving), (5, Leaving)]);
    let mut toy = touching(&[(3, &["a"]), (4, &["a"]), (5, &["b"])]);
    for leave in &mut toy.0.leaves {
        leave.holds = vec!["slots".into()];
        leave.steps = vec![hand_over(leave)];
    }
    let plan = Clock::start().after(1, &toy, &all);
    assert_eq!(plan.steps, [step(3, Ask::HandOver), step(5, Ask::HandOver)]);
}

fn hand_over(of: &Leave<Ask>) -> meshworker_core::Step<Ask> {
    let mut step = leave(3).steps.remove(0);
    step.to = of.address;
    step
}

#[test]
fn two_workers_that_let_go_different_groups_come_to_agree() {
    let toy = touching(&[(3, &["a"]), (4, &["b"]), (5, &["a"])]);
    let all = five(&[(3, Leaving), (4, Leaving), (5, Leaving)]);
    let (mut one, mut other) = (Clock::start(), Clock::start());
    after_the_hold(&mut one, &toy, &all);
    let late = touching(&[(4, &["b"]), (5, &["a"])]);
    after_the_hold(&mut other, &late, &five(&[(4, Leaving), (5, Leaving)]));
    let mut agreed = None;
    for second in 0..60 {
        let (one, other) = (one.after(1, &toy, &all), other.after(1, &toy, &all));
        let (one, other) = (queue(&one), queue(&other));
        let word = |member: usize| one[member].1.is_none() && other[member].1.is_none();
        assert!(!(word(0) && word(2)), "both at once");
        assert!(word(1), "{one:?} {other:?}");
        agreed = agreed.or((one == other).then_some((second, one)));
    }
    let expected = vec![(3, None), (4, None), (5, TURN)];
    assert!(
        matches!(&agreed, Some((30..=33, queue)) if *queue == expected),
        "{agreed:?}"
    );
}

#[test]
fn work_that_led_nowhere_kept_everybody() {
    let mut busy = five(&[(5, Leaving)]);
    if let Some(Ok(view)) = busy.answers.get_mut(&ip(1)) {
        view.working = Some("1 slot on the move, 7 first".into());
    }
    let mut toy = touching(&[(5, &["a"])]);
    let plan = after_the_hold(&mut Clock::start(), &toy, &busy);
    assert_eq!(queue(&plan), [(5, Some(Gate::AtRest))]);
    toy.0.stuck.insert("n1".into());
    let plan = after_the_hold(&mut Clock::start(), &toy, &busy);
    assert_eq!(queue(&plan), [(5, None)]);

    // Nor does it keep a node that is gone from being forgotten.
    let mut forgets = content();
    forgets.0.departures = vec![departed(4)];
    let mut gone = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    if let Some(Ok(view)) = gone.answers.get_mut(&ip(1)) {
        view.working = Some("1 slot on the move, 7 first".into());
    }
    for (stuck, steps) in [(None, 0), (Some("n1"), 1)] {
        forgets.0.stuck = stuck.into_iter().map(str::to_owned).collect();
        let mut clock = Clock::start();
        clock.after(0, &forgets, &gone);
        let plan = clock.after(3600, &forgets, &gone);
        assert_eq!(plan.steps.len(), steps, "{:?}", plan.refusals);
    }
}
