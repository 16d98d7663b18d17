//! Redis Cluster, from Redis 7.0 on, and its kin that speak the same.
//!
//! The nodes gossip over a bus of their own and each keeps a table of all
//! nodes, `nodes`; that table, with a few more facts, is the view,
//! `detail`. What follows from the views is in `plan`, which knows nothing
//! of connections; the rest asks and tells.
//!
//! ```text
//! look ──> detail ──> View ──> plan ──> RedisRequest ──> perform ──> migrate
//!   └──────────────── client ── wire, tls ───────────────────┘
//! ```

mod blocked;
mod claim;
mod client;
mod conf;
mod detail;
mod heavy;
mod login;
mod look;
mod migrate;
mod name;
mod nodes;
mod outside;
mod perform;
mod plan;
mod release;
mod request;
mod reset;
mod rest;
mod room;
mod slots;
mod wire;
use std::time::Duration;

use meshworker_core::{Answer, Capabilities, Place, Planner, Proposal, Situation, Step};

pub use detail::{Detail, Replies, Shared};
pub use heavy::{Heavy, Limit};
pub use name::Name;
pub use nodes::{Entry, Health, OpenSlot};
pub use plan::Rules;
pub use release::Release;
pub use request::{Act, RedisRequest};
pub use slots::{SLOTS, Slots};

use crate::rest::Rest;
use crate::{Access, Configured, Copies, Descriptor, Engine, Failure, OptionSpec, Sizing, Starts};
use client::Client;
use heavy::Heavies;
use rest::Kept;

/// The fewest masters of a cluster that survives the loss of one: a majority
/// of the masters must agree that one has failed.
const MIN_MASTERS: usize = 3;

/// The option that says how many replicas each master has.
const REPLICAS: &str = "replicas-per-master";

/// The option that says how many members a new cluster waits for.
const INITIAL: &str = "initial-members";

/// A Redis Cluster.
pub struct Redis {
    client: Client,
    shared: Shared,
    rest: Rest<Kept>,
    heavies: Heavies,
    rules: Rules,
}

impl Planner for Redis {
    type Detail = Detail;
    type Request = RedisRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<RedisRequest> {
        self.rules.propose(situation)
    }
}

impl Engine for Redis {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "redis",
        title: "Redis Cluster",
        port: 6379,
        service_port: None,
        pulse: Duration::from_millis(250),
        login: true,
        options: &[
            OptionSpec {
                name: REPLICAS,
                default: "1",
                help: "How many replicas each master has",
                allowed: "a number from 0 to 5",
                accepts: |value| replicas(value).is_some(),
            },
            OptionSpec {
                name: INITIAL,
                default: "3",
                help: "How many members a new cluster waits for, so that its masters are spread over all nodes",
                allowed: "a number from 3 to 1000",
                accepts: |value| initial(value).is_some(),
            },
        ],
        starts: Starts::AtOnce,
        sizing: Sizing {
            min_members: MIN_MASTERS,
            limit: None,
            copies,
        },
        mistakes: Some(conf::mistakes),
        settings: None,
        parsers: outside::PARSERS,
    };

    fn new(access: Access) -> Redis {
        Redis {
            rules: Rules::of(&access),
            shared: Shared::of(access.service_port),
            rest: Rest::default(),
            heavies: Heavies::default(),
            client: Client::new(access),
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, true);
        let mut answer = match look::unchanged(&self.client, &self.rest, node).await {
            Some(answer) => answer,
            None => look::look(&self.client, &self.shared, &self.rest, node).await,
        };
        if let Ok(view) = &mut answer {
            view.detail.heavy = self.heavies.of(&view.node);
        }
        answer
    }

    async fn observe_unlisted(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, false);
        look::look(&self.client, &self.shared, &self.rest, node).await
    }

    async fn perform(&self, step: &Step<RedisRequest>) -> Result<String, Failure> {
        perform::perform(&self.client, &self.heavies, step.to, &step.request).await
    }
}

fn replicas(value: &str) -> Option<usize> {
    value.parse().ok().filter(|count| *count <= 5)
}

/// Each master has so many replicas once there are members enough for the
/// fewest masters and all of theirs.
fn copies(configured: &Configured<'_>) -> Option<Copies> {
    let replicas = replicas(configured.options.get(REPLICAS)?)?;
    Some(Copies {
        copies: 1 + replicas,
        members: MIN_MASTERS * (1 + replicas),
        because: format!("{REPLICAS} {replicas}"),
    })
}

fn initial(value: &str) -> Option<usize> {
    let members = value.parse().ok();
    members.filter(|count| (MIN_MASTERS..=1000).contains(count))
}
