//! Former nodes, and how the survivors are made to forget them.
//!
//! A node that was told about another one keeps that seed after the other has
//! died, dials it for ever, and cannot be asked which seeds it has. But it
//! remembers former peers, and that list can be read: it is the evidence that
//! there may be seeds to clear, and it lasts until it is reset. So nothing is
//! lost when the worker restarts in between, and the list is reset last.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use meshworker_core::{Departure, Evidence, Objection, Place, Situation, Step, View};

use super::detail::Detail;
use super::names::Name;
use super::plan::seed;
use super::request::Request;

/// What a survivor's memory of a former peer is called in evidence.
const ALUMNI: &str = "services-alumni";

/// The former nodes, and what is left to do once all of them are forgotten.
pub(super) struct Leavers {
    pub departures: Vec<Departure<Request>>,
    pub cleanup: Vec<Step<Request>>,
}

/// Who is still there, and holds seeds.
struct Survivors<'a> {
    nodes: Vec<(Place, &'a View<Detail>)>,
    /// Addresses that somebody sees alive, and who does.
    alive: HashMap<Place, &'a str>,
}

impl<'a> Survivors<'a> {
    /// Every node of this name that answered and is a wanted member, or one that
    /// a wanted member counts in; when nobody is to stay, the same of those that go. A
    /// node of the same name that nobody knows, behind a stale record of the name
    /// server, is a stranger's.
    fn of(situation: &Situation<'a, Detail>, name: Name<'_>) -> Survivors<'a> {
        let answering = situation.views();
        let ours = |(_, view): &(Place, &'a View<Detail>)| name.is_of(view);
        let of_name = |(_, view): &(_, &'a View<Detail>)| name.is_of(view);
        let mut known: Vec<_> = situation.wanted_views().filter(of_name).collect();
        if known.is_empty() {
            known.extend(situation.leaving_views().filter(of_name));
        }
        let mut ids: HashSet<&str> = HashSet::new();
        let mut read = HashSet::new();
        for (_, view) in known {
            ids.insert(view.node.as_str());
            if read.insert(Arc::as_ptr(&view.peers)) {
                ids.extend(view.alive().map(|peer| peer.node.as_str()));
            }
        }
        let nodes = answering.values().copied().filter(ours);
        let mut nodes: Vec<_> = nodes
            .filter(|(_, view)| ids.contains(view.node.as_str()))
            .collect();
        nodes.sort_by_key(|(address, _)| *address);

        let mut alive = HashMap::new();
        let mut read = HashSet::new();
        for (_, view) in &nodes {
            if read.insert(Arc::as_ptr(&view.peers)) {
                for address in view.alive().filter_map(|peer| peer.address) {
                    alive.entry(address).or_insert(view.node.as_str());
                }
            }
        }
        Survivors { nodes, alive }
    }

    /// The addresses that survivors remember and do not see alive, each with
    /// the first that does.
    fn remembered(&self) -> BTreeMap<Place, &'a str> {
        let mut remembered = BTreeMap::new();
        let mut read = HashSet::new();
        for (_, view) in &self.nodes {
            if read.insert(Arc::as_ptr(&view.detail.departed)) {
                for address in view.detail.departed.iter() {
                    remembered.entry(*address).or_insert(view.node.as_str());
                }
            }
        }
        remembered
    }
}

/// The former nodes of the cluster with this name.
pub(super) fn leavers(situation: &Situation<'_, Detail>, name: Name<'_>, port: u16) -> Leavers {
    let survivors = Survivors::of(situation, name);
    let mut departures = Vec::new();
    for (address, witness) in survivors.remembered() {
        // An address that has a new owner of another cluster is the most urgent
        // to clear, and nobody's whereabouts any more.
        let whereabouts = match situation.answers.get(&address) {
            Some(Ok(view)) if name.is_of(view) => continue,
            Some(Ok(_)) => None,
            _ if situation.is_wanted(address) => continue,
            _ => Some(address),
        };
        let objection = survivors
            .alive
            .get(&address)
            .map(|node| Objection::AliveTo {
                node: (*node).to_owned(),
                said: format!("{address} is its peer"),
            });
        let steps = survivors.nodes.iter().map(|(survivor, view)| {
            let mut by = witness;
            if view.detail.departed.binary_search(&address).is_ok() {
                by = view.node.as_str();
            }
            Step::new(
                *survivor,
                Request::TipClear(seed(address, port)),
                vec![Evidence::view(by, format!("{ALUMNI}: {address}"))],
            )
        });
        departures.push(Departure {
            node: address.to_string(),
            address: whereabouts,
            objections: objection.into_iter().collect(),
            steps: steps.collect(),
        });
    }
    let cleanup = cleanup(&survivors, &departures, port);
    Leavers {
        departures,
        cleanup,
    }
}

/// Resets the memory of every survivor that remembers nobody but the departed.
/// A reset forgets all former peers at once, also one that is only away.
fn cleanup(
    survivors: &Survivors<'_>,
    departures: &[Departure<Request>],
    port: u16,
) -> Vec<Step<Request>> {
    let gone = departures.iter().filter(|d| d.objections.is_empty());
    let gone: BTreeSet<Place> = gone.filter_map(|d| d.node.parse().ok()).collect();
    let mut steps = Vec::new();
    for (survivor, view) in &survivors.nodes {
        let departed = &view.detail.departed;
        if departed.is_empty() || !departed.iter().all(|address| gone.contains(address)) {
            continue;
        }
        let listed: Vec<String> = departed.iter().map(Place::to_string).collect();
        steps.push(Step::new(
            *survivor,
            Request::AlumniReset {
                departed: gone.iter().map(|address| seed(*address, port)).collect(),
            },
            vec![Evidence::view(
                &view.node,
                format!("{ALUMNI}: {}", listed.join(", ")),
            )],
        ));
    }
    steps
}
