//! A worker without a daemon: look, decide, act, as often as a test wishes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use meshworker_core::{
    Answer, Context, Grade, Limits, Member, Mind, Moment, Observation, Place, Plan, Planner,
    Presence, Report, Request, Roster, Sighting, Step, StepKind, Thought, Witness,
};
use meshworker_engines::{Alone, Done, Engine, perform};
use tokio::time::{Instant, sleep};

/// How long the driver rests between two passes, unless a test says otherwise.
const REST: Duration = Duration::from_millis(50);

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

/// Limits short enough for a test, in the same proportions as the real ones.
pub fn quick_limits() -> Limits {
    Limits {
        removal_window: Duration::from_secs(1),
        removal_hold: Duration::from_secs(2),
        mass_vanish_hold: Duration::from_secs(600),
        leave_hold: Duration::from_millis(500),
        first_words: Duration::from_millis(300),
        retry_first: Duration::from_secs(1),
        retry_most: Duration::from_secs(4),
        ..Limits::default()
    }
}

/// What a witness says of a member beside its address; none where it says nothing of it.
type Known = Arc<dyn Fn(Witness, Place) -> Option<Sighting> + Send + Sync>;

type RequestOf<E> = <E as Planner>::Request;
type DetailOf<E> = <E as Planner>::Detail;

/// A worker without a daemon.
pub struct Driver<E: Engine> {
    /// The engine on trial.
    pub engine: Arc<E>,
    /// The bounds of what may be done.
    pub limits: Limits,
    /// Every step that was performed, when, and what the node replied.
    pub done: Vec<(Duration, Done<RequestOf<E>>)>,
    /// How many looks at a node there were.
    pub looks: usize,
    /// How long it rests between two passes.
    pub rest: Duration,
    /// Who announces that it is meant to go, and waits until it may.
    pub leaving: BTreeSet<Place>,
    /// Who announces that it volunteers, and whose database is not started.
    pub spares: BTreeSet<Place>,
    known: Known,
    mind: Mind,
    start: Instant,
}

impl<E: Engine> Driver<E> {
    /// A worker that has just started and remembers nothing.
    pub fn new(engine: E) -> Driver<E> {
        Driver {
            engine: Arc::new(engine),
            limits: quick_limits(),
            done: Vec::new(),
            looks: 0,
            rest: REST,
            leaving: BTreeSet::new(),
            spares: BTreeSet::new(),
            known: Arc::new(|witness, at| (witness == Witness::Dns).then(|| Sighting::at(at))),
            mind: Mind::default(),
            start: Instant::now(),
        }
    }

    /// A worker that makes no request twice: on a busy machine an effect may
    /// show late, and a test that counts requests would count another one.
    #[must_use]
    pub fn asking_once(mut self) -> Driver<E> {
        self.limits.retry_first = NEVER;
        self.limits.retry_most = NEVER;
        self
    }

    /// Whose witnesses know more than addresses: for databases whose members are of several
    /// services, or are asked for nothing before their supervisors named them.
    #[must_use]
    pub fn that_knows(
        mut self,
        known: impl Fn(Witness, Place) -> Option<Sighting> + Send + Sync + 'static,
    ) -> Driver<E> {
        self.known = Arc::new(known);
        self
    }

    /// The time since the worker started.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Asks each address for its view.
    pub async fn look(&mut self, at: &[Place]) -> BTreeMap<Place, Answer<DetailOf<E>>> {
        self.looks += at.len();
        let engine = &self.engine;
        let asked = at
            .iter()
            .map(|address| async move { (*address, engine.observe(*address).await) });
        join_all(asked).await.into_iter().collect()
    }

    /// Looks, and looks again where that is asked for, and decides, without acting,
    /// while the name server lists `listed` and those that leave announce it.
    pub async fn plan(&mut self, listed: &[Place]) -> Plan<RequestOf<E>> {
        let named: BTreeSet<Place> = listed.iter().chain(&self.leaving).copied().collect();
        let named: Vec<Place> = named.difference(&self.spares).copied().collect();
        loop {
            let reports = self.reports(listed);
            let asked = self.who_is_asked(&named, &reports);
            let mut answers = self.look(&asked).await;
            for node in named.iter().filter(|node| !asked.contains(node)) {
                answers.insert(*node, self.engine.observe_unlisted(*node).await);
            }
            let observed = Observation::of(reports, answers);
            let context = Context::alone(Moment(self.elapsed()), &self.limits);
            let thought = self.mind.consider(&*self.engine, &context, &observed, true);
            if let Thought::Decided(plan) = thought {
                return plan;
            }
        }
    }

