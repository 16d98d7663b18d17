//! Everything that one pass saw.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::{
    Going, Heard, Member, MemberId, Orders, Place, Presence, Report, Roster, Standing, View,
    Witness,
};

/// Why a node gave no view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// Nobody listens there: the port is closed, or the address is unused.
    Unreachable(String),
    /// No complete answer before the deadline.
    Timeout,
    /// Somebody answers, and not in this database's language.
    Garbage(String),
    /// The credentials were refused.
    Denied(String),
    /// It starts, or recovers, and will answer later.
    Starting(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::Unreachable(why) => write!(f, "unreachable: {why}"),
            Unanswered::Timeout => f.write_str("no answer before the deadline"),
            Unanswered::Garbage(what) => write!(f, "not this database's answer: {what}"),
            Unanswered::Denied(why) => write!(f, "credentials refused: {why}"),
            Unanswered::Starting(why) => write!(f, "still starting: {why}"),
        }
    }
}

impl std::error::Error for Unanswered {}

/// What a node answered when it was asked for its view.
pub type Answer<D> = Result<View<D>, Unanswered>;

/// Everything that one pass saw: what the witnesses said, and what each
/// address that they named answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation<D> {
    /// One report per discovery witness.
    pub reports: Vec<Report>,
    /// What each address answered.
    pub answers: BTreeMap<Place, Answer<D>>,
    /// Whom other vantage points reached.
    pub heard: Heard,
}

impl<D> Observation<D> {
    /// What these witnesses said and these addresses answered; nobody else was heard.
    pub fn of(reports: Vec<Report>, answers: BTreeMap<Place, Answer<D>>) -> Observation<D> {
        Observation {
            reports,
            answers,
            heard: Heard::nothing(),
        }
    }

    /// Who is there, as all witnesses together see it.
    pub fn roster(&self) -> Roster {
        Roster::merge(&self.reports, &self.alive())
    }

    /// The same, without what was answered at these addresses.
    pub fn without(&self, strangers: &BTreeSet<Place>) -> Observation<D>
    where
        D: Clone,
    {
        let answers = self.answers.iter();
        let answers = answers.filter(|(address, _)| !strangers.contains(address));
        Observation {
            reports: self.reports.clone(),
            answers: answers.map(|(a, view)| (*a, view.clone())).collect(),
            heard: self.heard.clone(),
        }
    }

    /// The addresses that any discovery witness names.
    pub(crate) fn named(&self) -> BTreeSet<Place> {
        let sightings = self.reports.iter().flat_map(|report| &report.sightings);
        sightings.map(|sighting| sighting.address).collect()
    }

    /// The addresses that the members which answered hold to be alive, their
    /// own included: the database's testimony. What a node says that no witness
    /// names is none: it may list whomever it likes.
    pub fn alive(&self) -> BTreeSet<Place> {
        self.testified(true)
    }

    /// The addresses that those members know and do not hold to be alive: whoever is
    /// there may be out of their reach, or of ours.
    pub(crate) fn not_alive(&self) -> BTreeSet<Place> {
        self.testified(false)
    }

    /// Where the nodes are of which they say this.
    fn testified(&self, alive: bool) -> BTreeSet<Place> {
        let named = self.named();
        let answers = self.answers.iter();
        let answers = answers.filter(|(address, _)| named.contains(address));
        // Members of one cluster share one list, which is read only once.
        let mut lists = HashSet::new();
        let mut known = BTreeSet::new();
        for view in answers.filter_map(|(_, answer)| answer.as_ref().ok()) {
            if lists.insert(Arc::as_ptr(&view.peers)) {
                let peers = view.peers.iter().filter(|peer| peer.alive == alive);
                known.extend(peers.filter_map(|peer| peer.address));
            }
        }
        known
    }
}

/// What an engine's planner looks at: the members, and what each answered.
#[derive(Debug)]
pub struct Situation<'a, D> {
    /// Who is there, sorted by id.
    pub roster: &'a Roster,
    /// What each address answered.
    pub answers: &'a BTreeMap<Place, Answer<D>>,
    /// The addresses that a join was planned for a short while ago, and how often lately:
    /// they may be on their way in, though no list shows it yet. A planner may only hold
    /// back because of it, and say so.
    pub joining: &'a BTreeMap<Place, u32>,
    /// What operators have ordered, and wish for while the cluster runs.
    pub orders: &'a Orders,
    /// Whom other vantage points reached.
    pub heard: &'a Heard,
    /// Whether this worker has seen the members be one cluster, for as long as it has acted.
    pub was_one: bool,
    /// For how long nobody has had the primary's place that is given away, by the looks of this
    /// worker; nothing where that has not begun.
    pub handing_over: Duration,
}

