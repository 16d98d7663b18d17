//! The seam between the loop and a database.

use std::collections::BTreeMap;
use std::future::Future;

use meshworker_core::{Answer, Place, Planner, Step};

use crate::{Access, Descriptor, Placed};

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The node could not be asked, or gave no usable answer in time: whether
    /// the request took is unknown, and the next pass will see.
    #[error("no usable answer: {0}")]
    Unanswered(String),
    /// The node understood and said no, in these words.
    #[error("refused: {0}")]
    Refused(String),
    /// It was not made: this worker may not act, or not under the number under which it was
    /// planned.
    #[error("not made: {0}")]
    NotMade(String),
}

/// One database: how to ask its nodes, and how to tell them something.
///
/// Both requests have a deadline of their own, [`Access::deadline`], and may
/// be cancelled at any point: what a cancelled request has done, the next pass
/// sees.
pub trait Engine: Planner + Send + Sync + Sized + 'static {
    /// What the configuration needs to know of this engine.
    const DESCRIPTOR: Descriptor;

    /// Whether it logs in only where somebody who knows says that there is a member, an
    /// announcement or a task list: a name server alone may lead to anybody.
    const VOUCHED_ONLY: bool = false;

    /// The variables by which a member's program is told where it is, beside those that it
    /// was given; none where its command says so.
    fn placed(_at: &Placed<'_>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// An engine for the cluster that is reached this way.
    fn new(access: Access) -> Self;

    /// Asks the node at this address who it is and what it sees. Changes
    /// nothing there.
    ///
    /// # Errors
    ///
    /// Says why the node gave no view; "it does not listen yet" and "it is
    /// another program" are told apart.
    fn observe(&self, node: Place) -> impl Future<Output = Answer<Self::Detail>> + Send;

    /// The same for a node that no witness of ours names, only the database or a
    /// third party: anybody may live there, and is shown no secret.
    ///
    /// An engine that logs in must not do so there: not now, and not for a
    /// request, until [`Engine::observe`] has asked the same address again.
    ///
    /// # Errors
    ///
    /// As [`Engine::observe`]; also, that it was not asked.
    fn observe_unlisted(&self, node: Place) -> impl Future<Output = Answer<Self::Detail>> + Send {
        self.observe(node)
    }

    /// Makes one request, and returns what the node replied. A wish that is
    /// already fulfilled is a success. The reply proves nothing: the next
    /// observation does.
    ///
    /// # Errors
    ///
    /// Says whether the node refused, or what became of the request is unknown.
    fn perform(
        &self,
        step: &Step<Self::Request>,
    ) -> impl Future<Output = Result<String, Failure>> + Send;
}
