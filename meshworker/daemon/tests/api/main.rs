//! The operators' API over real HTTP, beside a real worker that looks after
//! simulated Aerospike nodes.
//!
//! Every wait is for a condition, and ends with what was last seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers are not known to clippy as tests"
)]

mod bad_input;
mod broken;
mod conformance;
mod contract;
mod crowd;
mod encrypted;
mod events;
mod greedy;
mod load;
#[allow(
    dead_code,
    reason = "shared with the tests of the metrics, which need more of it"
)]
#[path = "../metrics/looks.rs"]
mod looks;
mod office;
mod orders;
mod powers;
mod reader;
mod readers;
mod reads;
mod reply;
mod strain;
mod succession;
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the worker, which need more of it"
)]
#[path = "../worker/support/mod.rs"]
mod support;
mod token;
mod web;
mod workers;
