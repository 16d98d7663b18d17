//! Drives a real Chromium through chromedriver (W3C WebDriver), for tests of
//! pages.
//!
//! ```text
//!   Browser ── HTTP, loopback ──> chromedriver ── DevTools ──> chromium --headless
//!                                                               (profile in a temporary folder)
//! ```
//!
//! Synchronous, as the lab is: it starts programs and waits for them. Both
//! programs and the profile go when the [`Browser`] is dropped.

mod browser;
mod driver;
mod keys;
mod session;

pub use browser::Browser;
pub use keys::Key;

/// Whether there is a browser. Says on standard error when there is none: a
/// test that is left out is not to look like one that passed.
pub fn is_there() -> bool {
    let there = ["chromium", "chromedriver"]
        .iter()
        .all(|program| meshworker_lab::Host::program(program).is_ok());
    if !there {
        eprintln!(
            "SKIPPED: Chromium is not installed (Debian: apt install chromium chromium-driver)"
        );
    }
    there
}
