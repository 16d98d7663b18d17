//! `aerospike-sim info`: a question to a node, for containers that have no other tool.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use clap::Args;

use crate::InfoClient;

/// Whom to ask what.
#[derive(Debug, Args)]
pub(super) struct InfoArgs {
    /// HOST or HOST:PORT
    #[arg(short = 'h', long, default_value = "127.0.0.1")]
    host: String,
    /// The commands
    #[arg(required = true)]
    commands: Vec<String>,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Asks, and prints the values.
pub(super) async fn ask(args: InfoArgs) -> anyhow::Result<()> {
    // A bare IPv6 address has colons too.
    let has_port =
        args.host.ends_with(']') || args.host.parse::<IpAddr>().is_ok() || !args.host.contains(':');
    let bare = args.host.trim_start_matches('[').trim_end_matches(']');
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, 3000).to_string(),
        Err(_) if has_port => format!("{bare}:3000"),
        Err(_) => args.host.clone(),
    };
    let mut client = InfoClient::connect(&address)
        .await
        .with_context(|| address.clone())?;
    let commands: Vec<&str> = args.commands.iter().map(String::as_str).collect();
    for value in client
        .ask(&commands)
        .await
        .with_context(|| address.clone())?
    {
        println!("{value}");
    }
    Ok(())
}
