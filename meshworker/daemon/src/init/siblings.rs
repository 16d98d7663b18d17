//! The members of this service, as a worker said last.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::course::Round;
use crate::announce::Sibling;

/// The members of this service, as a worker said last; nobody while none has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Siblings(Vec<Sibling>);

impl Siblings {
    /// Those of this round: as the worker says that acts for its group, or whoever of the
    /// others knows most; none where nobody knows anybody.
    pub(super) fn of(round: &Round) -> Option<Siblings> {
        let answers = round.answers.iter().map(|(_, answer)| answer);
        let knows = answers.filter(|answer| !answer.siblings.is_empty());
        let best = knows.max_by_key(|answer| (answer.fence, answer.siblings.len()))?;
        Some(Siblings(best.siblings.clone()))
    }

    /// Where each slot is.
    pub(super) fn addresses(&self) -> BTreeMap<u64, IpAddr> {
        let each = self.0.iter().map(|one| (one.slot, one.address));
        each.collect()
    }

    /// Where clients are served, other than here.
    pub(super) fn serving(&self, own: IpAddr) -> Vec<IpAddr> {
        let serving = self.0.iter().filter(|one| one.serves && one.address != own);
        serving.map(|one| one.address).collect()
    }
}

#[cfg(test)]
impl Siblings {
    /// These.
    pub(super) fn all(all: Vec<Sibling>) -> Siblings {
        Siblings(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announce::Answer;

    fn answer(fence: Option<u64>, slots: &[u64]) -> Answer {
        let sibling = |slot: &u64| Sibling {
            slot: *slot,
            address: IpAddr::from([10, 0, 1, *slot as u8]),
            serves: *slot != 2,
        };
        Answer {
            generation: 1,
            in_place: true,
            cluster: "one cluster".into(),
            verdict: None,
            tell: None,
            siblings: slots.iter().map(sibling).collect(),
            fence,
            mark: None,
        }
    }

    #[test]
    fn the_worker_that_acts_says_who_there_is() {
        let of = |answers: Vec<Answer>| {
            let worker = "10.0.0.1:4747".parse().unwrap();
            Siblings::of(&Round {
                answers: answers.into_iter().map(|said| (worker, said)).collect(),
                failures: Vec::new(),
            })
        };
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![answer(Some(7), &[])]), None);
        let old = answer(None, &[1, 2, 3, 4]);
        let said = of(vec![old.clone(), answer(Some(7), &[1, 2, 3]), old]).unwrap();
        assert_eq!(said.addresses().into_keys().collect::<Vec<_>>(), [1, 2, 3]);
        // Not to itself, and not to who is not ready.
        let own = IpAddr::from([10, 0, 1, 3]);
        assert_eq!(said.serving(own), [IpAddr::from([10, 0, 1, 1])]);
    }
}
