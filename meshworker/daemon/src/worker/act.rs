//! Act: make the planned requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use meshworker_core::{Request, Step};
use meshworker_engines::Engine;

use super::pass::Done;

/// How many nodes are told something at once: enough to be quick with a
/// hundred members, few enough for their ports and our memory.
const AT_ONCE: usize = 64;

/// Makes all requests, those to one node in their order, nodes side by side.
pub async fn perform<E: Engine>(engine: &Arc<E>, steps: &[Step<E::Request>]) -> Vec<Done> {
    let mut by_node: BTreeMap<IpAddr, Vec<Step<E::Request>>> = BTreeMap::new();
    for step in steps {
        by_node.entry(step.to).or_default().push(step.clone());
    }
    let nodes: Vec<_> = by_node
        .into_values()
        .map(|steps| perform_in_order(Arc::clone(engine), steps).boxed())
        .collect();
    stream::iter(nodes).buffer_unordered(AT_ONCE).concat().await
}

async fn perform_in_order<E: Engine>(engine: Arc<E>, steps: Vec<Step<E::Request>>) -> Vec<Done> {
    let mut done = Vec::new();
    for step in steps {
        done.push(Done {
            step: step.to_string(),
            kind: step.request.kind(),
            reply: engine.perform(&step).await,
            evidence: step.evidence,
        });
    }
    done
}
