//! Which nodes keep each namespace, in how many copies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Copies, Stock};

use super::detail::Namespace;
use super::namespaces::PARTITIONS;
use super::nodes::Node;

/// Each namespace that holds records, and the nodes that keep it. All copies are made
/// when every node of the cluster answers, all say the same, and none has anything
/// left to send or to receive.
pub(super) fn copies(staying: &[Node<'_>], going: &[Node<'_>]) -> Copies {
    let nodes = || staying.iter().chain(going);
    let ids: BTreeSet<&str> = nodes().map(|node| node.view.node.as_str()).collect();
    let key = staying.first().and_then(|node| node.view.detail.key);
    let made = |node: &Node<'_>| {
        let (view, detail) = (node.view, &node.view.detail);
        detail.key.is_some()
            && detail.key == key
            && detail.integrity
            && view.size == ids.len()
            && view.alive().all(|peer| ids.contains(peer.node.as_str()))
            && view.working.is_none()
            && detail.to_send == Some(0)
    };
    let mut spaces: BTreeMap<&str, Vec<(&Node<'_>, &Namespace)>> = BTreeMap::new();
    for node in nodes() {
        for space in node
            .view
            .detail
            .namespaces
            .iter()
            .flat_map(|all| all.iter())
        {
            spaces.entry(&space.name).or_default().push((node, space));
        }
    }
    Copies {
        stocks: spaces.into_iter().filter_map(stock).collect(),
        made: key.is_some() && nodes().all(made),
        ..Copies::default()
    }
}

/// What is kept of a namespace; none of one without records.
fn stock((name, kept): (&str, Vec<(&Node<'_>, &Namespace)>)) -> Option<Stock> {
    let copies = kept.iter().filter_map(|(_, space)| space.copies);
    let copies = copies.min().filter(|copies| *copies > 0)?;
    let holds = kept.iter().any(|(_, space)| space.empty == Some(false));
    let nodes = kept.iter().map(|(node, space)| {
        // In memory alone, they end with the process.
        let ends = space.volatile == Some(true);
        let up = Duration::from_secs(node.view.detail.uptime);
        (node.view.node.clone(), ends.then_some(up))
    });
    holds.then(|| Stock {
        what: format!("namespace {name}"),
        pieces: PARTITIONS,
        unit: "partitions",
        copies: usize::try_from(copies).unwrap_or(usize::MAX),
        nodes: nodes.collect(),
    })
}
