//! Observe: take what the witnesses say, then ask every node that they name.

mod questions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use meshworker_core::{Answer, Member, Observation, Place, Presence, Roster, Unanswered};
use meshworker_engines::Engine;
use tokio::time::{Instant, timeout, timeout_at};

use super::ears::{Ears, Haste, Taken};
use super::patience::Patience;
use crate::board::Requests;
use questions::Questions;

/// How many nodes are asked at once. A thousand members are asked in a few
/// rounds, with few sockets open at a time.
pub(crate) const AT_ONCE: usize = 128;

/// A node may take two requests' time in all, and never more than this, so that
/// a pass is bounded whatever the engine does and whatever was configured.
const NODE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a look asks those that only say of themselves that they are there and
/// have never answered. There may be any number of them.
const UNKNOWN: Duration = Duration::from_secs(1);

/// So many of them are asked in one look, as many as have been silent least often: a
/// database can list any number of addresses. Whoever is not asked does not answer.
const MOST_UNKNOWN: usize = 2048;

/// Everything that one look saw.
pub struct Seen<D> {
    /// What it is decided from.
    pub observed: Observation<D>,
    /// Whether every witness was asked, and answered, after the look began.
    pub whole: bool,
    /// How long witnesses were waited for.
    pub waited: Duration,
    /// When the members were listened to.
    pub listened: Instant,
    /// What it cost.
    pub requests: Requests,
}

/// What an earlier look of the same pass has cost.
#[derive(Default)]
pub struct Waited {
    waited: Duration,
    requests: Requests,
}

impl Waited {
    /// What this look has cost.
    pub fn of<D>(seen: &Seen<D>) -> Waited {
        Waited {
            waited: seen.waited,
            requests: seen.requests,
        }
    }

    /// Counts it in.
    pub fn add_to<D>(&self, seen: &mut Seen<D>) {
        seen.waited += self.waited;
        seen.requests.witnesses += self.requests.witnesses;
        seen.requests.views += self.requests.views;
    }
}

/// Takes what the witnesses say, and asks every node that they name.
pub struct Observer<E: Engine> {
    engine: Arc<E>,
    node_deadline: Duration,
    /// Those that are known, by whatever they answer.
    questions: Questions<E>,
    patience: Patience,
    /// Who answered in the last look.
    answered: BTreeSet<Place>,
}

impl<E: Engine> Observer<E> {
    /// An observer that has asked nobody yet. One request to a node may take
    /// `deadline`.
    pub fn new(engine: Arc<E>, deadline: Duration) -> Observer<E> {
        let node_deadline = deadline.saturating_mul(2).min(NODE_DEADLINE);
        Observer {
            questions: Questions::new(Arc::clone(&engine), node_deadline),
            engine,
            node_deadline,
            patience: Patience::default(),
            answered: BTreeSet::new(),
        }
    }

    /// Looks at the whole world once.
    pub async fn observe(&mut self, ears: &mut Ears, haste: Haste) -> Seen<E::Detail> {
        let Taken {
            reports,
            whole,
            waited,
            listened,
        } = ears.take(haste).await;
        // Whoever is named by nobody else may be anybody.
        let roster = Roster::merge(&reports, &BTreeSet::new());
        // Of a spare it is known that its database does not run.
        let spare = |at: Place| roster.at(at).is_some_and(Member::is_spare);
        let named: BTreeSet<Place> = reports
            .iter()
            .flat_map(|report| &report.sightings)
            .filter(|sighting| sighting.presence != Presence::OutOfSight)
            .map(|sighting| sighting.address)
            .filter(|at| !spare(*at))
            .collect();
        let lists = reports.iter().filter(|r| r.witness.lists_everybody());
        let mut known: BTreeSet<Place> = lists
            .flat_map(|report| report.sightings.iter().map(|s| s.address))
            .collect();
        known.extend(&self.answered);
        let hurried = haste == Haste::Quick;
        let (answers, mut passed_over) = self.ask(&named, &known, &roster, hurried).await;
        let mut observed = Observation::of(reports, answers);
        // Members that no witness lists, because they are not healthy yet or a
        // record is missing, are known to the others.
        let unlisted = observed.alive().difference(&named).copied().collect();
        let (answers, others) = self.ask(&unlisted, &known, &roster, hurried).await;
        observed.answers.extend(answers);
        passed_over.extend(others);
        let there = |node: &Place| observed.answers.contains_key(node);
        self.questions.keep(there);
        let answered = observed.answers.iter().filter(|(_, answer)| answer.is_ok());
        self.answered = answered.map(|(node, _)| *node).collect();
        self.patience.note(
            observed
                .answers
                .iter()
                .map(|(node, answer)| (*node, matches!(answer, Err(Unanswered::Timeout)))),
            passed_over,
        );
        let requests = Requests {
            witnesses: ears.count(),
            views: observed.answers.len(),
            steps: 0,
        };
        Seen {
            observed,
            whole,
            waited,
            listened,
            requests,
        }
    }

