//! The loop: observe, decide, act, tell, for each cluster.

mod cadence;
mod ear;
mod ears;
mod ending;
mod hooks;
mod observe;
mod pass;
mod patience;
mod permits;
mod rush;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Authority, Context, Mind, Orders, Pace, Plan, Step, Thought};
use meshworker_engines::registry::Visitor;
use meshworker_engines::{Acts, Alone, Engine, Mandate, PRIMARY, Starts};
use meshworker_group::Order;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::announce::{AnnounceSource, Desk, Findings, Registry, Sibling};
use crate::board::{Board, Fact, Sheet};
use crate::clock::{self, Clock};
use crate::config::Cluster;
use crate::witness::{self, Source};

use cadence::Cadence;
use ears::{Ears, Haste};
use ending::Ending;
use hooks::Hooks;
use observe::{Observer, Seen, Waited};
use permits::Permits;

pub(crate) use observe::AT_ONCE;
pub use pass::Pass;
use rush::Rush;
use tell::Teller;
pub use tell::look as told;

/// How long whatever was begun to be done may take once the worker is to end: what takes
/// longer ends with it, and another one goes on.
const LAST_ACTS: Duration = Duration::from_secs(5);

/// Looks after a cluster, whichever its engine, until `shutdown` becomes true,
/// and tells the board. With a registry its members can announce themselves
/// meanwhile.
pub async fn run(
    cluster: Cluster,
    board: Arc<Board>,
    registry: Option<Arc<Registry>>,
    shutdown: watch::Receiver<bool>,
) {
    let open = registry.map(|registry| registry.open(&cluster.name));
    let desk = open.as_ref().map(|open| Arc::clone(open.desk()));
    let told = board.open(&cluster);
    let sheet = Arc::clone(told.sheet());
    if let Some(desk) = &desk {
        desk.only_plans(sheet.orders().powers().dry_run);
        desk.usual_port(cluster.access.port);
    }
    let job = Run {
        mandate: board.mandate(&cluster.name),
        desk,
        sheet,
        shutdown,
    };
    visit(cluster, job).await;
}

/// Works on a cluster, whichever its engine, until it is one.
///
/// # Errors
///
/// What is still missing after `timeout`.
pub async fn until_one(cluster: Cluster, timeout: Duration) -> Result<String, String> {
    visit(cluster, UntilOne(timeout)).await
}

/// Something to do with a worker of whichever engine.
pub trait Job: Send {
    /// What comes of it.
    type Output;

    /// Does it.
    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, Self::Output>;
}

/// Makes the worker of a cluster and hands it to the job.
pub fn visit<J: Job>(cluster: Cluster, job: J) -> BoxFuture<'static, J::Output> {
    struct Visit<J>(Cluster, J);
    impl<J: Job> Visitor for Visit<J> {
        type Output = BoxFuture<'static, J::Output>;

        fn visit<E: Engine>(self, engine: E) -> Self::Output {
            let Visit(cluster, job) = self;
            let sources = witness::sources(&cluster);
            job.work(Worker::new(cluster, engine, sources))
        }
    }
    let (engine, access) = (cluster.engine, cluster.access.clone());
    engine.with(access, Visit(cluster, job))
}

struct Run {
    mandate: Arc<dyn Mandate>,
    desk: Option<Arc<Desk>>,
    sheet: Arc<Sheet>,
    shutdown: watch::Receiver<bool>,
}

impl Job for Run {
    type Output = ();

    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, ()> {
        let worker = match self.desk {
            Some(desk) => worker.at_desk(desk),
            None => worker,
        };
        let worker = worker.telling(self.sheet).under(self.mandate);
        worker.run(self.shutdown).boxed()
    }
}

struct UntilOne(Duration);

impl Job for UntilOne {
    type Output = Result<String, String>;

    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, Self::Output> {
        worker.until_one(self.0).boxed()
    }
}

