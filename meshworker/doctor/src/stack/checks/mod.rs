//! The checks of a stack: each looks at one thing, and all of them at every
//! cluster or service.

mod address;
mod configuration;
mod copies;
mod docker_api;
mod grace;
mod health;
mod image;
mod mtu;
mod network;
mod nodes;
mod port;
mod program;
mod replicas;
mod secret;
mod update;
mod variable;
mod volume;
mod worker;

use super::Ground;
use crate::check::Check;

/// Every check of a stack, in the order of the documentation.
pub const CHECKS: &[Check<Ground>] = &[
    worker::CHECK,
    address::CHECK,
    network::SHARED,
    network::CHOSEN,
    network::ATTACHABLE,
    network::SUBNET,
    mtu::CHECK,
    address::DNS,
    port::CHECK,
    health::MISSING,
    health::HIDES,
    health::KILLS,
    grace::SUPERVISOR,
    program::CHECK,
    grace::CHECK,
    grace::TOLD,
    grace::SIGNAL,
    update::ORDER,
    update::PARALLELISM,
    update::FAILURE,
    replicas::CHECK,
    replicas::LIMIT,
    copies::CHECK,
    configuration::CHECK,
    nodes::CHECK,
    volume::CHECK,
    image::CHECK,
    secret::PLAIN,
    secret::EXAMPLE,
    docker_api::CHECK,
    variable::CHECK,
];

#[cfg(test)]
mod tests;
