//! Connections to the nodes: dialled by address, kept between passes.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::{Place, Unanswered};
use redis::{Pipeline, Value};
use tokio::time::{Instant, timeout_at};

use super::login::{Named, login, may};
use super::wire::{Expect, Stream, Wire, WireError, excerpt};
use crate::Access;
use crate::budget::MOST_KEPT;
use crate::dial::dial;
use crate::tls::{self, TlsError};

/// A connection that nobody used for this long is closed: longer than the
/// calmest pace between two passes, so that an idle pass need not connect.
const IDLE: Duration = Duration::from_secs(120);

/// Asks nodes, over connections that are kept between passes.
pub struct Client {
    access: Access,
    named: Named,
    kept: Mutex<HashMap<Place, Kept>>,
}

struct Kept {
    wire: Wire,
    /// Who was at its other end when it was last asked.
    node: Option<String>,
    used: Instant,
}

/// A connection in use. Dropped, it closes; [`Client::keep`] keeps it.
pub struct Lease {
    /// The address that it leads to.
    pub address: Place,
    /// The node at its other end, where that is known.
    pub node: Option<String>,
    wire: Wire,
}

impl Lease {
    /// One round trip: all commands out, one reply for each.
    ///
    /// # Errors
    ///
    /// The connection broke or the deadline passed; it must be dropped then.
    pub async fn exchange(
        &mut self,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<Value>, Unanswered> {
        self.exchange_for(commands, Expect::Lists, deadline).await
    }

    async fn exchange_for(
        &mut self,
        commands: &Pipeline,
        expect: Expect,
        deadline: Instant,
    ) -> Result<Vec<Value>, Unanswered> {
        match timeout_at(deadline, self.wire.exchange(commands, expect)).await {
            Ok(Ok(replies)) => Ok(replies),
            Ok(Err(error)) => Err(unanswered(error)),
            Err(_) => Err(Unanswered::Timeout),
        }
    }
}

impl Client {
    /// A client without connections.
    pub fn new(access: Access) -> Client {
        Client {
            access,
            named: Named::default(),
            kept: Mutex::new(HashMap::new()),
        }
    }

    /// Notes whether a witness of ours names this address: from then on it is
    /// logged in to, or not.
    pub fn trust(&self, address: Place, trusted: bool) {
        self.named.note(address, trusted);
    }

    /// How the nodes are reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// When a request that starts now must be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.access.deadline
    }

    /// One round trip to this node, over a kept connection or a new one. A kept
    /// connection that turns out to be dead is replaced once.
    ///
    /// # Errors
    ///
    /// Why there is no answer. An error that the node replied is an answer.
    pub async fn ask(
        &self,
        address: Place,
        commands: &Pipeline,
        expect: Expect,
        deadline: Instant,
    ) -> Result<(Lease, Vec<Value>), Unanswered> {
        if let Some(mut lease) = self.take(address) {
            match lease.exchange_for(commands, expect, deadline).await {
                Ok(replies) => return Ok((lease, replies)),
                Err(Unanswered::Timeout) => return Err(Unanswered::Timeout),
                // It was restarted, closed it, or took the user away.
                Err(_) => {}
            }
        }
        let mut lease = self.connect(address, deadline).await?;
        let replies = lease.exchange_for(commands, expect, deadline).await?;
        Ok((lease, replies))
    }

    /// Keeps a connection for the next request to the same node.
    pub fn keep(&self, lease: Lease) {
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.duration_since(kept.used) < IDLE);
        if kept.len() < MOST_KEPT {
            kept.insert(
                lease.address,
                Kept {
                    wire: lease.wire,
                    node: lease.node,
                    used: now,
                },
            );
        }
    }

    fn take(&self, address: Place) -> Option<Lease> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { wire, node, used } = kept.remove(&address)?;
        (used.elapsed() < IDLE).then_some(Lease {
            address,
            node,
            wire,
        })
    }

    /// A new connection, logged in.
    async fn connect(&self, address: Place, deadline: Instant) -> Result<Lease, Unanswered> {
        may(&self.access, &self.named, address)?;
        let dial = async {
            let stream = self.dial(address, deadline).await?;
            let mut wire = Wire::new(stream);
            login(&self.access, &mut wire).await?;
            Ok(Lease {
                address,
                node: None,
                wire,
            })
        };
        timeout_at(deadline, dial)
            .await
            .unwrap_or(Err(Unanswered::Timeout))
    }

    async fn dial(&self, address: Place, deadline: Instant) -> Result<Box<dyn Stream>, Unanswered> {
        let place = address.socket(self.access.service_port);
        let unreachable = |error: io::Error| Unanswered::Unreachable(error.to_string());
        let tcp = dial(place, self.access.deadline, deadline)
            .await
            .map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let Some(tls) = &self.access.tls else {
            return Ok(Box::new(tcp));
        };
        let prepared = |error: TlsError| Unanswered::Denied(error.to_string());
        let name = tls::expected_name(tls, address.address).map_err(prepared)?;
        let connector = tls::connector(tls).map_err(prepared)?;
        match connector.connect(name, tcp).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(Unanswered::Garbage(tls::failed(tls, &error))),
        }
    }
}

/// What a broken or foreign connection says of the node.
pub fn unanswered(error: WireError) -> Unanswered {
    match error {
        WireError::Broken(error) => Unanswered::Unreachable(error.to_string()),
        WireError::Foreign(what) => Unanswered::Garbage(excerpt(&what)),
        WireError::GaveWay => Unanswered::Timeout,
    }
}

/// What follows from an error that a node replied instead of its view.
pub fn refused(why: String) -> Unanswered {
    let code = why.split(' ').next().unwrap_or_default();
    match code {
        "LOADING" => Unanswered::Starting(why),
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" => Unanswered::Denied(why),
        // It speaks Redis, and cannot answer for now.
        "BUSY" => Unanswered::Timeout,
        "ERR" if why.contains("AUTH") => Unanswered::Denied(why),
        "ERR" if why.contains("max number of clients") => Unanswered::Unreachable(why),
        "ERR" if why.contains("cluster support disabled") => Unanswered::Garbage(
            "a Redis server that is no cluster node; start it with 'cluster-enabled yes'".into(),
        ),
        _ => Unanswered::Garbage(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_refuses_tells_what_is_wrong() {
        let graded = |why: &str| refused(why.to_owned());
        assert!(matches!(
            graded("LOADING Redis is loading the dataset in memory"),
            Unanswered::Starting(_)
        ));
        for denied in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM this user has no permissions to run the 'cluster|nodes' command",
            "DENIED Redis is running in protected mode",
            "ERR AUTH <password> called without any password configured for the default user.",
        ] {
            assert!(matches!(graded(denied), Unanswered::Denied(_)), "{denied}");
        }
        let Unanswered::Garbage(advice) = graded("ERR This instance has cluster support disabled")
        else {
            panic!("a server without cluster support is no node");
        };
        assert!(advice.contains("cluster-enabled yes"));
    }
}
