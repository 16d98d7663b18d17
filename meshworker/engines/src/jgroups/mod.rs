//! Members of a JGroups group (5.x and 4.1 or later): one view or several, who coordinates,
//! and what is left of dead coordinators in the members' tables. Joining and leaving is
//! JGroups' own: nothing is ever told to a member.
//!
//! ```text
//! probe, routers, rows ──> look ──> View ──> plan ──> JgroupsRequest ──> rows
//! ```
//!
//! `probe` asks a member what it sees, with keys that only read; `routers` asks a gossip
//! router who is registered; `rows` has the members' tables: files, or rows of a database.

mod conf;
mod detail;
mod look;
mod outside;
mod place;
mod plan;
mod probe;
mod request;
mod routers;
mod rows;
mod since;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::{Answer, Capabilities, Place, Planner, Proposal, Situation, Step};

pub use detail::{Detail, Registered, ViewId};
pub use plan::Rules;
pub use request::JgroupsRequest;
pub use rows::{Coordinator, Row, Store};

use crate::{Access, Descriptor, Engine, Failure, OptionSpec, Placed, Sizing, Starts};
use look::Looks;

/// Where members reach each other (`bind_port` of the configurations that are shipped).
const PORT: u16 = 7800;

/// Where they are asked (`diag.port`).
const PROBE_PORT: u16 = 7500;

/// The option that names a gossip router to ask.
pub const ROUTERS: &str = "routers";

const FILES: &str = "files";
const TABLE: &str = "table";

/// The value of an option that is not used.
pub const NONE: &str = "none";

/// The members of a JGroups group.
pub struct Jgroups {
    looks: Looks,
    rules: Rules,
}

impl Planner for Jgroups {
    type Detail = Detail;
    type Request = JgroupsRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<JgroupsRequest> {
        self.rules.propose(situation)
    }
}

impl Engine for Jgroups {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "jgroups",
        title: "JGroups",
        port: PORT,
        service_port: Some(PROBE_PORT),
        pulse: Duration::from_millis(250),
        login: true,
        options: &[
            OptionSpec {
                name: FILES,
                default: NONE,
                help: "The folder in which members keep files of FILE_PING, as it is mounted here; those of dead coordinators are removed",
                allowed: "none, or a folder's whole path",
                accepts: |value| value == NONE || value.starts_with('/'),
            },
            OptionSpec {
                name: ROUTERS,
                default: NONE,
                help: "A gossip router that is asked who is registered; with gossip-listen it is this process unless told otherwise",
                allowed: "none, or HOST or HOST:PORT",
                accepts: |value| !value.is_empty() && !value.contains(char::is_whitespace),
            },
            OptionSpec {
                name: TABLE,
                default: NONE,
                help: "The table of JDBC_PING2 or JDBC_PING in a MariaDB, reached with user and password-file; rows of dead coordinators are removed",
                allowed: "none, or mariadb://HOST[:PORT]/DATABASE/TABLE",
                accepts: |value| value == NONE || rows::Address::parse(value).is_some(),
            },
        ],
        starts: Starts::AtOnce,
        sizing: Sizing {
            min_members: 1,
            limit: None,
            copies: |_| None,
        },
        mistakes: Some(conf::mistakes),
        settings: None,
        parsers: outside::PARSERS,
    };

    fn placed(at: &Placed<'_>) -> BTreeMap<String, String> {
        place::placed(at)
    }

    fn new(access: Access) -> Jgroups {
        Jgroups {
            looks: Looks::new(access),
            rules: Rules,
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        self.looks.look(node).await
    }

    async fn perform(&self, step: &Step<JgroupsRequest>) -> Result<String, Failure> {
        self.looks.remove(&step.request.row).await
    }
}
