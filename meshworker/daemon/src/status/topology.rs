//! Who copies from whom.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClusterStatus, MemberStatus, RefusalStatus};

/// Who copies from whom in a cluster, as the last pass found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topology {
    /// The one member to which everything is written; none where not one is it.
    pub primary: Option<String>,
    /// All members: the primary first, and each before those that copy from it.
    pub members: Vec<Placed>,
}

/// A member, and where it is in the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Placed {
    /// How many members are above it.
    pub depth: usize,
    /// The member.
    pub member: MemberStatus,
    /// What is not done for it, and why: what it has and nobody else is named there.
    pub refusals: Vec<RefusalStatus>,
}

impl Topology {
    /// Who copies from whom, as each says itself. Those that copy from each other in a circle
    /// are below nobody.
    pub fn of(status: &ClusterStatus) -> Topology {
        let members = &status.members;
        let mut tree = Tree {
            status,
            grown: BTreeSet::new(),
            members: Vec::new(),
        };
        let follows = |member: &&MemberStatus| leader(members, member).is_some();
        let (followers, roots): (Vec<_>, Vec<_>) = members.iter().partition(follows);
        let primary =
            |member: &&MemberStatus| member.view.as_ref().is_some_and(|view| view.primary);
        let (primaries, others): (Vec<_>, Vec<_>) = roots.into_iter().partition(primary);
        for member in primaries.into_iter().chain(others).chain(followers) {
            tree.grow(member, 0);
        }
        Topology {
            primary: status.primary().ok().map(|primary| primary.id.clone()),
            members: tree.members,
        }
    }
}

struct Tree<'a> {
    status: &'a ClusterStatus,
    grown: BTreeSet<(&'a str, &'a str)>,
    members: Vec<Placed>,
}

impl<'a> Tree<'a> {
    fn grow(&mut self, member: &'a MemberStatus, depth: usize) {
        // While a slot moves two have one name.
        if !self.grown.insert((&member.id, &member.address)) {
            return;
        }
        let refusals = self.status.plan.refusals.iter();
        let refusals = refusals.filter(|refusal| refusal.members.contains(&member.id));
        self.members.push(Placed {
            depth,
            member: member.clone(),
            refusals: refusals.cloned().collect(),
        });
        let members = &self.status.members;
        for one in members {
            if leader(members, one).is_some_and(|leader| leader.id == member.id) {
                self.grow(one, depth + 1);
            }
        }
    }
}

/// Whom it copies from, if that is another member.
fn leader<'a>(members: &'a [MemberStatus], member: &MemberStatus) -> Option<&'a MemberStatus> {
    let follows = member.view.as_ref()?.follows.as_ref()?;
    let mut members = members.iter();
    members.find(|one| one.id == *follows && one.id != member.id)
}
