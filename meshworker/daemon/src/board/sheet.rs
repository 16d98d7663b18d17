//! What is known of one cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshworker_core::{Orders, Place};
use meshworker_group::Given;
use tokio::time::Instant;

use super::since::Since;
use super::{Chronicle, Counts, Fact, Look, OrderBook, Powers, Tally, of};
use crate::config::{Cluster, Docker, Kubernetes};
use crate::group::Group;
use crate::status::{
    ClusterStatus, Config, ConfigValue, EventKind, MemberState, Summary, TurnedAway, Why,
};
use crate::turned_away::Register;

/// A pass may be this much older than the cluster's longest pause before the
/// worker counts as stuck.
const LATE: Duration = Duration::from_secs(30);

/// What is known of one cluster: its configuration, the last look, the orders.
#[derive(Debug)]
pub struct Sheet {
    name: Arc<str>,
    engine: &'static str,
    config: Config,
    interval: Duration,
    docker: Option<Docker>,
    kubernetes: Option<Kubernetes>,
    orders: OrderBook,
    group: Option<Group>,
    chronicle: Arc<Chronicle>,
    known: Mutex<Known>,
    tally: Mutex<Tally>,
    /// Who did not prove at the members' port that it knows the token.
    unproved: Option<Arc<Register>>,
    /// Whose announcements were refused, by whoever hears them now.
    refused: Mutex<Arc<Register>>,
}

/// What readers take is shared, so that they hold the lock for no longer than it
/// takes to copy a pointer.
#[derive(Debug, Default)]
struct Known {
    look: Option<Arc<Look>>,
    states: BTreeMap<Place, (String, MemberState)>,
    since: Arc<Since>,
    /// The orders that whoever listens was told of last.
    orders: Orders,
}

impl Sheet {
    /// A sheet on which nothing is written yet.
    pub(super) fn new(
        cluster: &Cluster,
        chronicle: Arc<Chronicle>,
        powers: Powers,
        unproved: Option<Arc<Register>>,
        group: Option<Group>,
    ) -> Sheet {
        let name: Arc<str> = cluster.name.as_str().into();
        let settings = cluster.effective.iter().map(|(name, given)| ConfigValue {
            name: name.clone(),
            value: given.value.clone(),
            origin: given.origin.to_string(),
        });
        Sheet {
            name: Arc::clone(&name),
            engine: cluster.engine.descriptor().name,
            config: Config {
                cluster: cluster.name.clone(),
                settings: settings.collect(),
            },
            interval: cluster.interval,
            docker: cluster.docker.clone(),
            kubernetes: cluster.kubernetes.clone(),
            orders: OrderBook::new(name, powers, group.clone()),
            group,
            chronicle,
            known: Mutex::default(),
            tally: Mutex::default(),
            unproved,
            refused: Mutex::default(),
        }
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many announcements were refused.
    pub fn refused(&self) -> u64 {
        self.register().times()
    }

    /// Whose announcements are refused from now on.
    pub fn watch_announcements(&self, refused: Arc<Register>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    fn register(&self) -> Arc<Register> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&refused)
    }

    /// Who was not heard at the members' port lately.
    fn turned_away(&self) -> Vec<TurnedAway> {
        let unproved = self.unproved.iter().flat_map(|register| register.lately());
        unproved.chain(self.register().lately()).collect()
    }

    /// Its engine's name.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// Its effective configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its service is in the Docker API; none when that is no witness.
    pub fn docker(&self) -> Option<&Docker> {
        self.docker.as_ref()
    }

    /// Where its StatefulSet is in the API of Kubernetes; none when that is no witness.
    pub fn kubernetes(&self) -> Option<&Kubernetes> {
        self.kubernetes.as_ref()
    }

