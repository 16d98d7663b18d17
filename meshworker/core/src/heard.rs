//! What other vantage points reached.

use std::collections::BTreeMap;

use crate::Place;

/// Whether others than this worker reached a node lately: other workers, the supervisors of
/// its fellows. It tells a node that is dead from one that only this worker cannot reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard(BTreeMap<Place, BTreeMap<String, bool>>);

impl Heard {
    /// Nobody said anything.
    pub const fn nothing() -> Heard {
        Heard(BTreeMap::new())
    }

    /// Notes whether this vantage point, named for people, reached the node at an address.
    pub fn note(&mut self, by: impl Into<String>, at: Place, reached: bool) {
        self.0.entry(at).or_default().insert(by.into(), reached);
    }

    /// Who reached the node at this address, and who tried and did not.
    pub fn of(&self, at: Place) -> impl Iterator<Item = (&str, bool)> {
        let said = self.0.get(&at).into_iter().flatten();
        said.map(|(by, reached)| (by.as_str(), *reached))
    }
}
