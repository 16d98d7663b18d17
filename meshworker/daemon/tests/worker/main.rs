//! The whole worker against simulated Aerospike nodes and a name server that misbehaves.
//!
//! Every wait is for a condition, and ends with what was last seen. That
//! something does *not* happen is watched for a number of passes of the worker,
//! with a hold so short that a wrong removal would happen among them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers are not known to clippy as tests"
)]

mod dns_faults;
mod identity;
mod kubernetes;
mod misbehaviour;
mod restarts;
mod seed_regressions;
mod several_services;
mod support;
