//! What is done among members, gate by gate: arrangements, and what is taken from
//! those that are meant to go.

use meshworker_core::{Change, Floor, Gate, Presence, Reason, Unanswered};

use Presence::{Leaving, OutOfSight, Present};

use crate::support::{Ask, Clock, Toy, announced, content, dns, ip, leave, seen, step, tasks};

/// All members are meant to go but the first, and so many must stay.
fn shrinks(floor: usize) -> Toy {
    let mut toy = content();
    toy.0.leaves = vec![leave(3), leave(2)];
    toy.0.floor = Floor {
        members: floor,
        because: format!("replication factor {floor}"),
    };
    toy
}

fn gates(refusals: &[meshworker_core::Refusal]) -> Vec<(String, Gate, String)> {
    let gates = refusals.iter().filter_map(|refusal| match &refusal.reason {
        Reason::Closed(closed) if closed.change == Change::Arrange => {
            Some((refusal.what.clone(), closed.gate, closed.seen.clone()))
        }
        _ => None,
    });
    gates.collect()
}

/// A stack was set from three to one by mistake: for the three seconds until their
/// supervisors were told the task list alone named them, and all were made to hand over.
#[test]
fn members_that_must_stay_handed_over_what_they_held_before_they_were_told_to_go() {
    let list = [(1, Present), (2, Leaving), (3, Leaving)];
    let says = |told| announced(&[(1, Present), (2, told), (3, Present)]);
    let mut clock = Clock::start();
    let untold = seen(vec![tasks(&list, 1), says(Present)], &[1, 2, 3]);
    let plan = clock.after(1, &shrinks(2), &untold);
    assert_eq!(plan.steps, []);
    let seen_there = "1 would stay, replication factor 2 asks for 2";
    let expected = [3, 2].map(|last| {
        let what = format!("10.0.0.{last}: hand over");
        (what, Gate::Floor, seen_there.to_owned())
    });
    assert_eq!(gates(&plan.refusals), expected);
    assert!(
        !plan
            .refusals
            .iter()
            .any(|refusal| refusal.evidence.is_empty())
    );
    // Enough stay: one after another, the first before it is told.
    let plan = Clock::start().after(1, &shrinks(1), &untold);
    assert_eq!(plan.steps, [step(3, Ask::HandOver)]);
    let turn = (
        "10.0.0.2: hand over".into(),
        Gate::Turn,
        "db.3 is before it".into(),
    );
    assert_eq!(gates(&plan.refusals), [turn]);
    // Both come back: they are counted in.
    let back = seen(vec![tasks(&list, 3), says(Present)], &[1, 2, 3]);
    let plan = Clock::start().after(1, &shrinks(2), &back);
    assert_eq!(plan.steps, [step(3, Ask::HandOver)]);
    // Without a supervisor they are gone in seconds, whatever stays.
    let alone = seen(vec![tasks(&list, 1)], &[1, 2, 3]);
    let plan = Clock::start().after(1, &shrinks(2), &alone);
    assert_eq!(plan.steps, [step(3, Ask::HandOver), step(2, Ask::HandOver)]);
    assert_eq!(gates(&plan.refusals), []);
}

/// Who is meant to go and waits was taken for somebody who cannot, before its next word.
#[test]
fn a_worker_that_had_just_started_made_everybody_hand_over_at_once() {
    let list = [(1, Present), (2, Leaving), (3, Leaving)];
    let deaf = seen(vec![tasks(&list, 1), announced(&[])], &[1, 2, 3]);
    let mut clock = Clock::start();
    for _ in 0..9 {
        assert_eq!(clock.after(1, &shrinks(2), &deaf).steps, []);
    }
    // Nobody announces them: they have no supervisor.
    let plan = clock.after(5, &shrinks(2), &deaf);
    assert_eq!(plan.steps.len(), 2);
}

/// The engine of its node had died, and it waited to leave: a worker that had just started
/// had not heard of that, and counted it among those that stay.
#[test]
fn one_out_of_sight_was_counted_among_those_that_stay_before_it_was_heard() {
    let list = [(1, Present), (2, OutOfSight), (3, Leaving), (4, Leaving)];
    let all = [1, 2, 3, 4];
    let deaf = seen(vec![tasks(&list, 1), announced(&[(1, Present)])], &all);
    let says = announced(&[(1, Present), (2, Leaving), (3, Leaving), (4, Leaving)]);
    let heard = seen(vec![tasks(&list, 1), says], &all);
    let mut clock = Clock::start();
    for observed in [&deaf, &deaf, &heard, &heard] {
        assert_eq!(clock.after(1, &shrinks(2), observed).steps, []);
    }
    // Nobody announces it: it has no supervisor, and stays.
    let mut clock = Clock::start();
    clock.after(1, &shrinks(2), &deaf);
    let plan = clock.after(10, &shrinks(2), &deaf);
    assert_eq!(plan.steps.len(), 2);
}

