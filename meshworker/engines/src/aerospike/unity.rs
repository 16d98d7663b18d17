//! Whether the wanted members are one cluster, as they themselves say.

use std::collections::HashSet;
use std::sync::Arc;

use meshworker_core::{Situation, Standing, Unity, View};

use super::detail::Detail;
use super::fragments::Fragment;
use super::nodes::{Node, lists};

/// One cluster only when every member says the same: the same key, a size that
/// is the number of its members, integrity, and every other member in its list.
/// A member on its way out may still be in it, an unknown node may not. That
/// silent members are missing is for the caller to say.
pub(super) fn of(
    situation: &Situation<'_, Detail>,
    ours: &[Node<'_>],
    strangers: &[Node<'_>],
    fragments: &[Fragment<'_>],
) -> Unity {
    match missing(situation, ours, strangers, fragments) {
        Some(missing) => Unity::apart(missing),
        None => Unity::One { size: ours.len() },
    }
}

/// The first thing that is missing.
fn missing(
    situation: &Situation<'_, Detail>,
    ours: &[Node<'_>],
    strangers: &[Node<'_>],
    fragments: &[Fragment<'_>],
) -> Option<String> {
    if let Some(stranger) = strangers.first() {
        let name = stranger.view.cluster_name.as_deref().unwrap_or("null");
        return Some(format!("{} is of cluster '{name}'", stranger.address()));
    }
    let Some(first) = ours.first() else {
        return Some("no member answers".into());
    };
    if fragments.len() > 1 {
        return Some(format!("{} clusters instead of one", fragments.len()));
    }
    let mut read = HashSet::new();
    for node in ours {
        let (address, view) = (node.address(), node.view);
        let detail = &view.detail;
        let said = |what: &str| Some(format!("{address}: {what}"));
        if detail.key.is_none() || view.size == 0 {
            return said("has not formed a cluster yet");
        }
        if detail.key != first.view.detail.key {
            return said("does not agree with the others on who is in yet");
        }
        if !detail.integrity {
            return said("cluster_integrity is not true");
        }
        if !detail.is_member {
            return said("cluster_is_member is not true");
        }
        // Members that agree share one list, which is compared once.
        if read.insert((Arc::as_ptr(&view.peers), view.size))
            && let Some(missing) = mistaken(situation, ours, view)
        {
            return said(&missing);
        }
    }
    None
}

/// What is wrong with the list of peers in this view.
fn mistaken(
    situation: &Situation<'_, Detail>,
    ours: &[Node<'_>],
    view: &View<Detail>,
) -> Option<String> {
    let absent = ours.iter().find(|node| !lists(view, &node.view.node));
    if let Some(node) = absent {
        return Some(format!("does not list {} yet", node.address()));
    }
    let known: HashSet<&str> = ours.iter().map(|node| node.view.node.as_str()).collect();
    let mut listed = 0;
    for peer in view.alive() {
        listed += 1;
        let standing = peer
            .address
            .and_then(|address| situation.roster.at(address));
        if !known.contains(peer.node.as_str())
            && standing.is_none_or(|member| {
                !matches!(member.standing(), Standing::Wanted | Standing::Leaving)
            })
        {
            let place = peer
                .address
                .map_or("?".into(), |address| address.to_string());
            return Some(format!("has a peer that no witness wants: {place}"));
        }
    }
    (listed != view.size).then(|| {
        let size = view.size;
        format!("counts {size} nodes and lists {listed}")
    })
}
