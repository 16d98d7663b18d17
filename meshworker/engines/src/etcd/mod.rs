//! etcd, from 3.4 on: a raft log with few voters, of which every change has an order that
//! is safe and several that are not.
//!
//! One look is three questions over the JSON gateway and its figures (`look`); what follows from all of them
//! is in `plan`, which knows nothing of connections. A member is started when nominated:
//! `disk` reads what it has before.
//!
//! ```text
//! look ──> wire ──> detail ──> View ──> plan ──> EtcdRequest ──> perform
//!   └───────────────────── client ─────────────────────────────────┘
//! ```

mod alarm;
mod client;
mod detail;
mod disk;
mod lasting;
mod links;
mod look;
mod outside;
mod perform;
mod plan;
mod reached;
mod request;
mod settings;
mod size;
mod versions;
mod wire;

use std::time::Duration;

use meshworker_core::{Answer, Capabilities, Place, Planner, Proposal, Situation, Step};

pub use alarm::Alarm;
pub use detail::{Detail, Listed};
pub use plan::Rules;
pub use request::{Act, EtcdRequest};

use crate::{Access, Descriptor, Engine, Failure, Nominated, OptionSpec, Sizing, Starts};
use client::Client;
use lasting::Lasting;
use links::Links;
use reached::Reached;

/// Where clients reach members.
const PORT: u16 = 2379;

/// The option that says where the others reach a member.
const PEER_URL: &str = "peer-url";

/// By name, which the supervisors resolve: addresses may all change at once.
const USUAL_PEER_URL: &str = "http://etcd-{slot}.mesh:2380";

/// The option that says how many members a birth waits for.
const INITIAL: &str = "initial-members";

/// An etcd cluster.
pub struct Etcd {
    client: Client,
    links: Links,
    lasting: Lasting,
    reached: Reached,
    rules: Rules,
}

impl Planner for Etcd {
    type Detail = Detail;
    type Request = EtcdRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<EtcdRequest> {
        self.rules.propose(situation)
    }
}

impl Engine for Etcd {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "etcd",
        title: "etcd",
        port: PORT,
        service_port: None,
        pulse: Duration::from_millis(250),
        login: true,
        options: &[
            OptionSpec {
                name: size::IDEAL,
                default: size::AUTO,
                help: "How many members vote; auto for the largest odd number up to the replicas, and up to 5",
                allowed: "auto, or an odd number from 1 to 9",
                accepts: |value| size::parse(value).is_ok(),
            },
            OptionSpec {
                name: INITIAL,
                default: size::AUTO,
                help: "How many members a new cluster waits for before it begins; auto for as many as there are replicas",
                allowed: "auto, or a number from 1 to 1000",
                accepts: |value| initial(value).is_some(),
            },
            OptionSpec {
                name: PEER_URL,
                default: USUAL_PEER_URL,
                help: "Where the other members reach the member of a slot",
                allowed: "an http:// or https:// URL with {slot} in it once",
                accepts: is_peer_url,
            },
        ],
        starts: Starts::WhenNominated(Nominated {
            disk: disk::disk,
            unasked: |disk, own| disk.ids().map(|_| plan::unasked(own)),
            data: disk::DATA,
            variables: &[],
            spares: true,
            in_place: false,
            copying: None,
        }),
        sizing: Sizing {
            min_members: 1,
            limit: None,
            copies: |_| None,
        },
        mistakes: None,
        settings: Some(settings::mistakes),
        parsers: outside::PARSERS,
    };

    fn new(access: Access) -> Etcd {
        Etcd {
            rules: Rules::of(&access),
            links: Links::default(),
            lasting: Lasting::default(),
            reached: Reached::default(),
            client: Client::new(access),
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, true);
        self.look(node).await
    }

    async fn observe_unlisted(&self, node: Place) -> Answer<Detail> {
        self.client.trust(node, false);
        self.look(node).await
    }

    async fn perform(&self, step: &Step<EtcdRequest>) -> Result<String, Failure> {
        perform::perform(&self.client, step.to, &step.request).await
    }
}

impl Etcd {
    async fn look(&self, node: Place) -> Answer<Detail> {
        let memory = (&self.links, &self.lasting, &self.reached);
        look::look(&self.client, memory, node).await
    }
}

/// How many members a birth waits for; none of it for [`size::AUTO`].
fn initial(value: &str) -> Option<Option<usize>> {
    match value {
        size::AUTO => Some(None),
        number => {
            let number = number
                .parse()
                .ok()
                .filter(|count| (1..=1000).contains(count));
            number.map(Some)
        }
    }
}

fn is_peer_url(value: &str) -> bool {
    let scheme = ["http://", "https://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    let plain = value
        .chars()
        .all(|c| c.is_ascii_graphic() && c != ',' && c != '=');
    scheme && plain && value.len() <= 200 && value.matches("{slot}").count() == 1
}
