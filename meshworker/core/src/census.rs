//! What all reports of a pass say together of how many there are, and who could tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::{MemberId, Presence, Report, Witness};

/// What all reports of a pass say together of how many members there are meant to be, and
/// which witnesses could tell everything that they know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// The witnesses that spoke, and whether all that they said was complete.
    complete: BTreeMap<Witness, bool>,
    desired: Option<usize>,
    present: usize,
    /// The numbers that tasks which are there have, in each service of which any is listed.
    numbers: BTreeMap<String, BTreeSet<u64>>,
    /// Who is to be there and has no address yet.
    coming: BTreeSet<MemberId>,
}

impl Census {
    /// What these reports say.
    pub fn of(reports: &[Report]) -> Census {
        let mut complete = BTreeMap::new();
        let heard = reports.iter();
        for report in heard.filter(|r| r.is_task_list() || !r.witness.is_task_list()) {
            let all = complete.entry(report.witness).or_insert(true);
            *all &= report.grade.is_complete();
        }
        // One list that does not say how many it should have leaves the whole unknown.
        let wishes = reports.iter();
        let wishes = wishes.filter(|r| r.is_task_list() || r.desired.is_some());
        let wishes: Vec<Option<usize>> = wishes.map(|report| report.desired).collect();
        let desired = wishes.iter().copied().sum::<Option<usize>>();
        let lists = reports.iter().filter(|r| r.is_task_list());
        let mut present = 0;
        let mut numbers: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        let tasks = lists.flat_map(|report| {
            let coming = report.coming.iter().map(|member| (Some(member), true));
            let seen = report.sightings.iter();
            let seen = seen.map(|task| (task.member.as_ref(), task.presence == Presence::Present));
            seen.chain(coming)
        });
        for (member, is_there) in tasks {
            present += usize::from(is_there);
            if let Some(MemberId::Slot { service, slot }) = member {
                let taken = numbers.entry(service.clone()).or_default();
                taken.extend(Some(*slot).filter(|_| is_there));
            }
        }
        Census {
            complete,
            desired: desired.filter(|_| !wishes.is_empty()),
            present,
            numbers,
            coming: reports.iter().flat_map(|r| r.coming.clone()).collect(),
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

    /// Whether a task list spoke, and said all that it knows.
    pub fn lists_tasks(&self) -> bool {
        let lists = self.complete.iter();
        let mut lists = lists
            .filter(|(witness, _)| witness.is_task_list())
            .peekable();
        lists.peek().is_some() && lists.all(|(_, complete)| *complete)
    }

    /// How many members there are meant to be, in all services together; none where no
    /// witness knows.
    pub fn desired(&self) -> Option<usize> {
        self.desired
    }

    /// How many members the task list says are there; none where it does not say all.
    pub(crate) fn present(&self) -> Option<usize> {
        self.lists_tasks().then_some(self.present)
    }

    /// How many places are to be filled again, by the task list's word: more are wished for
    /// than are there. None where nobody can tell.
    pub(crate) fn to_fill(&self) -> Option<usize> {
        Some(self.desired?.saturating_sub(self.present()?))
    }

    /// Whether this member's place is one of those: its list says so, or, since Swarm gives
    /// the lowest numbers from 1 that no task of the service has, it follows. Of several
    /// services nobody can tell which of them has a place to fill.
    pub fn is_to_fill(&self, member: &MemberId) -> Option<bool> {
        let to_fill = self.to_fill()?;
        if self.coming.contains(member) {
            return Some(true);
        }
        if to_fill == 0 {
            return Some(false);
        }
        let MemberId::Slot { service, slot } = member else {
            return None;
        };
        let taken = self
            .numbers
            .get(service)
            .filter(|_| self.numbers.len() == 1)?;
        let lower = taken.range(..slot).count();
        let free = usize::try_from(*slot).ok()?.saturating_sub(lower);
        Some(!taken.contains(slot) && (1..=to_fill).contains(&free))
    }
}
