//! What `meshworker doctor` knows: findings, and the checks of a stack.
//!
//! A check is a pure function from what was collected to findings, and says why
//! when it could not be made. Nothing is ever changed, nothing is asked; only
//! [`stack::read`] touches files. What a worker or a supervisor would say of its
//! settings is told by the program itself ([`stack::Refuses`]).

pub mod check;
pub mod finding;
pub mod report;
pub mod stack;
