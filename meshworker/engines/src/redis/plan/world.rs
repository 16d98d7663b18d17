//! The views of one pass, put in order: who is where, who hangs together, who
//! owns which slot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use meshworker_core::{
    Evidence, MemberId, Place, Reason, Refusal, Situation, Standing, View, fragments,
};

use super::Rules;
use crate::redis::detail::Detail;
use crate::redis::nodes::{Entry, Health};
use crate::redis::slots::{SLOTS, Slots};

/// One node that answered.
#[derive(Debug)]
pub struct Node<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it is asked.
    pub address: Place,
    /// Everywhere it answers.
    pub addresses: Vec<Place>,
    /// What it says.
    pub view: &'a View<Detail>,
    /// Its own line in its table.
    pub own: &'a Entry,
    /// Whether it belongs into the cluster.
    pub wanted: bool,
    /// Whether it is meant to go.
    pub leaving: bool,
    /// Where it stands among its like: by slot where that is known, then by
    /// address.
    pub order: (u64, Place),
    /// What it shares its fate with: its swarm node, or itself alone where that
    /// is not known.
    pub host: String,
}

impl Node<'_> {
    /// The entry of another node in this node's table.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let table = &self.view.detail.table;
        let position = table.binary_search_by(|entry| entry.node.as_str().cmp(id));
        position.ok().and_then(|position| table.get(position))
    }

    /// Whether it owns no slot and holds no key.
    pub fn is_empty(&self) -> bool {
        self.own.slots.is_empty() && self.view.detail.keys == 0
    }

    /// Whether a witness names it, not the other nodes alone.
    pub fn is_known(&self) -> bool {
        self.wanted || self.leaving
    }

    /// Whether it is one of the masters, by its own word.
    pub fn is_master(&self) -> bool {
        !self.own.replica
    }

    /// What it says, as evidence.
    pub fn said(&self, what: impl Into<String>) -> Evidence {
        Evidence::view(self.id, what)
    }
}

/// The views of one pass, put in order.
#[derive(Debug)]
pub struct World<'a> {
    /// Every node that answered and is not of another cluster by name, in
    /// order of their ids.
    pub nodes: BTreeMap<&'a str, Node<'a>>,
    /// The nodes that hang together, in the order of [`Node::order`]. The first
    /// is the anchor: the others are to join it.
    pub fragments: Vec<Vec<&'a str>>,
    /// The name that the anchor's nodes announce, or that is expected.
    pub name: Option<String>,
    /// Which slots the anchor's tables give to whom, dead nodes included.
    pub owners: BTreeMap<&'a str, Slots>,
    /// The slots that nobody owns by any of the anchor's tables.
    pub unowned: Slots,
    /// Whether every wanted member answered.
    pub complete: bool,
    /// Where nodes of another name answered.
    pub strangers: BTreeSet<Place>,
}

impl<'a> World<'a> {
    /// Puts the views in order.
    pub fn of(
        rules: &Rules,
        situation: &Situation<'a, Detail>,
        refusals: &mut Vec<Refusal>,
    ) -> World<'a> {
        let mut strangers = BTreeSet::new();
        let nodes = nodes(rules, situation, refusals, &mut strangers);
        let mut world = World {
            strangers,
            fragments: ordered(&nodes, rules.cluster_name.as_deref()),
            nodes,
            name: rules.cluster_name.clone(),
            owners: BTreeMap::new(),
            unowned: Slots::default(),
            complete: situation.wanted().count() == situation.wanted_views().count(),
        };
        if world.name.is_none() {
            let mut names = world.anchor_nodes();
            let name = names.find_map(|node| node.view.cluster_name.clone());
            drop(names);
            world.name = name;
        }
        world.owners = owners(&world);
        let owned = world.owners.values();
        let owned = owned.fold(Slots::default(), |all, slots| all.union(slots));
        world.unowned = owned.missing();
        world
    }

    /// The fragment that the others join; none when no wanted node answered.
    pub fn anchor(&self) -> Option<&[&'a str]> {
        self.fragments.first().map(Vec::as_slice)
    }

    /// The anchor's nodes, in order.
    pub fn anchor_nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.fragments
            .first()
            .into_iter()
            .flatten()
            .filter_map(|id| self.nodes.get(id))
    }

    /// The wanted nodes of the anchor, in order: the cluster's members.
    pub fn members(&self) -> impl Iterator<Item = &Node<'a>> {
        self.anchor_nodes().filter(|node| node.wanted)
    }

    /// The nodes of the anchor that are meant to go, in order.
    pub fn leavers(&self) -> impl Iterator<Item = &Node<'a>> {
        self.anchor_nodes().filter(|node| node.leaving)
    }

    /// Each different table among these nodes' once.
    pub fn tables(&self, of: impl Iterator<Item = &'a str>) -> Vec<(&Node<'a>, &'a Arc<[Entry]>)> {
        let mut seen = BTreeSet::new();
        of.filter_map(|id| self.nodes.get(id))
            .filter(|node| seen.insert(Arc::as_ptr(&node.view.detail.table).cast::<Entry>()))
            .map(|node| (node, &node.view.detail.table))
            .collect()
    }
}

