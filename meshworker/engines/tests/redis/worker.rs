//! A worker without a daemon, to which members announce that they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use meshworker_conformance::quick_limits;
use meshworker_core::{
    Context, Grade, Limits, Mind, Moment, Observation, Place, Plan, Presence, Report, Sighting,
    Step, Thought, Witness,
};
use meshworker_engines::redis::{Redis, RedisRequest};
use meshworker_engines::{Alone, Engine, perform};
use tokio::time::Instant;

/// A worker without a daemon.
pub struct Worker {
    engine: Arc<Redis>,
    limits: Limits,
    mind: Mind,
    start: Instant,
    /// Whom the name server lists.
    pub listed: Vec<Place>,
    /// Who announces that it leaves.
    pub leaving: BTreeSet<Place>,
    /// Who was let go, and whose supervisor has seen it end.
    pub ended: BTreeSet<Place>,
    /// Every step, and what the node replied.
    pub story: String,
}

impl Worker {
    /// A worker that has just started.
    pub fn new(engine: Redis, listed: &[Place]) -> Worker {
        Worker {
            engine: Arc::new(engine),
            limits: Limits {
                leave_hold: Duration::from_millis(500),
                ..quick_limits()
            },
            mind: Mind::default(),
            start: Instant::now(),
            listed: listed.to_vec(),
            leaving: BTreeSet::new(),
            ended: BTreeSet::new(),
            story: String::new(),
        }
    }

    /// Looks, twice where that is asked for, and decides.
    pub async fn plan(&mut self) -> Plan<RedisRequest> {
        loop {
            if let Thought::Decided(plan) = self.thought().await {
                return plan;
            }
        }
    }

    async fn thought(&mut self) -> Thought<RedisRequest> {
        let engine = &self.engine;
        let looks = self.listed.iter();
        let looks = looks.map(|at| async move { (*at, engine.observe(*at).await) });
        let answers: BTreeMap<_, _> = join_all(looks).await.into_iter().collect();
        let announced = self.listed.iter().map(|address| Sighting {
            presence: if self.leaving.contains(address) {
                Presence::Leaving
            } else {
                Presence::Present
            },
            ..Sighting::at(*address)
        });
        let ended = self.ended.iter().map(|address| Sighting {
            presence: Presence::Ended,
            ..Sighting::at(*address)
        });
        // A name server knows no ports.
        let names = self.listed.iter().map(|place| Place::at(place.address));
        let names: BTreeSet<Place> = names.collect();
        let observed = Observation::of(
            vec![
                Report::addresses(Witness::Dns, names),
                Report {
                    sightings: announced.chain(ended).collect(),
                    ..Report::unknown(Witness::Announce, Grade::Answer)
                },
            ],
            answers,
        );
        let context = Context::alone(Moment(self.start.elapsed()), &self.limits);
        self.mind.consider(&*self.engine, &context, &observed, true)
    }

    /// Performs these steps: nodes side by side, steps of one node in order.
    pub async fn act(&mut self, steps: &[Step<RedisRequest>]) {
        let now = self.start.elapsed().as_secs_f64();
        for done in perform(&self.engine, steps, &Alone).await {
            let reply = done.reply.unwrap_or_else(|failure| failure.to_string());
            self.story += &format!("{now:8.3} s  {}  =>  {reply}\n", done.step);
        }
    }

    /// Looks, decides, acts; returns the plan and who may stop.
    pub async fn pass(&mut self) -> (Plan<RedisRequest>, Vec<Place>) {
        let plan = self.plan().await;
        self.act(&plan.steps).await;
        let granted = plan.leavers.iter().filter(|one| one.release.is_granted());
        let granted = granted.map(|leaver| leaver.address).collect();
        (plan, granted)
    }
}
