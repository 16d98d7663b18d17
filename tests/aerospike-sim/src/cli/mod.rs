//! The command line: one node, a shared world of many, or a question to a node.

mod info;
mod world;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::address::{Choice, Subnet, choose, host_addresses};
use crate::{ConfFile, Edition, Misbehaviour, NodeOptions, SimNode};

/// The exit code for a configuration that cannot be used.
const BAD_CONFIGURATION: u8 = 2;

/// A simulated Aerospike server.
#[derive(Debug, Parser)]
#[command(
    name = "aerospike-sim",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask a node info commands and print the values, one per line
    #[command(disable_help_flag = true)]
    Info(info::InfoArgs),
    /// Run many nodes in one process, without heartbeats: for benches
    World(world::WorldArgs),
}

/// One node. What a flag says wins over what the file says.
#[derive(Debug, Args)]
struct NodeArgs {
    /// An aerospike.conf; what a simulator has no use for is passed over
    #[arg(long, env = "AEROSPIKE_SIM_CONFIG_FILE")]
    config_file: Option<PathBuf>,
    /// The node's own address; it then listens there only, otherwise on every interface
    #[arg(long, env = "AEROSPIKE_SIM_ADDRESS", conflicts_with = "subnet")]
    address: Option<IpAddr>,
    /// Take the own address from this network, like 10.0.1.0/24 (without: eth0, or the first interface there is)
    #[arg(long, env = "AEROSPIKE_SIM_SUBNET")]
    subnet: Option<Subnet>,
    #[arg(long, env = "AEROSPIKE_SIM_SERVICE_PORT")]
    service_port: Option<u16>,
    #[arg(long, env = "AEROSPIKE_SIM_FABRIC_PORT")]
    fabric_port: Option<u16>,
    #[arg(long, env = "AEROSPIKE_SIM_HEARTBEAT_PORT")]
    heartbeat_port: Option<u16>,
    #[arg(long, env = "AEROSPIKE_SIM_CLUSTER_NAME")]
    cluster_name: Option<String>,
    /// community or enterprise
    #[arg(long, env = "AEROSPIKE_SIM_EDITION", default_value_t)]
    edition: Edition,
    /// The version that `build` returns
    #[arg(long, env = "AEROSPIKE_SIM_BUILD", default_value = "8.0.0.15")]
    build: String,
    /// Wait so many seconds before anything at all is started
    #[arg(long, env = "AEROSPIKE_SIM_START_DELAY", default_value_t = 0.0)]
    start_delay: f64,
    /// From the start until the ports open, as with a real server
    #[arg(long, env = "AEROSPIKE_SIM_PORT_DELAY_MS", default_value_t = 600)]
    port_delay_ms: u32,
    /// Partitions sent away per second while migrating; 0 pauses migrations
    #[arg(long, env = "AEROSPIKE_SIM_MIGRATE_RATE", default_value_t = 1_000)]
    migrate_rate: u32,
    /// none, late=SECONDS, silent, half-stall, half-close, garbage, close, slow=MILLISECONDS, refuse-tips, ignore-tips,
    /// wrong-name=NAME, shared-fabric, isolated
    #[arg(long, env = "AEROSPIKE_SIM_MISBEHAVE", default_value_t)]
    misbehave: Misbehaviour,
}

impl Cli {
    /// Does what the command line says, until SIGTERM or SIGINT.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return fail(1, &error.into()),
        };
        let done = match self.command {
            Some(Command::Info(args)) => runtime
                .block_on(info::ask(args))
                .map_err(|error| fail(1, &error)),
            Some(Command::World(args)) => runtime
                .block_on(world::run(args))
                .map_err(|error| fail(1, &error)),
            None => match self.node.options() {
                Ok(options) => {
                    let node = run_node(options, self.node.start_delay);
                    runtime.block_on(node).map_err(|error| fail(1, &error))
                }
                Err(error) => Err(fail(BAD_CONFIGURATION, &error)),
            },
        };
        // Nothing that still runs is worth waiting for.
        runtime.shutdown_background();
        done.map_or_else(|code| code, |()| ExitCode::SUCCESS)
    }
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    eprintln!("aerospike-sim: {error:#}");
    ExitCode::from(code)
}

impl NodeArgs {
    fn options(&self) -> anyhow::Result<NodeOptions> {
        let conf = match &self.config_file {
            None => ConfFile::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read {}", path.display()))?;
                ConfFile::parse(&text).with_context(|| path.display().to_string())?
            }
        };
        let (address, bind_any) = self.own_address(conf.address.as_deref())?;
        let mut options = NodeOptions::at(address);
        options.bind_any = bind_any;
        let set = |slot: &mut u16, flag: Option<u16>, file: Option<u16>| {
            *slot = flag.or(file).unwrap_or(*slot)
        };
        set(
            &mut options.service_port,
            self.service_port,
            conf.service_port,
        );
        set(&mut options.fabric_port, self.fabric_port, conf.fabric_port);
        set(
            &mut options.heartbeat_port,
            self.heartbeat_port,
            conf.heartbeat_port,
        );
        if let Some(name) = self.cluster_name.clone().or(conf.cluster_name) {
            options.cluster_name = name;
        }
        options.interval = conf.interval.unwrap_or(options.interval);
        options.timeout = conf.timeout.unwrap_or(options.timeout);
        options.seeds = conf.seeds;
        options.files = conf.files;
        if !conf.namespaces.is_empty() {
            // Two copies are the real server's default too.
            options.namespaces = conf
                .namespaces
                .into_iter()
                .map(|(name, copies)| (name, copies.unwrap_or(2)))
                .collect();
        }
        options.edition = self.edition;
        options.build.clone_from(&self.build);
        options.port_delay = Duration::from_millis(self.port_delay_ms.into());
        options.migrate_rate = self.migrate_rate;
        options.misbehaviour = self.misbehave.clone();
        // Recorded: with the vendor's own section 8.1 never formed a cluster on a swarm.
        let unbound = conf.fabric_port.is_some() && conf.fabric_address.is_none();
        if unbound && self.build.starts_with("8.1.") && self.misbehave == Misbehaviour::None {
            options.misbehaviour = Misbehaviour::SharedFabric;
        }
        Ok(options)
    }

    /// The own address, and whether to listen everywhere.
    fn own_address(&self, from_file: Option<&str>) -> anyhow::Result<(IpAddr, bool)> {
        if let Some(address) = self.address {
            return Ok((address, false));
        }
        let choice = match (self.subnet, from_file) {
            (Some(subnet), _) => Choice::InSubnet(subnet),
            (None, None | Some("any")) => Choice::Usual,
            (None, Some(named)) => match named.parse() {
                Ok(address) => return Ok((address, false)),
                Err(_) => Choice::OfInterface(named.to_owned()),
            },
        };
        let host = host_addresses().context("cannot list the host's addresses")?;
        Ok((choose(&choice, &host)?, true))
    }
}

async fn run_node(options: NodeOptions, start_delay: f64) -> anyhow::Result<()> {
    let delay = Duration::try_from_secs_f64(start_delay)
        .map_err(|_| anyhow!("start delay {start_delay}"))?;
    let life = async {
        sleep(delay).await;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), address = %options.address, name = options.cluster_name,
            edition = %options.edition, "starting"
        );
        let mut node = SimNode::start(options).await?;
        tracing::info!(node = %node.id(), service = %node.service(), "ready");
        node.watch().await;
        Err(anyhow!("the node has stopped by itself"))
    };
    tokio::select! {
        ended = life => ended,
        stopped = stop_signal() => stopped,
    }
}

async fn stop_signal() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
