//! What is made once more, and when: requests, orders, what was taken back.

use meshworker_core::{Backoff, Limits, Moment, Presence};

use crate::support::{Ask, Clock, Toy, announced, content, departed, dns, ip, seen, step};

fn wants_to_join(last: u8) -> Toy {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Join(ip(last)))];
    toy
}

#[test]
fn two_workers_stayed_in_step() {
    let (limits, first) = (Limits::default(), Backoff::first(Moment::default()));
    let left = |seed: u64| first.left("10.0.0.1 join 10.0.0.2", seed, &limits, Moment::default());
    assert_eq!(left(1), left(1));
    let mut pauses: Vec<_> = (0..32).map(left).collect();
    pauses.sort();
    pauses.dedup();
    assert!(pauses.len() > 16, "{pauses:?}");
    let most = limits.retry_first + limits.retry_first / 4;
    assert!(
        pauses
            .iter()
            .all(|left| (limits.retry_first..=most).contains(left))
    );
    // A whole decision, made by two workers side by side.
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let asks = |seed| {
        let mut clock = Clock::start();
        clock.seed = seed;
        let passes = (0..200).map(|_| clock.after(1, &wants_to_join(2), &observed));
        passes.map(|plan| plan.steps.len()).collect::<Vec<_>>()
    };
    assert_ne!(asks(1), asks(2));
}

#[test]
fn a_request_that_had_taken_was_made_to_wait_when_it_was_needed_anew() {
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let mut clock = Clock::start();
    let mut asked = 0;
    for _ in 0..20 {
        asked += clock.after(1, &wants_to_join(2), &observed).steps.len();
    }
    assert!((3..6).contains(&asked), "{asked}");
    // It has joined, for longer than any pause lasts that was begun.
    for _ in 0..20 {
        assert_eq!(clock.after(1, &content(), &observed).steps, []);
    }
    // It is needed again: at once, and then after the first pause.
    let again: Vec<_> = (0..4)
        .map(|_| clock.after(1, &wants_to_join(2), &observed).steps.len())
        .collect();
    assert_eq!(again, [1, 0, 0, 1]);
}

#[test]
fn a_request_that_flickers_is_not_made_sooner_for_it() {
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let mut clock = Clock::start();
    let mut asked = 0;
    for second in 0..60 {
        let toy = if second % 2 == 0 {
            wants_to_join(2)
        } else {
            content()
        };
        asked += clock.after(1, &toy, &observed).steps.len();
    }
    assert!(asked <= 60 / 4 + 1, "{asked}");
}

/// A database that remembers this node at this address, told by members 1 to 3.
fn remembers(node: &str, last: u8) -> Toy {
    let mut toy = content();
    toy.0.departures = vec![departed(last)];
    toy.0.departures[0].node = node.into();
    toy.0.departures[0].steps = vec![step(1, Ask::Forget(node.into()))];
    toy
}

#[test]
fn an_order_to_forget_was_obeyed_for_the_next_one_at_that_address() {
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    for word in ["BB90", "10.0.0.9"] {
        let mut clock = Clock::start();
        clock.orders.forget.insert(word.to_owned());
        let toy = remembers("BB90", 9);
        let plan = clock.after(1, &toy, &observed);
        assert_eq!(plan.steps.len(), 1);
        assert!(plan.fulfilled.is_empty());
        // A member that does not answer may remember it still.
        let mut silent = observed.clone();
        silent.answers.remove(&ip(3));
        assert!(clock.after(1, &content(), &silent).fulfilled.is_empty());
        let plan = clock.after(1, &content(), &observed);
        assert_eq!(plan.fulfilled, [word.to_owned()].into());
        // Another one comes to that address, and is gone a moment later.
        let plan = clock.after(60, &toy, &observed);
        assert_eq!((plan.steps, plan.refusals.len()), (vec![], 1));
        // Whoever means this one as well says so again.
        clock.orders.forget.clear();
        clock.after(1, &toy, &observed);
        clock.orders.forget.insert(word.to_owned());
        let plan = clock.after(1, &toy, &observed);
        assert_eq!(plan.steps.len(), 1);
    }
}

#[test]
fn a_dry_run_forgot_who_had_parted() {
    let all = [1, 2, 3];
    let says = announced(&[(2, Presence::Stopping), (3, Presence::Stopping)]);
    let mut clock = Clock::start();
    clock.only_thought(1, &content(), &seen(vec![dns(&all), says], &all));
    let mut toy = content();
    toy.0.departures = vec![departed(2), departed(3)];
    let alone = seen(vec![dns(&[1])], &[1]);
    clock.only_thought(1, &toy, &alone);
    let first = clock.only_thought(20, &toy, &alone);
    assert_eq!(first.steps, [step(1, Ask::Forget("n2".into()))]);
    for _ in 0..10 {
        assert_eq!(clock.only_thought(1, &toy, &alone), first);
    }
}
