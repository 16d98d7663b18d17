//! The supervisor's own look at its database.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::Unanswered;
use meshworker_engines::Engine;
use meshworker_engines::registry::Visitor;

use crate::config::Cluster;

/// What the own database answered: the work that it has to do, if any.
pub(super) type Local = Result<Option<String>, Unanswered>;

/// Asks the own database, whichever its engine.
pub(super) trait Probe: Send + Sync {
    /// Asks it once. Bounded by the cluster's deadline; may be cancelled.
    fn look(&self) -> BoxFuture<'_, Local>;
}

/// A probe for the database of this cluster at this address.
pub(super) fn probe(cluster: &Cluster, address: IpAddr) -> Arc<dyn Probe> {
    struct Visit(IpAddr);
    impl Visitor for Visit {
        type Output = Arc<dyn Probe>;

        fn visit<E: Engine>(self, engine: E) -> Self::Output {
            Arc::new(Looking {
                engine,
                address: self.0,
            })
        }
    }
    cluster.engine.with(cluster.access.clone(), Visit(address))
}

struct Looking<E> {
    engine: E,
    address: IpAddr,
}

impl<E: Engine> Probe for Looking<E> {
    fn look(&self) -> BoxFuture<'_, Local> {
        async { Ok(self.engine.observe(self.address.into()).await?.working) }.boxed()
    }
}
