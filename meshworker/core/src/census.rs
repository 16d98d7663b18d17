//! What all reports of a pass say together of how many there are, and who could tell.

use std::collections::BTreeMap;

use crate::{Presence, Report, Witness};

/// What all reports of a pass say together of how many members there are meant to be, and
/// which witnesses could tell everything that they know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// The witnesses that spoke, and whether all that they said was complete.
    complete: BTreeMap<Witness, bool>,
    desired: Option<usize>,
    present: usize,
}

impl Census {
    /// What these reports say.
    pub fn of(reports: &[Report]) -> Census {
        let mut complete = BTreeMap::new();
        for report in reports {
            let all = complete.entry(report.witness).or_insert(true);
            *all &= report.grade.is_complete();
        }
        // One list that does not say how many it should have leaves the whole unknown.
        let wishes = reports.iter();
        let wishes = wishes.filter(|r| r.witness.knows_the_wish() || r.desired.is_some());
        let wishes: Vec<Option<usize>> = wishes.map(|report| report.desired).collect();
        let desired = wishes.iter().copied().sum::<Option<usize>>();
        let lists = reports.iter().filter(|r| r.witness.knows_the_wish());
        let tasks = lists.flat_map(|report| &report.sightings);
        Census {
            complete,
            desired: desired.filter(|_| !wishes.is_empty()),
            present: tasks.filter(|t| t.presence == Presence::Present).count(),
        }
    }

    /// Whether this witness said anything, if only that it could not tell.
    pub fn speaks(&self, witness: Witness) -> bool {
        self.complete.contains_key(&witness)
    }

    /// Whether this witness said all that it knows.
    pub fn is_complete(&self, witness: Witness) -> bool {
        self.complete.get(&witness) == Some(&true)
    }

    /// How many members there are meant to be, in all services together; none where no
    /// witness knows.
    pub fn desired(&self) -> Option<usize> {
        self.desired
    }

    /// How many members the task list says are there; none where it does not say all.
    pub(crate) fn present(&self) -> Option<usize> {
        self.is_complete(Witness::Docker).then_some(self.present)
    }

    /// How many places are to be filled again, by the task list's word: more are wished for
    /// than are there. None where nobody can tell.
    pub(crate) fn to_fill(&self) -> Option<usize> {
        Some(self.desired?.saturating_sub(self.present()?))
    }
}
