//! A database in memory, which does whatever a test wants.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use meshworker_core::{
    Answer, Capabilities, Departure, Floor, Leave, Nomination, Peer, Place, Planner, Proposal,
    Request, Situation, Start, Step, StepKind, Tell, Touches, Unanswered, Unity, View,
};
use meshworker_engines::aerospike::Aerospike;
use meshworker_engines::{Access, Descriptor, Engine, Failure};
use serde::Serialize;
use tokio::sync::Notify;

/// To make the cluster forget a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forget(String);

impl fmt::Display for Forget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "forget {}", self.0)
    }
}

impl Request for Forget {
    fn kind(&self) -> StepKind {
        StepKind::Forget
    }

    fn introduces(&self) -> Option<Place> {
        None
    }
}

/// What a test sets, and sees.
#[derive(Debug, Default)]
pub struct State {
    /// Who runs.
    pub nodes: BTreeSet<Place>,
    /// At which addresses nobody ever says anything.
    pub silent: BTreeSet<Place>,
    /// What everybody is busy with.
    pub working: Option<String>,
    /// How whoever waits is to be started.
    pub start: Option<Start>,
    /// Whose database is to end.
    pub outranked: Option<Place>,
    /// The fewest members that must stay.
    pub floor: usize,
    /// Who is gone, look by look; nobody once there are no more.
    pub gone: VecDeque<Vec<&'static str>>,
    /// Who was forgotten.
    pub forgotten: Vec<String>,
    /// Until when whoever is to be forgotten takes its time.
    pub slow: Option<Arc<Notify>>,
}

/// The database.
#[derive(Debug, Clone, Default)]
pub struct Toy(Arc<Mutex<State>>);

impl Toy {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Planner for Toy {
    type Detail = ();
    type Request = Forget;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Forget> {
        let leaves = situation.leaving_views();
        let leaves = leaves.map(|(member, view)| Leave::of(member.address, &view.node));
        let gone = self.state().gone.pop_front().unwrap_or_default();
        let departures = gone.into_iter().map(|node| Departure {
            node: node.to_owned(),
            address: None,
            objections: Vec::new(),
            steps: vec![Step::new(
                [10, 0, 0, 1].into(),
                Forget(node.to_owned()),
                Vec::new(),
            )],
        });
        let size = situation.wanted_views().count();
        let start = self.state().start.clone();
        let waits = situation.spares().filter(|member| member.disk.is_some());
        let nominations = waits.filter_map(|member| {
            Some(Nomination {
                address: member.address,
                tell: Tell::Start(start.clone()?),
                touches: Touches::All,
            })
        });
        let outranked = self.state().outranked;
        let kill = outranked.map(|address| Nomination {
            address,
            tell: Tell::Kill { term: 1 },
            touches: Touches::All,
        });
        Proposal {
            nominations: nominations.chain(kill).collect(),
            leaves: leaves.collect(),
            departures: departures.collect(),
            floor: Floor {
                members: self.state().floor,
                because: "the toy".to_owned(),
            },
            ..Proposal::nothing(Unity::One { size })
        }
    }
}

impl Engine for Toy {
    const DESCRIPTOR: Descriptor = <Aerospike as Engine>::DESCRIPTOR;

    fn new(_: Access) -> Toy {
        Toy::default()
    }

    async fn observe(&self, node: Place) -> Answer<()> {
        if self.state().silent.contains(&node) {
            return std::future::pending().await;
        }
        let state = self.state();
        if !state.nodes.contains(&node) {
            return Err(Unanswered::Unreachable("it does not run".to_owned()));
        }
        let peers = state.nodes.iter().map(|address| Peer {
            node: address.to_string(),
            address: Some(*address),
            alive: true,
        });
        Ok(View {
            node: node.to_string(),
            cluster_name: None,
            role: None,
            size: state.nodes.len(),
            peers: peers.collect(),
            working: state.working.clone(),
            holdings: Default::default(),
            detail: (),
        })
    }

    async fn perform(&self, step: &Step<Forget>) -> Result<String, Failure> {
        let slow = self.state().slow.clone();
        if let Some(slow) = slow {
            slow.notified().await;
        }
        self.state().forgotten.push(step.request.0.clone());
        Ok("ok".to_owned())
    }
}
