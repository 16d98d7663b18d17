//! The documentation, held against the program and the tree.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bounds;
mod commands;
mod links;
mod names;
mod options;
mod page;
mod refusals;
mod security;
mod shell;
mod stack;
mod tables;
