//! The one error type of the lab: each variant names what was tried, what was seen and, where known, what to do.

use std::path::PathBuf;
use std::time::Duration;

/// Why something in the lab did not work.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A program ran and did not succeed.
    #[error("`{command}` ended with {status}: {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended (exit code or signal).
        status: String,
        /// The end of what it wrote to stderr (or to stdout when stderr was empty).
        stderr: String,
    },
    /// A program could not be started at all.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A program did not end in time and was killed.
    #[error("`{command}` did not end within {deadline:?} and was killed")]
    Slow {
        /// The command line.
        command: String,
        /// How long it was given.
        deadline: Duration,
    },
    /// A file or directory could not be read, written or removed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was to be done with it.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Programs are missing and cannot be installed from here.
    #[error("missing on this machine: {missing}. {advice}")]
    Missing {
        /// Each program with the package that has it.
        missing: String,
        /// What the user can do.
        advice: String,
    },
    /// A condition did not become true in time.
    #[error("waited {waited:.1?} for {what}; last seen: {last}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What the last look showed.
        last: String,
    },
    /// An engine ended while it was waited for.
    #[error("the engine of node {node} ended; its log ends with:\n{log}")]
    EngineEnded {
        /// The node's number, from 1; 0 for the engine that builds images.
        node: usize,
        /// The last lines of its log.
        log: String,
    },
    /// A program answered something that this crate does not understand.
    #[error("unexpected answer to `{question}`: {answer}")]
    Unexpected {
        /// What was asked.
        question: String,
        /// What came back.
        answer: String,
    },
    /// A request that this lab cannot serve, such as a node that does not exist or is switched off.
    #[error("{0}")]
    Invalid(String),
    /// The process was told to end, and the lab is being cleaned up.
    #[error("interrupted: the lab is being cleaned up")]
    Interrupted,
}

impl LabError {
    /// For `map_err` on file operations.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// The error and its causes on one line, as the edge of a program prints it.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}
