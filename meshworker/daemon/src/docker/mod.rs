//! The Docker API: one engine, asked over HTTP on behalf of all of this process.
//!
//! It is asked for lists and events only: `GET /version`, `/services`, `/tasks`,
//! `/nodes` and `/events`, for a diagnosis also `/networks` and `/info`. Nothing is
//! changed through it but, when an operator says so, the number of a service's replicas
//! (`replicas.rs`).

mod client;
mod endpoint;
mod error;
mod events;
mod labels;
mod listed;
mod model;
mod reach;
mod replicas;
mod survey;
mod wire;

pub(crate) use self::client::KEPT;
pub(crate) use self::events::WakeUps;
pub(crate) use self::listed::{Budget, Weighs};
pub(crate) use self::model::{Attachment, LONGEST_WORD, Listing, Node, Task};
pub(crate) use self::replicas::wanted_in;

#[cfg(test)]
pub(crate) use self::wire::NEWEST;

pub use self::client::DockerClient;
pub use self::endpoint::Endpoint;
pub use self::error::DockerError;
pub use self::labels::{LabelledServices, Labels};
pub use self::replicas::{Replicas, Wanted};
pub use self::survey::Survey;

/// What the answers take at the most, in bytes: one of the longest, and short ones beside
/// it; an entry of it that is being read, in texts, or in errors about it; and what is
/// kept of a listing, of labels by those who compare them and by the clusters that they
/// declare, and of a service that is changed, with what is sent.
pub(crate) const ANSWER: usize = wire::LONGEST_ANSWER
    + 3 * wire::SHORT_ANSWER
    + 3 * listed::LONGEST_ENTRY
    + client::KEPT
    + 4 * client::LABELS
    + 2 * listed::LONGEST_ENTRY;

#[cfg(test)]
pub(crate) mod tests;
