//! What operators wish for while a cluster runs.

use std::collections::BTreeMap;

/// Options of an engine that an operator changes while the cluster runs, by their names:
/// an ideal size, a preferred place. An engine reads those that it knows, and lets others be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes(BTreeMap<String, String>);

impl Wishes {
    /// Nothing is wished for.
    pub const fn none() -> Wishes {
        Wishes(BTreeMap::new())
    }

    /// The same, with this wish in place of an earlier one of its name.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Wishes {
        self.0.insert(name.into(), value.into());
        self
    }

    /// What is wished for under this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same as a number; none where it is none.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }
}
