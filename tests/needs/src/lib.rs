//! What a test does when the machine lacks what it needs: a server, a browser, a tool.
//!
//! A test that could not run proves nothing. By hand it may be left out with a word; where a whole run is judged,
//! [`REQUIRED`] is set, and it fails.

use std::io::Write;

/// Set to `1`, by `cargo xtask test`: whatever a test needs must be there.
pub const REQUIRED: &str = "MESHWORKER_TESTS_REQUIRED";

/// Says that a test cannot run, and what is missing. The caller returns after it.
///
/// # Panics
///
/// When [`REQUIRED`] is set: the test has failed, then.
///
/// ```
/// let server: Option<&str> = Some("redis-server");
/// let Some(_server) = server else {
///     return meshworker_needs::missing("redis-server", "on Debian: apt-get install redis-tools");
/// };
/// ```
#[allow(clippy::panic, reason = "a test fails by panicking")]
#[track_caller]
pub fn missing(what: &str, advice: &str) {
    assert!(
        !is_required(),
        "this test could not run, because {what} is missing; {advice}"
    );
    // The test runner keeps for itself what a test that passes prints with `eprintln!`.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is missing; {advice}");
}

/// Whether a test that cannot run has failed.
pub fn is_required() -> bool {
    std::env::var(REQUIRED).is_ok_and(|value| value == "1")
}
