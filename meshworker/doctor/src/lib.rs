//! What `meshworker doctor` knows: findings, and the checks of a stack and of manifests.
//!
//! A check is a pure function from what was collected to findings, and says why
//! when it could not be made. Nothing is ever changed, nothing is asked; only
//! [`stack::read`] touches files. What a worker or a supervisor would say of its
//! settings is told by the program itself ([`stack::Refuses`]).
// What comes from outside must not end a process.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unchecked_time_subtraction
    )
)]

pub mod check;
pub mod finding;
pub mod manifest;
pub mod report;
pub mod stack;
