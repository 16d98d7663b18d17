//! Stories, each of its own seed. `cargo xtask simulate` plays as many as one likes.

#[test]
fn two_thousand_stories_keep_every_promise() {
    #[expect(clippy::disallowed_types, reason = "tells how long it really took")]
    let began = std::time::Instant::now();
    let summary = meshworker_simulation::run_many(1, 2_000);
    eprintln!("{summary}, in {:.1} s", began.elapsed().as_secs_f64());
    if let Some(failure) = summary.failure {
        panic!("{failure}");
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 1..20 {
        let tell = || meshworker_simulation::run(seed).map_err(|failure| failure.to_string());
        assert_eq!(tell(), tell());
    }
}
