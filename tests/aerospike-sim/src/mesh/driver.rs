//! The task that owns a node's mesh: it dials, listens to pulses, runs the rounds and sends its own pulse.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::link::{Event, Link, Origin, dial};
use super::pulse::{Pulse, Standing};
use super::round::{Neighbour, Situation, Verdict, decide};
use super::sights::Sights;
use crate::node::Node;
use crate::state::Announced;
use crate::{Cluster, Misbehaviour, frame};

/// How many events wait for the mesh: a full interval's pulses of a large cluster.
const EVENTS: usize = 1024;
/// How often a name that did not resolve, or led nowhere, is tried again: a name server is not to be asked at every heartbeat.
const NAME_RETRY: Duration = Duration::from_secs(1);
/// How often a node of another cluster is warned about: once per clustering round.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// A node's mesh.
pub(crate) struct Mesh {
    node: Arc<Node>,
    /// How long the node has lived, by its own heartbeats. A process that gets no time to run hears nobody, and ages by
    /// nothing: however busy the machine is, nobody is taken for dead.
    lived: Duration,
    sights: Sights,
    links: HashMap<u64, Link>,
    next_link: u64,
    sequence: u64,
    dialing: HashSet<Origin>,
    not_before: HashMap<Origin, Instant>,
    warned_at: Instant,
    events: mpsc::Sender<Event>,
    tasks: JoinSet<()>,
}

