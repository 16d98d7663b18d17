//! Several services whose members are one cluster, as one witness.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_all};
use meshworker_core::{Report, Witness};

use super::Source;

/// Several sources that speak as one witness: complete when each of them is.
pub(super) struct Together {
    witness: Witness,
    sources: Vec<Arc<dyn Source>>,
}

impl Together {
    /// What these say together; the only one itself, where there is one.
    pub(super) fn of(witness: Witness, sources: Vec<Arc<dyn Source>>) -> Arc<dyn Source> {
        match <[_; 1]>::try_from(sources) {
            Ok([only]) => only,
            Err(sources) => Arc::new(Together { witness, sources }),
        }
    }
}

impl Source for Together {
    fn witness(&self) -> Witness {
        self.witness
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let asked = join_all(self.sources.iter().map(|source| source.report()));
        asked
            .map(|reports| Report::together(self.witness, reports))
            .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        let changes = self.sources.iter().map(|source| source.changed());
        select_all(changes).map(|_| ()).boxed()
    }
}
