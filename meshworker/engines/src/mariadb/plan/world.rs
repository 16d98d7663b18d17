//! What the members say together.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{
    Disk, Holds, Member, MemberId, Place, Situation, Standing, Step, StepKind, View,
};

use super::Rules;
use crate::mariadb::detail::{Connection, Detail, Roll};
use crate::mariadb::disk::UNMARKED;
use crate::mariadb::fence::PRIMARY;
use crate::mariadb::gtid::Position;
use crate::mariadb::request::{Act, MariadbRequest};

/// So many transactions a successor may be behind: it is there in a fraction of a second.
const CLOSE: u64 = 1000;

/// What the members say together, in this very pass.
pub struct World<'a> {
    /// Those that answer and belong here, by their server ids.
    pub nodes: BTreeMap<u32, Node<'a>>,
    /// Those that wait to be started, with what is on their disks, by their slots.
    pub waiting: BTreeMap<u32, (&'a Member, &'a Disk)>,
    /// The highest term in which anybody was opened, by anybody's word; 0 before the first.
    pub term: u64,
    /// Whose cluster it is: by whoever was told to be anything in the highest term.
    pub cluster: Option<String>,
    /// Who may acknowledge writes, by the latest word of anybody.
    pub roll: Option<&'a Roll>,
    /// Which member an operator would have be the primary.
    pub wished: Option<u32>,
}

/// A member that answers.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// Its server id, which is its slot.
    pub server: u32,
    /// Who it is.
    pub member: &'a Member,
    /// What it says.
    pub detail: &'a Detail,
}

impl<'a> World<'a> {
    /// What they say.
    ///
    /// # Errors
    ///
    /// Why nothing may be changed: two say that they are the same.
    pub fn of(rules: &Rules, situation: &Situation<'a, Detail>) -> Result<World<'a>, String> {
        let mut nodes: BTreeMap<u32, Node<'a>> = BTreeMap::new();
        for (member, view) in situation.wanted_views().chain(situation.leaving_views()) {
            let node = Node::of(member, view)?;
            if let Some(before) = nodes.insert(node.server, node) {
                return Err(format!(
                    "{} and {} both answer as server {}: give each slot its own server id",
                    before.member.id, member.id, node.server
                ));
            }
        }
        let waiting = situation.spares().filter_map(|member| {
            let disk = member.disk.as_deref()?;
            Some((slot(member)?, (member, disk)))
        });
        let waiting: BTreeMap<_, _> = waiting.collect();
        let mut terms: Vec<(u64, String)> = nodes
            .values()
            .map(|node| node.detail.mark())
            .map(|mark| (mark.term, mark.cluster))
            .collect();
        terms.extend(waiting.values().filter_map(|(_, disk)| on_disk(disk)));
        terms.retain(|(term, cluster)| *term > 0 && !cluster.is_empty());
        let highest = terms.iter().max().cloned();
        let rolls = nodes.values().filter_map(|node| node.detail.roll.as_ref());
        Ok(World {
            term: highest.as_ref().map_or(0, |(term, _)| *term),
            cluster: highest.map(|(_, cluster)| cluster),
            wished: (situation.wishes.number(crate::mariadb::WISH))
                .or(rules.primary)
                .and_then(|slot| u32::try_from(slot).ok()),
            roll: rolls.max_by_key(|roll| (roll.term, roll.number)),
            nodes,
            waiting,
        })
    }

    /// The one that takes writes in the highest term.
    pub fn primary(&self) -> Option<&Node<'a>> {
        self.nodes
            .values()
            .find(|node| node.detail.is_open() && node.detail.mark().opened() == Some(self.term))
    }

