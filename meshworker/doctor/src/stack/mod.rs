//! A stack, before it is deployed or as it runs: the files read as
//! `docker stack deploy` reads them, and the checks of what they say.
//!
//! ```text
//! files ── yaml ── interpolate ── merge ── service, read ──> Stack ──> Ground ──> checks
//! ```
//!
//! Only `read` touches files; all else is pure.

mod bad;
pub mod checks;
pub mod duration;
pub mod field;
mod ground;
mod interpolate;
mod merge;
pub mod model;
mod node;
pub mod parts;
mod read;
mod service;
mod yaml;

pub use bad::BadStack;
pub use ground::{Ground, Watched};
pub use interpolate::{Lookup, Unset};
pub use read::{parse, read};
