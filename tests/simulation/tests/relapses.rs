//! Old faults, put back one by one: each breaks a promise in the first few stories of a
//! world in which it shows, and without it those stories are all well.

use meshworker_simulation::{Aerospike, Allegrograph, Model, Redis, Relapse, Setup, run, run_many};

/// So many stories at the most are played until the fault shows.
const STORIES: u64 = 40;

/// Whether one of these promises is broken soon where the fault is back, and kept where it
/// is not, in the stories from this one on.
fn is_found<M: Model>(relapse: Relapse, first: u64, promises: &[&str]) {
    let back = move |setup: &mut Setup| relapse.put_back(setup);
    let mut stories = first..first + STORIES;
    let broken = stories.find_map(|seed| run::<M>(seed, &back).err());
    let found = broken.as_ref().map(|broken| broken.invariant);
    let expected = found.filter(|found| promises.contains(found));
    assert!(expected.is_some(), "{relapse:?}: {found:?} in {STORIES}");
    let mended = move |setup: &mut Setup| {
        relapse.put_back(setup);
        setup.relapse = None;
    };
    let last = broken.map_or(first, |broken| broken.seed);
    let summary = run_many::<M>(first, 1 + last - first, &mended);
    let failure = summary.failure.map(|failure| failure.to_string());
    assert_eq!(failure, None, "without {relapse:?}");
}

#[test]
#[ignore = "the long tier: cargo xtask test --all"]
fn two_workers_that_move_one_slot_to_two_targets_are_found() {
    is_found::<Redis>(
        Relapse::TwoTargets,
        69,
        &["never_erases", "one_cluster_in_the_end"],
    );
}

#[test]
fn empty_members_that_are_given_all_slots_before_the_others_are_up_are_found() {
    is_found::<Redis>(Relapse::EmptyFirst, 1, &["assigns_no_data_away"]);
}

#[test]
fn a_dead_engine_that_holds_every_leaver_up_is_found() {
    is_found::<Aerospike>(Relapse::SightIsWish, 1, &["nobody_waits_in_vain"]);
}

#[test]
fn half_a_cluster_that_is_forgotten_behind_a_cut_is_found() {
    is_found::<Aerospike>(Relapse::HalfIsFew, 1, &["never_forgets_the_living"]);
}

#[test]
fn members_that_hand_over_though_they_must_stay_are_found() {
    is_found::<Aerospike>(Relapse::Ungated, 27, &["nothing_taken_in_vain"]);
}

#[test]
fn a_copy_that_takes_over_without_an_order_is_found() {
    is_found::<Allegrograph>(Relapse::Promotes, 1, &["never_erases"]);
}
