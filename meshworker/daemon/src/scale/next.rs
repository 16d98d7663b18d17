//! Whose turn it is, from the task list alone. Pure.

use std::collections::BTreeMap;

use meshworker_core::{MemberId, Presence, Report, Sighting, Witness};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    Done,
    /// The service is to have so many replicas.
    Set(u64),
    /// The workers are to let this member go.
    Ask(Sighting),
    /// Nothing yet, for this reason.
    Wait(String),
}

/// The next step from `replicas` to `goal`.
///
/// Swarm takes the slots without a running task first, then one of the node
/// that has most of them, and which one of those it does not say: so the
/// highest of them is asked for. Kubernetes takes the highest number, whether it runs or not.
pub fn next(goal: u64, replicas: u64, report: &Report) -> Next {
    if replicas < goal {
        return Next::Set(goal);
    }
    if let Some(wait) = unclear(report) {
        return wait;
    }
    if replicas == goal {
        return Next::Done;
    }
    let runs = |victim: &Sighting| match report.witness {
        Witness::Kubernetes => report
            .coming
            .iter()
            .all(|other| Some(other) < victim.member.as_ref()),
        _ => slots(report).len() as u64 >= replicas,
    };
    match candidates(report).last() {
        Some(victim) if runs(victim) => Next::Ask((*victim).clone()),
        _ => Next::Set(replicas - 1),
    }
}

/// The next step until this member is gone. A number of replicas means that
/// this very member would be taken, once it may go.
pub fn next_for(member: &MemberId, replicas: u64, report: &Report) -> Next {
    let present = slots(report);
    let there = present
        .iter()
        .find(|(_, s)| s.member.as_ref() == Some(member));
    let Some((_, victim)) = there else {
        return unclear(report).unwrap_or(Next::Done);
    };
    if let Some(wait) = unclear(report) {
        return wait;
    }
    let candidates = candidates(report);
    let only = candidates.len() == 1 && candidates.first() == Some(victim);
    if only && present.len() as u64 == replicas && replicas > 0 {
        return Next::Set(replicas - 1);
    }
    Next::Ask((*victim).clone())
}

/// The members of which one is taken, in the order of their slots: with Swarm those of the
/// node that has most of them, with Kubernetes the last one.
fn candidates(report: &Report) -> Vec<&Sighting> {
    let mut present = slots(report);
    if report.witness == Witness::Kubernetes {
        return present.pop().map(|(_, last)| last).into_iter().collect();
    }
    let mut per_node: BTreeMap<&Option<String>, usize> = BTreeMap::new();
    for (_, sighting) in &present {
        *per_node.entry(&sighting.node).or_default() += 1;
    }
    let most = per_node.values().max().copied().unwrap_or(0);
    let crowded = |sighting: &&Sighting| per_node.get(&sighting.node) == Some(&most);
    let members = present.into_iter().map(|(_, sighting)| sighting);
    members.filter(crowded).collect()
}

/// Why the task list says nothing now.
fn unclear(report: &Report) -> Option<Next> {
    use meshworker_core::Grade;
    if !matches!(report.grade, Grade::Answer | Grade::Empty) {
        return Some(Next::Wait(format!("the task list: {}", report.grade)));
    }
    let mut leaving = report.sightings.iter();
    let leaving = leaving.find(|s| s.presence == Presence::Leaving)?;
    let who = match &leaving.member {
        Some(member) => member.to_string(),
        None => leaving.address.to_string(),
    };
    Some(Next::Wait(format!("{who} stops first")))
}

/// The members that are there, by their slots.
fn slots(report: &Report) -> Vec<(u64, &Sighting)> {
    let present = report.sightings.iter();
    let mut present: Vec<(u64, &Sighting)> = present
        .filter(|sighting| sighting.presence == Presence::Present)
        .filter_map(|sighting| match sighting.member {
            Some(MemberId::Slot { slot, .. }) => Some((slot, sighting)),
            _ => None,
        })
        .collect();
    present.sort_by_key(|(slot, sighting)| (*slot, sighting.address));
    present
}

#[cfg(test)]
mod tests {
    use meshworker_core::Grade;

    use super::*;

    fn member(slot: u64) -> MemberId {
        MemberId::Slot {
            service: "db".into(),
            slot,
        }
    }

