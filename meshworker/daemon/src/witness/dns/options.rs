//! How the name server is asked.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{Dns, IpFamily};

/// How the name server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsOptions {
    /// The name servers, asked in this order; the next one only when one gives
    /// no usable answer. None: those of `/etc/resolv.conf`.
    pub name_servers: Option<Vec<SocketAddr>>,
    /// For how long one look may take, all questions together.
    pub deadline: Duration,
    /// How often [`Source::changed`](crate::witness::Source::changed) asks again, give or
    /// take a fifth.
    pub watch_interval: Duration,
    /// Which addresses are asked for.
    ///
    /// With both, an answer is complete only when both questions were answered.
    /// A name server that never answers AAAA therefore keeps every report
    /// incomplete: members are joined as ever, and nobody is ever forgotten. For
    /// such a server set the one family that the members use.
    pub family: IpFamily,
}

impl DnsOptions {
    /// As configured.
    pub fn of(dns: &Dns) -> DnsOptions {
        DnsOptions {
            name_servers: dns.name_servers.clone(),
            deadline: dns.deadline,
            family: dns.family,
            ..DnsOptions::default()
        }
    }
}

impl Default for DnsOptions {
    fn default() -> Self {
        DnsOptions {
            name_servers: None,
            // Swarm's resolver answers for its own names within a millisecond. It
            // forwards a name that it does not know, and takes 1 to 2 s then.
            deadline: Duration::from_secs(2),
            watch_interval: Duration::from_millis(500),
            family: IpFamily::Both,
        }
    }
}