    /// Asks these nodes. Whoever is not `known` must not keep the others waiting,
    /// and is asked within a time of its own, those first that have been silent
    /// least often. Returns the answers, and whose turn it was not.
    async fn ask(
        &mut self,
        nodes: &BTreeSet<Place>,
        known: &BTreeSet<Place>,
        roster: &Roster,
        hurried: bool,
    ) -> (BTreeMap<Place, Answer<E::Detail>>, Vec<Place>) {
        let vouched = |member: &Member| !E::VOUCHED_ONLY || member.is_vouched();
        let is_named = |node: &Place| {
            let member = roster.at(*node);
            member.is_some_and(|member| member.is_named() && vouched(member))
        };
        let (first, mut unknown): (Vec<Place>, Vec<Place>) =
            nodes.iter().partition(|node| known.contains(node));
        let first = first.iter().map(|node| (*node, is_named(node))).collect();
        unknown.sort_by_key(|node| self.patience.silences(*node));
        let passed_over = unknown.split_off(MOST_UNKNOWN.min(unknown.len()));
        let until = Instant::now() + UNKNOWN;
        let mut asked = self.answers(&unknown, &is_named);
        let asking = async {
            let mut answers = Vec::new();
            while let Ok(Some(answer)) = timeout_at(until, asked.next()).await {
                answers.push(answer);
            }
            answers
        };
        let known = self.questions.ask(&first, hurried);
        let (mut answers, unknown_answers) = tokio::join!(known, asking);
        answers.extend(unknown_answers);
        // Whoever was not reached in that time was not heard, like the silent.
        for node in unknown {
            answers.entry(node).or_insert(Err(Unanswered::Timeout));
        }
        (answers, passed_over)
    }

    /// What these nodes answer, as the answers come.
    fn answers(
        &self,
        nodes: &[Place],
        is_named: &impl Fn(&Place) -> bool,
    ) -> BoxStream<'static, (Place, Answer<E::Detail>)> {
        let questions: Vec<_> = nodes
            .iter()
            .map(|node| {
                let wait = self.patience.with(*node, self.node_deadline);
                (*node, is_named(node), wait)
            })
            .collect();
        let engine = Arc::clone(&self.engine);
        // One after the other: a question takes some room before it is asked.
        let asked = stream::iter(questions).map(move |(node, named, wait)| {
            ask_one(Arc::clone(&engine), node, named, wait).boxed()
        });
        asked.buffer_unordered(AT_ONCE).boxed()
    }
}

async fn ask_one<E: Engine>(
    engine: Arc<E>,
    node: Place,
    named: bool,
    wait: Duration,
) -> (Place, Answer<E::Detail>) {
    let answer = match named {
        true => timeout(wait, engine.observe(node)).await,
        false => timeout(wait, engine.observe_unlisted(node)).await,
    };
    (node, answer.unwrap_or(Err(Unanswered::Timeout)))
}

#[cfg(test)]
mod known;
