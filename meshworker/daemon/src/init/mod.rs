//! The supervisor of one member: the first process in the database's
//! container.
//!
//! It waits until nobody else has its slot, and where the database starts when told
//! until a worker says how; starts the database, announces it to the workers, answers the health
//! check, and, when asked to stop, keeps the database running until the
//! workers let it go. What it does when is decided in [`course`]; the rest of
//! this module is the I/O around it.
//!
//! ```text
//! signals ─┐                                  ┌─> database (signals)
//! rounds ──┤                                  ├─> announcer ──> workers
//! names ───┼─> Event ──> Course::on ──> Action┼─> own look, when no worker answers
//! ended ───┤                                  ├─> log
//! time ────┘                                  └─> exit
//! ```

mod address;
mod alone;
mod announcer;
mod around;
mod aside;
mod copies;
pub mod course;
mod database;
mod directory;
mod fences;
mod health;
mod heard;
mod hosts;
mod identity;
mod names;
mod nominated;
mod notes;
mod papers;
mod peers;
mod probe;
mod promise;
mod relay;
mod restore;
mod settings;
mod siblings;
mod signals;
mod socket;
mod subnet;
mod supervisor;

pub(crate) use directory::user_in;
pub(crate) use nominated::number_in;
pub use settings::{Settings, number_of};
pub use socket::{NAME_VARIABLE as SOCKET_VARIABLE, ask};
pub use supervisor::{Refused, run, run_started};
