//! A worker that only answers: the dashboard and an API that says what a test
//! wants it to say. Shared by the tests and what takes the pictures.
#![allow(dead_code, reason = "the pictures need less than the tests")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod fake;
pub mod scene;
