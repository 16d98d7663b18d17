//! The cluster, as a quorum of its members says.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Member, MemberId, Place, Situation, Standing, View};

use super::Rules;
use super::names::Names;
use crate::etcd::alarm::Alarm;
use crate::etcd::detail::{Detail, Listed};

/// What the views say together.
pub enum Seen<'a> {
    /// Nobody answers as etcd.
    Nobody,
    /// Somebody does, and nothing may be changed: why.
    Stuck(String),
    /// A cluster with a leader, and a quorum that says so.
    Cluster(World<'a>),
}

/// A cluster with a leader, and a quorum that says so in this very pass.
pub struct World<'a> {
    /// Who leads.
    pub leader: Leader<'a>,
    /// Everybody whom the leader lists.
    pub nodes: Vec<Node<'a>>,
    /// Which slots have whose data.
    pub names: Names,
    /// The alarms that anybody knows of, and at whom.
    pub alarms: BTreeMap<&'a str, BTreeSet<Alarm>>,
    /// Who answers with this cluster's id and is not listed.
    pub unlisted: BTreeSet<Place>,
}

/// Who leads.
pub struct Leader<'a> {
    /// Where it is.
    pub at: Place,
    /// Its view.
    pub view: &'a View<Detail>,
}

/// A listed member.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// As it is listed.
    pub listed: &'a Listed,
    /// By which number it is known, where that is known.
    pub number: Option<u64>,
    /// In which slot it is, by whoever answers as it or has its data, or is to be.
    pub slot: Option<u64>,
    /// Who answers as it, and what.
    pub there: Option<(&'a Member, &'a View<Detail>)>,
}

/// etcd takes a learner for one in step that has nine tenths of the log; by then it has
/// everything that matters within milliseconds.
const IN_STEP: u64 = 1000;

type Views<'a> = BTreeMap<&'a str, (&'a Member, &'a View<Detail>)>;

impl<'a> Seen<'a> {
    pub fn of(rules: &Rules, situation: &Situation<'a, Detail>) -> Seen<'a> {
        let views = match views(rules, situation) {
            Ok(views) => views,
            Err(why) => return Seen::Stuck(why),
        };
        let mut clusters: BTreeMap<&str, &Member> = BTreeMap::new();
        for (member, view) in views.values() {
            clusters.entry(&view.detail.cluster).or_insert(member);
        }
        let mut clusters = clusters.into_iter();
        match (clusters.next(), clusters.next()) {
            (None, _) => return Seen::Nobody,
            (Some(_), None) => {}
            (Some((one, its)), Some((other, others))) => {
                return Seen::Stuck(format!(
                    "two clusters: {} is in {one}, and {} in {other}; stop the one that is not \
                     meant, and put its data aside",
                    its.id, others.id
                ));
            }
        }
        World::of(rules, situation, &views).map_or_else(Seen::Stuck, Seen::Cluster)
    }
}

/// Who answers, by the ids in the database. A spare hands clients on to a member, so that
/// one may seem to be at two places: it is where it says that clients reach it.
fn views<'a>(rules: &Rules, situation: &Situation<'a, Detail>) -> Result<Views<'a>, String> {
    let all = || situation.wanted_views().chain(situation.leaving_views());
    let lists = all().flat_map(|(_, view)| view.detail.members.iter());
    let homes: BTreeSet<(&str, Place)> = lists
        .filter_map(|listed| Some((&*listed.id, listed.place(rules.service_port)?)))
        .collect();
    let mut views: Views<'a> = BTreeMap::new();
    for (member, view) in all() {
        let at_home = |member: &Member| homes.contains(&(&*view.node, member.address));
        let before = views.get(&*view.node).map(|(before, _)| *before);
        match before {
            Some(before) if at_home(before) == at_home(member) => {
                return Err(format!(
                    "{} and {} both answer as {}: the data of one is a copy; stop the one that \
                     is not meant, and put its data aside",
                    before.id, member.id, view.node
                ));
            }
            Some(before) if at_home(before) => {}
            _ => drop(views.insert(&view.node, (member, view))),
        }
    }
    Ok(views)
}