    /// Whoever was opened in the highest term, and answers, whether or not it takes writes.
    pub fn last_primary(&self) -> Option<&Node<'a>> {
        let opened = |node: &&Node<'a>| node.detail.mark().opened() == Some(self.term);
        self.nodes.values().find(opened).filter(|_| self.term > 0)
    }

    /// The same, if it waits to be started: its supervisor says that it does not run.
    pub fn last_primary_on_disk(&self) -> Option<(u32, &'a Member)> {
        let mut waiting = self.waiting.iter();
        let opened = |disk: &Disk| role(disk).is_some_and(|role| role == (PRIMARY, self.term));
        let (server, (member, _)) = waiting.find(|(_, (_, disk))| opened(disk))?;
        Some((*server, *member))
    }

    /// Those that take writes under a lower term: whoever writes there is not acknowledged.
    pub fn stale(&self) -> impl Iterator<Item = &Node<'a>> {
        let stale = |node: &&Node<'a>| {
            node.detail.is_open() && node.detail.mark().opened() < Some(self.term)
        };
        self.nodes.values().filter(stale)
    }

    /// Those whose data is another cluster's.
    pub fn foreign(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.values().filter(|node| {
            let cluster = node.detail.mark().cluster;
            !cluster.is_empty() && self.cluster.as_ref() != Some(&cluster)
        })
    }

    /// The highest term that anybody has promised, and whether all who promised it did so to
    /// this holder.
    pub fn promised(&self, holder: &str) -> (u64, bool) {
        let marks = || self.nodes.values().map(|node| node.detail.mark());
        let highest = marks().map(|mark| mark.promised).max().unwrap_or(0);
        let ours = marks()
            .filter(|mark| mark.promised == highest)
            .all(|mark| mark.holder == holder);
        (highest, ours)
    }

    /// The term in which the next primary is opened.
    pub fn next_term(&self, holder: &str) -> u64 {
        match self.promised(holder) {
            (promised, true) if promised > self.term => promised,
            (promised, _) => promised.max(self.term).saturating_add(1),
        }
    }

    /// What has a server promise this term, and stop receiving.
    pub fn seal(&self, node: &Node<'_>, holder: &str) -> Step<MariadbRequest> {
        let (promised, ours) = self.promised(holder);
        let seal = Act::Seal {
            term: self.next_term(holder),
            holder: holder.to_owned(),
            contested: promised > self.term && !ours,
        };
        super::ask(node, seal, StepKind::Succeed)
    }

    /// The servers that may have acknowledged a write, besides the primary itself.
    pub fn ackers(&self) -> Option<BTreeSet<u32>> {
        self.roll.map(|roll| roll.ackers.iter().copied().collect())
    }
}

impl<'a> Node<'a> {
    fn of(member: &'a Member, view: &'a View<Detail>) -> Result<Node<'a>, String> {
        let server = view.node.parse().ok();
        let server = server.filter(|server| *server > 0).ok_or_else(|| {
            format!(
                "{}: found server id {}; allowed: 1 and more",
                member.id, view.node
            )
        })?;
        if slot(member).is_some_and(|slot| slot != server) {
            return Err(format!(
                "{}: found server id {server}; allowed: the number of its slot",
                member.id
            ));
        }
        Ok(Node {
            server,
            member,
            detail: &view.detail,
        })
    }

    /// Where it is.
    pub fn at(&self) -> Place {
        self.member.address
    }

    /// Whether it applies what it has received, and is nearly where `position` is.
    pub fn is_close_to(&self, position: &Position) -> bool {
        let source = self.detail.source.as_ref();
        let behind = (position.distance()).saturating_sub(self.detail.current.distance());
        source.is_some_and(|source| source.applies) && behind <= CLOSE
    }

    /// Why it may not be the primary.
    pub fn unfit(&self) -> Option<&'a str> {
        self.detail.faults.first().map(String::as_str)
    }

    /// Whether it is to stay.
    pub fn stays(&self) -> bool {
        self.member.standing() == Standing::Wanted
    }

    /// Whether it has promised this term to this holder, and receives nothing.
    pub fn is_sealed(&self, term: u64, holder: &str) -> bool {
        let mark = self.detail.mark();
        let source = self.detail.source.as_ref();
        let stopped = source.is_none_or(|source| source.connection == Connection::Stopped);
        stopped && mark.promised == term && mark.holder == holder
    }
}

/// The number of a member's slot.
pub fn slot(member: &Member) -> Option<u32> {
    match member.id {
        MemberId::Slot { slot, .. } => u32::try_from(slot).ok(),
        MemberId::Address(_) => None,
    }
}

/// The role that stands on a disk, and its term.
pub fn role(disk: &Disk) -> Option<(&str, u64)> {
    match disk {
        Disk::Holds(Holds {
            role: Some(role), ..
        }) => Some((&*role.role, role.term)),
        _ => None,
    }
}

/// The term in which whoever has this disk was told anything, and of which cluster.
fn on_disk(disk: &Disk) -> Option<(u64, String)> {
    let (_, term) = role(disk)?;
    let cluster = disk.ids()?.cluster.to_string();
    (cluster != UNMARKED).then_some((term, cluster))
}
