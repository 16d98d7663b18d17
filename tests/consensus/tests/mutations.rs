//! Rules that are left out, one by one: each such fault breaks a promise in a few stories.

use meshworker_consensus::{Mutation, blink, run};

/// So many stories at the most are played until the fault shows.
const STORIES: u64 = 40;

/// One of these promises is broken soon, in the stories from this one on.
fn is_found(mutation: Mutation, first: u64, promises: &[&str]) {
    let mut stories = first..first + STORIES;
    let broken = stories.find_map(|seed| run(seed, Some(mutation)).err());
    let found = broken.as_ref().map(|broken| broken.invariant);
    let expected = found.filter(|found| promises.contains(found));
    assert!(expected.is_some(), "{mutation:?}: {found:?} in {STORIES}");
}

fn is_found_in_a_blink(mutation: Mutation) {
    let broken = (1..=5).find_map(|seed| blink(seed, Some(mutation)).err());
    let found = broken.map(|broken| broken.invariant);
    assert_eq!(found, Some("one_authority"), "{mutation:?}");
}

#[test]
fn a_store_that_says_it_has_kept_what_it_has_not_is_found() {
    is_found(
        Mutation::SkipsTheSync,
        1,
        &[
            "no_process_breaks",
            "one_leader_per_term",
            "logs_agree",
            "acknowledged_orders_survive",
            "whole_in_the_end",
        ],
    );
}

#[test]
fn a_lost_store_that_begins_anew_under_its_old_name_is_found() {
    is_found(
        Mutation::ReusesItsId,
        10,
        &["no_process_breaks", "whole_in_the_end"],
    );
}

#[test]
fn workers_that_each_found_a_group_are_found() {
    is_found(
        Mutation::FoundsFromAnySlot,
        1,
        &["one_authority", "whole_in_the_end"],
    );
}

#[test]
fn an_act_that_is_made_before_its_intent_is_committed_is_found() {
    is_found(Mutation::ActsWithoutIntent, 1, &["no_act_without_intent"]);
}

#[test]
fn a_leader_that_counts_on_its_majority_for_too_long_is_found() {
    is_found_in_a_blink(Mutation::LeasesTooLong);
}

#[test]
fn whoever_woke_and_votes_at_once_is_found() {
    is_found_in_a_blink(Mutation::VotesOnWaking);
}

#[test]
fn a_leader_that_acts_while_it_hands_over_is_found() {
    is_found(Mutation::ActsWhileHandingOver, 1, &["one_authority"]);
}
