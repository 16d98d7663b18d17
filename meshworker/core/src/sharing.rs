//! Members that share a swarm node, and what its death would cost.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::{Member, MemberId, Roster, Standing};

/// A swarm node on which more than one wanted member runs.
///
/// After the loss of a node Swarm starts its members elsewhere and never moves
/// them back: two here, one there and none on the third is how it stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedNode {
    /// The node, as the members or the task list name it.
    pub node: String,
    /// The members on it, in the order of their ids.
    pub members: Vec<MemberId>,
    /// How many wanted members there are in all.
    pub of: usize,
    /// Which part of the data has all its copies on this node, from 0 to 1, where
    /// the database spreads them evenly over its members.
    pub at_stake: f64,
}

/// The nodes that members share, in a cluster that keeps so many copies of each
/// record, the first one included. Members whose node no witness names are counted
/// as being elsewhere.
pub fn shared_nodes(roster: &Roster, copies: usize) -> Vec<SharedNode> {
    let wanted = roster.members().iter();
    let wanted: Vec<&Member> = wanted
        .filter(|member| member.standing() == Standing::Wanted)
        .collect();
    let mut nodes: BTreeMap<&str, Vec<MemberId>> = BTreeMap::new();
    for member in &wanted {
        if let Some(node) = member.node.as_deref() {
            nodes.entry(node).or_default().push(member.id.clone());
        }
    }
    let shared = nodes.into_iter().filter(|(_, members)| members.len() > 1);
    let shared = shared.map(|(node, members)| SharedNode {
        node: node.to_owned(),
        at_stake: all_copies_within(members.len(), wanted.len(), copies.max(1)),
        members,
        of: wanted.len(),
    });
    shared.collect()
}

/// How likely it is that all `copies` of a record, on different ones of `all`
/// members, are on these `some`.
fn all_copies_within(some: usize, all: usize, copies: usize) -> f64 {
    if copies > all {
        // As many are kept as there are members.
        return if some == all { 1.0 } else { 0.0 };
    }
    let factors = (0..copies).map(|n| some.saturating_sub(n) as f64 / (all - n) as f64);
    factors.product()
}

impl fmt::Display for SharedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<String> = self.members.iter().map(MemberId::to_string).collect();
        let (here, of) = (members.len(), self.of);
        write!(
            f,
            "{here} of {of} members run on node {}: {}",
            self.node,
            members.join(", ")
        )?;
        if self.at_stake > 0.0 {
            let percent = (self.at_stake * 100.0).round().max(1.0);
            write!(f, "; its death costs about {percent} % of the data")?;
        }
        match self.members.first() {
            Some(MemberId::Slot { service, .. }) => write!(
                f,
                "; `docker service update --force {service}` spreads them again"
            ),
            Some(MemberId::Address(_)) | None => Ok(()),
        }
    }
}