impl<'a> World<'a> {
    fn of(
        rules: &Rules,
        situation: &Situation<'_, Detail>,
        views: &Views<'a>,
    ) -> Result<World<'a>, String> {
        let names = |view: &View<Detail>, other: &View<Detail>| {
            !other.detail.learner && other.detail.leader.as_deref() == Some(&*view.node)
        };
        let followed = |view: &View<Detail>| {
            let others = views.values().filter(|(_, other)| names(view, other));
            others.count()
        };
        let leaders = views.values().filter(|(_, view)| names(view, view));
        // Whom most name, and not who says the highest term: anybody can say one.
        let leader = leaders.max_by_key(|(_, view)| (followed(view), view.detail.term));
        let Some((leader, view)) = leader else {
            return Err(format!("nobody leads: {}", revisions(views)));
        };
        let detail = &view.detail;
        let mut nodes: Vec<Node<'a>> = (detail.members.iter())
            .map(|listed| {
                let there = views.get(&*listed.id).copied();
                let slot = there.and_then(|(member, _)| slot(member));
                Node {
                    listed,
                    number: rules.number(listed).or(slot),
                    slot,
                    there,
                }
            })
            .collect();
        let names = known(situation, &detail.cluster, &nodes);
        for node in &mut nodes {
            let home = || node.number.map(|number| names.home(number));
            node.slot = node.slot.or_else(home);
        }
        let voters = nodes.iter().filter(|node| !node.listed.learner);
        let quorum = quorum(voters.clone().count());
        let said = voters.filter_map(|node| Some(&node.there?.1.detail));
        let follow = |said: &&Detail| said.leader == detail.leader && said.term == detail.term;
        let followers: Vec<&Detail> = said.filter(follow).collect();
        if followers.len() < quorum {
            let (found, revisions) = (followers.len(), revisions(views));
            return Err(format!(
                "no quorum: {found} of {} voters are in step, and {quorum} are needed: {revisions}",
                nodes.iter().filter(|node| !node.listed.learner).count()
            ));
        }
        let answering = (views.values()).filter(|(_, view)| !view.detail.learner);
        let answering = answering.count();
        if 2 * followers.len() <= answering {
            return Err(format!(
                "{} of {answering} that answer with a vote are in step: {}",
                followers.len(),
                revisions(views)
            ));
        }
        // What an address answers of which only a name server knows lets nobody in, and puts
        // no data aside: it may be a stranger's.
        let vouched = nodes.iter().filter_map(|node| node.there);
        let vouched = vouched.filter(|(member, view)| member.is_vouched() && follow(&&view.detail));
        if situation.spares().next().is_some() && vouched.count() < quorum {
            return Err(format!(
                "others wait, and of those that answer with a vote too few are known by more than \
                 their address: {}",
                revisions(views)
            ));
        }
        let same = |said: &&&Detail| said.members == detail.members;
        if followers.iter().filter(same).count() < quorum {
            return Err("the voters do not list the same members yet".into());
        }
        let mut alarms: BTreeMap<&str, BTreeSet<Alarm>> = BTreeMap::new();
        for (node, raised) in views.values().flat_map(|(_, view)| &view.detail.alarms) {
            alarms.entry(node).or_default().extend(raised);
        }
        let listed: BTreeSet<&str> = nodes.iter().map(|node| &*node.listed.id).collect();
        let unlisted = views.iter().filter(|(id, _)| !listed.contains(**id));
        Ok(World {
            unlisted: unlisted.map(|(_, (member, _))| member.address).collect(),
            leader: Leader {
                at: leader.address,
                view,
            },
            nodes,
            names,
            alarms,
        })
    }

    /// Those that have a vote.
    pub fn voters(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(|node| !node.listed.learner)
    }

    /// The one that has no vote yet, if there is one.
    pub fn learner(&self) -> Option<&Node<'a>> {
        self.nodes.iter().find(|node| node.listed.learner)
    }

    /// Whether this one leads.
    pub fn leads(&self, node: &Node<'_>) -> bool {
        node.listed.id == self.leader.view.node
    }

    /// How many entries this one's log is behind the leader's.
    pub fn behind(&self, view: &View<Detail>) -> u64 {
        let leader = self.leader.view.detail.index;
        leader.saturating_sub(view.detail.index)
    }

    /// Whether whoever is so far behind counts as one in step.
    pub fn in_step(&self, behind: u64) -> bool {
        behind <= IN_STEP.max(self.leader.view.detail.index / 100)
    }

    /// Why nobody may be added or taken out by our own wish now, if so.
    pub fn unsettled(&self) -> Option<String> {
        if let Some((node, raised)) = self.alarms.first_key_value() {
            let alarm = raised.first()?;
            return Some(format!("alarm {alarm} at {node}"));
        }
        let voters: Vec<&Node<'a>> = self.voters().collect();
        let silent = voters.iter().find(|node| node.there.is_none());
        if let Some(node) = silent {
            return Some(format!("{} does not answer", node.name()));
        }
        let mut pairs = voters.iter().flat_map(|one| {
            let others = voters
                .iter()
                .filter(|other| other.listed.id != one.listed.id);
            others.map(move |other| (one, other))
        });
        let apart = pairs.find(|(one, other)| {
            let connected = one.there.map(|(_, view)| &view.detail.connected);
            connected.is_none_or(|all| all.get(&other.listed.id) != Some(&true))
        });
        apart.map(|(one, other)| {
            let (one, other) = (one.name(), other.name());
            format!("{one} has not been connected with {other} for 5 s")
        })
    }
}

