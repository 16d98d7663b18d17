//! The Redis engine against real servers: `redis-server` must be installed,
//! else each test says that it is skipped.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod client;
mod cut;
mod load;
mod servers;
mod worker;

mod access;
mod bus;
mod deleted;
mod emptied;
mod growth;
mod heavy;
mod leave;
mod many;
mod measure;
mod owners;
mod places;
mod rest;
mod rivals;
mod safety;
mod strangers;
mod upgrade;

use servers::Servers;

meshworker_conformance::conformance!(Servers::plain());

mod replicas_follow {
    use super::*;

    meshworker_conformance::conformance!(@leaving Servers::plain());
}

mod masters_only {
    use super::*;

    meshworker_conformance::conformance!(@leaving Servers::with_replicas(0));
}
