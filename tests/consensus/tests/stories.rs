//! Stories, each of its own seed. `cargo xtask simulate --database workers` plays as many as
//! one likes.

use meshworker_consensus::{blink, run, run_many};

#[test]
fn stories_of_workers_keep_every_promise() {
    #[expect(clippy::disallowed_types, reason = "tells how long it really took")]
    let began = std::time::Instant::now();
    let summary = run_many(1, 60, None);
    eprintln!("{summary}, in {:.1} s", began.elapsed().as_secs_f64());
    let failure = summary.failure.map(|failure| failure.to_string());
    assert_eq!(failure, None);
}

/// It acted on under its lease, while the only one that voted elected itself.
#[test]
fn a_leader_that_had_lost_its_vote_acted_beside_another_one() {
    let story = run(6423, None).map_err(|failure| failure.to_string());
    assert!(story.is_ok(), "{story:?}");
}

#[test]
fn whoever_restarts_keeps_what_it_promised_to_one_that_leads() {
    for seed in 1..=5 {
        let scene = blink(seed, None).map_err(|failure| failure.to_string());
        assert!(scene.is_ok(), "{scene:?}");
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 1..3 {
        let tell = || run(seed, None).map_err(|failure| failure.to_string());
        assert_eq!(tell(), tell());
    }
}
