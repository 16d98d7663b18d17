//! What a check found: what is so, why it hurts, what to write instead.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not work, or loses data.
    Error,
    /// It works until something happens.
    Warning,
    /// Worth a look; may well be meant so.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        })
    }
}

/// A line of a stack file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name, as `docs/doctor.md` lists it.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Whom it is about, such as `service redis`.
    pub subject: String,
    /// What is so.
    pub what: String,
    /// Why it hurts.
    pub why: String,
    /// The lines to write instead, or what to do.
    pub instead: String,
    /// The stack file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
    /// The line in it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl Finding {
    /// Something that is so with this subject. The check's name is put in by
    /// whoever runs it.
    pub fn new(severity: Severity, subject: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding {
            check: "",
            severity,
            subject: subject.into(),
            what: what.into(),
            why: String::new(),
            instead: String::new(),
            file: None,
            line: None,
        }
    }

    /// Why it hurts.
    pub fn why(mut self, why: impl Into<String>) -> Finding {
        self.why = why.into();
        self
    }

    /// What to write instead.
    pub fn instead(mut self, instead: impl Into<String>) -> Finding {
        self.instead = instead.into();
        self
    }

    /// Where it is written.
    pub fn at(mut self, place: Option<&Place>) -> Finding {
        self.file = place.map(|place| Arc::clone(&place.file));
        self.line = place.map(|place| place.line);
        self
    }
}
