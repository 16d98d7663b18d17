//! Data that is nowhere any more, as far as anybody can tell.

use std::fmt;

use serde::Serialize;

use crate::{Evidence, MemberId, Presence, Reason, Refusal, Witness};

/// Data of which all copies were on members that went without being let go, before
/// they were made anew. The database itself does not tell: those who are left know
/// nothing of what they never had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// Counted up: which loss an operator has acknowledged.
    pub number: u64,
    /// What is lost, in the operator's words.
    pub what: String,
    /// Who had it: each member, and its node's id in the database.
    pub members: Vec<(MemberId, String)>,
    /// Whether they are not expected to be back any moment: it is told.
    pub told: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why())
    }
}

impl Loss {
    /// Why it is lost.
    fn why(&self) -> String {
        let members = self.members.iter();
        let members: Vec<String> = members.map(|(member, _)| member.to_string()).collect();
        format!(
            "{} went without being let go, before anybody else had a copy; lost, unless they \
             come back with their data",
            members.join(" and ")
        )
    }

    /// What people are told of it, once it is told.
    pub(crate) fn remark(&self) -> Option<Refusal> {
        let members = self.members.iter();
        let members = members.map(|(member, _)| Evidence::Sighting {
            witness: Witness::Database,
            member: member.clone(),
            presence: Presence::Absent,
        });
        self.told.then(|| Refusal {
            what: format!("keep {}", self.what),
            reason: Reason::DataLost(self.why()),
            evidence: members.collect(),
        })
    }
}
