//! Which of the container's addresses the database is reached at.
//!
//! A container on Swarm has several: one for each network, one on
//! `docker_gwbridge`, loopback, in no fixed order. Every candidate is logged
//! with the reason why it lost.

mod choose;
mod here;
mod pattern;

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::identity::Identity;
use super::subnet::Subnet;
use crate::config::Dns;
use crate::witness::{DnsOptions, Whereabouts};

use choose::{Choice, Given, choose};
pub use pattern::Pattern;

/// For this long DNS may take to name anybody: the first replica of a new
/// stack starts before the workers do.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// What was said of the address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// It is this one.
    pub address: Option<IpAddr>,
    /// It is in this subnet.
    pub subnet: Option<Subnet>,
    /// It is on this network, `STACK_NETWORK` in full.
    pub network: Option<String>,
    /// It is on an interface of this name.
    pub interface: Option<Pattern>,
    /// It is written so.
    pub pattern: Option<Pattern>,
}

/// An address of this container.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    interface: String,
    address: IpAddr,
    subnet: Option<Subnet>,
    /// Whether the default route leaves through this interface.
    gateway: bool,
    /// Whether it is a service's own address, which all replicas share.
    shared: bool,
}

/// Finds the address of this member's database, waiting for DNS for a bounded
/// time where only DNS can tell.
///
/// # Errors
///
/// One line: which addresses there are, and why none of them was chosen.
pub async fn find(
    wish: &Wish,
    identity: &Identity,
    workers: &[String],
    dns: &Dns,
) -> Result<IpAddr, String> {
    let until = Instant::now() + PATIENCE;
    let mut resolved = None;
    loop {
        let candidates = here::candidates()?;
        let given = Given {
            wish,
            family: dns.family,
            resolved: resolved.as_ref(),
        };
        match choose(&candidates, &given) {
            Choice::Chosen { address, lost } => {
                for (candidate, why) in &lost {
                    let (interface, address) = (&candidate.interface, candidate.address);
                    info!("address {address} on {interface} is not taken: {why}");
                }
                let known = candidates.iter().find(|c| c.address == address);
                match known {
                    Some(candidate) => {
                        info!("address {address} on {} is taken", candidate.interface)
                    }
                    None => warn!(
                        "address {address} is taken as given, though no interface here has it"
                    ),
                }
                return Ok(address);
            }
            Choice::Never(why) => return Err(why),
            Choice::AskDns(why) => {
                if resolved.is_some() && Instant::now() >= until {
                    return Err(why);
                }
                debug!("no address yet: {why}");
                if resolved.is_some() {
                    sleep(PAUSE).await;
                }
                resolved = Some(neighbours(wish, identity, workers, dns, until).await);
            }
        }
    }
}

/// The addresses of those that share the member's network: workers and
/// replicas. Docker answers `NAME.NETWORK` with the addresses on that network.
async fn neighbours(
    wish: &Wish,
    identity: &Identity,
    workers: &[String],
    dns: &Dns,
    until: Instant,
) -> Vec<IpAddr> {
    let service = &identity.service;
    let mut names: Vec<String> = vec![
        format!("{identity}.{}", identity.task),
        format!("tasks.{service}"),
    ];
    names.extend(dns.names.iter().cloned());
    names.extend(workers.iter().cloned());
    let names = names.into_iter().map(|name| match &wish.network {
        Some(network) => format!("{name}.{network}"),
        None => name,
    });
    let lookups = names.map(|name| {
        let options = DnsOptions::of(dns);
        async move {
            let place = Whereabouts::new(&name, options).ok()?;
            Some(place.look().await.addresses)
        }
    });
    let lookups = futures_util::future::join_all(lookups);
    let Ok(found) = tokio::time::timeout_at(until, lookups).await else {
        return Vec::new();
    };
    found.into_iter().flatten().flatten().collect()
}
