//! Whom it means harm, and for how long.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Parser;

/// The command line.
#[derive(Debug, Clone, Parser)]
#[command(name = "meshworker-hostile", version, about)]
pub struct Options {
    /// The address of a worker
    #[arg(long)]
    pub worker: Ipv4Addr,
    /// The address of a member, again and again for more
    #[arg(long = "member")]
    pub members: Vec<Ipv4Addr>,
    /// The address of this container on the network of both
    #[arg(long)]
    pub own: Ipv4Addr,
    /// What the cluster is called
    #[arg(long)]
    pub cluster: String,
    /// At which port the database answers
    #[arg(long, default_value_t = 6379)]
    pub port: u16,
    /// It ends after so many seconds
    #[arg(long, default_value_t = 300)]
    pub seconds: u64,
    /// It ends when this file is there
    #[arg(long, default_value = "/tmp/stop")]
    pub stop_file: PathBuf,
}