fn nodes<'a>(
    rules: &Rules,
    situation: &Situation<'a, Detail>,
    refusals: &mut Vec<Refusal>,
    strangers: &mut BTreeSet<Place>,
) -> BTreeMap<&'a str, Node<'a>> {
    let mut places: BTreeMap<&str, Vec<(Place, &View<Detail>)>> = BTreeMap::new();
    for (address, answer) in situation.answers {
        if let Ok(view) = answer {
            let place = (*address, view);
            places.entry(view.node.as_str()).or_default().push(place);
        }
    }
    let mut nodes = BTreeMap::new();
    for (id, places) in places {
        let Some((first, view)) = places.first().copied() else {
            continue;
        };
        // Two processes with one id: a volume was copied. Whatever is done to
        // that id would be done to the one or the other at random.
        let copy = places
            .iter()
            .find(|(_, other)| other.detail.run_id != view.detail.run_id);
        if let Some((second, _)) = copy {
            let what = format!("{first} and {second} both are node {id}: a volume was copied");
            refusals.push(Refusal::new(
                format!("join {second}"),
                Reason::ForeignCluster(what),
            ));
            continue;
        }
        let expected = rules.cluster_name.as_ref();
        if let (Some(expected), Some(found)) = (expected, view.cluster_name.as_ref())
            && expected != found
        {
            refusals.push(wrong_name(first, id, expected, found));
            strangers.extend(places.iter().map(|(address, _)| *address));
            continue;
        }
        let Some(own) = view.detail.table.iter().find(|entry| entry.node == id) else {
            continue;
        };
        let addresses: Vec<Place> = places.iter().map(|(address, _)| *address).collect();
        let wanted = addresses.iter().find(|at| situation.is_wanted(**at));
        let goes = addresses.iter().find(|at| is_leaving(situation, **at));
        let leaving = wanted.is_none() && goes.is_some();
        let address = wanted.or(goes).copied().unwrap_or(first);
        let member = situation.roster.at(address);
        let name = view.detail.name.as_ref();
        let slot = match member.map(|member| &member.id) {
            Some(MemberId::Slot { slot, .. }) => Some(*slot),
            _ => name.map(|name| name.slot),
        };
        let host = member
            .and_then(|member| member.node.clone())
            .or_else(|| name.and_then(|name| name.swarm_node.clone()));
        nodes.insert(
            id,
            Node {
                id,
                address,
                wanted: wanted.is_some(),
                leaving,
                addresses,
                view,
                own,
                order: (slot.unwrap_or(u64::MAX), address),
                host: host.unwrap_or_else(|| id.to_owned()),
            },
        );
    }
    nodes
}

/// How many keys these nodes hold together; as many as can be counted, where they
/// claim more.
pub fn all_keys<'n, 'a: 'n>(nodes: impl IntoIterator<Item = &'n Node<'a>>) -> u64 {
    let keys = nodes.into_iter().map(|node| node.view.detail.keys);
    keys.fold(0, u64::saturating_add)
}

fn is_leaving(situation: &Situation<'_, Detail>, address: Place) -> bool {
    let member = situation.roster.at(address);
    member.is_some_and(|member| member.standing() == Standing::Leaving)
}

/// A node of another cluster.
pub fn wrong_name(address: Place, id: &str, expected: &str, found: &str) -> Refusal {
    Refusal {
        what: format!("join {address}"),
        reason: Reason::WrongCluster {
            expected: expected.to_owned(),
            found: found.to_owned(),
        },
        evidence: vec![Evidence::view(id, format!("cluster name '{found}'"))],
    }
}

