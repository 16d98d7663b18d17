//! The name server as a witness: one address per running, healthy replica.
//!
//! Nothing is cached, whatever the TTL says: Swarm gives 600 s and changes its
//! mind within one.

mod heard;
mod options;
pub(crate) mod outside;
mod question;
mod resolver;
mod wildcard;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use hickory_resolver::proto::rr::{Name, RecordType};
use meshworker_core::{Grade, Report, Witness};
use tokio::time::{Instant, timeout};

use self::heard::Heard;
use self::question::ask;
use self::resolver::of_the_system;
use self::wildcard::Usual;
use super::Source;
use super::last::Last;
use crate::clock::jittered;
use crate::config::IpFamily;

pub use self::options::DnsOptions;
pub(crate) use self::question::ANSWERS;

/// For how long one family is waited for once the other has given addresses:
/// joining must not wait for a server that never answers AAAA.
const OTHER_FAMILY: Duration = Duration::from_millis(500);

/// A name that no name server can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no DNS name: {why}")]
pub struct InvalidName {
    name: String,
    why: String,
}

/// The name server as a witness.
#[derive(Debug)]
pub struct DnsSource {
    name: Name,
    options: DnsOptions,
    last: Last<Heard>,
    /// Whom it listed when it last listed anybody.
    usual: Usual,
}

impl DnsSource {
    /// A witness that asks for this name as it is: a service name such as `db`,
    /// `tasks.db` or `stack_db`. It is completed by the domain of a cluster of Kubernetes,
    /// in a pod, and never by one of the host's.
    ///
    /// # Errors
    ///
    /// When it is no DNS name.
    pub fn new(name: &str, options: DnsOptions) -> Result<DnsSource, InvalidName> {
        let invalid = |why: String| InvalidName {
            name: name.to_owned(),
            why,
        };
        let parsed = Name::from_ascii(name).map_err(|why| invalid(why.to_string()))?;
        if parsed.is_root() || name.is_empty() {
            return Err(invalid("it is empty".into()));
        }
        Ok(DnsSource {
            name: parsed,
            options,
            last: Last::default(),
            usual: Usual::default(),
        })
    }

    async fn look(&self) -> Heard {
        let asked = match &self.options.name_servers {
            Some(servers) => Ok((servers.clone(), self.name.clone())),
            None => of_the_system(&self.name),
        };
        let (servers, mut name) = match asked {
            Ok(asked) => asked,
            Err(why) => return Heard::nobody(Grade::Failed(why)),
        };
        name.set_fqdn(true);
        let until = Instant::now() + self.options.deadline;
        let of = |family| ask(&servers, &name, family, until);
        let heard = match self.options.family {
            IpFamily::V4 => of(RecordType::A).await,
            IpFamily::V6 => of(RecordType::AAAA).await,
            IpFamily::Both => both(of(RecordType::A), of(RecordType::AAAA)).await,
        };
        let heard = heard.bounded();
        if !self.usual.is_unlike(&heard) {
            self.usual.note(&heard);
            return heard;
        }
        match self.is_anybodys(&servers, &heard).await {
            Some(true) => return Heard::nobody(Grade::NxDomain),
            Some(false) => self.usual.note(&heard),
            None => self.usual.doubt(&heard),
        }
        heard
    }

    /// Whether a name that nobody has leads there as well; none when nothing was said
    /// of that one.
    async fn is_anybodys(&self, servers: &[SocketAddr], heard: &Heard) -> Option<bool> {
        let name = Name::from_ascii(wildcard::NOBODYS).ok()?;
        let family = match heard.addresses.iter().any(IpAddr::is_ipv4) {
            true => RecordType::A,
            false => RecordType::AAAA,
        };
        let until = Instant::now() + self.options.deadline.min(wildcard::PATIENCE);
        let nobody = ask(servers, &name, family, until).await;
        (nobody.grade != Grade::Timeout).then(|| !nobody.addresses.is_disjoint(&heard.addresses))
    }
}

impl Source for DnsSource {
    fn witness(&self) -> Witness {
        Witness::Dns
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let look = self.look();
        look.map(|heard| self.last.now(heard).into_report()).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            loop {
                tokio::time::sleep(jittered(self.options.watch_interval, 5)).await;
                if !self.last.is(&self.look().await) {
                    return;
                }
            }
        }
        .boxed()
    }
}

/// Both families, side by side. Once one has given addresses, the other has
/// only a short time left.
async fn both(v4: impl Future<Output = Heard>, v6: impl Future<Output = Heard>) -> Heard {
    match select(pin!(v4), pin!(v6)).await {
        Either::Left((v4, v6)) => {
            let v6 = patiently(v6, &v4).await;
            v4.together(v6)
        }
        Either::Right((v6, v4)) => {
            let v4 = patiently(v4, &v6).await;
            v4.together(v6)
        }
    }
}

async fn patiently(slower: impl Future<Output = Heard>, faster: &Heard) -> Heard {
    if faster.grade != Grade::Answer {
        return slower.await;
    }
    timeout(OTHER_FAMILY, slower)
        .await
        .unwrap_or_else(|_| Heard::nobody(Grade::Timeout))
}

#[cfg(test)]
mod tests;