/// Looks after one cluster.
pub struct Worker<E: Engine> {
    cluster: Cluster,
    engine: Arc<E>,
    ears: Ears,
    desk: Option<Arc<Desk>>,
    sheet: Option<Arc<Sheet>>,
    mandate: Arc<dyn Mandate>,
    permits: Permits,
    observer: Observer<E>,
    acts: Acts<E>,
    hooks: Hooks,
    mind: Mind,
    clock: Clock,
    /// Another one for each worker, so that two do not stay in step.
    seed: u64,
    passes: u64,
    /// What the next look may wait for.
    haste: Haste,
}

impl<E: Engine> Worker<E> {
    /// A worker that has seen nothing yet.
    pub fn new(cluster: Cluster, engine: E, sources: Vec<Arc<dyn Source>>) -> Worker<E> {
        let engine = Arc::new(engine);
        Worker {
            observer: Observer::new(Arc::clone(&engine), cluster.access.deadline),
            acts: Acts::new(Arc::clone(&engine)),
            hooks: Hooks::of(&cluster.name, cluster.hooks.clone()),
            cluster,
            engine,
            ears: Ears::of(sources),
            desk: None,
            sheet: None,
            mandate: Arc::new(Alone),
            permits: Permits::default(),
            mind: Mind::default(),
            clock: Clock::start(),
            seed: clock::chance(),
            passes: 0,
            haste: Haste::Quick,
        }
    }

    /// The same, with the members that announce themselves at this desk as one
    /// more witness; they are answered from what each pass finds.
    pub fn at_desk(mut self, desk: Arc<Desk>) -> Worker<E> {
        let source = AnnounceSource::new(Arc::clone(&desk));
        self.ears.push(Arc::new(source));
        self.desk = Some(desk);
        self
    }

    /// The same, which tells this sheet what it sees and does, and obeys the
    /// orders there.
    pub fn telling(self, sheet: Arc<Sheet>) -> Worker<E> {
        Worker {
            sheet: Some(sheet),
            ..self
        }
    }

    /// The same, one of several workers, which acts while it is told to.
    pub fn under(self, mandate: Arc<dyn Mandate>) -> Worker<E> {
        if let Some(desk) = &self.desk {
            desk.under(Arc::clone(&mandate));
        }
        Worker { mandate, ..self }
    }

    /// One pass that waits for every witness, looks and decides, and does nothing.
    pub async fn look(&mut self) -> Pass<E> {
        let (began, authority) = (Instant::now(), self.mandate.authority());
        let seen = self.observer.observe(&mut self.ears, Haste::None).await;
        let plan = self.thinking(began, &authority, |mind, engine, context| {
            mind.decide(engine, context, &seen.observed)
        });
        self.passed(began, seen, plan)
    }

    /// Looks until it is decided what to do: once, or twice.
    async fn decided(&mut self) -> Pass<E> {
        let (mut haste, mut before) = (self.haste, Waited::default());
        loop {
            // Read before the look: whoever gains it decides from what he sees since.
            let (began, authority) = (Instant::now(), self.mandate.authority());
            let mut seen = self.observer.observe(&mut self.ears, haste).await;
            before.add_to(&mut seen);
            let thought = self.thinking(began, &authority, |mind, engine, context| {
                mind.consider(engine, context, &seen.observed, seen.whole)
            });
            match thought {
                Thought::Decided(plan) => return self.passed(began, seen, plan),
                Thought::LookAgain => (haste, before) = (Haste::Patient, Waited::of(&seen)),
            }
        }
    }

