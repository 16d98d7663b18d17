//! One check, as data: its name, what it looks at, and the function.

use super::finding::Finding;

/// What came of a check: findings, perhaps none, or why it could not be made.
pub type Outcome = Result<Vec<Finding>, String>;

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
