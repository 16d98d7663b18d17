//! Where the members of one service are, as a worker tells each of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::{Answer, MemberId, Place, Presence, Roster, View, Witness};
use serde::{Deserialize, Serialize};

/// One member of a service: for databases whose members know each other by name, and for
/// those that wait and lead clients to those that run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sibling {
    /// The number by which the others know it: the replica's, unless its data came from
    /// another slot.
    pub slot: u64,
    /// Where it is.
    pub address: IpAddr,
    /// Whether its database answered when it was asked last, and serves clients.
    pub serves: bool,
}

impl Sibling {
    /// The members of each service, as this pass saw them: of two of one slot the one that
    /// answers, or else the one whose data is called so, or that is not on its way out.
    pub fn of<D>(
        roster: &Roster,
        answers: &BTreeMap<Place, Answer<D>>,
    ) -> BTreeMap<String, Vec<Sibling>> {
        let mut found: BTreeMap<(String, u64), ([bool; 3], Sibling)> = BTreeMap::new();
        for member in roster.members() {
            let MemberId::Slot { service, slot } = &member.id else {
                continue;
            };
            let answer = answers.get(&member.address);
            let serves = |view: &View<D>| match view.role {
                Some(role) => role.serves,
                None => view.working.is_none(),
            };
            let number = member.known_as.unwrap_or(*slot);
            let sibling = Sibling {
                slot: number,
                address: member.address.address,
                serves: matches!(answer, Some(Ok(view)) if serves(view)),
            };
            let said = member.seen.get(&Witness::Announce);
            let goes = said.is_some_and(Presence::is_going);
            let answers = matches!(answer, Some(Ok(_)));
            let rank = [answers, member.known_as.is_some(), !goes];
            let key = (service.clone(), number);
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
    use meshworker_core::{Report, Role, Sighting, Unanswered};

    use super::*;

    fn at(last: u8) -> Place {
        Place::from([10, 0, 1, last])
    }

    fn seen(slot: u64, last: u8) -> Sighting {
        Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot,
            }),
            ..Sighting::at(at(last))
        }
    }

    fn view(working: Option<&str>) -> View<()> {
        View {
            node: "n".into(),
            cluster_name: None,
            role: None,
            size: 1,
            peers: [].into(),
            working: working.map(Into::into),
            holdings: Default::default(),
            detail: (),
        }
    }

    #[test]
    fn each_slot_is_told_once_where_it_answers_and_whether_it_serves() {
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

    /// While members had just met, spares led nobody anywhere.
    #[test]
    fn who_has_a_role_serves_by_it_whatever_it_works_at() {
        let announced = Report {
            sightings: vec![seen(1, 1), seen(2, 2), seen(3, 3)],
            ..Report::addresses(Witness::Announce, [])
        };
        let roster = Roster::merge(&[announced], &[].into());
        let plays = |role, working: Option<&str>| View {
            role: Some(role),
            ..view(working)
        };
        let answers = BTreeMap::from([
            (at(1), Ok(plays(Role::primary("leader"), Some("for 2 s")))),
            (at(2), Ok(plays(Role::of("follower"), None))),
            (at(3), Ok(plays(Role::idle("learner"), None))),
        ]);
        let told = Sibling::of(&roster, &answers).remove("db").unwrap();
        let serves: Vec<bool> = told.iter().map(|one| one.serves).collect();
        assert_eq!(serves, [true, true, false]);
    }

    /// Each had the other's data, and was told to look for itself.
    #[test]
    fn who_has_another_slots_data_is_found_under_its_name() {
        let known_as = |slot, last, number| Sighting {
            known_as: Some(number),
            ..seen(slot, last)
        };
        let announced = Report {
            // Slot 4 is empty, and called so in vain.
            sightings: vec![
                known_as(1, 1, 2),
                known_as(2, 2, 1),
                seen(3, 3),
                seen(4, 4),
                known_as(5, 5, 4),
            ],
            ..Report::addresses(Witness::Announce, [])
        };
        let roster = Roster::merge(&[announced], &[].into());
        let told = Sibling::of::<()>(&roster, &[].into()).remove("db").unwrap();
        let told: Vec<_> = told.iter().map(|one| (one.slot, one.address)).collect();
        let expected = [(1, 2), (2, 1), (3, 3), (4, 5)];
        let expected = expected.map(|(number, last): (u64, u8)| (number, at(last).address));
        assert_eq!(told, expected);
    }
}
