//! Several services whose members are one cluster, as one witness.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_all};
use meshworker_core::{Report, Witness};

use super::Source;

/// Several sources that speak as one witness, each of one part: complete when each of
/// them is.
pub(super) struct Together {
    witness: Witness,
    parts: Vec<(String, Arc<dyn Source>)>,
}

impl Together {
    /// What these say together; the only one itself, where there is one.
    pub(super) fn of(witness: Witness, parts: Vec<(String, Arc<dyn Source>)>) -> Arc<dyn Source> {
        match <[_; 1]>::try_from(parts) {
            Ok([(_, only)]) => only,
            Err(parts) => Arc::new(Together { witness, parts }),
        }
    }
}

impl Source for Together {
    fn witness(&self) -> Witness {
        self.witness
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let asked = self.parts.iter().map(|(part, source)| {
            let report = source.report();
            report.map(|report| report.of_part(part))
        });
        let asked = join_all(asked);
        asked
            .map(|reports| Report::together(self.witness, reports))
            .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        let changes = self.parts.iter().map(|(_, source)| source.changed());
        select_all(changes).map(|_| ()).boxed()
    }
}
