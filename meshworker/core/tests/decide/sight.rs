//! The engine of one node died, and its containers run on: the task list has lost
//! sight of a member that everybody else hears.

use meshworker_core::{Going, Observation, Presence, Roster, Standing};

use Presence::{Leaving, OutOfSight, Present};

use crate::leaving::{after_the_hold, leaving, queue};
use crate::support::{Ask, Clock, Toy, announced, content, dns, ip, leave, seen, step, tasks};

const ALL: [u8; 5] = [1, 2, 3, 4, 5];

/// The task list has lost sight of member 1; what these announce besides.
fn lost_sight(announcements: &[(u8, Presence)], desired: usize) -> Observation<()> {
    let leaves = |last: u8| announcements.contains(&(last, Leaving));
    let listed = ALL.map(|last| match last {
        1 => (last, OutOfSight),
        _ if leaves(last) => (last, Leaving),
        _ => (last, Present),
    });
    seen(
        vec![tasks(&listed, desired), announced(announcements)],
        &ALL,
    )
}

fn standing(observed: &Observation<()>, last: u8) -> Option<Standing> {
    let roster: Roster = observed.roster();
    roster.at(ip(last)).map(|member| member.standing())
}

#[test]
fn a_member_whose_engine_died_held_up_every_other_release() {
    for says in [
        vec![(1, Present), (5, Leaving)],
        // Without a supervisor the database's word tells that it lives.
        vec![(5, Leaving)],
    ] {
        let observed = lost_sight(&says, 5);
        assert_eq!(standing(&observed, 1), Some(Standing::Wanted));
        let plan = after_the_hold(&mut Clock::start(), &leaving(&[5]), &observed);
        assert_eq!(queue(&plan), [(5, None)], "{:?}", plan.leavers);
        assert_eq!(plan.leavers[0].going, Going::Back);
    }
}

/// Proposes a leave for each member that is meant to go, as engines do.
fn by_standing(observed: &Observation<()>) -> Toy {
    let mut toy = content();
    let roster = observed.roster();
    let going = ALL.into_iter().rev().filter(|last| {
        let member = roster.at(ip(*last));
        member.is_some_and(|member| member.standing() == Standing::Leaving)
    });
    toy.0.leaves = going.map(leave).collect();
    toy
}

#[test]
fn a_member_whose_engine_died_was_emptied_at_once() {
    let observed = lost_sight(&[(1, Present), (5, Leaving)], 5);
    let plan = Clock::start().after(0, &by_standing(&observed), &observed);
    assert_eq!(plan.steps, [step(5, Ask::HandOver)]);
    assert_eq!(queue(&plan).len(), 1);
    // Its engine is back, and stops it: now it goes like any other.
    let observed = lost_sight(&[(1, Leaving)], 5);
    let plan = Clock::start().after(0, &by_standing(&observed), &observed);
    assert_eq!(plan.steps, [step(1, Ask::HandOver)]);
}

#[test]
fn whoever_is_out_of_sight_and_heard_by_nobody_is_on_its_way_out() {
    let four = [2, 3, 4, 5];
    let listed = ALL.map(|last| (last, if last == 1 { OutOfSight } else { Present }));
    let reports = vec![dns(&four), tasks(&listed, 5), announced(&[])];
    let observed = seen(reports, &four);
    assert_eq!(standing(&observed, 1), Some(Standing::Leaving));
    let plan = Clock::start().after(0, &content(), &observed);
    assert_eq!((plan.steps, plan.leavers), (vec![], vec![]));
}

#[test]
fn the_place_of_one_out_of_sight_was_taken_for_that_of_a_member_that_goes_for_good() {
    // Four are wished for: the place to fill is the one's, not the other's.
    let observed = lost_sight(&[(1, Present), (5, Leaving)], 4);
    let plan = Clock::start().after(0, &leaving(&[5]), &observed);
    assert_eq!(plan.leavers[0].going, Going::ForGood);
}
