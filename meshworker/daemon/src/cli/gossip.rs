//! `meshworker gossip`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::{ArgMatches, Command};
use tracing::info;

use super::{Failed, cluster_args, listen, logging};
use crate::board::Powers;
use crate::config::Inputs;
use crate::config::setting::{GOSSIP, PROCESS, Setting};
use crate::process::{Process, runtime};

/// Where JGroups' own router listens.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 12_001);

/// What it has of `run`: operators ask it as they ask a worker.
fn of_run() -> impl Iterator<Item = &'static Setting> {
    PROCESS
        .iter()
        .filter(|setting| setting.name.starts_with("api-"))
}

/// `meshworker gossip`.
pub fn command() -> Command {
    Command::new("gossip")
        .about("Be a gossip router for members of JGroups 2.12 to 5.x, one with all others of the stack")
        .args(GOSSIP.iter().chain(of_run()).map(cluster_args::argument))
        .args(logging::args())
}

/// Answers members until told to stop.
pub fn gossip(args: &ArgMatches) -> Result<(), Failed> {
    let own: Vec<Setting> = GOSSIP.iter().chain(of_run()).copied().collect();
    let settings = cluster_args::given(args, &own);
    let gossip = listen::gossip(&settings, Some(LISTEN))?;
    let (listen, api) = listen::read(&settings)?;
    let log_level = logging::start(args);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        "meshworker starts as a gossip router"
    );
    let process = Process {
        inputs: Inputs::default(),
        clusters: Vec::new(),
        powers: Powers::default(),
        listen,
        api,
        gossip,
        group: None,
        workers: None,
        log_level,
    };
    runtime()?.block_on(process.run())
}
