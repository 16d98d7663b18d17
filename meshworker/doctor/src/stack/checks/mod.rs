//! The checks of a stack: each looks at one thing, and all of them at every
//! cluster or service.

mod address;
mod configuration;
mod copies;
mod docker_api;
mod grace;
mod health;
mod image;
mod member_settings;
mod mtu;
mod network;
mod nodes;
mod port;
mod program;
mod refused;
mod replicas;
mod restart;
mod secret;
mod settings;
mod template;
mod update;
mod variable;
mod volume;
mod worker;

use super::Ground;
use crate::check::Check;

/// Every check of a stack, in the order of the documentation.
pub const CHECKS: &[Check<Ground>] = &[
    refused::CHECK,
    refused::IGNORED,
    variable::CHECK,
    worker::CHECK,
    settings::CHECK,
    settings::ENGINE,
    settings::ASKED,
    settings::LABELS,
    template::CHECK,
    address::CHECK,
    network::SHARED,
    network::CHOSEN,
    network::CROWDED,
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
    restart::CHECK,
    update::ORDER,
    update::PARALLELISM,
    update::FAILURE,
    replicas::CHECK,
    replicas::LIMIT,
    replicas::ALONE,
    copies::CHECK,
    configuration::CHECK,
    member_settings::CHECK,
    nodes::CHECK,
    volume::CHECK,
    volume::UNNAMED,
    volume::PATH,
    image::CHECK,
    secret::PLAIN,
    secret::MISSING,
    secret::EXAMPLE,
    secret::ABSENT,
    docker_api::CHECK,
];

#[cfg(test)]
mod tests;