impl<'a, D> Situation<'a, D> {
    /// These members, and what they answered: nothing is under way or wished for, and
    /// nobody else was heard.
    pub fn of(roster: &'a Roster, answers: &'a BTreeMap<Place, Answer<D>>) -> Situation<'a, D> {
        const NOBODY: &BTreeMap<Place, u32> = &BTreeMap::new();
        const NOTHING: &Heard = &Heard::nothing();
        Situation {
            roster,
            answers,
            joining: NOBODY,
            orders: Orders::none(),
            heard: NOTHING,
            was_one: false,
            handing_over: Duration::ZERO,
        }
    }

    /// How many members there are meant to be, spares aside, where that is known.
    pub fn desired(&self) -> Option<usize> {
        let all = self.roster.census().desired()?;
        Some(all.saturating_sub(self.spares().count()))
    }

    /// The members whose databases are not started, in the order of their ids.
    pub fn spares(&self) -> impl Iterator<Item = &'a Member> + use<'a, D> {
        (self.roster.members().iter()).filter(|member| member.is_spare())
    }

    /// What kind of leaving this member's is, as far as the witnesses can tell. Whether
    /// all go at once is not told here: that takes more than one look.
    pub fn going(&self, member: &Member) -> Going {
        if self.roster.successor(member).is_some() {
            return Going::Back;
        }
        match self.roster.census().is_to_fill(&member.id) {
            None => Going::Unclear,
            Some(false) => Going::ForGood,
            Some(true) => Going::Back,
        }
    }

    /// The members that belong into the cluster, in the order of their ids.
    pub fn wanted(&self) -> impl Iterator<Item = &'a Member> + use<'a, D> {
        self.roster
            .members()
            .iter()
            .filter(|member| member.standing() == Standing::Wanted)
    }

    /// The wanted members that answered, with their views.
    pub fn wanted_views(&self) -> impl Iterator<Item = (&'a Member, &'a View<D>)> + use<'a, D> {
        let answers = self.answers;
        self.wanted().filter_map(move |member| {
            let view = answers.get(&member.address)?.as_ref().ok()?;
            Some((member, view))
        })
    }

    /// Whether the member that was at this address was let go, and nobody answers there
    /// since its supervisor has seen it end.
    pub fn has_ended(&self, address: Place) -> bool {
        let answers = matches!(self.answers.get(&address), Some(Ok(_)));
        let member = self.roster.at(address);
        !answers && member.is_some_and(Member::has_ended)
    }

    /// The members that are meant to go, in the order of their ids.
    pub fn leaving(&self) -> impl Iterator<Item = &'a Member> + use<'a, D> {
        self.roster
            .members()
            .iter()
            .filter(|member| member.standing() == Standing::Leaving)
    }

    /// Those of them that answered, with their views.
    pub fn leaving_views(&self) -> impl Iterator<Item = (&'a Member, &'a View<D>)> + use<'a, D> {
        let answers = self.answers;
        self.leaving().filter_map(move |member| {
            let view = answers.get(&member.address)?.as_ref().ok()?;
            Some((member, view))
        })
    }

    /// The member that has this one's slot and is on its way out, while this one is
    /// not started: it is not silent, it waits.
    pub(crate) fn waits_behind(&self, member: &Member) -> Option<&'a Member> {
        let answers = |at: &Place| matches!(self.answers.get(at), Some(Ok(_)));
        let seen = |witness| member.seen.get(&witness);
        let listed = member.listed() == Some(&Presence::Present)
            && seen(Witness::Announce) != Some(&Presence::Present)
            && seen(Witness::Dns) != Some(&Presence::Present);
        let waits = listed || seen(Witness::Announce) == Some(&Presence::Waiting);
        if !waits || answers(&member.address) || !matches!(member.id, MemberId::Slot { .. }) {
            return None;
        }
        let goes = |other: &Member| other.last || other.is_going();
        let mut members = self.roster.members().iter();
        members.find(|other| {
            let before = other.id == member.id && other.address != member.address;
            before && goes(other) && self.is_there(other)
        })
    }

    /// Whether one that is meant to go waits, stops, or answers yet: nobody waits for one
    /// that is only out of sight.
    pub(crate) fn is_there(&self, member: &Member) -> bool {
        let answers = matches!(self.answers.get(&member.address), Some(Ok(_)));
        answers || member.is_patient() || member.is_stopping()
    }

    /// Every node that answered, wanted or not, with its address. A node with
    /// two addresses is listed once, under the lower one.
    pub fn views(&self) -> BTreeMap<&'a str, (Place, &'a View<D>)> {
        let mut nodes = BTreeMap::new();
        for (address, answer) in self.answers {
            if let Ok(view) = answer {
                nodes.entry(view.node.as_str()).or_insert((*address, view));
            }
        }
        nodes
    }

    /// Whether this address is a member that belongs into the cluster.
    pub fn is_wanted(&self, address: Place) -> bool {
        self.roster
            .at(address)
            .is_some_and(|member| member.standing() == Standing::Wanted)
    }
}
