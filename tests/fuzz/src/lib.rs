//! Every parser of bytes from outside, held to the same promises.
//!
//! [`targets`] is the list, [`judge`] the promises. Two drivers try them: proptest on
//! mutations of the kept corpus, in every run of the tests; and libFuzzer, which sees
//! which branches an input takes, by `cargo xtask fuzz`. An input that once broke
//! something is a file of the corpus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise is told by panicking"
)]

mod corpus;
mod judge;
mod mutation;
mod office;
mod open;

use meshworker_engines::outside::Parser;
use peak_alloc::PeakAlloc;

pub use corpus::corpus;
pub use judge::judge;
pub use mutation::{Mutation, mutated, mutations};

/// Counts what a parser takes.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Every parser.
pub fn targets() -> Vec<Parser> {
    let engines = meshworker_engines::registry::parsers();
    let daemon = meshworker::outside::PARSERS.iter().copied();
    let open = open::PARSERS.iter().copied();
    engines.chain(daemon).chain(open).collect()
}

/// The parser of this name.
pub fn target(name: &str) -> Option<Parser> {
    targets().into_iter().find(|parser| parser.name == name)
}
