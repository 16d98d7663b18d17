//! One check, as data: its name, what it looks at, and the function.

use super::finding::Finding;

/// What came of a check: findings, perhaps none, or why it was not made.
pub type Outcome = Result<Vec<Finding>, Unmade>;

/// Why a check was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmade {
    /// There is nothing of the kind that it looks at, and why that is so.
    Nothing(String),
    /// What it takes is not known here: why not, and what to add so that it is.
    Unknown(String),
}

impl From<String> for Unmade {
    fn from(why: String) -> Unmade {
        Unmade::Unknown(why)
    }
}

impl From<&str> for Unmade {
    fn from(why: &str) -> Unmade {
        Unmade::Unknown(why.to_owned())
    }
}

/// A check of what it is given.
#[derive(Debug)]
pub struct Check<Given> {
    /// Its name, in lower case with hyphens.
    pub name: &'static str,
    /// What it finds, for the table of the documentation.
    pub finds: &'static str,
    /// Looks, and changes nothing.
    pub run: fn(&Given) -> Outcome,
}
