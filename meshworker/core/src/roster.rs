//! Who is there, as all witnesses together see it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{Census, Evidence, Member, MemberId, Place, Presence, Report, Standing, Witness};

/// So many members at the most that nobody but the database names: its members may
/// list whomever somebody introduced to them.
const MOST_UNLISTED: usize = 1024;

/// All members that any witness named in this pass, sorted by id and address.
///
/// One slot can stand here twice while its replica moves: once at the address
/// that it leaves, once at the new one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Roster {
    members: Vec<Member>,
    #[serde(skip)]
    by_address: BTreeMap<Place, usize>,
    #[serde(skip)]
    census: Census,
}

impl Roster {
    /// Merges what the discovery witnesses reported with the addresses that
    /// the database's members hold to be alive.
    ///
    /// Sightings of one address are one member. Whom a complete report does
    /// not list is absent to it; whom an incomplete one does not list, unknown.
    pub fn merge(reports: &[Report], alive: &BTreeSet<Place>) -> Roster {
        let mut found: BTreeMap<Place, Member> = BTreeMap::new();
        let lists = reports.iter().filter(|r| r.is_task_list());
        let listed: BTreeSet<&MemberId> = lists
            .flat_map(|report| &report.sightings)
            .filter_map(|sighting| sighting.member.as_ref())
            .collect();
        let tasks: BTreeMap<Place, &String> = reports
            .iter()
            .filter(|report| report.is_task_list())
            .flat_map(|report| &report.sightings)
            .filter(|sighting| sighting.presence == Presence::Present)
            .filter_map(|sighting| Some((sighting.address, sighting.task.as_ref()?)))
            .collect();
        // Where a list names an address alone, and members there say at which ports they
        // are, it speaks of those.
        let said = reports.iter().filter(|r| !r.lists_everybody());
        let said: BTreeSet<Place> = said
            .flat_map(|report| &report.sightings)
            .map(|sighting| sighting.address)
            .collect();
        for report in reports {
            for sighting in &report.sightings {
                // The last words of whoever had the address before.
                let task = sighting.task.as_ref().zip(tasks.get(&sighting.address));
                if sighting.presence.is_going() && task.is_some_and(|(own, now)| own != *now) {
                    continue;
                }
                let bare = sighting.address;
                if report.lists_everybody() && bare.port.is_none() {
                    let there = said.range(bare..);
                    let there = there.take_while(|at| at.address == bare.address);
                    let others: Vec<&Place> = there.filter(|at| **at != bare).collect();
                    for at in &others {
                        let member = found.entry(**at).or_insert_with(|| unknown(**at));
                        let presence = sighting.presence.clone();
                        member.seen.insert(report.witness, presence);
                        member.part = member.part.take().or_else(|| sighting.part.clone());
                    }
                    if !others.is_empty() && !said.contains(&bare) {
                        continue;
                    }
                }
                let member = found
                    .entry(sighting.address)
                    .or_insert_with(|| unknown(sighting.address));
                let named = matches!(member.id, MemberId::Slot { .. });
                if let Some(id) = &sighting.member
                    && (report.is_task_list() || !named && !listed.contains(id))
                {
                    member.id = id.clone();
                }
                member.node = member.node.take().or_else(|| sighting.node.clone());
                // A list may still name the task that had the address before.
                if report.witness == Witness::Announce || member.task.is_none() {
                    member.task = sighting.task.clone().or(member.task.take());
                }
                if member.node == sighting.node {
                    let name = member.node_name.take();
                    let told = sighting.node_name.clone();
                    member.node_name = name.or_else(|| told.filter(|name| !name.is_empty()));
                }
                member
                    .seen
                    .insert(report.witness, sighting.presence.clone());
                member.disk = member.disk.take().or_else(|| sighting.disk.clone());
                member.known_as = member.known_as.or(sighting.known_as);
                member.part = member.part.take().or_else(|| sighting.part.clone());
            }
        }
        let only_alive = alive.iter().filter(|at| !found.contains_key(*at));
        let beyond: BTreeSet<Place> = only_alive.skip(MOST_UNLISTED).copied().collect();
        for address in alive.difference(&beyond) {
            found
                .entry(*address)
                .or_insert_with(|| unknown(*address))
                .seen
                .insert(Witness::Database, Presence::Present);
        }
        for member in found.values_mut() {
            for report in reports.iter().filter(|r| r.lists_everybody()) {
                member
                    .seen
                    .entry(report.witness)
                    .or_insert_with(|| unlisted(report));
            }
        }
        Roster::of(found.into_values().collect(), Census::of(reports))
    }