    fn thinking<T>(
        &mut self,
        began: Instant,
        authority: &Authority,
        think: impl FnOnce(&mut Mind, &E, &Context<'_>) -> T,
    ) -> T {
        let orders = self.orders();
        let context = Context {
            now: self.clock.at(began),
            limits: &self.cluster.limits,
            min_members: self.cluster.min_members,
            orders: &orders,
            authority,
            busy: self.acts.busy(),
            seed: self.seed,
        };
        think(&mut self.mind, &self.engine, &context)
    }

    fn passed(&mut self, began: Instant, seen: Seen<E::Detail>, plan: Plan<E::Request>) -> Pass<E> {
        self.passes += 1;
        Pass {
            number: self.passes,
            listened: seen.listened,
            waited: seen.waited,
            took: began.elapsed(),
            roster: seen.observed.roster().ordered_away(&self.orders().leave),
            observed: seen.observed,
            plan,
            done: Vec::new(),
            requests: seen.requests,
        }
    }

    /// One whole pass: look, decide, do.
    pub async fn pass(&mut self) -> Pass<E> {
        let began = Instant::now();
        let mut pass = self.decided().await;
        if let Some(sheet) = self.sheet.as_ref().filter(|_| pass.plan.fence.is_some()) {
            let orders = sheet.orders();
            let Plan {
                fulfilled,
                failed_over,
                born,
                ..
            } = &pass.plan;
            let failed_over = failed_over.as_ref();
            orders.fulfilled(fulfilled, failed_over, began).await;
            if let Some(cluster) = born.clone() {
                // What is not taken now is said again after the next pass.
                let _ = orders.give(None, Order::Born { cluster }).await;
            }
        }
        let permits = self.permits.of(&pass.plan, &*self.mandate).await;
        if let Some(desk) = &self.desk {
            self.mandate.heard(desk.fence());
        }
        // Told before it is done: what is done may take longer than findings hold.
        if let Some(desk) = &self.desk {
            let Pass {
                observed,
                roster,
                plan,
                ..
            } = &pass;
            let mut findings = Findings::of(pass.listened, began.elapsed(), observed, roster, plan);
            if let Starts::WhenNominated(_) = E::DESCRIPTOR.starts {
                findings = findings.telling(Sibling::of(roster, &observed.answers));
            }
            let pause = Cadence::new(self.cluster.interval).longest(pass.plan.pace);
            desk.publish(findings.until_next(pause).permitted(permits));
        }
        let asked = Instant::now();
        // What is quick is done in this pass; what is not goes on beside the next ones.
        let mut patience = Duration::ZERO;
        let acts = !self.orders().dry_run && pass.plan.fence.is_some();
        self.hooks.seen(&pass.roster, &pass.observed.answers, acts);
        if acts {
            let steps = self.screened(&pass).await;
            if !steps.is_empty() {
                self.acts.begin(&steps, &self.mandate);
                patience = E::DESCRIPTOR.pulse;
            }
        }
        pass.done = self.acts.done_within(patience).await;
        pass.waited += asked.elapsed();
        pass.requests.steps = pass.done.len();
        pass.took = began.elapsed();
        self.haste = match pass.plan.pace {
            Pace::Quick | Pace::AtOnce => Haste::Quick,
            Pace::Watchful | Pace::Calm => Haste::Patient,
        };
        pass
    }

    /// The steps that hooks let through.
    async fn screened(&mut self, pass: &Pass<E>) -> Vec<Step<E::Request>> {
        let wishes = self.orders().wishes;
        let order = wishes.get(PRIMARY);
        let steps = &pass.plan.steps;
        let (steps, word) = self.hooks.screened(steps, &pass.roster, order);
        let refused = word.refused.as_deref();
        // One that was given meanwhile is another one.
        if let Some(sheet) = self
            .sheet
            .as_ref()
            .filter(|_| refused.is_some() && refused == order)
        {
            let (name, value) = (PRIMARY.to_owned(), None);
            // Where the workers do not agree on it now, the hook is asked again later.
            let _ = sheet.orders().give(None, Order::Wish { name, value }).await;
        }
        self.note(word.facts);
        steps
    }

    fn orders(&self) -> Orders {
        let now = Instant::now();
        let mut orders = self
            .sheet
            .as_ref()
            .map_or_else(Orders::default, |sheet| sheet.orders().orders(now));
        if let Some(desk) = &self.desk {
            orders.leave = desk.ordered(now);
            for member in desk.drained(now) {
                orders.drains.entry(member).or_default();
            }
        }
        orders
    }

    /// Passes until the members are one cluster, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// What is still missing at the deadline.
    pub async fn until_one(mut self, timeout: Duration) -> Result<String, String> {
        let deadline = Instant::now() + timeout;
        let mut teller = Teller::default();
        let mut cadence = Cadence::new(self.cluster.interval);
        let mut missing = "nothing was seen yet".to_owned();
        loop {
            let Ok(pass) = tokio::time::timeout_at(deadline, self.pass()).await else {
                return Err(missing);
            };
            for fact in teller.tell(&pass) {
                fact.log(&self.cluster.name);
            }
            // Steps that were just made may still change something: verified
            // is what a pass with nothing to do has seen.
            let at_rest = pass.plan.steps.is_empty() && self.acts.busy().is_empty();
            if pass.plan.unity.is_one() && at_rest {
                return Ok(pass.plan.unity.to_string());
            }
            missing = pass.plan.unity.to_string();
            let pause = cadence.pause(&pass);
            if tokio::time::timeout_at(deadline, sleep(pause))
                .await
                .is_err()
            {
                return Err(missing);
            }
        }
    }

    /// Tells what is new in this pass, and what it saw.
    fn tell(&self, teller: &mut Teller, pass: &Pass<E>) {
        let facts = teller.tell(pass);
        debug!(
            cluster = self.cluster.name,
            pass = pass.number,
            took_ms = pass.took.as_secs_f64() * 1000.0,
            views = pass.requests.views,
            steps = pass.requests.steps,
            pace = ?pass.plan.pace,
            "pass"
        );
        self.note(facts);
        let Some(sheet) = &self.sheet else {
            return;
        };
        if let Some(desk) = &self.desk {
            sheet.watch_announcements(Arc::clone(desk.refused()));
            for why in desk.refused_news() {
                sheet.record(tell::unheard(&why));
            }
        }
        sheet.publish(tell::look(pass));
    }

    fn note(&self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            match &self.sheet {
                Some(sheet) => sheet.record(fact),
                None => fact.log(&self.cluster.name),
            }
        }
    }

