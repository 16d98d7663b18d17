//! `meshworker doctor`: finds mistakes before they hurt.
//!
//! Two patients: a stack, read from its files ([`stack`]), and what can be seen
//! from here of one that runs ([`live`]). Collecting and checking are apart: a
//! check is a pure function from what was collected to findings, and says why
//! when it could not be made. Nothing is ever changed.

pub mod check;
pub mod finding;
pub mod live;
pub mod report;
pub mod stack;
pub mod text;
