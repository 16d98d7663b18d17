//! An API of Kubernetes that lists what it is told to: the StatefulSets and the pods of one
//! namespace, with versions, pages, watches and bookmarks, and the faults that it knows.
//!
//! Sources: Kubernetes, API concepts ("Efficient detection of changes", "Retrieving large
//! results sets in chunks"), and the API reference.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod server;
mod world;

pub use server::FakeApi;
pub use world::World;
