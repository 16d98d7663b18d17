//! Which cluster name is the one that is looked after.

use std::collections::BTreeMap;

use meshworker_core::{Evidence, Reason, Refusal, View};

use super::detail::Detail;
use super::nodes::Node;

/// How Aerospike writes that no name is set.
const NO_NAME: &str = "null";

/// The cluster name, or why there is none. No name at all is a name, too: such
/// nodes join each other and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a>(Option<&'a str>);

impl<'a> Name<'a> {
    /// The configured name; without one, the name that more than half of the
    /// nodes give.
    ///
    /// # Errors
    ///
    /// No name has a majority: it may be that of another service, whose nodes
    /// are listed by mistake. A refusal for each node, since nobody can tell
    /// who is right.
    pub fn settle(
        configured: Option<&'a str>,
        nodes: &[Node<'a>],
    ) -> Result<Name<'a>, Vec<Refusal>> {
        if configured.is_some() {
            return Ok(Name(configured));
        }
        let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for node in nodes {
            *counts.entry(node.view.cluster_name.as_deref()).or_default() += 1;
        }
        if nodes.is_empty() {
            return Ok(Name(None));
        }
        let most = counts.iter().find(|(_, count)| **count * 2 > nodes.len());
        if let Some((name, _)) = most {
            return Ok(Name(*name));
        }
        let refusals = nodes.iter().map(|node| {
            let own = node.view.cluster_name.as_deref();
            let others = counts.keys().filter(|name| **name != own);
            let others: Vec<&str> = others.map(|name| name.unwrap_or(NO_NAME)).collect();
            refusal(
                format!("join {}, unless cluster-name says whom", node.address()),
                &others.join("' or '"),
                node,
            )
        });
        Err(refusals.collect())
    }

    /// Whether the node with this view carries the name.
    pub fn is_of(self, view: &View<Detail>) -> bool {
        view.cluster_name.as_deref() == self.0
    }

    /// Why a node of another name is left alone.
    pub fn refuse(self, node: &Node<'_>) -> Refusal {
        let what = format!("join {}", node.address());
        refusal(what, self.0.unwrap_or(NO_NAME), node)
    }
}

fn refusal(what: String, expected: &str, node: &Node<'_>) -> Refusal {
    let found = node.view.cluster_name.as_deref().unwrap_or(NO_NAME);
    Refusal {
        what,
        reason: Reason::WrongCluster {
            expected: expected.to_owned(),
            found: found.to_owned(),
        },
        evidence: vec![Evidence::view(
            &node.view.node,
            format!("cluster-name={found}"),
        )],
    }
}
