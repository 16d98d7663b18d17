//! A worker of the smallest kind: observe, decide, act, on a list of addresses
//! in place of a name server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aerospike_sim::testing::Loopback;
pub use aerospike_sim::testing::PATIENCE;
use aerospike_sim::{NodeOptions, SimNode, info};
use meshworker_core::{
    Answer, Context, Limits, Mind, Moment, Observation, Place, Plan, Report, Thought, Witness,
};
use meshworker_engines::aerospike::{Aerospike, Detail, Request};
use meshworker_engines::{Access, Alone, Done, Engine, perform};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The pause before a request is made again, where that is waited for.
pub const SOON: Duration = Duration::from_millis(500);

/// Between two passes.
const PAUSE: Duration = Duration::from_millis(40);

/// How nodes are reached, with this deadline for each request.
pub fn access(deadline: Duration) -> Access {
    Access {
        port: 3002,
        service_port: 3000,
        cluster_name: None,
        user: None,
        password: None,
        tls: None,
        deadline,
        options: BTreeMap::new(),
    }
}

/// A node that is quick: it clusters after 0.3 s, and is dead after ten
/// heartbeats in 0.5 s.
pub fn quick(address: Place) -> NodeOptions {
    NodeOptions {
        interval: Duration::from_millis(50),
        first_round: Duration::from_millis(300),
        ..NodeOptions::at(address.address)
    }
}

/// Starts quick nodes at these addresses.
pub async fn start(addresses: &[Place]) -> HashMap<Place, SimNode> {
    let mut nodes = HashMap::new();
    for address in addresses {
        let node = SimNode::start(quick(*address))
            .await
            .expect("a free address");
        nodes.insert(*address, node);
    }
    nodes
}

/// Reserves this many addresses. They are free again with the first value.
pub fn addresses(count: u16) -> (Loopback, Vec<Place>) {
    let block = Loopback::claim().expect("a free block of addresses");
    let addresses = (0..count).map(|n| block.address(n).into()).collect();
    (block, addresses)
}

/// The seeds that a node holds.
pub async fn seeds(node: &SimNode) -> String {
    info(node.service(), "sim-seeds").await.expect("an answer")
}

/// What one pass saw and did.
#[derive(Debug)]
pub struct Pass {
    pub answers: BTreeMap<Place, Answer<Detail>>,
    pub plan: Plan<Request>,
    pub done: Vec<Done<Request>>,
}

impl Pass {
    pub fn is_one_of(&self, size: usize) -> bool {
        self.plan.together == Some(size)
    }
}

pub struct Worker {
    engine: Arc<Aerospike>,
    /// What the name server answers.
    pub dns: Vec<Place>,
    pub limits: Limits,
    mind: Mind,
    started: Instant,
}

impl Worker {
    pub fn new(dns: &[Place], deadline: Duration) -> Worker {
        Worker::with(access(deadline), dns)
    }

    pub fn with(access: Access, dns: &[Place]) -> Worker {
        Worker {
            engine: Arc::new(Aerospike::new(access)),
            dns: dns.to_vec(),
            limits: Limits {
                removal_hold: Duration::from_millis(200),
                removal_window: Duration::from_millis(200),
                // Requests are counted: none is made again because a busy
                // machine is slow to show what came of it.
                retry_first: PATIENCE,
                retry_most: PATIENCE,
                ..Limits::default()
            },
            mind: Mind::default(),
            started: Instant::now(),
        }
    }

    /// Looks, twice where that is asked for, decides and acts.
    pub async fn pass(&mut self) -> Pass {
        loop {
            let (answers, thought) = self.look().await;
            if let Thought::Decided(plan) = thought {
                let done = perform(&self.engine, &plan.steps, &Alone).await;
                return Pass {
                    answers,
                    plan,
                    done,
                };
            }
        }
    }

    async fn look(&mut self) -> (BTreeMap<Place, Answer<Detail>>, Thought<Request>) {
        let mut looks = JoinSet::new();
        for address in self.dns.clone() {
            let engine = Arc::clone(&self.engine);
            looks.spawn(async move { (address, engine.observe(address).await) });
        }
        let observed = Observation::of(
            vec![Report::addresses(Witness::Dns, self.dns.iter().copied())],
            looks.join_all().await.into_iter().collect(),
        );
        let context = Context::alone(Moment(self.started.elapsed()), &self.limits);
        let thought = self.mind.consider(&*self.engine, &context, &observed, true);
        (observed.answers, thought)
    }

    /// Passes until one is as wished, all of them returned.
    pub async fn until(&mut self, what: &str, wished: impl Fn(&Pass) -> bool) -> Vec<Pass> {
        let deadline = Instant::now() + PATIENCE;
        let mut passes = Vec::new();
        loop {
            let pass = self.pass().await;
            let done = wished(&pass);
            assert!(
                done || Instant::now() < deadline,
                "{what}: not within {PATIENCE:?}; the last pass: {pass:#?}"
            );
            passes.push(pass);
            if done {
                return passes;
            }
            sleep(PAUSE).await;
        }
    }

    /// Passes until the members are one cluster of this size.
    pub async fn until_one_of(&mut self, size: usize) -> Vec<Pass> {
        let what = format!("one cluster of {size}");
        self.until(&what, |pass| pass.is_one_of(size)).await
    }
}

/// How many steps were performed in these passes.
pub fn performed(passes: &[Pass], request: &str) -> usize {
    let done = passes.iter().flat_map(|pass| &pass.done);
    done.filter(|done| done.step.to_string().contains(request))
        .count()
}
