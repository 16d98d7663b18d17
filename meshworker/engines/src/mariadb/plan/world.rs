//! What the members say together.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Disk, Holds, Member, Place, Situation, Standing, Step, StepKind, View};

use super::chosen::Chosen;
use super::slot::slot;
use super::{Bid, Rules};
use crate::mariadb::detail::{Connection, Detail, Roll};
use crate::mariadb::disk::UNMARKED;
use crate::mariadb::fence::PRIMARY;
use crate::mariadb::gtid::Position;
use crate::mariadb::request::{Act, MariadbRequest};

/// For so long a primary gives its place away: where nobody could take it by then, it keeps it.
/// What is left to do after its close takes a fraction of a second.
pub const GIVES_UP: Duration = Duration::from_secs(5);

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
    pub roll: Option<Roll>,
    /// Which members are to be the primary, and which are not.
    pub chosen: Chosen,
}

/// A member that answers.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// Its server id, which is its slot's.
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
            let Some(node) = Node::of(member, view)? else {
                continue;
            };
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
        let mut told: Vec<(u64, String)> = nodes
            .values()
            .map(|node| node.detail.mark())
            .map(|mark| (mark.term, mark.cluster))
            .collect();
        told.extend(waiting.values().filter_map(|(_, disk)| on_disk(disk)));
        told.retain(|(term, cluster)| *term > 0 && !cluster.is_empty());
        let cluster = most(&told);
        // A disk that another cluster left behind has terms of its own.
        let ours = told.iter().filter(|(_, of)| Some(of) == cluster.as_ref());
        let term = ours.map(|(term, _)| *term).max().unwrap_or(0);
        let rolls = nodes.values().filter_map(|node| node.detail.roll.as_ref());
        let fit = |server| {
            nodes
                .get(&server)
                .is_some_and(|node| node.unfit().is_none())
        };
        let chosen = Chosen::of(rules, situation).among(fit);
        let mut world = World {
            term,
            cluster,
            chosen: chosen.ordered(situation, term),
            roll: latest(rolls),
            nodes,
            waiting,
        };
        // Nobody could take its place: it keeps it.
        if situation.handing_over >= GIVES_UP && world.deposed().is_some() {
            world.chosen.deposed = None;
        }
        Ok(world)
    }

    /// The one that takes writes in the highest term.
    pub fn primary(&self) -> Option<&Node<'a>> {
        self.last_primary().filter(|node| node.detail.is_open())
    }

    /// Whoever was opened in the highest term, and answers, whether or not it takes writes. One
    /// whose place an operator has ordered to be taken counts for one that is silent.
    pub fn last_primary(&self) -> Option<&Node<'a>> {
        let last = self.opened();
        last.filter(|node| self.chosen.deposed != Some(node.server))
    }

    /// Whoever was opened in the highest term and answers, if its place is to be taken by an
    /// operator's order.
    pub fn deposed(&self) -> Option<&Node<'a>> {
        let last = self.opened();
        last.filter(|node| self.chosen.deposed == Some(node.server))
    }

    fn opened(&self) -> Option<&Node<'a>> {
        let opened = |node: &&Node<'a>| node.detail.mark().opened() == Some(self.term);
        self.nodes.values().find(opened).filter(|_| self.term > 0)
    }

    /// Whether nobody has promised a term above the highest one in which anybody was opened.
    pub fn is_unsealed(&self) -> bool {
        let mut marks = self.nodes.values().map(|node| node.detail.mark());
        marks.all(|mark| mark.promised <= self.term)
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

    /// More than one that takes writes in the highest term: nobody knows which is right.
    pub fn rivals(&self) -> Option<String> {
        let open = self
            .nodes
            .values()
            .filter(|node| node.detail.is_open() && node.detail.mark().opened() == Some(self.term));
        let open: Vec<String> = open.map(|node| node.member.id.to_string()).collect();
        let both = open.join(" and ");
        (open.len() > 1).then(|| format!("{both} take writes in one term: end all but one"))
    }

    /// The highest term that anybody has promised, and to whom, all of them.
    fn promised(&self) -> (u64, BTreeSet<String>) {
        let marks = || self.nodes.values().map(|node| node.detail.mark());
        let highest = marks().map(|mark| mark.promised).max().unwrap_or(0);
        let those = marks().filter(|mark| mark.promised == highest);
        (highest, those.map(|mark| mark.holder).collect())
    }

    /// The term in which a candidate is opened: a promise is to one worker and one candidate.
    pub fn next_term(&self, bid: &Bid) -> u64 {
        match self.promised() {
            (promised, holders) if promised > self.term && holders.iter().eq([&bid.holder()]) => {
                promised
            }
            (promised, _) => promised.max(self.term).saturating_add(1),
        }
    }

    /// Whether another worker has had a higher term promised, and may be about to use it.
    fn is_contested(&self, bid: &Bid) -> bool {
        let (promised, holders) = self.promised();
        promised > self.term && !holders.iter().all(|holder| bid.is_of_its_worker(holder))
    }

    /// What has a server promise this term, and stop receiving.
    pub fn seal(&self, node: &Node<'_>, bid: &Bid) -> Step<MariadbRequest> {
        let seal = Act::Seal {
            term: self.next_term(bid),
            holder: bid.holder(),
            contested: self.is_contested(bid),
        };
        super::ask(node, seal, StepKind::Succeed)
    }

    /// The servers that may have acknowledged a write, besides the primary itself.
    pub fn ackers(&self) -> Option<BTreeSet<u32>> {
        let roll = self.roll.as_ref()?;
        Some(roll.ackers.iter().copied().collect())
    }
}

