//! Names that labels take: few, and known beforehand.

use meshworker_core::{StepKind, Witness};

use crate::status::Severity;

/// Every [`Grade::kind`](meshworker_core::Grade::kind).
pub const GRADES: [&str; 8] = [
    "answer",
    "empty",
    "nxdomain",
    "servfail",
    "refused",
    "timeout",
    "truncated",
    "failed",
];

/// Every kind of step.
pub const STEP_KINDS: [StepKind; 5] = [
    StepKind::Join,
    StepKind::Arrange,
    StepKind::Leave,
    StepKind::Forget,
    StepKind::Succeed,
];

/// A witness's name.
pub fn witness(witness: Witness) -> &'static str {
    match witness {
        Witness::Dns => "dns",
        Witness::Announce => "announce",
        Witness::Docker => "docker",
        Witness::Kubernetes => "kubernetes",
        Witness::Database => "database",
    }
}

/// A severity's name.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use meshworker_core::Grade;

    use super::*;

    #[test]
    fn what_a_source_says_is_no_label() {
        let words = ["no route to host", "connection reset by 10.0.0.7"];
        for text in words {
            assert_eq!(Grade::Failed(text.into()).kind(), "failed");
        }
        let all = [
            Grade::Answer,
            Grade::Empty,
            Grade::NxDomain,
            Grade::ServFail,
            Grade::Refused,
            Grade::Timeout,
            Grade::Truncated,
            Grade::Failed(String::new()),
        ];
        assert_eq!(all.map(|one| one.kind()), GRADES);
    }
}
