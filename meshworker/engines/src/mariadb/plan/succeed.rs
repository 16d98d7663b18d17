//! Nobody takes writes in the highest term: whoever has everything takes the primary's place.

use std::collections::BTreeSet;

use meshworker_core::{
    Gate, Leave, Member, Place, Proposal, Situation, StepKind, Succession, Unanswered, Unity,
};

use super::slot::slot;
use super::world::{GIVES_UP, Node, World};
use super::{Bid, Rules, ask};
use crate::mariadb::detail::{Connection, Detail, Roll};
use crate::mariadb::fence::JOINING;
use crate::mariadb::gtid::Position;
use crate::mariadb::request::{Act, MariadbRequest};

/// A replica whose counters stand still for so long may not hear its source: the longest
/// silence of a well one was 0.14 s, with a heartbeat each 0.1 s, in a transaction of 200 MB.
/// It is told to stop receiving, which can be undone.
const DOUBT_MS: u64 = 300;

/// For so long nobody has heard a primary whose place is taken, where nobody was refused
/// there either.
const SILENT_MS: u64 = 500;

/// What gives the cluster a primary again.
pub fn propose(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Proposal<MariadbRequest> {
    let succession = Plan::of(rules, situation, world).succession();
    let missing = match &succession {
        Some(succession) => format!("nobody takes writes: {}", succession.what),
        None => "nobody takes writes, and nobody is there who could".to_owned(),
    };
    // It takes writes as ever until somebody has promised to take its place.
    if let Some(primary) = world.deposed().filter(|it| it.detail.is_open())
        && world.is_unsealed()
    {
        return Proposal {
            succession,
            unity: Unity::apart(format!("{} is to give its place away", primary.member.id)),
            ..super::within::propose(rules, situation, world, primary)
        };
    }
    let why = "nobody takes writes now, and it may be needed";
    let leaves = situation.leaving_views();
    let leaves = leaves.map(|(member, view)| Leave::held(member.address, &view.node, why));
    Proposal {
        steps: super::within::fences(world),
        succession,
        leaves: leaves.collect(),
        ..Proposal::nothing(Unity::apart(missing))
    }
}

struct Plan<'a, 'b> {
    rules: &'a Rules,
    situation: &'a Situation<'b, Detail>,
    world: &'a World<'b>,
    /// Who may have acknowledged a write of the last primary.
    ackers: BTreeSet<u32>,
}

impl<'a, 'b> Plan<'a, 'b> {
    fn of(
        rules: &'a Rules,
        situation: &'a Situation<'b, Detail>,
        world: &'a World<'b>,
    ) -> Plan<'a, 'b> {
        // Before anything was written down, it may have been anybody.
        let all = || {
            let members = situation.roster.members().iter();
            members.filter_map(slot).collect()
        };
        let mut ackers: BTreeSet<u32> = world.ackers().unwrap_or_else(all);
        // Whoever answers is not lost, whatever was said of it: it may go on to acknowledge.
        let is_lost =
            |acker: &u32| world.chosen.lost.contains(acker) && !world.nodes.contains_key(acker);
        ackers.retain(|acker| !is_lost(acker));
        if let Some(deposed) = world.chosen.deposed {
            ackers.remove(&deposed);
        }
        if let Some(last) = world.last_primary() {
            ackers.remove(&last.server);
        }
        if let Some((last, _)) = world.last_primary_on_disk() {
            ackers.remove(&last);
        }
        let mut plan = Plan {
            rules,
            situation,
            world,
            ackers,
        };
        // The roll may be an earlier primary's, and name the last one.
        let last = plan.predecessor();
        let named = plan.electors().find(|(_, at)| at.is_some() && *at == last);
        if let Some((server, _)) = named {
            plan.ackers.remove(&server);
        }
        plan
    }

    fn succession(&self) -> Option<Succession<MariadbRequest>> {
        let candidate = self.candidate()?;
        let bid = self.rules.bid(candidate);
        let term = self.world.next_term(&bid);
        let last = self.world.last_primary();
        let is_last = last.is_some_and(|last| last.server == candidate.server);
        let reached = self.received();
        let mut objections = self.of_everybody(candidate, is_last, term, &bid);
        if !is_last {
            objections.extend(self.of_a_replica(candidate, &reached));
        }
        // Who takes writes no more by its own word is no secret to anybody.
        let predecessor = match last {
            Some(_) => None,
            None => self.predecessor(),
        };
        let position = match is_last {
            true => Position::default(),
            false => reached,
        };
        let promote = Act::Promote {
            term,
            holder: bid.holder(),
            cluster: self.world.cluster.clone().unwrap_or_default(),
            position,
            ackers: None,
            waits: self.situation.desired() != Some(1),
        };
        let seal = self.to_seal(candidate, term, &bid).into_iter();
        let seal = seal.map(|node| self.world.seal(node, &bid));
        let answers = |at: &Place| matches!(self.situation.answers.get(at), Some(Ok(_)));
        let electors = self.electors().filter_map(|(_, at)| at);
        let is_first = is_last && term == self.world.term + 1;
        Some(Succession {
            what: format!("promote {} in term {term}", candidate.member.id),
            predecessor,
            planned: last.is_some(),
            forced: self.world.chosen.deposed.is_some() || !self.world.chosen.lost.is_empty(),
            // The last primary has everything itself: it only must be sure that nobody else was
            // opened, which nobody was whom one of them has not promised a higher term.
            electors: electors.filter(|at| !is_first || answers(at)).collect(),
            objections,
            seal: seal.collect(),
            promote: vec![ask(candidate, promote, StepKind::Succeed)],
        })
    }

    /// The one with everything: the last primary itself, if it is there and to stay, or
    /// whoever of the others has received most. Where the primary is there, whoever is ahead
    /// and cannot be opened is caught up with.
    fn candidate(&self) -> Option<&'a Node<'b>> {
        let stays = |node: &Node<'_>| node.stays();
        match (self.world.last_primary(), self.world.deposed()) {
            (Some(last), _) => self.heir(last).or(Some(last)),
            (None, Some(_)) => self
                .best(|node| self.can(node))
                .or_else(|| self.best(stays)),
            (None, None) => self.best(stays),
        }
    }

    /// Who is given the place of the last primary, which is there: it is to go, or another one
    /// is to have it, and those who have its writes are in step.
    fn heir(&self, last: &Node<'_>) -> Option<&'a Node<'b>> {
        let close = |server| {
            let node = self.world.nodes.get(server);
            node.is_some_and(|node: &Node<'_>| node.is_close_to(&last.detail.written))
        };
        if self.situation.handing_over >= GIVES_UP || !self.ackers.iter().all(close) {
            return None;
        }
        let chosen = |server| self.world.chosen.succeeds(last.server, server);
        let chosen = self.best(|node| self.can(node) && chosen(node.server));
        let any = || self.best(|node| self.can(node)).filter(|_| !last.stays());
        chosen.or_else(any)
    }

    /// Whether this one could be opened.
    fn can(&self, node: &Node<'_>) -> bool {
        node.barred(&self.world.chosen).is_none()
    }

    /// Who is to promise now. What a primary that is there has sent to one that cannot be opened
    /// it sends to others as well: those go on receiving until one of them has it, since
    /// nobody could be opened else.
    fn to_seal(&self, candidate: &Node<'_>, term: u64, bid: &Bid<'_>) -> Vec<&'a Node<'b>> {
        let unsealed = self.unsealed(term, bid);
        let last = self.world.last_primary();
        if let Some(last) = last.filter(|last| last.server != candidate.server) {
            let has_all = candidate.detail.received().reaches(&last.detail.written);
            return unsealed.filter(|_| has_all).collect();
        }
        if self.world.deposed().is_none() {
            return unsealed.collect();
        }
        if !self.can(candidate) || self.is_behind(candidate) {
            return Vec::new();
        }
        let (others, first): (Vec<_>, Vec<_>) = unsealed.partition(|node| self.can(node));
        let mut ahead = self.followers().filter(|node| !self.can(node));
        let has_all =
            ahead.all(|node| candidate.detail.received().reaches(&node.detail.received()));
        match first.is_empty() {
            false => first,
            true if has_all => others,
            true => Vec::new(),
        }
    }

    /// Whether this one has not received yet who may acknowledge by the word of a primary that
    /// is there: what others had acknowledged before that it may lack as well.
    fn is_behind(&self, candidate: &Node<'_>) -> bool {
        let number = |roll: &Option<Roll>| roll.as_ref().map(|roll| (roll.term, roll.number));
        self.world.deposed().is_some() && number(&candidate.detail.roll) != number(&self.world.roll)
    }

    /// Of these, who has received most, or, of several, is rather to be the primary.
    fn best(&self, of: impl Fn(&Node<'_>) -> bool) -> Option<&'a Node<'b>> {
        let mut best: Option<&Node<'_>> = None;
        for node in self.followers().filter(|node| of(node)) {
            let further = best.is_none_or(|best| {
                let (own, other) = (node.detail.received(), best.detail.received());
                let equal = own == other;
                let merit = |node: &Node<'_>| {
                    let chosen = self.world.chosen.merit(node.server);
                    (node.unfit().is_none(), chosen)
                };
                (own.reaches(&other) && !equal) || (equal && merit(node) > merit(best))
            });
            if further {
                best = Some(node);
            }
        }
        best
    }

    /// The ackers that answer.
    fn followers(&self) -> impl Iterator<Item = &'a Node<'b>> {
        self.ackers
            .iter()
            .filter_map(|server| self.world.nodes.get(server))
    }

    /// Where each acker is, as far as anybody knows.
    fn electors(&self) -> impl Iterator<Item = (u32, Option<Place>)> {
        let members = || self.situation.roster.members().iter();
        self.ackers.iter().map(move |server| {
            let answers = self.world.nodes.get(server).map(Node::at);
            let known = || members().find(|member| slot(member) == Some(*server));
            (*server, answers.or_else(|| Some(known()?.address)))
        })
    }

    fn unsealed(&self, term: u64, bid: &Bid<'_>) -> impl Iterator<Item = &'a Node<'b>> {
        self.followers()
            .filter(move |node| node.detail.mark.is_some() && !node.is_sealed(term, bid))
    }

    /// The furthest that anybody has received.
    fn received(&self) -> Position {
        let all = self.followers().map(|node| node.detail.received());
        all.fold(Position::default(), |furthest, at| furthest.or_further(&at))
    }

    /// Where the last primary was: by its own disk, or by whom the others follow. Where
    /// another one has its address by now, that one says nothing of it.
    fn predecessor(&self) -> Option<Place> {
        if self.world.last_primary_on_disk().is_some() {
            return None;
        }
        let sources = self
            .followers()
            .filter_map(|node| node.detail.source.as_ref());
        let mut places = sources.filter_map(|source| source.place(self.rules.port));
        let closed = |node: &Node<'_>| !node.detail.is_open();
        let other = |place: Place| {
            let mut nodes = self.world.nodes.values();
            nodes.any(|node| node.at() == place && closed(node))
        };
        places.find(|place| !other(*place))
    }

    /// Who was the last primary, as far as anybody knows, and an operator wants it to stay.
    fn on_downtime(&self) -> Option<&'b Member> {
        let place = self.predecessor();
        let member = place.and_then(|place| self.situation.roster.at(place));
        let on_disk = || Some(self.world.last_primary_on_disk()?.1);
        let member = member.or_else(on_disk)?;
        let slot = slot(member)?;
        (self.world.chosen.downtime.contains(&slot)).then_some(member)
    }

    /// What closes a gate, whoever is the candidate.
    fn of_everybody(
        &self,
        candidate: &Node<'_>,
        is_last: bool,
        term: u64,
        bid: &Bid<'_>,
    ) -> Vec<(Gate, String)> {
        let mut objections = Vec::new();
        if self.world.ackers().is_some_and(|ackers| ackers.is_empty())
            && self.world.last_primary().is_none()
        {
            let seen = "the last primary alone has everything: it waited for nobody".to_owned();
            objections.push((Gate::Answers, seen));
        }
        if is_last && !self.ackers.is_empty() && self.followers().next().is_none() {
            let seen = "none of those answers who may say that nobody else was opened".to_owned();
            objections.push((Gate::Answers, seen));
        }
        let is_first = is_last && term == self.world.term + 1;
        let lost = self.electors().find(|(_, at)| at.is_none());
        if let Some((server, _)) = lost.filter(|_| !is_first) {
            let seen = format!("server {server} may have acknowledged a write, and is nowhere");
            objections.push((Gate::Answers, seen));
        }
        if let Some(node) = self.followers().find(|node| node.detail.mark.is_none()) {
            let seen = format!("{} keeps no fence", node.member.id);
            objections.push((Gate::Answers, seen));
        }
        if let Some(node) = self.unsealed(term, bid).next() {
            let seen = match self.to_seal(candidate, term, bid).first() {
                Some(_) => format!("{} has not promised term {term}", node.member.id),
                // Nobody promises what would leave nobody primary.
                None => match candidate.barred(&self.world.chosen) {
                    Some(why) => format!("{}: {why}", candidate.member.id),
                    None => format!("{} has not received everything yet", candidate.member.id),
                },
            };
            objections.push((Gate::Sealed, seen));
        }
        let against = self.world.chosen.against(candidate.server);
        if let Some(why) = candidate.unfit().or(against.filter(|_| !is_last)) {
            objections.push((Gate::Eligible, format!("{}: {why}", candidate.member.id)));
        }
        objections
    }

    /// What closes a gate where a replica takes the place.
    fn of_a_replica(&self, candidate: &Node<'_>, reached: &Position) -> Vec<(Gate, String)> {
        let mut objections = Vec::new();
        let down = self.world.last_primary_on_disk().is_some();
        let closed = self.world.last_primary();
        // Who orders that its place is taken knows of its downtime.
        if closed.is_none()
            && self.world.chosen.deposed.is_none()
            && let Some(member) = self.on_downtime()
        {
            let seen = format!("{} is on downtime", member.id);
            objections.push((Gate::Unheld, seen));
        }
        if !down && closed.is_none() {
            let heard: Vec<_> = (self.followers())
                .map(|node| (node, self.hears(node)))
                .collect();
            let hears = heard.iter().find(|(_, hears)| *hears == Some(true));
            if let Some((node, _)) = hears {
                objections.push((Gate::Silent, format!("{} hears it", node.member.id)));
            } else if !heard.iter().any(|(_, hears)| *hears == Some(false)) {
                let seen = "none of its replicas can tell whether it is there".to_owned();
                objections.push((Gate::Silent, seen));
            } else if let Some(node) = self.doubts() {
                let seen = format!("{} has heard it not long ago", node.member.id);
                objections.push((Gate::Sealed, seen));
            }
        }
        // A thread that is not running may have been started anew since: then its relay log,
        // which may have the only copy, is thrown away by whatever starts it.
        // One that never followed anybody has none.
        let broken = self.followers().find(|node| {
            let source = node.detail.source.as_ref();
            node.detail.mark().role == JOINING || source.is_some_and(|source| !source.applies)
        });
        if let Some(node) = broken {
            let seen = format!(
                "{} has thrown away what it had received, or does not apply it: it was restarted, \
                 or stopped, and may have had what nobody else has",
                node.member.id
            );
            objections.push((Gate::Unbroken, seen));
        }
        if self.is_behind(candidate) {
            let seen = format!(
                "{} has not received yet who may acknowledge: it may lack what others had \
                 acknowledged before",
                candidate.member.id
            );
            objections.push((Gate::Applied, seen));
        }
        let last = closed.map(|last| last.detail.written.clone());
        let reached = last.map_or_else(|| reached.clone(), |last| reached.or_further(&last));
        if !candidate.detail.current.reaches(&reached) {
            let seen = format!(
                "{} has applied {}, and {reached} was received",
                candidate.member.id, candidate.detail.current
            );
            objections.push((Gate::Applied, seen));
        }
        objections
    }

    /// Whether this replica hears its source; none where it cannot tell.
    fn hears(&self, node: &Node<'_>) -> Option<bool> {
        let source = node.detail.source.as_ref()?;
        // Others may have the primary's address by now, and be no primary.
        let other = source.server.and_then(|id| self.world.nodes.get(&id));
        match source.connection {
            Connection::Up if other.is_some_and(|other| !other.detail.is_open()) => Some(false),
            Connection::Up => Some(source.silent_ms < DOUBT_MS),
            Connection::Trying => Some(false),
            // It was told to stop receiving, by whoever had found the primary silent.
            Connection::Stopped => (node.detail.mark().promised > self.world.term).then_some(false),
        }
    }

    /// Who has heard the primary so lately that it may only have stalled, where nobody was
    /// refused at its address.
    fn doubts(&self) -> Option<&'a Node<'b>> {
        let place = self.predecessor()?;
        let answer = self.situation.answers.get(&place);
        if matches!(answer, Some(Err(Unanswered::Unreachable(_)))) {
            return None;
        }
        self.followers().find(|node| {
            let source = node.detail.source.as_ref();
            source.is_some_and(|source| {
                source.connection != Connection::Trying && source.silent_ms < SILENT_MS
            })
        })
    }
}
