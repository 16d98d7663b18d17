//! The members that answered, as nodes of the database.

use std::collections::HashSet;

use meshworker_core::{Evidence, Member, Place, Situation, View};

use super::detail::Detail;

/// A member that answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// Who it is.
    pub member: &'a Member,
    /// What it sees.
    pub view: &'a View<Detail>,
}

impl<'a> Node<'a> {
    /// All that are wanted, in the order of the members' ids; one that is wanted under
    /// two addresses is listed once.
    pub fn all(situation: &Situation<'a, Detail>) -> Vec<Node<'a>> {
        distinct(situation.wanted_views())
    }

    /// The same of the members that are meant to go.
    pub fn leaving(situation: &Situation<'a, Detail>) -> Vec<Node<'a>> {
        distinct(situation.leaving_views())
    }

    /// Where it is asked.
    pub fn address(&self) -> Place {
        self.member.address
    }

    /// What it says of its cluster.
    pub fn says(&self) -> Evidence {
        let detail = &self.view.detail;
        let key = detail.key.map_or("0".into(), |key| key.to_string());
        let size = self.view.size;
        Evidence::view(
            &self.view.node,
            format!("cluster_size={size};cluster_key={key}"),
        )
    }
}

fn distinct<'a>(views: impl Iterator<Item = (&'a Member, &'a View<Detail>)>) -> Vec<Node<'a>> {
    let mut ids = HashSet::new();
    views
        .filter(|(_, view)| ids.insert(view.node.as_str()))
        .map(|(member, view)| Node { member, view })
        .collect()
}

/// Whether the node with this view holds the node `id` to be alive.
pub(super) fn lists(view: &View<Detail>, id: &str) -> bool {
    let found = view
        .peers
        .binary_search_by(|peer| peer.node.as_str().cmp(id));
    let found = found.ok().and_then(|position| view.peers.get(position));
    found.is_some_and(|peer| peer.alive)
}