    fn of(mut members: Vec<Member>, census: Census) -> Roster {
        members.sort_by(|a, b| (&a.id, a.address).cmp(&(&b.id, b.address)));
        let by_address = members
            .iter()
            .enumerate()
            .map(|(position, member)| (member.address, position))
            .collect();
        Roster {
            members,
            by_address,
            census,
        }
    }

    /// The same, without whoever is at these addresses.
    pub fn without(&self, strangers: &BTreeSet<Place>) -> Roster {
        let members = self.members.iter();
        let members = members.filter(|member| !strangers.contains(&member.address));
        Roster::of(members.cloned().collect(), self.census.clone())
    }

    /// The same, in which an operator has ordered these members to leave, each at its
    /// address, unless a witness knows somebody else to be there.
    pub fn ordered_away(mut self, leave: &BTreeMap<Place, MemberId>) -> Roster {
        for member in &mut self.members {
            let ordered = leave.get(&member.address);
            let named = matches!(member.id, MemberId::Slot { .. });
            member.ordered = ordered.is_some_and(|id| !named || *id == member.id);
        }
        self
    }

    /// The same, in which the only one that comes back stays until all others have gone, who
    /// do not: what they hold has nowhere else to go. Its successor must say that it waits.
    pub(crate) fn with_a_last_one(mut self) -> Roster {
        let wanted = self.members.iter();
        let mut wanted = wanted.filter(|member| member.standing() == Standing::Wanted);
        let (Some(next), None, Some(1)) = (wanted.next(), wanted.next(), self.census.desired())
        else {
            return self;
        };
        let waits = next.seen.get(&Witness::Announce) == Some(&Presence::Waiting);
        let id = next.id.clone();
        let goes = |member: &Member| member.is_going() && member.is_patient();
        let mut others = self.members.iter();
        if waits && others.any(|other| goes(other) && other.id != id) {
            for member in &mut self.members {
                member.last = goes(member) && member.id == id;
            }
        }
        self
    }

    /// All members, sorted by id and address.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many there are meant to be, and who could tell.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The member at this address.
    pub fn at(&self, address: Place) -> Option<&Member> {
        self.by_address
            .get(&address)
            .and_then(|position| self.members.get(*position))
    }

    /// Whoever has this member's slot at another address, and is meant to stay.
    pub(crate) fn successor(&self, member: &Member) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|other| {
            matches!(member.id, MemberId::Slot { .. })
                && other.id == member.id
                && other.address != member.address
                && other.standing() == Standing::Wanted
        })
    }

    /// What each witness says of the member at this address.
    pub(crate) fn sightings(&self, address: Place) -> Vec<Evidence> {
        let Some(member) = self.at(address) else {
            return Vec::new();
        };
        let seen = member.seen.iter();
        seen.map(|(witness, presence)| Evidence::Sighting {
            witness: *witness,
            member: member.id.clone(),
            presence: presence.clone(),
        })
        .collect()
    }
}

fn unknown(address: Place) -> Member {
    Member {
        id: MemberId::Address(address),
        address,
        node: None,
        node_name: None,
        task: None,
        part: None,
        seen: BTreeMap::new(),
        disk: None,
        known_as: None,
        ordered: false,
        last: false,
    }
}

/// What a report says of a member that it does not list.
pub(crate) fn unlisted(report: &Report) -> Presence {
    if report.grade.is_complete() {
        Presence::Absent
    } else {
        Presence::Unknown(report.grade.clone())
    }
}
