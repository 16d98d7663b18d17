//! Act: make the planned requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use meshworker_core::{Request, Step};

use crate::{Engine, Failure};

/// How many nodes are told something at once: enough to be quick with a
/// hundred members, few enough for their ports and our memory.
const AT_ONCE: usize = 64;

/// One request that was made, and what the node replied.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<R: Request> {
    /// What was asked, of whom, and why.
    pub step: Step<R>,
    /// What the node replied.
    pub reply: Result<String, Failure>,
}

/// Makes all requests, those to one node in their order, nodes side by side.
pub async fn perform<E: Engine>(
    engine: &Arc<E>,
    steps: &[Step<E::Request>],
) -> Vec<Done<E::Request>> {
    let mut by_node: BTreeMap<IpAddr, Vec<Step<E::Request>>> = BTreeMap::new();
    for step in steps {
        by_node.entry(step.to).or_default().push(step.clone());
    }
    let nodes: Vec<_> = by_node
        .into_values()
        .map(|steps| in_order(Arc::clone(engine), steps).boxed())
        .collect();
    stream::iter(nodes).buffer_unordered(AT_ONCE).concat().await
}

async fn in_order<E: Engine>(
    engine: Arc<E>,
    steps: Vec<Step<E::Request>>,
) -> Vec<Done<E::Request>> {
    let mut done = Vec::new();
    for step in steps {
        let reply = engine.perform(&step).await;
        done.push(Done { step, reply });
    }
    done
}
