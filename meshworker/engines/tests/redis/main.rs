//! The Redis engine against real servers: `redis-server` must be installed,
//! else each test says that it is skipped.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod access;
mod growth;
mod leave;
mod load;
mod safety;
mod servers;

mod worker;

use servers::Servers;

meshworker_conformance::conformance!(Servers::plain().await);

mod replicas_follow {
    use super::*;

    meshworker_conformance::conformance!(@leaving Servers::plain().await);
}

mod masters_only {
    use super::*;

    meshworker_conformance::conformance!(@leaving Servers::with_replicas(0).await);
}
