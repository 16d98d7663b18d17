//! Members that volunteer and are not started: nobody waits for them, counts or misses them.

use std::collections::BTreeSet;

use meshworker_core::{
    Authority, Gate, Observation, Pace, Plan, Presence, Reason, Report, Standing, Unity,
};

use Presence::{Leaving, Present, Spare, Stopping};

use crate::leaving::{after_the_hold, leaving, queue};
use crate::support::{Ask, Clock, announced, content, departed, dns, ip, seen, step, tasks, view};

/// Five replicas, of which 4 and 5 volunteer; only the others' databases run.
fn three_of_five(said: &[(u8, Presence)]) -> Observation<()> {
    let all: Vec<(u8, Presence)> = (1..=5).map(|last| (last, Present)).collect();
    let lists: Vec<Report> = vec![dns(&[1, 2, 3, 4, 5]), tasks(&all, 5), announced(said)];
    seen(lists, &[1, 2, 3])
}

const VOLUNTEERS: [(u8, Presence); 2] = [(4, Spare), (5, Spare)];

#[test]
fn spares_are_neither_waited_for_nor_counted() {
    let observed = three_of_five(&VOLUNTEERS);
    let standing = |last| observed.roster().at(ip(last)).map(|m| m.standing());
    assert_eq!(standing(3), Some(Standing::Wanted));
    assert_eq!(standing(4), Some(Standing::Spare));
    let mut clock = Clock::start();
    let whole = Plan {
        nominees: Vec::new(),
        steps: Vec::new(),
        fence: Authority::alone().fence(),
        leavers: Vec::new(),
        settled: true,
        together: Some(3),
        refusals: Vec::new(),
        unity: Unity::One { size: 3 },
        losses: Vec::new(),
        outsiders: BTreeSet::new(),
        pace: Pace::Calm,
        fulfilled: BTreeSet::new(),
        failed_over: None,
        born: None,
    };
    for _ in 0..10 {
        assert_eq!(clock.after(10, &content(), &observed), whole);
    }
    // Once one is nominated, it is waited for like anybody else.
    let nominated = three_of_five(&[(4, Present), (5, Spare)]);
    let plan = clock.after(1, &content(), &nominated);
    assert!(!plan.unity.is_one(), "{plan:?}");
}

#[test]
fn a_spare_does_not_stand_in_for_a_member_where_enough_must_stay() {
    let mut clock = Clock::start();
    clock.min_members = 3;
    let going = three_of_five(&[(3, Leaving), (4, Spare), (5, Spare)]);
    let plan = after_the_hold(&mut clock, &leaving(&[3]), &going);
    assert_eq!(queue(&plan), [(3, Some(Gate::Floor))]);
}

/// All whose database ran were let go at once, unasked: nobody else was wanted.
#[test]
fn while_a_spare_stays_not_everybody_goes() {
    let mut clock = Clock::start();
    let going = [
        (1, Leaving),
        (2, Leaving),
        (3, Leaving),
        (4, Spare),
        (5, Spare),
    ];
    let plan = after_the_hold(&mut clock, &leaving(&[1, 2, 3]), &three_of_five(&going));
    assert!(
        plan.leavers
            .iter()
            .all(|leaver| !leaver.release.is_granted())
    );
    let going = going.map(|(last, _)| (last, Leaving));
    let plan = after_the_hold(&mut clock, &leaving(&[1, 2, 3]), &three_of_five(&going));
    assert!(
        plan.leavers
            .iter()
            .all(|leaver| leaver.release.is_granted())
    );
}

/// The lists still name the address of one whose database is gone, and which volunteers.
#[test]
fn the_node_that_ran_where_a_spare_is_now_is_forgotten() {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    let gates = |plan: &Plan<Ask>| {
        let refusals = plan.refusals.iter();
        let gates = refusals.filter_map(|refusal| match &refusal.reason {
            Reason::Closed(closed) => Some(closed.gate),
            _ => None,
        });
        gates.collect::<Vec<Gate>>()
    };
    let mut clock = Clock::start();
    let plan = clock.after(1, &toy, &three_of_five(&[(4, Present), (5, Spare)]));
    assert_eq!(gates(&plan), [Gate::WitnessesAgree]);
    let observed = three_of_five(&VOLUNTEERS);
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(gates(&plan), [Gate::Hold]);
    let plan = clock.after(clock.limits.removal_hold.as_secs(), &toy, &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
}

#[test]
fn a_spare_that_leaves_holds_nothing_though_it_was_a_member_before() {
    let mut clock = Clock::start();
    let mut before = three_of_five(&[(4, Present), (5, Spare)]);
    before.answers.insert(ip(4), view(4, &[1, 2, 3, 4]));
    clock.after(1, &content(), &before);
    clock.after(1, &content(), &three_of_five(&VOLUNTEERS));
    let mut going = three_of_five(&[(4, Leaving), (5, Stopping)]);
    let why = meshworker_core::Unanswered::Unreachable("nobody listens".into());
    going.answers.insert(ip(4), Err(why));
    let plan = after_the_hold(&mut clock, &content(), &going);
    assert_eq!(queue(&plan), [(4, None)]);
}
