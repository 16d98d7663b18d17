//! A witness that can never say anything, and says why.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Grade, Report, Witness};

use super::Source;

/// A witness that can never say anything: its settings cannot be used. It stays
/// in the list, so that it counts as silent and its reason is shown.
#[derive(Debug)]
pub(super) struct Unusable {
    witness: Witness,
    why: String,
}

impl Unusable {
    pub(super) fn new(witness: Witness, why: String) -> Unusable {
        Unusable { witness, why }
    }
}

impl Source for Unusable {
    fn witness(&self) -> Witness {
        self.witness
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let grade = Grade::Failed(self.why.clone());
        std::future::ready(Report::unknown(self.witness, grade)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}
