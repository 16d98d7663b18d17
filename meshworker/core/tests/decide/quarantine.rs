//! An address that was freed a short while ago may be anybody's.

use meshworker_core::{Observation, Plan, Presence, Reason, Report, Unanswered, Unity};

use crate::support::{Ask, Clock, Toy, announced, content, departed, dns, docker, ip, seen, step};

/// A worker that has just made the others forget the member at 4.
fn freed() -> Clock {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    let plan = clock.after(10, &toy, &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    clock
}

/// Somebody answers there, as these list it.
fn returns(listed: Vec<Report>) -> (Toy, Observation<()>) {
    let mut toy = content();
    toy.0.steps = vec![step(4, Ask::Join(ip(1)))];
    toy.0.unity = Unity::apart("two fragments");
    let mut observed = seen(listed, &[1, 2, 3]);
    observed.answers.extend(seen(vec![], &[4]).answers);
    (toy, observed)
}

/// How long the address is still watched, in seconds.
fn watched(plan: &Plan<Ask>) -> Vec<u64> {
    assert_eq!(plan.steps, []);
    let refusals = plan.refusals.iter();
    refusals
        .filter_map(|refusal| match refusal.reason {
            Reason::Quarantined { left } => Some(left.as_secs()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_freed_address_that_a_name_server_lists_is_watched_before_it_is_joined() {
    let mut clock = freed();
    let (toy, observed) = returns(vec![dns(&[1, 2, 3, 4])]);
    for left in [5, 4, 3, 2, 1] {
        assert_eq!(watched(&clock.after(1, &toy, &observed)), [left]);
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(4, Ask::Join(ip(1)))]);
    assert_eq!(plan.refusals, []);
}

#[test]
fn an_address_that_nobody_freed_is_joined_at_once() {
    let (toy, observed) = returns(vec![dns(&[1, 2, 3, 4])]);
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(plan.steps, [step(4, Ask::Join(ip(1)))]);
}

#[test]
fn a_silence_starts_the_watch_anew() {
    let mut clock = freed();
    let (toy, observed) = returns(vec![dns(&[1, 2, 3, 4])]);
    let mut silent = observed.clone();
    silent.answers.insert(ip(4), Err(Unanswered::Timeout));
    for pass in 0..60 {
        let quiet = pass % 5 == 4;
        let plan = clock.after(1, &toy, if quiet { &silent } else { &observed });
        assert_eq!(watched(&plan).is_empty(), quiet, "{plan:?}");
    }
    // Nor does a stranger's answer count.
    let mut stranger = toy.clone();
    stranger.0.strangers = [ip(4)].into();
    stranger.0.steps.clear();
    clock.after(1, &stranger, &observed);
    assert_eq!(watched(&clock.after(1, &toy, &observed)), [5]);
}

#[test]
fn whoever_is_vouched_for_is_joined_at_once() {
    for report in [
        announced(&[(4, Presence::Present)]),
        docker(&[1, 2, 3, 4], 4),
    ] {
        let (toy, observed) = returns(vec![dns(&[1, 2, 3, 4]), report]);
        let plan = freed().after(1, &toy, &observed);
        assert_eq!(plan.steps, [step(4, Ask::Join(ip(1)))]);
    }
}

#[test]
fn the_watch_ends_some_day() {
    let mut clock = freed();
    let quarantine = clock.limits.quarantine.as_secs();
    let (toy, observed) = returns(vec![dns(&[1, 2, 3, 4])]);
    let plan = clock.after(quarantine, &toy, &observed);
    assert_eq!(plan.steps, [step(4, Ask::Join(ip(1)))]);
}
