//! What the nodes were asked, and what they answered last. Each question has a deadline
//! of its own, and goes on between two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Answer, Unanswered};
use meshworker_engines::Engine;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{AT_ONCE, ask_one};

/// The nodes that are asked, and what they answered last.
pub struct Questions<E: Engine> {
    engine: Arc<E>,
    /// How long a node may take for its answer.
    patience: Duration,
    /// How long the others are waited for once a majority has answered.
    pulse: Duration,
    under_way: JoinSet<(IpAddr, Instant, Answer<E::Detail>)>,
    /// Who owes an answer.
    asked: BTreeSet<IpAddr>,
    heard: BTreeMap<IpAddr, (Instant, Answer<E::Detail>)>,
    places: Arc<Semaphore>,
}

impl<E: Engine> Questions<E> {
    /// Nobody was asked yet.
    pub fn new(engine: Arc<E>, patience: Duration) -> Questions<E> {
        Questions {
            engine,
            patience,
            pulse: E::DESCRIPTOR.pulse,
            under_way: JoinSet::new(),
            asked: BTreeSet::new(),
            heard: BTreeMap::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Asks these nodes, each with whether a witness of ours names it, and takes what
    /// is there: all answers, where there is no haste, but for those of nodes that were
    /// silent last time. Nobody else is waited for longer than a pulse once a majority
    /// has answered. A late answer counts in the next look, for as long as it is no older
    /// than an answer may take.
    pub async fn ask(
        &mut self,
        nodes: &BTreeMap<IpAddr, bool>,
        hurried: bool,
    ) -> BTreeMap<IpAddr, Answer<E::Detail>> {
        let began = Instant::now();
        let mut awaited: Vec<IpAddr> = nodes.keys().copied().collect();
        awaited.retain(|node| !hurried && !self.was_silent(*node));
        for (node, named) in nodes {
            self.begin(*node, *named);
        }
        let mut pulse = None;
        loop {
            let answered = nodes.keys().filter(|node| self.has_told(node, began));
            let answered = answered.count();
            if answered == nodes.len() {
                break;
            }
            if 2 * answered > nodes.len() {
                pulse.get_or_insert(Instant::now() + self.pulse);
            }
            let next = match pulse {
                Some(until) if awaited.iter().all(|node| self.has_told(node, began)) => {
                    timeout_at(until, self.under_way.join_next()).await.ok()
                }
                _ => Some(self.under_way.join_next().await),
            };
            match next.flatten() {
                Some(Ok((node, at, answer))) => {
                    self.asked.remove(&node);
                    self.heard.insert(node, (at, answer));
                    if let Some(named) = nodes.get(&node).filter(|_| at < began) {
                        self.begin(node, *named);
                    }
                }
                // It broke, and so does the look, as if it had been made here.
                Some(Err(broke)) => {
                    if let Ok(panic) = broke.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
                None => break,
            }
        }
        let now = Instant::now();
        let answers = nodes.keys().map(|node| {
            let heard = self.heard.get(node);
            let heard = heard.filter(|(at, _)| *at >= began || now - *at <= self.patience);
            let answer = heard.map(|(_, answer)| answer.clone());
            (*node, answer.unwrap_or(Err(Unanswered::Timeout)))
        });
        answers.collect()
    }

    /// Drops what other nodes than these have answered.
    pub fn keep(&mut self, nodes: impl Fn(&IpAddr) -> bool) {
        self.heard.retain(|node, _| nodes(node));
    }

    fn was_silent(&self, node: IpAddr) -> bool {
        matches!(self.heard.get(&node), Some((_, Err(Unanswered::Timeout))))
    }

    /// Whether it has answered what was asked at this moment or later.
    fn has_told(&self, node: &IpAddr, since: Instant) -> bool {
        self.heard.get(node).is_some_and(|(at, _)| *at >= since)
    }

    /// Asks this node, unless it owes an answer.
    fn begin(&mut self, node: IpAddr, named: bool) {
        if !self.asked.insert(node) {
            return;
        }
        let (engine, places) = (Arc::clone(&self.engine), Arc::clone(&self.places));
        let patience = self.patience;
        self.under_way.spawn(async move {
            let _place = places.acquire_owned().await;
            let at = Instant::now();
            let (node, answer) = ask_one(engine, node, named, patience).await;
            (node, at, answer)
        });
    }
}
