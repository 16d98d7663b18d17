//! An engine that notes what it was told to do.
use std::sync::{Arc, Mutex};

use meshworker_core::{
    Answer, Capabilities, Place, Planner, Proposal, Request, Situation, Step, StepKind,
};
use meshworker_engines::aerospike::Aerospike;
use meshworker_engines::{Access, Descriptor, Engine, Failure};

/// The steps of one worker, as an operator would type them.
pub type Steps = Arc<Mutex<Vec<(StepKind, String)>>>;

/// The engine for Aerospike, with every step noted before it is made.
pub struct Recorded {
    inner: Aerospike,
    pub steps: Steps,
}

impl Planner for Recorded {
    type Detail = <Aerospike as Planner>::Detail;
    type Request = <Aerospike as Planner>::Request;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Self::Detail>) -> Proposal<Self::Request> {
        self.inner.propose(situation)
    }
}

impl Engine for Recorded {
    const DESCRIPTOR: Descriptor = <Aerospike as Engine>::DESCRIPTOR;

    fn new(access: Access) -> Recorded {
        Recorded {
            inner: Aerospike::new(access),
            steps: Steps::default(),
        }
    }

    async fn observe(&self, node: Place) -> Answer<Self::Detail> {
        self.inner.observe(node).await
    }

    async fn perform(&self, step: &Step<Self::Request>) -> Result<String, Failure> {
        let noted = (step.request.kind(), step.to_string());
        self.steps.lock().unwrap().push(noted);
        self.inner.perform(step).await
    }
}
