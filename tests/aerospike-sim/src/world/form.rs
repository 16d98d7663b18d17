//! Gives the nodes of a group their cluster.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::node::Node;
use crate::{Cluster, Member};

/// Forms one cluster, or several when the group is over the limit of its edition, unless the nodes are in them already. The
/// `lingering` are dead, but nobody has noticed yet: they stay in the clusters they were in.
pub(super) fn form(group: &[&Arc<Node>], lingering: &[Member]) {
    let limit = group
        .first()
        .map_or(1, |node| node.options.edition.max_cluster_size());
    let size = |node: &Node| node.cluster().map_or(0, |cluster| cluster.size());
    let mut order: Vec<&Arc<Node>> = group.to_vec();
    // Those that are in the largest cluster stay together.
    order.sort_by_key(|node| Reverse((size(node), node.id())));
    for part in order.chunks(limit.clamp(1, order.len().max(1))) {
        let old: Vec<Arc<Cluster>> = part.iter().filter_map(|node| node.cluster()).collect();
        let unnoticed = lingering
            .iter()
            .filter(|dead| old.iter().any(|cluster| cluster.has(dead)));
        let members: Vec<Member> = part
            .iter()
            .map(|node| node.member())
            .chain(unnoticed.copied())
            .collect();
        let asked = part.iter().any(|node| node.state().recluster);
        let agree = old.len() == part.len()
            && old.windows(2).all(|pair| pair[0].key() == pair[1].key())
            && old.first().is_some_and(|cluster| {
                cluster.size() == members.len() && members.iter().all(|member| cluster.has(member))
            });
        if asked || !agree {
            let cluster = Arc::new(Cluster::form(members));
            part.iter()
                .for_each(|node| node.adopt(Arc::clone(&cluster)));
        }
    }
}
