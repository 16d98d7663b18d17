//! The whole decide loop against a model of the world, in virtual time.

pub mod chance;
pub mod event;
pub mod invariants;
pub mod model;
pub mod net;
pub mod operator;
pub mod run;
pub mod setup;
pub mod story;
pub mod swarm;
pub mod witnesses;
pub mod worker;
pub mod world;

use std::net::IpAddr;

pub use run::{Failure, Summary, Told, run, run_many};

/// The address with this last byte.
pub fn address(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

/// The last byte of this address.
pub fn last_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}