/// Its words had expired while nobody reached its node, and were not heard anew when it
/// answered again.
#[test]
fn a_member_that_came_back_in_sight_handed_over_before_its_supervisor_was_heard() {
    let list = [(1, Present), (2, Leaving), (3, Leaving)];
    let waits = announced(&[(1, Present), (2, Leaving), (3, Leaving)]);
    let all = seen(vec![tasks(&list, 1), waits], &[1, 2, 3]);
    let mut away = seen(vec![tasks(&list, 1), announced(&[(1, Present)])], &[1]);
    for last in [2, 3] {
        away.answers.insert(ip(last), Err(Unanswered::Timeout));
    }
    let back = seen(
        vec![tasks(&list, 1), announced(&[(1, Present)])],
        &[1, 2, 3],
    );
    let mut clock = Clock::start();
    for (observed, times) in [(&all, 20), (&away, 20), (&back, 9), (&all, 20)] {
        for _ in 0..times {
            assert_eq!(clock.after(1, &shrinks(2), observed).steps, []);
        }
    }
}

#[test]
fn whoever_did_not_answer_was_asked_to_arrange_something() {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Arrange(ip(2))), step(2, Ask::Arrange(ip(1)))];
    let all = seen(vec![dns(&[1, 2])], &[1, 2]);
    let plan = Clock::start().after(1, &toy, &all);
    assert_eq!((plan.steps, plan.refusals), (toy.0.steps.clone(), vec![]));
    let mut silent = seen(vec![dns(&[1, 2])], &[1]);
    silent.answers.insert(ip(2), Err(Unanswered::Timeout));
    let held = |plan: &meshworker_core::Plan<Ask>, why: &str| {
        assert_eq!(plan.steps, []);
        let gates = gates(&plan.refusals);
        let expected = ["10.0.0.1: arrange 10.0.0.2", "10.0.0.2: arrange 10.0.0.1"]
            .map(|what| (what.to_owned(), Gate::Answers, why.to_owned()));
        assert_eq!(gates, expected);
    };
    let plan = Clock::start().after(1, &toy, &silent);
    held(
        &plan,
        "10.0.0.2 gives no view: no answer before the deadline",
    );
    // Nobody was asked, or whoever lives there is another cluster's.
    silent.answers.remove(&ip(2));
    held(
        &Clock::start().after(1, &toy, &silent),
        "10.0.0.2 was not asked",
    );
    toy.0.strangers = [ip(2)].into();
    held(
        &Clock::start().after(1, &toy, &all),
        "10.0.0.2 is none of this cluster's",
    );
    // The same of what serves one that goes.
    let mut toy = content();
    toy.0.leaves = vec![leave(1)];
    toy.0.leaves[0].steps = vec![step(3, Ask::HandOver)];
    let goes = seen(vec![dns(&[1, 2]), announced(&[(1, Leaving)])], &[1, 2]);
    let plan = Clock::start().after(1, &toy, &goes);
    assert_eq!(plan.steps, []);
    assert_eq!(gates(&plan.refusals).len(), 1);
}

/// The members had waited to leave with all data, and new ones were up: a worker that had
/// just started knew of nobody else, and dealt all slots out among those.
#[test]
fn a_worker_that_had_just_started_dealt_out_what_others_had_of_whom_it_had_not_heard() {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::DealOut)];
    let says = announced(&[(1, Present), (2, Present)]);
    let alone = seen(vec![dns(&[1, 2]), says.clone()], &[1, 2]);
    let mut clock = Clock::start();
    for _ in 0..3 {
        let plan = clock.after(1, &toy, &alone);
        assert_eq!(plan.steps, []);
        assert_eq!(gates(&plan.refusals)[0].1, Gate::Answers);
    }
    assert_eq!(clock.after(1, &toy, &alone).steps, toy.0.steps);
    // The task list names everybody at once; and where nobody announces himself there is
    // nothing to wait for.
    let listed = tasks(&[(1, Present), (2, Present)], 2);
    for reports in [vec![listed, says], vec![dns(&[1, 2])]] {
        let plan = Clock::start().after(1, &toy, &seen(reports, &[1, 2]));
        assert_eq!(plan.steps, toy.0.steps);
    }
}
