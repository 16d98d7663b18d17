//! Brings every partition to its owners after the cluster has changed, at a bounded rate.
//!
//! Each node looks only at what it holds itself: it asks the owners whether they hold the same, sends what they lack, and lets go of
//! what is not its own once every owner has confirmed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};

use super::FabricClient;
use super::message::{Reply, Request};
use crate::Cluster;
use crate::data::{Errand, Parcel};
use crate::node::Node;

/// How often a round of migration begins.
const ROUND: Duration = Duration::from_millis(50);
/// How many rounds a second has.
const ROUNDS_PER_SECOND: u32 = 20;

/// Migrates for ever.
pub(crate) async fn migrate(node: Arc<Node>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut credit = 0;
    loop {
        rounds.tick().await;
        let Some(cluster) = node.cluster() else {
            continue;
        };
        if node.is_isolated() {
            continue;
        }
        // What is less than one partition in this round is one in a later round.
        credit = node.migrate_rate().saturating_add(credit);
        let budget = (credit / ROUNDS_PER_SECOND) as usize;
        credit %= ROUNDS_PER_SECOND;
        let errands = node.state().store.errands(&cluster, node.id(), budget);
        join_all(
            errands
                .into_iter()
                .map(|errand| run(&node, &cluster, errand)),
        )
        .await;
    }
}

/// Runs one errand. Whatever fails is found again in the next round.
async fn run(node: &Arc<Node>, cluster: &Cluster, errand: Errand) {
    let Errand {
        namespace,
        target,
        offers,
        epochs,
        sendable,
    } = errand;
    let numbers: Vec<u16> = offers.iter().map(|offer| offer.partition).collect();
    let (from, key) = (node.id(), cluster.key());
    let request = Request::Offer {
        namespace: namespace.clone(),
        from,
        cluster: key,
        offers,
    };
    let Ok(Reply::Same(same)) = FabricClient::ask(node, &target, request).await else {
        return;
    };

    let mut parcels = Vec::new();
    let mut sent = HashMap::new();
    {
        let mut state = node.state();
        if state.cluster().is_none_or(|now| now.key() != key) {
            return;
        }
        let Some(holder) = state.store.namespace_mut(&namespace) else {
            return;
        };
        for number in numbers {
            let Some(partition) = holder.existing(number) else {
                continue;
            };
            if same.contains(&number) {
                if epochs.get(&number) == Some(&partition.epoch()) {
                    partition.mark_synced(target.id);
                    holder.drop_if_handed_over(number, cluster, from);
                }
            } else if sendable.contains(&number) {
                sent.insert(number, partition.epoch());
                parcels.push(Parcel {
                    partition: number,
                    entries: partition.entries(),
                });
            } else {
                partition.mark_differing(target.id);
            }
        }
    }
    if parcels.is_empty() {
        return;
    }
    let request = Request::Push {
        namespace: namespace.clone(),
        from,
        cluster: key,
        parcels,
    };
    let Ok(Reply::Done) = FabricClient::ask(node, &target, request).await else {
        return;
    };

    let mut state = node.state();
    if state.cluster().is_none_or(|now| now.key() != key) {
        return;
    }
    let Some(holder) = state.store.namespace_mut(&namespace) else {
        return;
    };
    for (number, epoch) in sent {
        if let Some(partition) = holder.existing(number)
            && partition.epoch() == epoch
        {
            partition.mark_synced(target.id);
            holder.drop_if_handed_over(number, cluster, from);
        }
    }
}