    fn at(slot: u64, presence: Presence) -> Sighting {
        Sighting {
            member: Some(member(slot)),
            presence,
            ..Sighting::at([10, 0, 0, slot as u8].into())
        }
    }

    fn list(sightings: Vec<Sighting>) -> Report {
        Report {
            grade: Grade::Answer,
            sightings,
            ..Report::addresses(Witness::Docker, [])
        }
    }

    fn there(slots: &[u64]) -> Report {
        list(
            slots
                .iter()
                .map(|slot| at(*slot, Presence::Present))
                .collect(),
        )
    }

    /// These slots, on these nodes.
    fn on(places: &[(u64, &str)]) -> Report {
        let sightings = places.iter().map(|(slot, node)| Sighting {
            node: Some((*node).into()),
            ..at(*slot, Presence::Present)
        });
        list(sightings.collect())
    }

    fn asked(next: Next) -> Option<MemberId> {
        match next {
            Next::Ask(victim) => victim.member,
            _ => None,
        }
    }

    #[test]
    fn the_highest_slot_of_the_fullest_node_is_asked_for() {
        let report = on(&[(2, "a"), (10, "b"), (1, "b"), (9, "c")]);
        assert_eq!(asked(next(3, 4, &report)), Some(member(10)));
        let report = on(&[(2, "a"), (10, "b"), (1, "a"), (9, "c")]);
        assert_eq!(asked(next(3, 4, &report)), Some(member(2)));
    }

    #[test]
    fn of_a_statefulset_the_last_one_goes_whoever_is_missing() {
        let pods = |slots: &[u64], coming: &[u64]| Report {
            witness: Witness::Kubernetes,
            coming: coming.iter().copied().map(member).collect(),
            ..on(&slots.iter().map(|slot| (*slot, "a")).collect::<Vec<_>>())
        };
        assert_eq!(
            asked(next(2, 4, &pods(&[0, 1, 2, 3], &[]))),
            Some(member(3))
        );
        assert_eq!(asked(next(2, 4, &pods(&[0, 2, 3], &[1]))), Some(member(3)));
        assert_eq!(next(2, 4, &pods(&[0, 1, 2], &[3])), Next::Set(3));
        assert_eq!(
            next_for(&member(3), 4, &pods(&[0, 1, 2, 3], &[])),
            Next::Set(3)
        );
        let other = next_for(&member(0), 4, &pods(&[0, 1, 2, 3], &[]));
        assert_eq!(asked(other), Some(member(0)));
    }

    #[test]
    fn a_slot_without_a_task_goes_first_and_holds_nothing() {
        assert_eq!(next(3, 5, &there(&[1, 2, 3, 4])), Next::Set(4));
    }

    #[test]
    fn growing_asks_nobody() {
        assert_eq!(next(6, 3, &there(&[1, 2, 3])), Next::Set(6));
    }

    #[test]
    fn one_after_another_and_not_by_an_unclear_list() {
        let mut report = there(&[1, 2, 3, 4]);
        report.sightings.push(at(5, Presence::Leaving));
        assert_eq!(next(3, 4, &report), Next::Wait("db.5 stops first".into()));
        assert_eq!(next(4, 4, &report), Next::Wait("db.5 stops first".into()));
        let unknown = Report::unknown(Witness::Docker, Grade::Timeout);
        assert_eq!(
            next(3, 4, &unknown),
            Next::Wait("the task list: time-out".into())
        );
        assert_eq!(next(4, 4, &there(&[1, 2, 3, 4])), Next::Done);
    }

    #[test]
    fn a_drained_member_shrinks_the_service_only_if_swarm_would_take_just_it() {
        let report = on(&[(1, "a")]);
        assert_eq!(next_for(&member(1), 1, &report), Next::Set(0));
        // One of three nodes with one each, or of one node with two: who knows?
        for places in [
            [(1, "a"), (2, "b"), (3, "c")],
            [(1, "a"), (2, "b"), (3, "b")],
        ] {
            let report = on(&places);
            let asked = asked(next_for(&member(3), 3, &report));
            assert_eq!(asked, Some(member(3)));
        }
        assert_eq!(next_for(&member(7), 1, &report), Next::Done);
    }
}
