//! Which node lives at an address.

use std::fmt;

use meshworker_core::View;
use serde::Serialize;

use super::detail::Detail;
use super::info::Value;
use super::view::no_name;

/// The questions whose answers tell who a node is.
pub(super) const WHO: [&str; 2] = ["node", "cluster-name"];

/// Who a node is: what it must still be when it is told something. The id alone
/// does not tell, since it is made of the network card's address, which Docker
/// makes of the IP address: whoever gets that next has the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Its id.
    pub node: String,
    /// The name of its cluster, if it has one.
    pub cluster_name: Option<String>,
}

impl Identity {
    /// Who the node with this view is.
    pub(super) fn of(view: &View<Detail>) -> Identity {
        Identity {
            node: view.node.clone(),
            cluster_name: view.cluster_name.clone(),
        }
    }

    /// Who it is by these answers to [`WHO`]; none when one of them is missing.
    pub(super) fn said(answers: &[Value<'_>]) -> Option<Identity> {
        match answers {
            [Value::Data(node), Value::Data(name)] => Some(Identity {
                node: (*node).to_owned(),
                cluster_name: (!no_name(name)).then(|| (*name).to_owned()),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster_name {
            Some(name) => write!(f, "{} of cluster '{name}'", self.node),
            None => write!(f, "{} of no named cluster", self.node),
        }
    }
}
