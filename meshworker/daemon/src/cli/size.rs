//! `meshworker size`: how many members a cluster chooses.

use clap::{Arg, ArgMatches, Command};

use super::Failed;
use super::api_args::{self, Api, given};
use super::order::{self, EXIT_CODES, tell};
use crate::status::Size;

/// What stands for the size that the configuration has.
const DEFAULT: &str = "default";

/// `meshworker size [CLUSTER] SIZE`.
pub fn command() -> Command {
    api_args::order(
        "size",
        "Change how many of its members a cluster chooses; the others are spares",
    )
    .allow_missing_positional(true)
    .arg(order::cluster())
    .arg(
        Arg::new("size")
            .value_name("SIZE")
            .required(true)
            .help("How many, or 'default' for what the configuration says"),
    )
    .after_help(EXIT_CODES)
}

/// Runs it.
pub fn size(args: &ArgMatches) -> Result<(), Failed> {
    let api = order::with_cluster(Api::read_for_act(args)?, given(args, "name"))?;
    let text = given(args, "size").unwrap_or_default();
    let size = match &*text {
        DEFAULT => None,
        text => Some(text.parse().map_err(|_| {
            Failed::Input(format!(
                "SIZE: found '{text}'; allowed: a number, or '{DEFAULT}'"
            ))
        })?),
    };
    tell(&api, "size", &Size { size })
}
