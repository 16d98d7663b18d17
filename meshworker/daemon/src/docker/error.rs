//! Why the engine gave no answer.

use std::error::Error;

use meshworker_core::{Grade, Told};

/// Why the engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// The address of the engine cannot be used; only a human can help.
    #[error("{host}: {why}")]
    Endpoint {
        /// The address as it was given.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// This process may not speak to the engine, and waiting does not help: the
    /// place, and the remedy.
    #[error("{0}")]
    Denied(String),
    /// Nothing is where the engine should listen: where that is, and the remedy.
    #[error("{0}")]
    Absent(String),
    /// The engine could not be reached: where, and why. Worth another try later.
    #[error("{0}")]
    Unreachable(String),
    /// The engine said no.
    #[error("the Docker API said no ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first line of the engine's words.
        message: String,
    },
    /// No answer in time.
    #[error("the Docker API gave no answer in time")]
    Timeout,
    /// The engine answered in a form that is not understood.
    #[error("the Docker API's answer is not understood")]
    Answer(#[from] serde_json::Error),
    /// There is no replicated service of this name.
    #[error("there is no replicated service {0}")]
    NotReplicated(String),
    /// The answer was longer than any swarm's would be.
    #[error("the Docker API's answer is longer than {0} bytes")]
    TooLong(usize),
}

impl DockerError {
    /// As a grade: a time-out, or a failure with all its causes in words.
    pub(crate) fn grade(&self) -> Grade {
        if let DockerError::Timeout = self {
            return Grade::Timeout;
        }
        Grade::Failed(self.words())
    }

    /// Whether only a human can help, so that nothing is to be waited for.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            DockerError::Endpoint { .. } | DockerError::Denied(_) | DockerError::NotReplicated(_)
        )
    }

    /// Whether asking again would say the same: only a human can help, or this engine is no
    /// manager of a swarm, or refuses to say.
    pub fn is_lasting(&self) -> bool {
        let refused = match self {
            DockerError::Refused { status, message } => {
                *status < 500 || message.contains("not a swarm manager")
            }
            _ => false,
        };
        refused || self.is_final()
    }

    /// Whether whoever waits for a change waits in vain: besides what is lasting, nothing
    /// listens. That somebody else has changed the service meanwhile is over in a moment.
    pub fn is_in_vain(&self) -> bool {
        match self {
            DockerError::Absent(_) => true,
            DockerError::Refused { message, .. } if message.contains("out of sequence") => false,
            _ => self.is_lasting(),
        }
    }

    /// What went wrong, with all its causes, some of which are the engine's words.
    pub fn words(&self) -> String {
        let mut words = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // Some causes repeat the one below them.
            if !words.ends_with(&next) {
                words = format!("{words}: {next}");
            }
            cause = error.source();
        }
        Told::<1000>::from(words).into_string()
    }
}
