//! The API of Kubernetes, asked as the service account of this pod, of its own namespace.
//!
//! Read are one StatefulSet and its pods, which are listed once and watched from then on.
//! Nothing is changed through it but, when an operator says so, the number of a StatefulSet's
//! replicas (`replicas.rs`).

mod account;
mod client;
mod error;
mod model;
pub(crate) mod outside;
mod pods;
mod replicas;
mod watch;
mod wire;

#[cfg(test)]
pub(crate) mod tests;

pub use self::account::{Account, HOST};
pub use self::client::KubernetesClient;
pub use self::error::KubernetesError;
pub(crate) use self::model::{Event, Pod, PodList, PodState, StatefulSet};
pub(crate) use self::pods::{Listing, Pods};
pub use self::replicas::{Replicas, Wanted};
pub(crate) use self::watch::Watch;

/// So many StatefulSets of one worker are reckoned with.
const SETS: usize = 3;

/// What the answers take at the most, in bytes: one page of all lists as it comes and what is
/// read of it, and of each StatefulSet a line of a watch and the pods that are kept.
pub(crate) const ANSWER: usize =
    2 * wire::LONGEST_ANSWER + SETS * (watch::LONGEST_LINE + pods::KEPT);
