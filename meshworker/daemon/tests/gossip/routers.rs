//! Routers of ours, in this process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fake_dns::{Behaviour, FakeDns};
use meshworker::config::IpFamily;
use meshworker::gossip::{Gossip, Hub, Settings, Sharing};
use meshworker::status::GossipStatus;
use meshworker::token_file::TokenFile;
use meshworker::witness::DnsOptions;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(120);

/// The ports of all routers, each at an address of its own.
pub const MEMBERS: u16 = 12_001;
const SHARE: u16 = 4750;

/// A router that runs.
pub struct Running {
    pub hub: Arc<Hub>,
    task: JoinHandle<()>,
    _stop: watch::Sender<bool>,
}

/// Routers that could find each other.
pub struct Routers {
    dns: FakeDns,
    token: tempfile::NamedTempFile,
}

impl Routers {
    /// Those at these addresses, none of which runs.
    pub async fn at(addresses: &[IpAddr]) -> Routers {
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "the routers' own token 1").unwrap();
        let dns = FakeDns::start().await.unwrap();
        let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        dns.set("routers", Behaviour::answer(all.iter().map(String::as_str)));
        Routers { dns, token }
    }

    /// Starts the one at this address.
    pub fn start(&self, at: IpAddr) -> Running {
        run(Settings {
            share: Some(Sharing {
                listen: SocketAddr::new(at, SHARE),
                token_file: TokenFile::new(self.token.path()),
                routers: "routers".to_owned(),
                dns: DnsOptions {
                    name_servers: Some(vec![self.dns.address()]),
                    family: IpFamily::V4,
                    ..DnsOptions::default()
                },
            }),
            ..alone(at)
        })
    }
}

fn alone(at: IpAddr) -> Settings {
    Settings {
        listen: SocketAddr::new(at, MEMBERS),
        tls: None,
        expiry: None,
        connections: 8192,
        share: None,
    }
}

/// Starts one that shares with nobody.
pub fn start(at: IpAddr) -> Running {
    run(alone(at))
}

fn run(settings: Settings) -> Running {
    let gossip = Gossip::bind(settings).unwrap();
    let hub = gossip.hub();
    let (stop, stopped) = watch::channel(false);
    Running {
        hub,
        task: tokio::spawn(gossip.run(stopped)),
        _stop: stop,
    }
}

impl Running {
    /// Ends it as a crash does: nobody is told. Its sockets are closed when this is over.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Waits until this is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&GossipStatus) -> bool) {
        let began = Instant::now();
        while !is_so(&self.hub.status()) {
            let status = self.hub.status();
            assert!(began.elapsed() < DEADLINE, "{what}: {status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How many members are registered, in all groups.
pub fn members(status: &GossipStatus) -> usize {
    status.groups.iter().map(|group| group.members.len()).sum()
}
