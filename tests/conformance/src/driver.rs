//! A worker without a daemon: look, decide, act, as often as a test wishes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use meshworker_core::{
    Answer, Context, History, Limits, Moment, Observation, Orders, Plan, Planner, Presence, Report,
    Request, Step, StepKind, Witness, decide,
};
use meshworker_engines::Engine;
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
        retry_first: Duration::from_secs(1),
        retry_most: Duration::from_secs(4),
        ..Limits::default()
    }
}

type RequestOf<E> = <E as Planner>::Request;
type DetailOf<E> = <E as Planner>::Detail;

/// A worker without a daemon.
pub struct Driver<E: Engine> {
    /// The engine on trial.
    pub engine: E,
    /// The bounds of what may be done.
    pub limits: Limits,
    /// Every step that was performed, when, and what the node replied.
    pub done: Vec<(Duration, Step<RequestOf<E>>, String)>,
    /// How many looks at a node there were.
    pub looks: usize,
    /// How long it rests between two passes.
    pub rest: Duration,
    /// Who announces that it is meant to go, and waits until it may.
    pub leaving: BTreeSet<IpAddr>,
    history: History,
    start: Instant,
}

impl<E: Engine> Driver<E> {
    /// A worker that has just started and remembers nothing.
    pub fn new(engine: E) -> Driver<E> {
        Driver {
            engine,
            limits: quick_limits(),
            done: Vec::new(),
            looks: 0,
            rest: REST,
            leaving: BTreeSet::new(),
            history: History::default(),
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

    /// The time since the worker started.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Asks each address for its view.
    pub async fn look(&mut self, at: &[IpAddr]) -> BTreeMap<IpAddr, Answer<DetailOf<E>>> {
        self.looks += at.len();
        let engine = &self.engine;
        let asked = at
            .iter()
            .map(|address| async move { (*address, engine.observe(*address).await) });
        join_all(asked).await.into_iter().collect()
    }

    /// Looks and decides, without acting, while the name server lists `listed`
    /// and those that leave announce it.
    pub async fn plan(&mut self, listed: &[IpAddr]) -> Plan<RequestOf<E>> {
        let named: BTreeSet<IpAddr> = listed.iter().chain(&self.leaving).copied().collect();
        let named: Vec<IpAddr> = named.into_iter().collect();
        let answers = self.look(&named).await;
        let dns = Report::addresses(Witness::Dns, listed.iter().copied());
        let mut announced = Report::addresses(Witness::Announce, self.leaving.iter().copied());
        for sighting in &mut announced.sightings {
            sighting.presence = Presence::Leaving;
        }
        let observed = Observation {
            reports: vec![dns, announced],
            answers,
        };
        let context = Context {
            now: Moment(self.elapsed()),
            limits: &self.limits,
            min_members: 1,
            orders: Orders::none(),
            seed: 0,
        };
        let history = std::mem::take(&mut self.history);
        let (plan, history) = decide(&self.engine, &context, &observed, history);
        self.history = history;
        plan
    }

    /// Performs these steps: nodes side by side, steps of one node in order.
    pub async fn act(&mut self, steps: &[Step<RequestOf<E>>]) {
        let mut by_node: BTreeMap<IpAddr, Vec<&Step<RequestOf<E>>>> = BTreeMap::new();
        for step in steps {
            by_node.entry(step.to).or_default().push(step);
        }
        let engine = &self.engine;
        let nodes = by_node.into_values().map(|steps| async move {
            let mut done = Vec::new();
            for step in steps {
                let reply = match engine.perform(step).await {
                    Ok(reply) => reply,
                    Err(failure) => failure.to_string(),
                };
                done.push((step.clone(), reply));
            }
            done
        });
        let done = join_all(nodes).await;
        let now = self.elapsed();
        let done = done.into_iter().flatten();
        self.done
            .extend(done.map(|(step, reply)| (now, step, reply)));
    }

    /// One pass: look, decide, act.
    pub async fn pass(&mut self, listed: &[IpAddr]) -> Plan<RequestOf<E>> {
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
        listed: &[IpAddr],
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
    pub async fn until_one(&mut self, listed: &[IpAddr], patience: Duration) {
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
    pub async fn until_granted(&mut self, listed: &[IpAddr], patience: Duration) -> Vec<IpAddr> {
        let granted = |plan: &Plan<RequestOf<E>>| -> Vec<IpAddr> {
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
        let steps = self.done.iter();
        steps
            .filter(|(_, step, _)| step.request.kind() == kind)
            .count()
    }

    /// All steps, one per line.
    pub fn story(&self) -> String {
        let lines = self.done.iter().map(|(when, step, reply)| {
            format!("{:8.3} s  {step}  =>  {reply}\n", when.as_secs_f64())
        });
        lines.collect()
    }
}
