//! Of several workers one acts: what the others plan, show, and never do or say.

use std::collections::BTreeSet;

use meshworker_core::{Authority, Fence, Gate, Pace, Plan, Presence, Reason, Refusal, Unity};

use crate::leaving::{after_the_hold, five, leaving, queue};
use crate::support::{Ask, Clock, content, departed, dns, ip, seen, step};

fn yielded() -> Authority {
    Authority::Yielded("10.0.0.77".into())
}

fn another_acts() -> Refusal {
    Refusal::new("act", Reason::AnotherActs("10.0.0.77".into()))
}

#[test]
fn whoever_yields_plans_and_shows_the_same_under_no_number() {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Join(ip(3)))];
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let mut clock = Clock::start();
    clock.authority = yielded();
    let mut step = step(1, Ask::Join(ip(3)));
    step.fence = None;
    // Nothing of it is done, so it is planned again and again, without a pause.
    for _ in 0..3 {
        assert_eq!(
            clock.after(1, &toy, &observed),
            Plan {
                steps: vec![step.clone()],
                fence: None,
                nominees: Vec::new(),
                leavers: Vec::new(),
                settled: true,
                together: Some(3),
                refusals: vec![another_acts()],
                unity: Unity::One { size: 3 },
                losses: Vec::new(),
                outsiders: BTreeSet::new(),
                pace: Pace::Quick,
                fulfilled: BTreeSet::new(),
                failed_over: None,
                born: None,
            }
        );
    }
    clock.authority = Authority::Held(Fence(7));
    let plan = clock.after(1, &toy, &observed);
    assert_eq!((plan.fence, plan.refusals), (Some(Fence(7)), vec![]));
    assert_eq!(
        plan.steps.first().and_then(|step| step.fence),
        Some(Fence(7))
    );
}

#[test]
fn whoever_yields_lets_nobody_go_and_says_who_acts() {
    let observed = five(&[(5, Presence::Leaving)]);
    let mut clock = Clock::start();
    clock.authority = yielded();
    let plan = after_the_hold(&mut clock, &leaving(&[5]), &observed);
    assert_eq!(queue(&plan), [(5, Some(Gate::Authority))]);
    assert!(plan.refusals.contains(&another_acts()), "{plan:?}");
    let said = plan.leavers.iter().map(|leaver| leaver.release.to_string());
    let said: Vec<String> = said.collect();
    assert_eq!(
        said,
        ["release gate 8 (this worker acts) is closed: another worker acts: 10.0.0.77"]
    );
    // Not even all of them at once.
    let all: Vec<(u8, Presence)> = (1..=5).map(|last| (last, Presence::Leaving)).collect();
    let plan = after_the_hold(&mut clock, &leaving(&[1, 2, 3, 4, 5]), &five(&all));
    assert!(
        plan.leavers
            .iter()
            .all(|leaver| !leaver.release.is_granted())
    );
}

/// Whoever gained it would have gone on where it stood before another one acted.
#[test]
fn gaining_authority_forgets_and_looks_afresh() {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let mut clock = Clock::start();
    let hold = clock.limits.removal_hold.as_secs();
    clock.authority = Authority::Held(Fence(1));
    for _ in 0..hold {
        assert_eq!(clock.after(1, &toy, &observed).steps, []);
    }
    for authority in [
        Authority::Held(Fence(3)),
        yielded(),
        Authority::Held(Fence(5)),
    ] {
        clock.authority = authority.clone();
        // As long as it is kept, what is remembered is kept too.
        let seconds = if authority.fence().is_some() { hold } else { 1 };
        for _ in 0..seconds {
            let steps = clock.after(1, &toy, &observed).steps;
            assert!(steps.iter().all(|step| step.fence.is_none()), "{steps:?}");
        }
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(
        plan.steps.first().and_then(|step| step.fence),
        Some(Fence(5))
    );
}

#[test]
fn an_act_is_admitted_under_the_number_that_holds_and_no_other() {
    let held = Authority::Held(Fence(3));
    assert_eq!(held.admits(Some(Fence(3))), Ok(()));
    for decided in [None, Some(Fence(2)), Some(Fence(4))] {
        assert!(held.admits(decided).is_err(), "{decided:?}");
        assert!(yielded().admits(decided).is_err());
    }
    assert!(yielded().admits(Some(Fence(3))).is_err());
}
