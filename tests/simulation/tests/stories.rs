//! Stories, each of its own seed. `cargo xtask simulate` plays as many as one likes.

use meshworker_simulation::{Aerospike, Allegrograph, Model, Redis, run, run_many};

/// The first failure, if any, as a text.
fn play<M: Model>(runs: u64) -> Option<String> {
    #[expect(clippy::disallowed_types, reason = "tells how long it really took")]
    let began = std::time::Instant::now();
    let summary = run_many::<M>(1, runs, &|_| ());
    eprintln!("{summary}, in {:.1} s", began.elapsed().as_secs_f64());
    summary.failure.map(|failure| failure.to_string())
}

#[test]
fn stories_of_aerospike_keep_every_promise() {
    assert_eq!(play::<Aerospike>(60), None);
}

#[test]
fn stories_of_redis_keep_every_promise() {
    assert_eq!(play::<Redis>(25), None);
}

#[test]
fn stories_of_allegrograph_keep_every_promise() {
    assert_eq!(play::<Allegrograph>(60), None);
}

fn tells_twice<M: Model>() {
    for seed in 1..3 {
        let tell = || run::<M>(seed, &|_| ()).map_err(|failure| failure.to_string());
        assert_eq!(tell(), tell());
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    tells_twice::<Aerospike>();
    tells_twice::<Allegrograph>();
    tells_twice::<Redis>();
}

/// Two workers acted on looks of one moment: one gave a member slots while the other took
/// some from it. The member's new epoch claimed what it gave away.
#[test]
fn each_of_two_masters_held_the_other_to_own_a_slot() {
    let told = run::<Redis>(2865, &|_| ());
    assert_eq!(
        told.map(|_| ()).map_err(|failure| failure.to_string()),
        Ok(())
    );
}
