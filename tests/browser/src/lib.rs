//! Drives a real Chromium through chromedriver (W3C WebDriver), for tests of
//! pages.
//!
//! ```text
//!   Browser ── HTTP, loopback ──> chromedriver ── DevTools ──> chromium --headless
//!                                                               (profile in a temporary folder)
//! ```
//!
//! Synchronous, as the lab is: it starts programs and waits for them. Both
//! programs and the profile go when the [`Browser`] is dropped; the programs go
//! too when the process that started them is killed.

mod browser;
mod driver;
mod keys;
mod session;

pub use browser::Browser;
pub use keys::Key;

/// Whether there is a browser. Says so when there is none, as
/// [`meshworker_needs::missing`] does.
pub fn is_there() -> bool {
    let there = ["chromium", "chromedriver"]
        .iter()
        .all(|program| meshworker_lab::Host::program(program).is_ok());
    if !there {
        meshworker_needs::missing("Chromium", "on Debian: apt-get install chromium-driver");
    }
    there
}
