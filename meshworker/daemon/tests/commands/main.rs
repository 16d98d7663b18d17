//! The commands that ask a worker: their pages, the client, the whole program,
//! and the page of the docs that shows them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod client;
mod docs;
mod following;
mod orders;
#[allow(dead_code, reason = "shared with the tests of the documentation")]
#[path = "../docs/page.rs"]
mod page;
mod pages;
mod process;
mod proxy;
mod server;
#[path = "../docs/shell.rs"]
mod shell;
mod shown;
mod story;
mod succession;
