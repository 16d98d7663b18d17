//! Community or Enterprise, and what differs between them.

use std::fmt;
use std::str::FromStr;

/// Which edition of the server a node pretends to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Edition {
    /// At most eight nodes, no quiesce.
    #[default]
    Community,
    /// As many nodes as wanted, can be quiesced.
    Enterprise,
}

impl Edition {
    /// The most nodes that one cluster of this edition may have.
    #[must_use]
    pub fn max_cluster_size(self) -> usize {
        match self {
            Self::Community => 8,
            // The real limit is lower; benches want more nodes than anybody runs.
            Self::Enterprise => usize::MAX,
        }
    }

    /// The value that the info command `edition` returns.
    #[must_use]
    pub fn long_name(self) -> &'static str {
        match self {
            Self::Community => "Aerospike Community Edition",
            Self::Enterprise => "Aerospike Enterprise Edition",
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Community => "community",
            Self::Enterprise => "enterprise",
        })
    }
}

impl FromStr for Edition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "community" => Ok(Self::Community),
            "enterprise" => Ok(Self::Enterprise),
            other => Err(format!(
                "edition '{other}': expected 'community' or 'enterprise'"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_match() {
        for edition in [Edition::Community, Edition::Enterprise] {
            assert_eq!(edition.to_string().parse(), Ok(edition));
        }
        assert!("federal".parse::<Edition>().is_err());
    }
}