/// The fragments, the anchor first: the one that has the expected name, then
/// most slots, then knows of most, then has keys, then most nodes, then the
/// lowest one. Only fragments with a wanted node count.
fn ordered<'a>(nodes: &BTreeMap<&'a str, Node<'a>>, name: Option<&str>) -> Vec<Vec<&'a str>> {
    let groups = fragments(nodes.keys().copied(), links(nodes));
    // Each shared table is counted once.
    let mut counted: BTreeMap<*const Entry, usize> = BTreeMap::new();
    for node in nodes.values() {
        let table = Arc::as_ptr(&node.view.detail.table).cast();
        counted
            .entry(table)
            .or_insert_with(|| known_slots(node).count());
    }
    let known_by = |node: &Node<'_>| {
        let table = Arc::as_ptr(&node.view.detail.table).cast();
        counted.get(&table).copied().unwrap_or(0)
    };
    let mut ranked: Vec<_> = groups
        .into_iter()
        .filter_map(|mut group| {
            group.sort_by_key(|id| nodes.get(id).map(|node| node.order));
            let members = || group.iter().filter_map(|id| nodes.get(id));
            let lowest = members().find(|node| node.wanted)?.order;
            let named =
                name.is_some() && members().any(|node| node.view.cluster_name.as_deref() == name);
            let owned: usize = members().map(|node| node.own.slots.count()).sum();
            let known = members().map(known_by).max().unwrap_or(0);
            let keys = members().any(|node| node.view.detail.keys > 0);
            let size = group.len();
            Some((
                (
                    !named,
                    usize::MAX - owned,
                    usize::MAX - known,
                    !keys,
                    usize::MAX - size,
                    lowest,
                ),
                group,
            ))
        })
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, group)| group).collect()
}

/// The slots that somebody owns, by this node's table.
pub fn known_slots(node: &Node<'_>) -> Slots {
    let table = node.view.detail.table.iter();
    Slots::from_ranges(table.flat_map(|entry| entry.slots.ranges().iter().copied()))
}

/// Who is linked with whom: A's table has B alive, connected and where it
/// answers, and B's table has A at all. The second half matters for a node
/// that returns after it was forgotten: it sees the others, they do not see it.
fn links<'a>(nodes: &BTreeMap<&'a str, Node<'a>>) -> Vec<(&'a str, &'a str)> {
    let mut links = Vec::new();
    // Members of a settled cluster share one table, so it is read once, and
    // linking each of them with the first is enough.
    let mut sharers: BTreeMap<*const Entry, Vec<&Node<'a>>> = BTreeMap::new();
    for node in nodes.values() {
        let table = Arc::as_ptr(&node.view.detail.table).cast();
        sharers.entry(table).or_default().push(node);
    }
    for group in sharers.values() {
        let Some(first) = group.first() else { continue };
        let inside: BTreeSet<&str> = group.iter().map(|node| node.id).collect();
        let seen = first.view.detail.table.iter().filter(|entry| {
            let there = nodes.get(entry.node.as_str());
            is_linked(entry) && there.is_some_and(|node| is_at(entry, node))
        });
        let mut hub: Option<&str> = None;
        for entry in seen {
            let Some(other) = nodes.get(entry.node.as_str()) else {
                continue;
            };
            if inside.contains(other.id) {
                let hub = *hub.get_or_insert(other.id);
                links.push((hub, other.id));
            } else {
                let known = group.iter().filter(|node| other.entry(node.id).is_some());
                links.extend(known.map(|node| (node.id, other.id)));
            }
        }
        if let Some(hub) = hub {
            links.extend(group.iter().map(|node| (hub, node.id)));
        }
    }
    links
}

/// Whether the entry says alive and connected.
pub fn is_linked(entry: &Entry) -> bool {
    entry.health == Health::Well && entry.connected
}

/// Whether the entry has the node where it answers.
pub fn is_at(entry: &Entry, node: &Node<'_>) -> bool {
    entry
        .address
        .is_some_and(|address| node.addresses.contains(&address))
}

/// Who owns which slots, by the anchor's tables. Of itself, a node that
/// answered knows best; of a dead one, every table that has it is believed.
fn owners<'a>(world: &World<'a>) -> BTreeMap<&'a str, Slots> {
    let anchor: BTreeSet<&str> = world.anchor_nodes().map(|node| node.id).collect();
    let mut owners: BTreeMap<&'a str, Slots> = BTreeMap::new();
    let mut taken = vec![false; usize::from(SLOTS)];
    for node in world.anchor_nodes() {
        if !node.own.slots.is_empty() {
            owners.insert(node.id, node.own.slots.clone());
            for slot in node.own.slots.iter() {
                if let Some(taken) = taken.get_mut(usize::from(slot)) {
                    *taken = true;
                }
            }
        }
    }
    let ids = world.fragments.first().into_iter().flatten().copied();
    for (_, table) in world.tables(ids) {
        for entry in table
            .iter()
            .filter(|entry| !anchor.contains(entry.node.as_str()))
        {
            let slots = entry.slots.iter();
            let free: Slots = slots
                .filter(|slot| taken.get(usize::from(*slot)) == Some(&false))
                .collect();
            if !free.is_empty() {
                let owned = owners.entry(entry.node.as_str()).or_default();
                *owned = owned.union(&free);
            }
        }
    }
    owners
}
