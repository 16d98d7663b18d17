//! Which nodes are one cluster already.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::nodes::{Node, lists};

/// Nodes that are one cluster already, in the order of the members' ids.
pub(super) type Fragment<'a> = Vec<Node<'a>>;

/// Groups the nodes into the clusters that really exist, the largest first; of
/// equals, the one with the lowest member id.
///
/// Nodes with the same cluster key are one. So are two nodes that list each
/// other: they have met, and do not agree on a key yet or were asked at
/// different moments. A node without a key is alone. The cost is linear in the
/// nodes, once they agree on their lists of peers.
pub(super) fn fragments<'a>(nodes: &[Node<'a>]) -> Vec<Fragment<'a>> {
    let mut first_of = HashMap::new();
    // For each node, the lowest one with the same key.
    let group: Vec<usize> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| match node.view.detail.key {
            Some(key) if node.view.size > 0 => *first_of.entry(key).or_insert(at),
            _ => at,
        })
        .collect();
    let mut links: Vec<(usize, usize)> = group.iter().copied().enumerate().collect();
    links.extend(mutual(nodes, &group));

    let fragments = meshworker_core::fragments(0..nodes.len(), links).into_iter();
    let of = |at| nodes.get(at).copied();
    let mut fragments: Vec<Fragment<'a>> = fragments
        .map(|fragment| fragment.into_iter().filter_map(of).collect())
        .collect();
    // Stable: equals stay in the order of their lowest members.
    fragments.sort_by_key(|fragment| std::cmp::Reverse(fragment.len()));
    fragments
}

/// Pairs of nodes that list each other and are not of one group.
fn mutual(nodes: &[Node<'_>], group: &[usize]) -> Vec<(usize, usize)> {
    let all = || nodes.iter().zip(group).enumerate();
    let by_id: HashMap<&str, (usize, &Node<'_>, usize)> = all()
        .map(|(at, (node, group))| (node.view.node.as_str(), (at, node, *group)))
        .collect();
    let mut pairs = Vec::new();
    // A group that agrees on its peers shares one list, which is read once, and
    // the first member speaks for all. At worst a tip is made that was not needed.
    let mut read = HashSet::new();
    for (at, (node, group)) in all() {
        if !read.insert((Arc::as_ptr(&node.view.peers), *group)) {
            continue;
        }
        let listed = node
            .view
            .alive()
            .filter_map(|peer| by_id.get(peer.node.as_str()));
        let strangers = listed.filter(|(_, _, others)| others != group);
        pairs.extend(
            strangers
                .filter(|(_, other, _)| lists(other.view, &node.view.node))
                .map(|(other, ..)| (at, *other)),
        );
    }
    pairs
}
