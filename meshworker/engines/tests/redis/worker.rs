//! A worker without a daemon, to which members announce that they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use meshworker_conformance::quick_limits;
use meshworker_core::{
    Context, Grade, History, Limits, Moment, Observation, Orders, Plan, Presence, Report, Sighting,
    Step, Witness, decide,
};
use meshworker_engines::Engine;
use meshworker_engines::redis::{Redis, RedisRequest};
use tokio::time::Instant;

/// A worker without a daemon.
pub struct Worker {
    engine: Redis,
    limits: Limits,
    history: History,
    start: Instant,
    /// Whom the name server lists.
    pub listed: Vec<IpAddr>,
    /// Who announces that it leaves.
    pub leaving: BTreeSet<IpAddr>,
    /// Who was let go, and whose supervisor has seen it end.
    pub ended: BTreeSet<IpAddr>,
    /// Every step, and what the node replied.
    pub story: String,
}

impl Worker {
    /// A worker that has just started.
    pub fn new(engine: Redis, listed: &[IpAddr]) -> Worker {
        Worker {
            engine,
            limits: Limits {
                leave_hold: Duration::from_millis(500),
                ..quick_limits()
            },
            history: History::default(),
            start: Instant::now(),
            listed: listed.to_vec(),
            leaving: BTreeSet::new(),
            ended: BTreeSet::new(),
            story: String::new(),
        }
    }

    /// Looks and decides.
    pub async fn plan(&mut self) -> Plan<RedisRequest> {
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
        let observed = Observation {
            reports: vec![
                Report::addresses(Witness::Dns, self.listed.iter().copied()),
                Report {
                    sightings: announced.chain(ended).collect(),
                    ..Report::unknown(Witness::Announce, Grade::Answer)
                },
            ],
            answers,
        };
        let context = Context {
            now: Moment(self.start.elapsed()),
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
    pub async fn act(&mut self, steps: &[Step<RedisRequest>]) {
        let mut by_node: BTreeMap<IpAddr, Vec<&Step<RedisRequest>>> = BTreeMap::new();
        for step in steps {
            by_node.entry(step.to).or_default().push(step);
        }
        let engine = &self.engine;
        let now = self.start.elapsed().as_secs_f64();
        let done = by_node.into_values().map(|steps| async move {
            let mut story = String::new();
            for step in steps {
                let reply = match engine.perform(step).await {
                    Ok(reply) => reply,
                    Err(failure) => failure.to_string(),
                };
                story += &format!("{now:8.3} s  {step}  =>  {reply}\n");
            }
            story
        });
        self.story.extend(join_all(done).await);
    }

    /// Looks, decides, acts; returns the plan and who may stop.
    pub async fn pass(&mut self) -> (Plan<RedisRequest>, Vec<IpAddr>) {
        let plan = self.plan().await;
        self.act(&plan.steps).await;
        let granted = plan.leavers.iter().filter(|one| one.release.is_granted());
        let granted = granted.map(|leaver| leaver.address).collect();
        (plan, granted)
    }
}
