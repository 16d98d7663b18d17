//! Who controls the cluster, and which member is which of its instances.

use std::collections::BTreeMap;

use meshworker_core::{Member, MemberId, Place, Situation, View};

use super::Rules;
use crate::allegrograph::detail::{Detail, Instance, Repository, State};

/// What all servers together say of a cluster.
pub enum Seen<'a> {
    /// Nobody who answers knows of one.
    Nobody,
    /// Some do, and the one that controls it does not answer as that.
    Lost(Known<'a>),
    /// Several servers control one, by their own word.
    Several(Vec<String>),
    /// The one that controls it answers.
    Cluster(World<'a>),
}

/// Who knows of a cluster whose controlling server does not answer as that.
pub struct Known<'a> {
    /// They, with their views.
    pub by: Vec<(&'a Member, &'a View<Detail>)>,
    /// Which instance controls the others, by their word.
    pub controlling: Option<&'a Instance>,
}

/// A cluster by the word of the server that controls it.
pub struct World<'a> {
    pub chief: (&'a Member, &'a View<Detail>),
    /// Each instance with the member that it is.
    pub nodes: Vec<Node<'a>>,
    /// Members with a repository that may be any instance of those that only a name places.
    unclear: bool,
    /// Where anybody answers.
    pub answering: Vec<Place>,
    port: u16,
}

/// An instance, and the member that it is, if that answers.
pub struct Node<'a> {
    pub instance: &'a Instance,
    pub there: Option<(&'a Member, &'a View<Detail>)>,
}

type Views<'a> = BTreeMap<Place, (&'a Member, &'a View<Detail>)>;

impl<'a> Seen<'a> {
    pub fn of(rules: &Rules, situation: &Situation<'a, Detail>) -> Seen<'a> {
        let views = situation.wanted_views().chain(situation.leaving_views());
        let views: Views<'a> = views
            .map(|(member, view)| (member.address, (member, view)))
            .collect();
        let controls = |(_, view): &(&Member, &View<Detail>)| {
            view.detail
                .controlling()
                .is_some_and(|one| one.name == view.node)
        };
        let mut chiefs: Vec<_> = views
            .values()
            .copied()
            .filter(|one| controls(one))
            .collect();
        // One that was taken out may not know it, and is taken for the one that a name leads
        // to: only one of the service that controls is, unless it says so itself.
        chiefs.retain(|(member, view)| {
            let instance = view.detail.controlling();
            let guessed = instance.is_some_and(|one| one.may_be_anywhere() && !one.own);
            !guessed || rules.may_begin(member)
        });
        if let [chief] = chiefs[..] {
            return Seen::Cluster(World::of(rules, chief, &views));
        }
        if !chiefs.is_empty() {
            return Seen::Several(chiefs.iter().map(|(m, _)| m.id.to_string()).collect());
        }
        let knows =
            |(_, view): &(&Member, &View<Detail>)| view.detail.repository == Repository::Member;
        let by: Vec<_> = views.values().copied().filter(|one| knows(one)).collect();
        if by.is_empty() {
            return Seen::Nobody;
        }
        let controlling = by.iter().find_map(|(_, view)| view.detail.controlling());
        Seen::Lost(Known { by, controlling })
    }
}

impl<'a> World<'a> {
    fn of(rules: &Rules, chief: (&'a Member, &'a View<Detail>), views: &Views<'a>) -> World<'a> {
        let nodes = chief.1.detail.instances.iter().map(|instance| Node {
            instance,
            there: match instance.name == chief.1.node {
                true => Some(chief),
                false => views
                    .values()
                    .copied()
                    .filter(|(member, _)| member.address != chief.0.address)
                    .find(|(member, view)| is_there(rules, chief.1, instance, member, view)),
            },
        });
        let nodes: Vec<Node<'a>> = nodes.collect();
        World {
            unclear: nodes
                .iter()
                .any(|node| node.there.is_none() && node.instance.may_be_anywhere()),
            chief,
            nodes,
            answering: views.keys().copied().collect(),
            port: rules.port,
        }
    }

    /// Those whose members answer.
    pub fn there(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(|node| node.there.is_some())
    }

    /// The instance that this member is.
    pub fn instance_of(&self, member: &Member) -> Option<&'a Instance> {
        let is_it = |node: &&Node<'a>| {
            let there = node.there.map(|(member, _)| member.address);
            there == Some(member.address)
        };
        self.nodes.iter().find(is_it).map(|node| node.instance)
    }