    /// Looks after the cluster until `shutdown` becomes true. A pass that has
    /// begun is finished first, as is whatever was begun to be done, and members that go at the same moment get their
    /// word.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut teller = Teller::default();
        let mut cadence = Cadence::new(self.cluster.interval);
        let (mut rush, mut ending) = (Rush::default(), Ending::default());
        loop {
            let told = *shutdown.borrow();
            if told && self.is_over(&mut ending) {
                let last = self.acts.done_within(LAST_ACTS).await;
                self.note(teller.end(&last));
                return;
            }
            let pass = self.pass().await;
            self.tell(&mut teller, &pass);
            let pause = cadence.pause(&pass);
            let floor = rush.floor(pass.worked()).min(pause);
            let pause = if told { floor } else { pause };
            let news = async {
                sleep(floor).await;
                tokio::select! {
                    () = self.ears.news() => {}
                    () = ordered(self.sheet.as_deref()) => {}
                    () = self.mandate.changed() => {}
                    () = self.acts.news() => {}
                    () = self.hooks.news() => {}
                }
            };
            tokio::select! {
                () = sleep(pause) => rush.note(false),
                () = news => rush.note(true),
                _ = shutdown.wait_for(|stop| *stop), if !told => {}
            }
        }
    }

    fn is_over(&self, ending: &mut Ending) -> bool {
        // Whoever does not act has no word for anybody.
        let has_word = !self.orders().dry_run && self.mandate.authority().fence().is_some();
        let desk = self.desk.as_ref().filter(|_| has_word);
        desk.is_none_or(|desk| {
            let (announced, waiting) = desk.who_waits(Instant::now());
            ending.is_over(announced, waiting)
        })
    }
}

/// Resolves when an operator has ordered something.
async fn ordered(sheet: Option<&Sheet>) {
    match sheet {
        Some(sheet) => sheet.orders().changed().await,
        None => std::future::pending().await,
    }
}
