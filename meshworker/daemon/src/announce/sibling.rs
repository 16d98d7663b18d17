//! Where the members of one service are, as a worker tells each of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::{Answer, MemberId, Place, Presence, Roster, Witness};
use serde::{Deserialize, Serialize};

/// One member of a service: for databases whose members know each other by name, and for
/// those that wait and lead clients to those that run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sibling {
    /// The replica's number.
    pub slot: u64,
    /// Where it is.
    pub address: IpAddr,
    /// Whether its database answered when it was asked last, and was at rest.
    pub serves: bool,
}

impl Sibling {
    /// The members of each service, as this pass saw them: of two of one slot the one that
    /// answers, or else the one that is not on its way out.
    pub fn of<D>(
        roster: &Roster,
        answers: &BTreeMap<Place, Answer<D>>,
    ) -> BTreeMap<String, Vec<Sibling>> {
        let mut found: BTreeMap<(String, u64), ((bool, bool), Sibling)> = BTreeMap::new();
        for member in roster.members() {
            let MemberId::Slot { service, slot } = &member.id else {
                continue;
            };
            let answer = answers.get(&member.address);
            let sibling = Sibling {
                slot: *slot,
                address: member.address.address,
                serves: matches!(answer, Some(Ok(view)) if view.working.is_none()),
            };
            let said = member.seen.get(&Witness::Announce);
            let goes = said.is_some_and(Presence::is_going);
            let rank = (matches!(answer, Some(Ok(_))), !goes);
            let key = (service.clone(), *slot);
            if found.get(&key).is_none_or(|(other, _)| *other < rank) {
                found.insert(key, (rank, sibling));
            }
        }
        let mut services: BTreeMap<String, Vec<Sibling>> = BTreeMap::new();
        for ((service, _), (_, sibling)) in found {
            services.entry(service).or_default().push(sibling);
        }
        services
    }
}

#[cfg(test)]
mod tests {
    use meshworker_core::{Report, Sighting, Unanswered, View};

    use super::*;

    #[test]
    fn each_slot_is_told_once_where_it_answers_and_whether_it_serves() {
        let at = |last: u8| Place::from([10, 0, 1, last]);
        let seen = |slot, last| Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot,
            }),
            ..Sighting::at(at(last))
        };
        let view = |working: Option<&str>| View {
            node: "n".into(),
            cluster_name: None,
            role: None,
            size: 1,
            peers: [].into(),
            working: working.map(Into::into),
            holdings: Default::default(),
            detail: (),
        };
        let announced = Report {
            // Slot 2 moves: its old place does not answer any more.
            sightings: vec![
                seen(1, 1),
                seen(2, 2),
                seen(2, 7),
                seen(3, 3),
                Sighting {
                    presence: Presence::Ended,
                    ..seen(4, 4)
                },
                seen(4, 5),
            ],
            ..Report::addresses(Witness::Announce, [])
        };
        let roster = Roster::merge(&[announced], &[].into());
        let answers = BTreeMap::from([
            (at(1), Ok(view(None))),
            (at(2), Ok(view(None))),
            (at(7), Err(Unanswered::Timeout)),
            (at(3), Ok(view(Some("a learner")))),
        ]);
        let told = Sibling::of(&roster, &answers).remove("db").unwrap();
        let told = told
            .iter()
            .map(|one| (one.slot, Place::from(one.address), one.serves));
        let expected = [
            (1, at(1), true),
            (2, at(2), true),
            (3, at(3), false),
            (4, at(5), false),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
