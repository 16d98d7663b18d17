//! `meshworker size`: how many members a cluster chooses.

use clap::{Arg, ArgMatches, Command};

use super::Failed;
use super::api_args::{self, Api, given};
use super::order::{EXIT_CODES, tell};
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
    .arg(
        Arg::new("name")
            .value_name("NAME")
            .help("The cluster; needed where the worker looks after several"),
    )
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
    let mut api = Api::read_for_act(args)?;
    let (named, text) = (given(args, "name"), given(args, "size").unwrap_or_default());
    if let Some(cluster) = &named
        && api.cluster.as_ref().is_some_and(|other| other != cluster)
    {
        let error =
            format!("cluster: found '{cluster}' beside another --cluster; allowed: one of them");
        return Err(Failed::Input(error));
    }
    api.cluster = named.or(api.cluster);
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
