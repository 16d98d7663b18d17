//! The Aerospike engine against simulated nodes, on loopback addresses.

mod conformance;
mod worker;

mod forget;
mod form;
mod leave;
mod misbehave;
