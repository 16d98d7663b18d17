//! How many members there should be, where no witness says so in this pass: as many
//! as were wished for, or were one cluster, when that was seen last. It only ever
//! delays the word that all is well.

use std::collections::BTreeSet;

use crate::stance::Stance;
use crate::{Acknowledged, History, Place, Situation, Unity};

/// So many members are enough, says an operator who knows how many there are.
pub(crate) fn heed<D>(order: &Acknowledged, situation: &Situation<'_, D>, history: &mut History) {
    let wanted: BTreeSet<Place> = situation.wanted().map(|member| member.address).collect();
    history.together.retain(|address| wanted.contains(address));
    history.wished = order.members;
}

/// What is missing of the members that were there; none when nobody is.
///
/// Whoever asked to leave, or was let go, is not missed, nor is one whom an operator
/// knows to be gone, or who volunteers again and was taken out of the cluster. Whoever merely vanished is, until the task list says otherwise.
pub(crate) fn missed<D>(situation: &Situation<'_, D>, history: &mut History) -> Option<String> {
    let wanted: BTreeSet<Place> = situation.wanted().map(|member| member.address).collect();
    let spares: BTreeSet<Place> = situation.spares().map(|member| member.address).collect();
    let census = situation.roster.census();
    if let Some(desired) = situation.desired().filter(|_| census.lists_tasks()) {
        history.wished = desired.saturating_sub(spares.len());
        // What is wished for now is for the others to say.
        history.together.retain(|address| wanted.contains(address));
        return None;
    }
    let left = |at: &Place| history.stance(*at).is_some_and(Stance::has_left);
    let gone: Vec<Place> = (history.together.iter().copied())
        .filter(|at| !wanted.contains(at) && (left(at) || spares.contains(at)))
        .collect();
    for address in gone {
        history.excuse(address);
    }
    let need = history.wished.max(history.together.len());
    let have = wanted.len();
    (have < need).then(|| {
        format!("{have} of {need} members are there, and no witness says that fewer are wished for")
    })
}

/// Notes who is one cluster with whom.
pub(crate) fn note<D>(unity: &Unity, situation: &Situation<'_, D>, history: &mut History) {
    if unity.is_one() {
        history.was_one = true;
        let together = situation.wanted_views();
        history.together = together.map(|(member, _)| member.address).collect();
        history.wished = history.wished.max(history.together.len());
    }
}

impl History {
    /// What outlives that another worker has acted: how many there should be. It only
    /// delays the word that all is well, as everything here does.
    pub(crate) fn of_how_many(mut self) -> History {
        let gone: Vec<Place> = (self.together.iter().copied())
            .filter(|at| self.stance(*at).is_some_and(Stance::has_left))
            .collect();
        for address in gone {
            self.excuse(address);
        }
        History {
            wished: self.wished,
            together: self.together,
            ..History::default()
        }
    }

    /// Nobody misses the member that was at this address any more.
    pub(crate) fn excuse(&mut self, address: Place) {
        if self.together.remove(&address) {
            self.wished = self.wished.saturating_sub(1);
        }
    }
}
