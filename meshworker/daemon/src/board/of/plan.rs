//! What was planned, done and refused.

use meshworker_core::{Evidence, Refusal};

use crate::board::Look;
use crate::status::{PlanStatus, RefusalStatus};

/// What was planned, done and refused.
pub fn status(look: &Look) -> PlanStatus {
    PlanStatus {
        steps: look.steps.clone(),
        refusals: look.refusals.iter().map(|r| refusal(r, look)).collect(),
    }
}

/// A refusal, with the members that it concerns.
pub fn refusal(refusal: &Refusal, look: &Look) -> RefusalStatus {
    let members = look.roster.members().iter();
    let concerned = members.filter(|member| {
        let node = look.head(member.address).map(|head| head.node.as_str());
        names(refusal, &member.address.to_string())
            || names(refusal, &member.id.to_string())
            || node.is_some_and(|node| names(refusal, node))
    });
    RefusalStatus {
        what: refusal.what.clone(),
        kind: refusal.reason.kind().into_owned(),
        reason: refusal.reason.to_string(),
        evidence: refusal.evidence.iter().map(ToString::to_string).collect(),
        members: concerned.map(|member| member.id.to_string()).collect(),
    }
}

/// Whether a refusal is about whoever has this name, address or node id.
pub fn names(refusal: &Refusal, name: &str) -> bool {
    let words = refusal.what.split([' ', ',', '(', ')']);
    let mut words = words.map(|word| word.trim_end_matches(':'));
    words.any(|word| word == name)
        || refusal.evidence.iter().any(|evidence| match evidence {
            Evidence::Sighting { member, .. } => member.to_string() == name,
            Evidence::View { .. } => false,
        })
}
