//! Who takes a primary's place, and when: each gate, what an operator's word opens, and what
//! keeps the next one waiting.

use meshworker_core::{
    Acknowledged, Authority, Change, Forced, Gate, Observation, Pace, Plan, Proposal, Role,
    Succession, Unanswered, Unity,
};

use crate::support::{Ask, Clock, Toy, docker, ip, seen, step};

/// Member 1 was primary, and is silent; 2 is to take its place, and 3 may have acknowledged too.
fn succession() -> Succession<Ask> {
    Succession {
        what: "promote 2".into(),
        predecessor: Some(ip(1)),
        planned: false,
        forced: false,
        electors: [ip(2), ip(3)].into(),
        objections: Vec::new(),
        seal: vec![step(3, Ask::Seal)],
        promote: vec![step(2, Ask::Promote)],
    }
}

fn toy(succession: Succession<Ask>) -> Toy {
    Toy(Proposal {
        succession: Some(succession),
        ..Proposal::nothing(Unity::apart("nobody takes writes"))
    })
}

fn nothing() -> Toy {
    Toy(Proposal::nothing(Unity::One { size: 3 }))
}

fn without_primary() -> Observation<()> {
    let mut observed = seen(vec![docker(&[1, 2, 3], 3)], &[2, 3]);
    let silence = Err(Unanswered::Timeout);
    observed.answers.insert(ip(1), silence);
    observed
}

/// All answer, and this one is primary in this term.
fn led_by(last: u8, term: u64) -> Observation<()> {
    let mut observed = seen(vec![docker(&[1, 2, 3], 3)], &[1, 2, 3]);
    if let Some(Ok(view)) = observed.answers.get_mut(&ip(last)) {
        view.role = Some(Role::primary("primary").in_term(term));
    }
    observed
}

fn asked(plan: &Plan<Ask>) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

/// The number of the gate that is closed; none when somebody is promoted.
fn closed(plan: &Plan<Ask>) -> Option<usize> {
    let promotes = asked(plan).contains(&"10.0.0.2: promote".to_owned());
    let refusals: Vec<String> = plan.refusals.iter().map(ToString::to_string).collect();
    let number = refusals.iter().find_map(|told| {
        let (_, rest) = told.split_once("succession gate ")?;
        rest.split_once(' ')?.0.parse().ok()
    });
    assert_eq!(promotes, number.is_none(), "{refusals:?}");
    number
}

#[test]
fn the_seal_comes_first_and_clients_wait_for_what_follows_it() {
    let mut unsealed = succession();
    unsealed
        .objections
        .push((Gate::Sealed, "3 has not promised".into()));
    let plan = Clock::start().after(0, &toy(unsealed), &without_primary());
    assert_eq!(asked(&plan), ["10.0.0.3: seal"]);
    assert_eq!((closed(&plan), plan.pace), (Some(8), Pace::AtOnce));
    let sealed = Succession {
        seal: Vec::new(),
        ..succession()
    };
    let plan = Clock::start().after(0, &toy(sealed), &without_primary());
    assert_eq!(asked(&plan), ["10.0.0.2: promote"]);
    assert_eq!(plan.pace, Pace::AtOnce);
}

/// What an operator's word stands for: what was seen of the primary, how many are there, how
/// long ago the last one was, what may have been thrown away. Nothing else.
#[test]
fn a_forced_fail_over_skips_gates_2_4_5_and_7_and_no_other() {
    for (at, gate) in Change::Succeed.gates().iter().enumerate() {
        let number = at + 1;
        let objected = Succession {
            objections: vec![(*gate, "seen".into())],
            ..succession()
        };
        let forced = Succession {
            forced: true,
            ..objected.clone()
        };
        let judged = |one| closed(&Clock::start().after(0, &toy(one), &without_primary()));
        assert_eq!(judged(objected), Some(number), "{gate:?}");
        let opens = [2, 4, 5, 7].contains(&number);
        assert_eq!(judged(forced), (!opens).then_some(number), "{gate:?}");
    }
}