    /// The instance that is listed where this member is, whoever it is.
    pub fn listed_at(&self, at: Place) -> Option<&'a Instance> {
        let mut nodes = self.nodes.iter();
        let found = nodes.find(|node| node.instance.place(self.port) == Some(at));
        found.map(|node| node.instance)
    }

    /// Whether this instance gets its data: by its state, or, where that says nothing, since
    /// the request for it is still open.
    pub fn is_copied(&self, instance: &Instance) -> bool {
        let open = || {
            let mut growing = self.chief.1.detail.growing.iter();
            growing.any(|copy| copy.open && copy.instance == instance.name)
        };
        match instance.state {
            State::Copying => true,
            State::Unsaid | State::Other(_) => open(),
            State::Up | State::Down | State::Stopped => false,
        }
    }

    /// Whether it is not known which member one of the instances is.
    pub fn is_unclear(&self) -> bool {
        self.unclear
    }

    /// Whether this member is in no cluster, and nobody lets it in.
    pub fn is_free(&self, member: &Member) -> bool {
        let mut growing = self.chief.1.detail.growing.iter();
        let asked = growing.any(|copy| copy.to == member.address && copy.refused.is_none());
        self.instance_of(member).is_none() && !asked
    }
}

/// Whether this member is that instance: by its own word, or since it is where that is. One
/// whose server has no repository is nobody, unless it gets its data at this moment.
fn is_there(
    rules: &Rules,
    chief: &View<Detail>,
    instance: &Instance,
    member: &Member,
    view: &View<Detail>,
) -> bool {
    let by_name = rules.host.is_some()
        && rules.may_begin(member)
        && instance.host == rules.host
        && view.detail.repository != Repository::None;
    let is_here = view.node == instance.name
        || instance.name == name(member)
        || instance.place(rules.port) == Some(member.address)
        || by_name && view.node == member.address.socket(rules.port).to_string();
    let comes = || {
        let mut growing = chief.detail.growing.iter();
        instance.state == State::Copying
            || growing.any(|copy| copy.to == member.address && copy.instance == instance.name)
    };
    // One without data is not what another task at its address gets.
    let another = || {
        let mut growing = chief.detail.growing.iter();
        is_given(&instance.name)
            && instance.name != name(member)
            && !growing.any(|copy| copy.to == member.address && copy.instance == instance.name)
    };
    match view.detail.repository {
        Repository::None => is_here && comes() && !another(),
        _ => is_here,
    }
}

/// Whether a worker gives such names: of a service, a slot and a task.
fn is_given(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '-');
    let task = parts.next().filter(|task| (1..=8).contains(&task.len()));
    let slot = parts.next().and_then(|slot| slot.parse::<u64>().ok());
    let service = parts.next().filter(|service| !service.is_empty());
    task.and(slot).and(service).is_some()
}

/// How the names of the instances of this service begin.
fn prefix(service: &str) -> String {
    let short = service.rsplit(['_', '.']).next().unwrap_or(service);
    format!("{}-", plain(short))
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

impl Rules {
    /// Whether only an order says that this instance is gone: its data is on volumes, or a
    /// name leads to it, wherever it is.
    pub fn comes_back(&self, instance: &Instance) -> bool {
        instance.may_be_anywhere() || instance.name.starts_with(&prefix(&self.service))
    }
}

/// The name of the instance that a member is to be: of its slot, and of its task, so that one
/// that comes back without its data is another one.
pub fn name(member: &Member) -> String {
    let slot = match &member.id {
        MemberId::Slot { service, slot } => format!("{}{slot}", prefix(service)),
        MemberId::Address(place) => format!("i-{}", place.address),
    };
    match member.task.as_deref().map(plain) {
        Some(task) if !task.is_empty() => {
            let begin: String = task.chars().take(8).collect();
            format!("{slot}-{begin}")
        }
        _ => slot,
    }
}
