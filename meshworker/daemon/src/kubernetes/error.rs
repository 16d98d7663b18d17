//! Why the API gave no answer.

use meshworker_core::{Grade, Told};

/// An API's message may be as long as its answer; people read a line of it. In bytes.
const LONGEST_MESSAGE: usize = 300;

/// Why the API gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesError {
    /// The service account cannot be used: which file, and why.
    #[error("{0}")]
    Account(String),
    /// The API could not be reached: where, and why. Worth another try later.
    #[error("{0}")]
    Unreachable(String),
    /// The API said no.
    #[error("the API of Kubernetes said no ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first line of the API's words.
        message: String,
    },
    /// No answer in time.
    #[error("the API of Kubernetes gave no answer in time")]
    Timeout,
    /// The API answered in a form that is not understood: how.
    #[error("the API of Kubernetes gave an answer that is not understood: {0}")]
    Answer(String),
    /// The answer was longer than any would be.
    #[error("the API of Kubernetes gave an answer that is longer than {0} bytes")]
    TooLong(usize),
}

impl KubernetesError {
    /// The API's no, in the first line of its message.
    ///
    /// Source: Kubernetes, API reference, `Status`.
    pub(crate) fn refused(status: u16, body: &[u8]) -> KubernetesError {
        #[derive(serde::Deserialize)]
        struct Status {
            message: String,
        }
        let said = match serde_json::from_slice(body) {
            Ok(Status { message }) => message,
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        let line = said.trim().lines().next().unwrap_or_default();
        KubernetesError::Refused {
            status,
            message: Told::<LONGEST_MESSAGE>::from(line).into_string(),
        }
    }

    /// An answer in another form than it should have.
    pub(super) fn odd(why: &serde_json::Error) -> KubernetesError {
        let why = Told::<LONGEST_MESSAGE>::from(why.to_string());
        KubernetesError::Answer(why.into_string())
    }

    /// Whether the API itself says that the request is not to be, and not somebody before it
    /// that it cannot be reached.
    pub(super) fn is_a_no(&self) -> bool {
        matches!(
            self,
            KubernetesError::Refused {
                status: 400..500,
                ..
            }
        )
    }

    /// Whether this account may not do that: a right is missing.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, KubernetesError::Refused { status: 403, .. })
    }

    /// Whether there is no such thing.
    pub fn is_unknown(&self) -> bool {
        matches!(self, KubernetesError::Refused { status: 404, .. })
    }

    /// Whether a version is too old to go on from: everything is to be listed anew.
    pub(crate) fn is_too_old(&self) -> bool {
        matches!(self, KubernetesError::Refused { status: 410, .. })
    }

    /// Whether only a human can help, so that nothing is to be waited for.
    pub fn is_final(&self) -> bool {
        self.is_forbidden() || self.is_unknown() || matches!(self, KubernetesError::Account(_))
    }

    /// As a grade: a time-out, or a failure in words.
    pub(crate) fn grade(&self) -> Grade {
        match self {
            KubernetesError::Timeout => Grade::Timeout,
            other => Grade::Failed(other.to_string()),
        }
    }
}
