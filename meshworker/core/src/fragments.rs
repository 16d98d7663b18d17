//! Which nodes hang together.

use std::collections::BTreeMap;

/// Groups `nodes` into fragments: two nodes share one when a chain of `links`
/// leads from one to the other. Links to nodes that are not listed are
/// ignored. Fragments and their nodes are sorted, the one with the lowest node
/// first; the cost is linear in nodes and links, but for the sorting.
///
/// ```
/// let fragments = meshworker_core::fragments(["a", "b", "c"], [("c", "a"), ("a", "x")]);
/// assert_eq!(fragments, [vec!["a", "c"], vec!["b"]]);
/// ```
pub fn fragments<N: Ord + Copy>(
    nodes: impl IntoIterator<Item = N>,
    links: impl IntoIterator<Item = (N, N)>,
) -> Vec<Vec<N>> {
    let mut sorted: Vec<N> = nodes.into_iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    // Union-find over positions; a root is its own parent.
    let mut parent: Vec<usize> = (0..sorted.len()).collect();
    for (a, b) in links {
        if let (Ok(a), Ok(b)) = (sorted.binary_search(&a), sorted.binary_search(&b)) {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            if let Some(higher) = parent.get_mut(a.max(b)) {
                *higher = a.min(b);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<N>> = BTreeMap::new();
    for (position, node) in sorted.iter().enumerate() {
        groups
            .entry(root(&mut parent, position))
            .or_default()
            .push(*node);
    }
    groups.into_values().collect()
}

fn root(parent: &mut [usize], mut node: usize) -> usize {
    while let Some(&above) = parent.get(node)
        && above != node
    {
        // Each is brought nearer to the root on the way.
        let next = parent.get(above).copied().unwrap_or(above);
        if let Some(parent) = parent.get_mut(node) {
            *parent = next;
        }
        node = next;
    }
    node
}