#[test]
fn no_word_stands_for_a_hold_or_for_who_acts() {
    let forced = toy(Succession {
        forced: true,
        ..succession()
    });
    // The primary answers: that is what force is for.
    let mut clock = Clock::start();
    assert_eq!(closed(&clock.after(0, &forced, &led_by(1, 1))), None);
    let mut clock = Clock::start();
    clock.orders.hold = Some("a new rack".into());
    assert_eq!(
        closed(&clock.after(0, &forced, &without_primary())),
        Some(1)
    );
    let mut clock = Clock::start();
    clock.authority = Authority::Yielded("worker 2".into());
    assert_eq!(
        closed(&clock.after(0, &forced, &without_primary())),
        Some(6)
    );
    // Whoever may have acknowledged is silent.
    let mut lost = without_primary();
    lost.answers.insert(ip(3), Err(Unanswered::Timeout));
    assert_eq!(closed(&Clock::start().after(0, &forced, &lost)), Some(3));
}

#[test]
fn after_a_fail_over_the_next_one_waits_unless_an_operator_knows() {
    let mut clock = Clock::start();
    assert_eq!(
        closed(&clock.after(0, &toy(succession()), &without_primary())),
        None
    );
    clock.after(1, &nothing(), &led_by(2, 2));
    let next = Succession {
        what: "promote 2 again".into(),
        ..succession()
    };
    let again = |clock: &mut Clock| closed(&clock.after(9, &toy(next.clone()), &without_primary()));
    assert_eq!(again(&mut clock), Some(5));
    // One that is planned is no accident.
    let planned = toy(Succession {
        planned: true,
        ..next.clone()
    });
    assert_eq!(closed(&clock.after(9, &planned, &without_primary())), None);
    clock.orders.acknowledged = Some(Acknowledged {
        number: 1,
        losses: 0,
        members: 3,
    });
    assert_eq!(again(&mut clock), None);
}

/// A worker that died in the middle, or was refused, had its next try wait for a minute.
#[test]
fn a_fail_over_that_came_to_nothing_keeps_no_other_one_waiting() {
    let mut clock = Clock::start();
    assert_eq!(
        closed(&clock.after(0, &toy(succession()), &without_primary())),
        None
    );
    // It answers, and is none: it was refused.
    let next = toy(Succession {
        what: "promote 2 in a higher term".into(),
        ..succession()
    });
    assert_eq!(closed(&clock.after(3, &next, &without_primary())), None);
    // Another worker knows of no fail-over at all.
    clock.after(1, &nothing(), &led_by(2, 2));
    clock.restart();
    assert_eq!(closed(&clock.after(1, &next, &without_primary())), None);
}

#[test]
fn a_forced_fail_over_is_done_once_another_one_leads() {
    let mut clock = Clock::start();
    assert!(
        clock
            .after(0, &nothing(), &led_by(2, 2))
            .failed_over
            .is_none()
    );
    clock.orders.forced = Some(Forced {
        from: Some("10.0.0.1".into()),
        ..Forced::default()
    });
    assert!(
        clock
            .after(0, &nothing(), &led_by(1, 1))
            .failed_over
            .is_none()
    );
    assert!(
        clock
            .after(0, &nothing(), &without_primary())
            .failed_over
            .is_none()
    );
    assert!(
        clock
            .after(0, &nothing(), &led_by(2, 2))
            .failed_over
            .is_some()
    );
    // Nobody led when it was ordered.
    clock.orders.forced = Some(Forced::default());
    assert!(
        clock
            .after(0, &nothing(), &without_primary())
            .failed_over
            .is_none()
    );
    assert!(
        clock
            .after(0, &nothing(), &led_by(1, 1))
            .failed_over
            .is_some()
    );
}

/// A stale one that still said that it was primary, in an earlier term, was not the one that was
/// meant: the order was taken for carried out.
#[test]
fn a_forced_fail_over_was_done_by_whoever_led_in_an_earlier_term() {
    let mut clock = Clock::start();
    clock.orders.forced = Some(Forced {
        from: Some("10.0.0.2".into()),
        term: Some(2),
        ..Forced::default()
    });
    for (last, term, done) in [(1, 1, false), (2, 2, false), (3, 3, true), (2, 3, true)] {
        let plan = clock.after(0, &nothing(), &led_by(last, term));
        assert_eq!(plan.failed_over.is_some(), done, "{last} in term {term}");
    }
}