    /// What the name server says, and what supervisors announce.
    fn reports(&self, listed: &[Place]) -> Vec<Report> {
        let known = |witness| move |at: &Place| (self.known)(witness, *at);
        let mut dns = Report::addresses(Witness::Dns, listed.iter().copied());
        dns.sightings = listed.iter().filter_map(known(Witness::Dns)).collect();
        let goes = |at: &Place| match () {
            () if self.leaving.contains(at) => Some(Presence::Leaving),
            () if self.spares.contains(at) => Some(Presence::Spare),
            () => None,
        };
        let all: BTreeSet<&Place> =
            (listed.iter().chain(&self.leaving).chain(&self.spares)).collect();
        let mut announced = Report::unknown(Witness::Announce, Grade::Answer);
        let said = all.into_iter().filter_map(|at| {
            let own = (self.known)(Witness::Announce, *at);
            let Some(presence) = goes(at) else {
                return own;
            };
            let own = own.unwrap_or_else(|| Sighting::at(*at));
            Some(Sighting { presence, ..own })
        });
        announced.sightings = said.collect();
        vec![dns, announced]
    }

    /// Those of these nodes that are asked as members are: as the daemon does it.
    fn who_is_asked(&self, named: &[Place], reports: &[Report]) -> Vec<Place> {
        let roster = Roster::merge(reports, &BTreeSet::new());
        let is_asked = |at: &&Place| {
            let member = roster.at(**at);
            !E::VOUCHED_ONLY || member.is_some_and(Member::is_vouched)
        };
        named.iter().filter(is_asked).copied().collect()
    }

    /// Performs these steps.
    pub async fn act(&mut self, steps: &[Step<RequestOf<E>>]) {
        let done = perform(&self.engine, steps, &Alone).await;
        let now = self.elapsed();
        self.done.extend(done.into_iter().map(|done| (now, done)));
    }

    /// One pass: look, decide, act.
    pub async fn pass(&mut self, listed: &[Place]) -> Plan<RequestOf<E>> {
        let plan = self.plan(listed).await;
        self.act(&plan.steps).await;
        plan
    }

    /// Pass after pass, until a plan is as wished.
    ///
    /// # Panics
    ///
    /// When that takes longer than `patience`: with the last plan and all steps.
    pub async fn until(
        &mut self,
        what: &str,
        listed: &[Place],
        patience: Duration,
        mut wished: impl FnMut(&Plan<RequestOf<E>>) -> bool,
    ) -> Plan<RequestOf<E>> {
        let begin = Instant::now();
        loop {
            let plan = self.pass(listed).await;
            if wished(&plan) {
                return plan;
            }
            if begin.elapsed() > patience {
                panic!("waited for: {what}\nlast plan: {plan:#?}\n{}", self.story());
            }
            sleep(self.rest).await;
        }
    }

    /// Pass after pass, until the members at these addresses are one cluster.
    ///
    /// # Panics
    ///
    /// When that takes longer than `patience`.
    pub async fn until_one(&mut self, listed: &[Place], patience: Duration) {
        let size = listed.len();
        let what = format!("one cluster of {size}");
        self.until(&what, listed, patience, |plan| plan.together == Some(size))
            .await;
    }

    /// Pass after pass, until somebody may go; returns who: several where their goings
    /// do not touch each other.
    ///
    /// # Panics
    ///
    /// When that takes longer than `patience`.
    pub async fn until_granted(&mut self, listed: &[Place], patience: Duration) -> Vec<Place> {
        let granted = |plan: &Plan<RequestOf<E>>| -> Vec<Place> {
            let granted = plan
                .leavers
                .iter()
                .filter(|leaver| leaver.release.is_granted());
            granted.map(|leaver| leaver.address).collect()
        };
        let wished = |plan: &Plan<RequestOf<E>>| !granted(plan).is_empty();
        let plan = self
            .until("somebody may go", listed, patience, wished)
            .await;
        granted(&plan)
    }

    /// How many steps of this kind were performed.
    pub fn count(&self, kind: StepKind) -> usize {
        let kinds = self.done.iter().map(|(_, done)| done.step.request.kind());
        kinds.filter(|done| *done == kind).count()
    }

    /// All steps, one per line.
    pub fn story(&self) -> String {
        let lines = self.done.iter().map(|(when, done)| {
            let reply = match &done.reply {
                Ok(reply) => reply.clone(),
                Err(failure) => failure.to_string(),
            };
            let (when, step) = (when.as_secs_f64(), &done.step);
            format!("{when:8.3} s  {step}  =>  {reply}\n")
        });
        lines.collect()
    }
}
