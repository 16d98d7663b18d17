//! `meshworker proxy`.

use std::net::SocketAddr;

use clap::{Arg, ArgMatches, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::api_args::{self, Api, given};
use super::{Failed, logging, runtime, seconds};
use crate::proxy::Proxy;

/// `meshworker proxy`.
pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, variable, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name(value);
        arg.env(variable).help(help)
    };
    Command::new("proxy")
        .about("Lead clients to the member to which everything is written, whoever that is, and readers to the others")
        .args(api_args::reading())
        .arg(option("write", "ADDR:PORT", "MESHWORKER_PROXY_WRITE", "Where clients come that write: they are led to the primary"))
        .arg(option("read", "ADDR:PORT", "MESHWORKER_PROXY_READ", "Where clients come that only read: they are led to replicas that are not behind, and to the primary where there is none"))
        .arg(option("port", "PORT", "MESHWORKER_PROXY_PORT", "The members' port [default: their database's usual one]"))
        .arg(option("wait", "SECONDS", "MESHWORKER_PROXY_WAIT", "How long a client is held while there is nobody to lead it to").default_value("30"))
        .args(logging::args())
}

/// Runs it, until a signal says to stop.
pub fn proxy(args: &ArgMatches) -> Result<(), Failed> {
    let Api { access, cluster } = Api::read(args)?;
    let proxy = Proxy {
        access,
        cluster,
        write: address(args, "write")?,
        read: address(args, "read")?,
        port: port(args)?,
        wait: seconds(args, "wait")?,
    };
    if proxy.write.is_none() && proxy.read.is_none() {
        return Err(Failed::Input(
            "write: found nothing, and no read; allowed: ADDR:PORT for one of them, such as \
             0.0.0.0:3306"
                .into(),
        ));
    }
    logging::start(args);
    runtime()?.block_on(async {
        let stopped = |kind| signal(kind).map_err(|why| Failed::Goal(format!("no signals: {why}")));
        let mut terminate = stopped(SignalKind::terminate())?;
        let mut interrupt = stopped(SignalKind::interrupt())?;
        tokio::select! {
            done = proxy.run() => done.map_err(Failed::Input),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}

fn address(args: &ArgMatches, name: &str) -> Result<Option<SocketAddr>, Failed> {
    let parse = |text: String| {
        text.parse().map_err(|_| {
            let allowed = "ADDR:PORT, such as 0.0.0.0:3306";
            Failed::Input(format!("{name}: found '{text}'; allowed: {allowed}"))
        })
    };
    given(args, name).map(parse).transpose()
}

fn port(args: &ArgMatches) -> Result<Option<u16>, Failed> {
    let parse = |text: String| match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Failed::Input(format!(
            "port: found '{text}'; allowed: {}",
            crate::config::PORT
        ))),
    };
    given(args, "port").map(parse).transpose()
}
