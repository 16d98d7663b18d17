//! AllegroGraph's multi-master replication: one controlling instance that lets others in and
//! takes them out, and copies that are written to as well.
//!
//! No server of it was at hand: what its replies look like is known in part (`wire` reads
//! them leniently, and keeps what it cannot read for the operator), and nothing is asked for
//! twice before its status was looked at.
//!
//! ```text
//! look ──> wire ──> detail ──> View ──> plan ──> AllegrographRequest ──> perform
//!   └──────────────────────── client ─────────────────────────────────────┘
//! ```

mod client;
mod detail;
mod growing;
mod look;
mod outside;
mod perform;
mod plan;
mod request;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{
    Answer, Capabilities, Place, Planner, Proposal, Situation, Step, Unanswered,
};

pub use detail::{Detail, Instance, Repository, State};
pub use plan::Rules;
pub use request::{Act, AllegrographRequest};

use crate::{Access, Descriptor, Engine, Failure, OptionSpec, PRIMARY, Sizing, Starts};
use client::Client;
use growing::Growing;

/// Where servers answer clients and each other's requests.
const PORT: u16 = 10035;

/// The option that names the repository.
const REPOSITORY: &str = "repository";

/// The option that names the service of which the controlling instance is.
const SERVICE: &str = "controlling-service";

/// The option that says where the others reach the controlling instance.
const HOST: &str = "controlling-host";

/// Stands for a member's own address.
const ADDRESS: &str = "address";

/// The option that says how many copies are made at a time.
const AT_ONCE: &str = "copies-at-once";

/// The option that has an instance begin a cluster where there was one.
const BEGIN: &str = "begin";

/// The option that says which instance is lost for good.
const LOST: &str = "lost";

/// Nobody in particular is to control the others.
const AUTO: &str = "auto";

/// The most copies at a time: more would not come sooner.
const MOST_AT_ONCE: usize = 16;

/// A repository of AllegroGraph that is replicated.
pub struct Allegrograph {
    client: Arc<Client>,
    growing: Growing,
    rules: Rules,
}

impl Planner for Allegrograph {
    type Detail = Detail;
    type Request = AllegrographRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<AllegrographRequest> {
        self.rules.propose(situation)
    }
}

impl Engine for Allegrograph {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "allegrograph",
        title: "AllegroGraph",
        port: PORT,
        service_port: None,
        pulse: Duration::from_millis(500),
        login: true,
        options: &[
            OptionSpec {
                name: REPOSITORY,
                default: "main",
                help: "The repository that is replicated, in the root catalog",
                allowed: "up to 64 letters, digits, hyphens, underlines and dots",
                accepts: is_name,
            },
            OptionSpec {
                name: SERVICE,
                default: "controlling",
                help: "The service whose one replica begins the cluster and controls it",
                allowed: "up to 64 letters, digits, hyphens, underlines and dots",
                accepts: is_name,
            },
            OptionSpec {
                name: HOST,
                default: ADDRESS,
                help: "Where the other servers reach the controlling one: a name that follows it when it moves, or 'address' for where it is when the cluster begins",
                allowed: "a host's name, or address",
                accepts: |value| is_host(value),
            },
            OptionSpec {
                name: AT_ONCE,
                default: "1",
                help: "How many copies are made at the same time",
                allowed: "1 to 16",
                accepts: |value| at_once(value).is_some(),
            },
            OptionSpec {
                name: PRIMARY,
                default: AUTO,
                help: "Which member is to control the others, as SERVICE.SLOT; auto for the one that does",
                allowed: "auto, or a member's name",
                accepts: |value| !value.is_empty() && value.len() <= 300,
            },
            OptionSpec {
                name: BEGIN,
                default: AUTO,
                help: "Which instance begins a cluster where there was one, or with the repository that is there: the name that the worker asks for; auto for none",
                allowed: "auto, or an instance's name",
                accepts: is_name,
            },
            OptionSpec {
                name: LOST,
                default: AUTO,
                help: "Which controlling instance is lost for good, so that the one that primary names takes its place; auto for none",
                allowed: "auto, or an instance's name",
                accepts: is_name,
            },
        ],
        starts: Starts::AtOnce,
        sizing: Sizing {
            min_members: 1,
            limit: None,
            copies: |_| None,
        },
        mistakes: None,
        settings: None,
        parsers: outside::PARSERS,
    };

    /// It would be shown the password, and given all data.
    const VOUCHED_ONLY: bool = true;

    fn new(access: Access) -> Allegrograph {
        Allegrograph {
            rules: Rules::of(&access),
            growing: Growing::default(),
            client: Arc::new(Client::new(access)),
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        look::look(&self.client, &self.growing, node).await
    }

    async fn observe_unlisted(&self, _: Place) -> Answer<Detail> {
        // All that it says, it says to whoever shows a password.
        Err(Unanswered::Denied(
            "neither its supervisor nor a task list names it, so it is not shown the password"
                .into(),
        ))
    }

    async fn perform(&self, step: &Step<AllegrographRequest>) -> Result<String, Failure> {
        perform::perform(&self.client, &self.growing, step.to, &step.request).await
    }
}

fn is_name(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&value.len()) && value.chars().all(plain)
}

fn is_host(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=253).contains(&value.len()) && value.chars().all(plain)
}

fn at_once(value: &str) -> Option<usize> {
    let number = value.parse().ok()?;
    (1..=MOST_AT_ONCE).contains(&number).then_some(number)
}
