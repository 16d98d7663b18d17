//! MariaDB, from 10.11.9 on: one primary, its replicas with global transaction ids and
//! semi-synchronous acknowledgements, and a new primary when that one dies. MySQL is another
//! database: its ids, its statements and its replication are others.
//!
//! One look is some short questions over a connection that is held (`look`); what follows from
//! all of them is in `plan`, which knows nothing of connections. A member is started when
//! nominated: `disk` reads what it has before.
//!
//! ```text
//! look ──> detail ──> View ──> plan ──> MariadbRequest ──> perform
//!   └──────────────────── client ────────────────────────────┘
//! ```

mod client;
mod conf;
mod copying;
mod detail;
mod disk;
mod fence;
mod gtid;
mod hearing;
mod look;
mod outside;
mod perform;
mod plan;
mod request;
mod settings;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use meshworker_core::{Answer, Capabilities, Place, Planner, Proposal, Situation, Step};

pub use detail::{Connection, Detail, Roll, SemiSync, Source};
pub use fence::Mark;
pub use gtid::{Position, State};
pub use plan::Rules;
pub use request::{Act, MariadbRequest};

use crate::{Access, Descriptor, Engine, Failure, Nominated, OptionSpec, PRIMARY, Sizing, Starts};
use client::Client;
use hearing::Hearing;

/// Where clients, and replicas, reach members.
const PORT: u16 = 3306;

/// The option that says how many members a birth waits for.
const INITIAL: &str = "initial-members";

/// The option, and the wish, that says which members are to be primary rather than others.
const PREFERRED: &str = "preferred";

/// The option, and the wish, that says which members never become primary.
const FORBIDDEN: &str = crate::FORBIDDEN;

/// Nobody in particular.
const NONE: &str = "none";

/// As many as there are replicas; whichever of them.
const AUTO: &str = "auto";

/// A MariaDB cluster of one primary and its replicas.
pub struct Mariadb {
    client: Client,
    hearing: Hearing,
    rules: Rules,
}

impl Planner for Mariadb {
    type Detail = Detail;
    type Request = MariadbRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<MariadbRequest> {
        self.rules.propose(situation)
    }
}

impl Engine for Mariadb {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "mariadb",
        title: "MariaDB",
        port: PORT,
        service_port: None,
        pulse: Duration::from_millis(100),
        login: true,
        options: &[
            OptionSpec {
                name: INITIAL,
                default: AUTO,
                help: "How many members a new cluster waits for before it begins; auto for as many as there are replicas",
                allowed: "auto, or a number from 1 to 1000",
                accepts: |value| number(value).is_some_and(|all| all != Some(0)),
            },
            OptionSpec {
                name: PRIMARY,
                default: AUTO,
                help: "Which replica is the primary whenever it can be, by its number; auto for whichever",
                allowed: "auto, or a number up to 1000",
                accepts: |value| number(value).is_some(),
            },
            OptionSpec {
                name: PREFERRED,
                default: NONE,
                help: "Which replicas are to be the primary rather than others: their numbers, or the names of the swarm nodes that they run on, by commas",
                allowed: "none, or numbers and names of nodes, by commas",
                accepts: is_list,
            },
            OptionSpec {
                name: FORBIDDEN,
                default: NONE,
                help: "Which replicas never become the primary: their numbers, or the names of the swarm nodes that they run on, by commas",
                allowed: "none, or numbers and names of nodes, by commas",
                accepts: is_list,
            },
        ],
        starts: Starts::WhenNominated(Nominated {
            disk: disk::disk,
            // Nobody but who sees the others knows whether one that crashed may keep its last
            // writes.
            unasked: |_, _| None,
            data: disk::DATA,
            variables: &[],
            spares: false,
            in_place: true,
            copying: Some(copying::COPYING),
        }),
        sizing: Sizing {
            min_members: 1,
            limit: None,
            copies: |_| None,
        },
        mistakes: Some(conf::mistakes),
        settings: Some(conf::settings),
        parsers: outside::PARSERS,
    };

    fn new(access: Access) -> Mariadb {
        Mariadb {
            // Another name for each worker and each of its lives.
            rules: Rules::of(
                &access,
                format!("worker-{:016x}", RandomState::new().hash_one(0)),
            ),
            hearing: Hearing::default(),
            client: Client::new(access),
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, true);
        look::look(&self.client, &self.hearing, node).await
    }

    async fn observe_unlisted(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, false);
        look::look(&self.client, &self.hearing, node).await
    }

    async fn perform(&self, step: &Step<MariadbRequest>) -> Result<String, Failure> {
        perform::perform(&self.client, step.to, &step.request).await
    }
}

/// A number; none of it for [`AUTO`].
fn number(value: &str) -> Option<Option<usize>> {
    if value == AUTO {
        return Some(None);
    }
    let number: usize = value.parse().ok()?;
    (number <= 1000).then_some(Some(number))
}

/// Words by commas, each of which may name a member.
fn is_list(value: &str) -> bool {
    let plain = |word: &str| !word.trim().is_empty() && !word.contains(char::is_control);
    value.len() <= 1000 && value.split(',').all(plain)
}
