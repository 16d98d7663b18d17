//! Why the engine gave no answer.

use std::error::Error;

use meshworker_core::Grade;

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
    /// The engine could not be reached, or said no. Worth another try later.
    #[error("the Docker API gave no answer")]
    Api(#[from] bollard::errors::Error),
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
    pub(super) fn grade(&self) -> Grade {
        if let DockerError::Api(bollard::errors::Error::RequestTimeoutError) = self {
            return Grade::Timeout;
        }
        Grade::Failed(self.words())
    }

    /// What went wrong, with all its causes.
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
        words
    }
}
