//! Nodes that are busy with what was asked of them before.

use meshworker_core::{Gate, Pace, Reason};

use crate::leaving::{after_the_hold, five, leaving, queue};
use crate::support::{Ask, Clock, content, dns, ip, seen, step};
use meshworker_core::Presence;

#[test]
fn of_a_node_that_is_busy_nothing_more_is_asked_and_of_the_others_all_is() {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Join(ip(3))), step(2, Ask::Join(ip(3)))];
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let mut clock = Clock::start();
    clock.busy.insert(ip(1));
    let plan = clock.after(1, &toy, &observed);
    let asked: Vec<_> = plan.steps.iter().map(|step| step.to).collect();
    assert_eq!(asked, [ip(2)]);
    let reasons: Vec<_> = plan.refusals.iter().map(|r| &r.reason).collect();
    assert_eq!(reasons, [&Reason::UnderWay]);
    // It was not made, so it is not waited for either.
    clock.busy.clear();
    let plan = clock.after(0, &toy, &observed);
    let asked: Vec<_> = plan.steps.iter().map(|step| step.to).collect();
    assert_eq!(asked, [ip(1)]);
}

#[test]
fn while_something_is_done_the_worker_looks_often() {
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let mut clock = Clock::start();
    assert_eq!(clock.after(1, &content(), &observed).pace, Pace::Calm);
    clock.busy.insert(ip(2));
    assert_eq!(clock.after(1, &content(), &observed).pace, Pace::Quick);
}

#[test]
fn nobody_is_let_go_who_is_not_done_yet() {
    let observed = five(&[(5, Presence::Leaving)]);
    let mut clock = Clock::start();
    clock.busy.insert(ip(5));
    let plan = after_the_hold(&mut clock, &leaving(&[5]), &observed);
    assert_eq!(queue(&plan), [(5, Some(Gate::AtRest))]);
    clock.busy.clear();
    let plan = after_the_hold(&mut clock, &leaving(&[5]), &observed);
    assert_eq!(queue(&plan), [(5, None)]);
}