impl Node<'_> {
    /// Its name, or its id before it has one.
    pub fn name(&self) -> &str {
        match self.listed.name.as_str() {
            "" => &self.listed.id,
            name => name,
        }
    }

    /// Whether it answers and is to stay.
    pub fn stays(&self) -> bool {
        let member = self.there.map(|(member, _)| member.standing());
        member == Some(Standing::Wanted)
    }
}

/// Which slots have whose data: of members that answer, and of those that wait with it.
fn known(situation: &Situation<'_, Detail>, cluster: &str, nodes: &[Node<'_>]) -> Names {
    let waits = situation.spares().filter_map(|member| {
        let ids = member.disk.as_deref()?.ids()?;
        let own = |node: &&Node<'_>| node.listed.id == *ids.node && *ids.cluster == *cluster;
        Some((slot(member)?, nodes.iter().find(own)?.number?))
    });
    let answer = nodes
        .iter()
        .filter_map(|node| Some((node.slot?, node.number?)));
    Names::of(waits.chain(answer))
}

/// The number of a member's slot.
pub fn slot(member: &Member) -> Option<u64> {
    match member.id {
        MemberId::Slot { slot, .. } => Some(slot),
        MemberId::Address(_) => None,
    }
}

/// So many of so many are a majority.
pub fn quorum(voters: usize) -> usize {
    voters / 2 + 1
}

/// Which of them has what: what would bring a quorum back.
fn revisions(views: &Views<'_>) -> String {
    let mut best: Vec<_> = views.values().collect();
    best.sort_by_key(|(_, view)| std::cmp::Reverse((view.detail.term, view.detail.index)));
    let said = best.iter().map(|(member, view)| {
        let Detail { revision, term, .. } = view.detail;
        format!("{} holds revision {revision} of term {term}", member.id)
    });
    let said: Vec<String> = said.collect();
    let listed = best.first().map(|(_, view)| &view.detail.members);
    let missing = listed.into_iter().flat_map(|list| list.iter());
    let missing = missing.filter(|one| !one.learner && !views.contains_key(&*one.id));
    let missing: Vec<&str> = missing.map(|one| &*one.name).collect();
    match missing.is_empty() {
        true => said.join(", "),
        false => format!("{}; waited for: {}", said.join(", "), missing.join(", ")),
    }
}
