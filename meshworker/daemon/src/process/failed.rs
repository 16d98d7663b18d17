//! How a command ended, other than well.

use crate::config::Invalid;
use crate::gossip;
use crate::group;

/// How a command ended, other than well.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The input cannot be used; one line that says why.
    #[error("{0}")]
    Input(String),
    /// The goal was not reached; one line that says what is missing.
    #[error("{0}")]
    Goal(String),
}

impl From<Invalid> for Failed {
    fn from(why: Invalid) -> Failed {
        Failed::input(why)
    }
}

impl From<group::Unusable> for Failed {
    fn from(why: group::Unusable) -> Failed {
        match why {
            group::Unusable::Token(_) | group::Unusable::Workers(_) => Failed::input(why),
            _ => Failed::Goal(why.to_string()),
        }
    }
}

impl From<gossip::Unusable> for Failed {
    fn from(why: gossip::Unusable) -> Failed {
        match why {
            gossip::Unusable::Listen(..) => Failed::Goal(why.to_string()),
            _ => Failed::input(why),
        }
    }
}

impl Failed {
    /// Input that cannot be used.
    pub fn input(error: impl std::fmt::Display) -> Failed {
        Failed::Input(error.to_string())
    }

    /// What the process is to exit with.
    pub fn exit_code(&self) -> u8 {
        match self {
            // A flag, a file, a label.
            Failed::Input(_) => 2,
            Failed::Goal(_) => 1,
        }
    }
}
