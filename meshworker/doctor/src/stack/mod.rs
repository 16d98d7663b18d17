//! A stack, before it is deployed or as it runs: the files read as
//! `docker stack deploy` reads them, and the checks of what they say.
//!
//! ```text
//! files ── yaml ── interpolate ── schema ── merge ── service, read ──> Stack ──> Ground ──> checks
//! ```
//!
//! Only `read` touches files; all else is pure.

mod bad;
pub mod checks;
mod database;
pub mod duration;
pub mod field;
mod ground;
mod interpolate;
mod merge;
pub mod model;
mod needs;
pub(crate) mod node;
pub mod parts;
mod port;
mod read;
mod scalar;
pub mod schema;
mod service;
mod size;
mod worker_file;
pub(crate) mod yaml;

pub use bad::BadStack;
pub use ground::{Ground, Refuses, Watched};
pub use interpolate::{Lookup, Note};
pub use needs::diagnosis;
pub use read::{of_texts, parse, read, text_of};