impl<'a> Node<'a> {
    fn of(member: &'a Member, view: &'a View<Detail>) -> Result<Option<Node<'a>>, String> {
        let server = view.node.parse().ok();
        let server = server.filter(|server| *server > 0).ok_or_else(|| {
            format!(
                "{}: found server id {}; allowed: 1 and more",
                member.id, view.node
            )
        })?;
        // Whoever has only an address may be anybody: it is told nothing, the password least.
        let Some(slot) = slot(member) else {
            return Ok(None);
        };
        if slot != server {
            return Err(format!(
                "{}: found server id {server}; allowed: {slot}, by its slot",
                member.id
            ));
        }
        Ok(Some(Node {
            server,
            member,
            detail: &view.detail,
        }))
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

    /// Why it cannot be opened, whatever it has.
    pub fn barred(&self, chosen: &Chosen) -> Option<&'a str> {
        let stopped = (self.detail.source.as_ref()).is_some_and(|source| !source.applies);
        (self.unfit())
            .or(chosen.against(self.server))
            .or((!self.stays()).then_some("it is to go"))
            .or(stopped.then_some("it does not apply what it receives"))
    }

    /// Why it may not be the primary.
    pub fn unfit(&self) -> Option<&'a str> {
        self.detail.faults.first().map(String::as_str)
    }

    /// Whether it is connected with whom it follows, and applies what it receives.
    pub fn is_up(&self) -> bool {
        let source = self.detail.source.as_ref();
        source.is_some_and(|source| source.connection == Connection::Up && source.applies)
    }

    /// Whether it is to stay.
    pub fn stays(&self) -> bool {
        self.member.standing() == Standing::Wanted
    }

    /// Whether it has promised this term to this holder, and receives nothing.
    pub fn is_sealed(&self, term: u64, bid: &Bid) -> bool {
        let mark = self.detail.mark();
        let source = self.detail.source.as_ref();
        let stopped = source.is_none_or(|source| source.connection == Connection::Stopped);
        stopped && mark.promised == term && mark.holder == bid.holder()
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

/// The latest word of all: where two say the same of different ones, both.
fn latest<'a>(rolls: impl Iterator<Item = &'a Roll>) -> Option<Roll> {
    let mut latest: Option<Roll> = None;
    for roll in rolls {
        let newer = |before: &Roll| (roll.term, roll.number).cmp(&(before.term, before.number));
        match latest.as_mut().map(|before| (newer(before), before)) {
            Some((Ordering::Less, _)) => {}
            Some((Ordering::Equal, before)) => before.ackers.extend(&roll.ackers),
            Some((Ordering::Greater, _)) | None => latest = Some(roll.clone()),
        }
    }
    latest
}

/// The cluster that most are of.
fn most(told: &[(u64, String)]) -> Option<String> {
    let mut counts: BTreeMap<&String, (usize, u64)> = BTreeMap::new();
    for (term, cluster) in told {
        let (count, highest) = counts.entry(cluster).or_default();
        (*count, *highest) = (*count + 1, (*highest).max(*term));
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(cluster, _)| cluster.clone())
}
