//! Why a worker did not do as it was asked.

use meshworker_core::Told;

use super::worker::DEADLINE;

/// Why one worker did not answer as wished.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Nobody answered, or what did is no worker: another one may.
    #[error("{worker}: {why}")]
    Unheard {
        /// Which one.
        worker: String,
        /// Why, for people.
        why: String,
    },
    /// The worker's own words.
    #[error("{error}")]
    Refused {
        /// Which one.
        worker: String,
        /// The HTTP status.
        status: u16,
        /// The reason, for people.
        error: String,
    },
    /// No worker answered: what each said.
    #[error("no worker answers: {}", .0.join("; "))]
    Nobody(Vec<String>),
    /// Workers answer, and none of them acts: why.
    #[error("nobody acts: {0}")]
    NobodyActs(String),
    /// A token cannot be used: which flag's, and why.
    #[error("{0}")]
    Token(String),
}

impl Unanswered {
    /// Whether what was asked for cannot be, so that the input is to be changed.
    pub fn is_input(&self) -> bool {
        match self {
            Unanswered::Refused { status, .. } => matches!(status, 400 | 404 | 405 | 413 | 415),
            Unanswered::Token(_) => true,
            Unanswered::Unheard { .. } | Unanswered::Nobody(_) | Unanswered::NobodyActs(_) => false,
        }
    }

    /// Whether another worker may do what this one did not.
    pub(super) fn another_may(&self) -> bool {
        match self {
            Unanswered::Unheard { .. } => true,
            // It has not looked yet.
            Unanswered::Refused { status, .. } => *status == 503,
            Unanswered::Nobody(_) | Unanswered::NobodyActs(_) | Unanswered::Token(_) => false,
        }
    }
}

/// The innermost reason of a failed request, in a line.
pub(super) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", DEADLINE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    one_line(&cause.to_string())
}

/// Whatever a stranger says, fit for one line of a terminal.
pub(super) fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    Told::<600>::from(line).into_string()
}
