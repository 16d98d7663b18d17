//! What a worker can be measured by: counted right, written right, documented.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;
mod documents;
mod looks;
mod scraped;
mod text;
