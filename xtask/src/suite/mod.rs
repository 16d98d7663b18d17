//! The runner of all tests: each is a process of its own, as many at a time as suit its kind.
//!
//! A process each, because then each has a time, a deadline and an output of its own, and cannot disturb the others:
//!
//! ```text
//!   build ──> programs ──> cases ──> lanes ──> pool ──> outcomes ──> tally
//!   (cargo)   (one exe)    (a test)  (how)     (when)   (what came)  (what is told)
//! ```

mod build;
mod case;
mod lane;
mod outcome;
mod pool;
mod program;
pub mod sandbox;
mod tally;

pub use build::{Built, build, cargo};
pub use case::{Case, Tier};
pub use lane::{LANES, Lane};
pub use outcome::Outcome;
pub use pool::Pool;
pub use program::Program;
pub use tally::Tally;
