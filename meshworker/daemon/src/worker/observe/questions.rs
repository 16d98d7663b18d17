//! What the nodes were asked, and what they answered last. Each question has a deadline
//! of its own, and goes on between two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Answer, Place, Unanswered};
use meshworker_engines::Engine;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::{AT_ONCE, ask_one};
use crate::worker::patience::wait_after;

/// For so long an answer that has come counts while the next one is owed: half of what a
/// release is held for, so that none rests on the word of a node that answers no more.
const FRESH: Duration = Duration::from_secs(1);

/// What a node answered last.
struct Heard<D> {
    asked: Instant,
    came: Instant,
    answer: Answer<D>,
    /// How often in a row it has been silent.
    silences: u32,
}

impl<D> Heard<D> {
    fn is_silent(&self) -> bool {
        self.silences > 0
    }
}

/// The nodes that are asked, and what they answered last.
pub struct Questions<E: Engine> {
    engine: Arc<E>,
    /// How long a node may take for its answer.
    patience: Duration,
    /// How long the others are waited for once most have answered.
    pulse: Duration,
    under_way: JoinSet<(Place, Heard<E::Detail>)>,
    /// Who owes an answer.
    asked: BTreeMap<Place, AbortHandle>,
    heard: BTreeMap<Place, Heard<E::Detail>>,
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
            asked: BTreeMap::new(),
            heard: BTreeMap::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Asks these nodes, each with whether a witness of ours names it, and takes what is there: where there is no haste all answers,
    /// but for those of nodes that were silent last time. Nobody else is waited for
    /// longer than a pulse once a majority has answered, or everybody who was not silent
    /// last time; but whoever took longer for its last answer has twice that time. A late
    /// answer counts in the next look, if it has just come.
    pub async fn ask(
        &mut self,
        nodes: &BTreeMap<Place, bool>,
        hurried: bool,
    ) -> BTreeMap<Place, Answer<E::Detail>> {
        let began = Instant::now();
        // Who answers, as far as is known, and of them whoever is waited for to the end.
        let mut awaited: BTreeSet<Place> = nodes.keys().copied().collect();
        awaited.retain(|node| !self.heard.get(node).is_some_and(Heard::is_silent));
        for (node, named) in nodes {
            self.begin(*node, *named);
        }
        let (mut answered, mut most_since) = (0, None);
        while answered < nodes.len() {
            if 2 * answered > nodes.len() || awaited.is_empty() {
                most_since.get_or_insert(Instant::now());
            }
            let until = most_since.filter(|_| hurried || awaited.is_empty());
            let next = match until.map(|since| since + self.pulse_of(&awaited)) {
                Some(until) => timeout_at(until, self.under_way.join_next()).await.ok(),
                None => Some(self.under_way.join_next().await),
            };
            match next.flatten() {
                Some(Ok((node, heard))) => {
                    let late = heard.asked < began;
                    self.asked.remove(&node);
                    self.heard.insert(node, heard);
                    match nodes.get(&node) {
                        Some(named) if late => self.begin(node, *named),
                        Some(_) => {
                            answered += 1;
                            awaited.remove(&node);
                        }
                        None => {}
                    }
                }
                // It broke, and so does the look, as if it had been made here.
                Some(Err(ended)) => {
                    if let Ok(panic) = ended.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
                None => break,
            }
        }
        let now = Instant::now();
        let answers = nodes.keys().map(|node| {
            let heard = self.heard.get(node);
            let heard = heard.filter(|heard| heard.asked >= began || now - heard.came <= FRESH);
            let answer = heard.map(|heard| heard.answer.clone());
            (*node, answer.unwrap_or(Err(Unanswered::Timeout)))
        });
        answers.collect()
    }

    /// Drops what other nodes than these have answered, or are asked.
    pub fn keep(&mut self, nodes: impl Fn(&Place) -> bool) {
        self.heard.retain(|node, _| nodes(node));
        self.asked.retain(|node, question| {
            let kept = nodes(node);
            if !kept {
                question.abort();
            }
            kept
        });
    }

    /// How long these may still take once most have answered.
    fn pulse_of(&self, awaited: &BTreeSet<Place>) -> Duration {
        let heard = awaited.iter().filter_map(|node| self.heard.get(node));
        let took = heard.map(|heard| 2 * heard.came.duration_since(heard.asked));
        took.max().map_or(self.pulse, |took| took.max(self.pulse))
    }

    /// Asks this node, unless it owes an answer.
    fn begin(&mut self, node: Place, named: bool) {
        if self.asked.contains_key(&node) {
            return;
        }
        let (engine, places) = (Arc::clone(&self.engine), Arc::clone(&self.places));
        let before = self.heard.get(&node).map_or(0, |heard| heard.silences);
        let patience = wait_after(before, self.patience);
        let task = self.under_way.spawn(async move {
            let _place = places.acquire_owned().await;
            let asked = Instant::now();
            let (node, answer) = ask_one(engine, node, named, patience).await;
            let silent = matches!(answer, Err(Unanswered::Timeout));
            let heard = Heard {
                asked,
                came: Instant::now(),
                answer,
                silences: if silent { before + 1 } else { 0 },
            };
            (node, heard)
        });
        self.asked.insert(node, task);
    }
}
