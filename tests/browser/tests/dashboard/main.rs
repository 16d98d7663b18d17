//! The dashboard in a real Chromium: what the page shows is what the API says.
//! Needs `chromium` and `chromedriver`; says so, and is left out, where there are
//! none.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod axe;
mod line;
mod page;
mod size;
mod story;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
