//! The checks of what was seen.

mod answers;
mod clocks;
mod encrypted;
mod links;
mod members;
mod servers;
mod shared;
mod tasks;

pub use tasks::agree;

use super::facts::Facts;
use meshworker_doctor::check::Check;

/// Every check of what can be seen from here, in the order of the documentation.
pub const CHECKS: &[Check<Facts>] = &[
    servers::CHECK,
    answers::CHECK,
    answers::TRUNCATED,
    tasks::LIST,
    tasks::STALE,
    tasks::PHANTOM,
    tasks::MISSING,
    members::LIMIT,
    members::TOGETHER,
    shared::CHECK,
    links::CHECK,
    encrypted::CHECK,
    clocks::CHECK,
];

#[cfg(test)]
mod tests;