    /// The longest pause between two passes when nothing is open.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.tally().counts()
    }

    /// What operators have ordered.
    pub fn orders(&self) -> &OrderBook {
        &self.orders
    }

    /// Notes something that happened to this cluster. Workers in a group tell what the one
    /// that acts has seen, all of them the same.
    pub fn record(&self, fact: Fact) {
        self.tally().told(&fact);
        match &self.group {
            None => self.chronicle.record(&self.name, fact),
            Some(group) => {
                // Others do not see what this one is asked for.
                let only_here = fact.kind == EventKind::Order;
                if let Some(told) = Chronicle::to_agree_on(&self.name, fact) {
                    group.tell(told, only_here);
                }
            }
        }
    }

    /// What the group has ordered by now.
    pub fn agreed(&self, given: &Given) {
        self.orders.agreed(given);
        self.tell_change();
    }

    /// Takes what a pass saw, and tells whose state has changed.
    pub fn publish(&self, look: Look) {
        let states = of::states(&look);
        self.tally().note(&look, &states);
        let mut changes = Vec::new();
        let looks_the_same;
        {
            let mut known = self.lock();
            Arc::make_mut(&mut known.since).note(&look, &states);
            let before = std::mem::replace(&mut known.states, states);
            for (address, (id, state)) in &known.states {
                let was = before.get(address).map(|(_, state)| *state);
                if was != Some(*state) {
                    changes.push(change(id, *address, was, Some(*state)));
                }
            }
            for (address, (id, state)) in &before {
                if !known.states.contains_key(address) {
                    changes.push(change(id, *address, Some(*state), None));
                }
            }
            let last = known.look.as_ref();
            let as_before = last.is_some_and(|last| last.shows_the_same_as(&look));
            looks_the_same = as_before && before == known.states;
            known.look = Some(Arc::new(look));
        }
        for change in changes {
            self.record(change);
        }
        if looks_the_same {
            self.tell_change();
        } else {
            self.lock().orders = self.orders.orders(Instant::now());
            self.chronicle.changed(&self.name);
        }
    }

    /// Tells those who listen when the orders that they would be shown are not
    /// what they were.
    pub fn tell_change(&self) {
        let orders = self.orders.orders(Instant::now());
        let changed = {
            let mut known = self.lock();
            let changed = known.look.is_some() && known.orders != orders;
            known.orders = orders;
            changed
        };
        if changed {
            self.chronicle.changed(&self.name);
        }
    }

    /// The last look; none before the first pass is over.
    pub fn look(&self) -> Option<Arc<Look>> {
        self.lock().look.clone()
    }

    /// Everything about the cluster; none before the first pass is over.
    pub fn status(&self) -> Option<ClusterStatus> {
        let (look, since) = self.known()?;
        let orders = self.orders.orders(Instant::now());
        let status = of::cluster(&self.name, self.engine, &look, &since, &orders);
        Some(ClusterStatus {
            turned_away: self.turned_away(),
            ..status
        })
    }

    /// The last look, and since when it has been so.
    fn known(&self) -> Option<(Arc<Look>, Arc<Since>)> {
        let known = self.lock();
        Some((known.look.clone()?, Arc::clone(&known.since)))
    }

    /// The cluster in a line.
    pub fn summary(&self) -> Summary {
        let look = self.look();
        let orders = self.orders.orders(Instant::now());
        of::summary(&self.name, self.engine, look.as_deref(), &orders)
    }

    /// All evidence for the member of this name: its id, its slot's number or
    /// its address. None when nobody knows it, and before the first pass.
    pub fn why(&self, member: &str) -> Option<Why> {
        let (look, since) = self.known()?;
        let orders = self.orders.orders(Instant::now());
        let mut why = of::why(&look, &since, &orders, member)?;
        let names: Vec<String> = why
            .members
            .iter()
            .flat_map(|member| [member.id.clone(), member.address.clone()])
            .collect();
        let about = |event: &crate::status::Event| {
            let member = event.member.as_ref();
            *event.cluster == *self.name && member.is_some_and(|member| names.contains(member))
        };
        let events = self.chronicle.events(0, 50, about).events;
        why.events = events
            .iter()
            .map(|event| crate::status::Event::clone(event))
            .collect();
        why.turned_away = self.turned_away();
        why.turned_away
            .retain(|one| names.iter().any(|name| one.is(name)));
        Some(why)
    }

    /// What keeps this cluster from counting as looked after.
    pub fn missing(&self) -> Option<String> {
        let name = &self.name;
        let Some(look) = self.look() else {
            return Some(format!("{name}: no pass is over yet"));
        };
        let age = look.at.elapsed();
        let late = age > self.interval + LATE + look.took * 3;
        late.then(|| format!("{name}: the last pass was {} s ago", age.as_secs()))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change is whole when the lock is given back.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // At worst something was not counted.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a member's state is another one now.
fn change(id: &str, at: Place, was: Option<MemberState>, is: Option<MemberState>) -> Fact {
    let place = at.to_string();
    let who = if id == place {
        place
    } else {
        format!("{id} at {at}")
    };
    let text = match (was, is) {
        (Some(was), Some(is)) => format!("{who} is {} (was {})", is.name(), was.name()),
        (None, Some(is)) => format!("{who} came into sight: {}", is.name()),
        (was, None) => {
            let was = was.map_or("unknown", MemberState::name);
            format!("{who} went out of sight (was {was})")
        }
    };
    let fact = Fact::new(EventKind::Member, text).about(id);
    let fact = fact.because(is.map_or("gone", MemberState::name));
    match (was, is) {
        // Whoever was in and is not, without having been let go, is missed.
        (Some(MemberState::Joined), Some(MemberState::Silent) | None) => fact.warning(),
        _ => fact,
    }
}
