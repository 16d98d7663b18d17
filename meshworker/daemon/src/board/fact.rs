//! Something that happened, before it has a number and a time.

use meshworker_core::Evidence;
use tracing::{info, warn};

use crate::status::{Event, EventKind, Severity};

/// Something that happened to a cluster, before it has a number and a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What kind of fact.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// The member that it is about, where it is about one.
    pub member: Option<String>,
    /// A name for what changed, without numbers.
    pub reason: Option<String>,
    /// The fact in one line, for people.
    pub text: String,
    /// What it rests on.
    pub evidence: Vec<String>,
}

impl Fact {
    /// A fact in the course of things.
    pub fn new(kind: EventKind, text: impl Into<String>) -> Fact {
        Fact {
            kind,
            severity: Severity::Info,
            member: None,
            reason: None,
            text: text.into(),
            evidence: Vec::new(),
        }
    }

    /// The same, with a number and a time.
    pub(super) fn event(self, id: u64, time: String, cluster: &str) -> Event {
        Event {
            id,
            time,
            cluster: cluster.to_owned(),
            kind: self.kind,
            severity: self.severity,
            member: self.member,
            reason: self.reason,
            text: self.text,
            evidence: self.evidence,
        }
    }

    /// Writes it to the log.
    pub fn log(&self, cluster: &str) {
        let Fact {
            kind,
            severity,
            member,
            reason,
            text,
            evidence,
        } = self;
        let kind = kind.name();
        let member = member.as_deref();
        let reason = reason.as_deref();
        let evidence = (!evidence.is_empty()).then(|| evidence.join("; "));
        match severity {
            Severity::Info => info!(cluster, kind, reason, member, evidence, "{text}"),
            Severity::Warning => warn!(cluster, kind, reason, member, evidence, "{text}"),
        }
    }

    /// The same, about this member.
    pub fn about(self, member: impl ToString) -> Fact {
        Fact {
            member: Some(member.to_string()),
            ..self
        }
    }

    /// The same, for this reason.
    pub fn because(self, reason: impl ToString) -> Fact {
        Fact {
            reason: Some(reason.to_string()),
            ..self
        }
    }

    /// The same, resting on this.
    pub fn on(self, evidence: &[Evidence]) -> Fact {
        Fact {
            evidence: evidence.iter().map(ToString::to_string).collect(),
            ..self
        }
    }

    /// The same, and an operator should look.
    pub fn warning(self) -> Fact {
        Fact {
            severity: Severity::Warning,
            ..self
        }
    }
}