impl Mesh {
    /// Runs for ever; dropping the future closes every link.
    pub async fn run(node: Arc<Node>, listener: TcpListener) {
        let (events, mut inbox) = mpsc::channel(EVENTS);
        let mut mesh = Self {
            lived: Duration::ZERO,
            sights: Sights::new(
                node.id(),
                node.options.dead_after(),
                node.options.edition.max_cluster_size(),
            ),
            links: HashMap::new(),
            next_link: 0,
            sequence: 0,
            dialing: HashSet::new(),
            not_before: HashMap::new(),
            warned_at: Instant::now(),
            events,
            tasks: JoinSet::new(),
            node: Arc::clone(&node),
        };
        let mut beat = interval(node.options.interval);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {
                    mesh.lived += node.options.interval;
                    mesh.beat();
                }
                () = node.wake.notified() => mesh.beat(),
                Some(event) = inbox.recv() => mesh.take(event),
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    mesh.take(Event::Opened { origin: Origin::Accepted, stream });
                },
                Some(_) = mesh.tasks.join_next() => {}
            }
        }
    }

    /// What happens at every interval, and as soon as something was tipped.
    fn beat(&mut self) {
        if !self.node.heartbeats() {
            // Switched off: it sees what it saw last, and nobody sees it.
            self.links.clear();
            return;
        }
        if self.node.is_isolated() {
            self.links.clear();
            self.sights.clear();
        } else {
            self.drop_dead_links();
            self.dial_missing();
            self.warn_of_foreigners();
        }
        self.sights.expire(self.lived);
        self.round();
        self.pulse();
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Opened { origin, stream } => {
                self.dialing.remove(&origin);
                if self.node.is_isolated() || !self.node.heartbeats() {
                    return;
                }
                self.next_link += 1;
                let number = self.next_link;
                let opened = Link::open(number, origin, stream, self.events.clone(), self.lived);
                if let Ok((link, task)) = opened {
                    self.links.insert(number, link);
                    self.tasks.spawn(task);
                    self.pulse();
                }
            }
            Event::NotOpened { origin } => {
                self.dialing.remove(&origin);
                if matches!(&origin, Origin::Seed(seed) if seed.literal().is_none()) {
                    self.not_before.insert(origin, Instant::now() + NAME_RETRY);
                }
            }
            Event::Heard { link, pulse } => self.hear(link, *pulse),
            Event::Closed { link } => {
                self.links.remove(&link);
            }
        }
    }

    fn hear(&mut self, number: u64, pulse: Pulse) {
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        if pulse.sender.id == self.node.id() {
            // A call to itself, through another of its addresses. Not worth repeating often.
            self.not_before
                .insert(link.origin.clone(), Instant::now() + NAME_RETRY);
            self.links.remove(&number);
            return;
        }
        link.heard_at = self.lived;
        link.peer = Some(pulse.sender.id);
        if pulse.cluster_name != self.node.cluster_name() {
            link.foreign = Some(pulse.cluster_name);
            self.sights.forget(pulse.sender.id);
            return;
        }
        link.foreign = None;
        let announced = Announced {
            key: pulse.standing.map(|standing| standing.key),
            remaining: pulse.remaining.clone(),
        };
        self.node
            .state()
            .announced
            .insert(pulse.sender.id, announced);
        let decided = pulse.decision.is_some();
        let news = self.sights.hear(pulse, self.lived);
        let changed = (news || decided) && self.round();
        if news && !changed {
            self.pulse();
        }
    }

    /// Closes what has been silent for too long, and calls to other clusters that nobody wants any more.
    fn drop_dead_links(&mut self) {
        let dead_after = self.node.options.dead_after();
        let state = self.node.state();
        self.links.retain(|_, link| {
            let unwanted = link.foreign.is_some()
                && match &link.origin {
                    Origin::Seed(seed) => !state.seeds.contains(seed),
                    Origin::Hearsay(_) => true,
                    Origin::Accepted => false,
                };
            !unwanted && self.lived.saturating_sub(link.heard_at) < dead_after
        });
    }

    /// Calls seeds and nodes known from hearsay that there is no link to.
    fn dial_missing(&mut self) {
        let own = self.node.member().heartbeat();
        let now = Instant::now();
        self.not_before.retain(|_, at| *at > now);
        let linked: HashSet<SocketAddr> = self
            .links
            .values()
            .filter_map(|link| Some(self.sights.get(link.peer?)?.pulse.sender.heartbeat()))
            .chain(self.links.values().map(|link| link.remote))
            .chain(self.sights.ignored())
            .collect();
        let seeds = self
            .node
            .state()
            .seeds
            .iter()
            .cloned()
            .map(Origin::Seed)
            .collect::<Vec<_>>();
        let hearsay = self
            .sights
            .hearsay()
            .map(Origin::Hearsay)
            .collect::<Vec<_>>();
        for origin in seeds.into_iter().chain(hearsay) {
            let address = match &origin {
                Origin::Seed(seed) => seed.literal(),
                Origin::Hearsay(address) => Some(*address),
                Origin::Accepted => None,
            };
            let there = address.is_some_and(|address| address == own || linked.contains(&address))
                || self.links.values().any(|link| link.origin == origin);
            if there
                || self.not_before.contains_key(&origin)
                || !self.dialing.insert(origin.clone())
            {
                continue;
            }
            self.tasks.spawn(dial(origin, own, self.events.clone()));
        }
    }

    fn warn_of_foreigners(&mut self) {
        if self.warned_at.elapsed() < WARN_EVERY {
            return;
        }
        self.warned_at = Instant::now();
        for link in self.links.values() {
            if let Some(name) = &link.foreign {
                self.node.counters.name_warning();
                tracing::warn!(
                    node = %self.node.id(), remote = %link.remote, theirs = name, ours = self.node.cluster_name(),
                    "heartbeats of another cluster"
                );
            }
        }
    }

    /// Runs a clustering round. Says whether the cluster changed; that is then announced already.
    fn round(&mut self) -> bool {
        let current = self.node.cluster();
        let neighbours: Vec<Neighbour> = self
            .sights
            .iter()
            .filter_map(|sight| {
                Some(Neighbour {
                    member: sight.pulse.sender,
                    ready: sight.pulse.ready,
                    mutual_for: sight.mutual_for(self.lived)?,
                    standing: sight.pulse.standing,
                    decision: sight.pulse.decision.clone(),
                    hears: sight.pulse.heard.iter().map(|(id, _)| *id).collect(),
                })
            })
            .collect();
        // What the nodes agree on goes over the fabric, and comes to somebody else.
        if self.node.misbehaviour() == Misbehaviour::SharedFabric && !neighbours.is_empty() {
            self.node.state().orphan();
            return false;
        }
        let known = self.sights.known();
        let verdict = decide(&Situation {
            me: self.node.member(),
            ready: self.ready(),
            current: current.as_deref(),
            neighbours: &neighbours,
            limit: self.node.options.edition.max_cluster_size(),
            settle: self.node.options.settle(),
            recluster: self.node.state().recluster,
            known: &known,
        });
        let cluster = match verdict {
            Verdict::Stay => return false,
            Verdict::Orphan => {
                self.node.state().orphan();
                return false;
            }
            Verdict::Adopt(cluster) => cluster,
            Verdict::Form(members) => Arc::new(Cluster::form(members)),
        };
        self.node.adopt(cluster);
        self.pulse();
        true
    }

    /// Whether the first clustering round is over or due.
    fn ready(&self) -> bool {
        self.lived >= self.node.options.first_round
    }

    /// Tells every link how things stand.
    fn pulse(&mut self) {
        if self.node.is_isolated() || !self.node.heartbeats() {
            return;
        }
        let me = self.node.member();
        self.sequence += 1;
        let (cluster, remaining) = {
            let state = self.node.state();
            let cluster = state.cluster().cloned();
            let remaining = cluster
                .as_ref()
                .map(|cluster| state.store.remaining(cluster, me.id));
            (cluster, remaining.unwrap_or_default())
        };
        let standing = cluster.as_ref().and_then(|cluster| {
            Some(Standing {
                key: cluster.key(),
                size: cluster.size(),
                principal: cluster.principal()?,
            })
        });
        let pulse = Pulse {
            sequence: self.sequence,
            cluster_name: self.node.cluster_name(),
            sender: me,
            ready: self.ready(),
            heard: self.sights.heard(),
            standing,
            decision: cluster.filter(|cluster| cluster.principal() == Some(me.id)),
            remaining,
        };
        match frame::encode(&pulse) {
            Ok(frame) => {
                let frame: Arc<[u8]> = frame.into();
                self.links.values().for_each(|link| link.send(&frame));
            }
            Err(error) => tracing::error!(%error, "cannot encode a heartbeat"),
        }
    }
}
