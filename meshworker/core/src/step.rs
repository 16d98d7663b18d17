//! One idempotent request to one node, as data.

use std::fmt;

use serde::Serialize;

use crate::{Evidence, Fence, Place};

/// What a step is for. The gates treat the kinds differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Brings a member into the cluster. Optimistic.
    Join,
    /// Gives members of one cluster their parts: slots, replicas.
    Arrange,
    /// Takes from a member that is meant to go what it holds alone.
    Leave,
    /// Makes the cluster forget a member. Pessimistic.
    Forget,
    /// Gives one node the primary's place.
    Succeed,
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepKind::Join => "join",
            StepKind::Arrange => "arrange",
            StepKind::Leave => "leave",
            StepKind::Forget => "forget",
            StepKind::Succeed => "succeed",
        })
    }
}

/// A request in the language of one database. Its `Display` is what an
/// operator would type, without secrets, and tells two requests apart.
pub trait Request: Clone + fmt::Debug + fmt::Display + PartialEq + Serialize + Send + Sync {
    /// What the request is for.
    fn kind(&self) -> StepKind;

    /// The addresses that the request tells a node about, each of which must
    /// be known to belong to this cluster before the node hears of it.
    fn introduces(&self) -> Option<Place>;

    /// Whether it gives away what nobody has, as far as is known: somebody may have it who
    /// has not been heard of yet.
    fn deals_out(&self) -> bool {
        false
    }

    /// Whether it cannot be taken back, so that all workers know that it is about to be made
    /// before it is.
    fn is_announced(&self) -> bool {
        self.kind() == StepKind::Forget
    }

    /// Whether clients wait until what follows it is done: then the next look comes without
    /// a pause.
    fn hurries(&self) -> bool {
        false
    }

    /// Whether the primary takes no more writes after it, so that another one takes its place
    /// in good order.
    fn closes(&self) -> bool {
        false
    }

    /// Whether the node takes writes after it, as the primary.
    fn opens(&self) -> bool {
        false
    }

    /// Whether the database is about to do by itself what is asked for, as a rule:
    /// then it is asked only if that does not show before
    /// [`crate::Limits::retry_first`] is over.
    fn is_last_resort(&self) -> bool {
        false
    }
}

/// One idempotent request to one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step<R> {
    /// The node that is asked.
    pub to: Place,
    /// What it is asked to do.
    pub request: R,
    /// What the step rests on.
    pub evidence: Vec<Evidence>,
    /// The number under which it was planned, and which an act checks right before it is
    /// made; none of a step that is only proposed, or planned while another worker acts.
    pub fence: Option<Fence>,
}

impl<R> Step<R> {
    /// A step as an engine proposes it.
    pub fn new(to: Place, request: R, evidence: Vec<Evidence>) -> Step<R> {
        Step {
            to,
            request,
            evidence,
            fence: None,
        }
    }
}

impl<R: Request> Step<R> {
    /// Tells this step from every other one, across passes.
    pub fn key(&self) -> String {
        format!("{} {}", self.to, self.request)
    }
}

impl<R: Request> fmt::Display for Step<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.to, self.request)
    }
}
