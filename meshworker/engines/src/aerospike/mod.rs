//! Aerospike: a heartbeat mesh that is joined by tips, over the info protocol.
//!
//! Nodes with mesh heartbeats know nobody at first. A *tip* makes a node
//! connect to another one, and the two clusters that they belong to merge when
//! they carry the same name. A tip lasts: the node keeps trying that address,
//! whoever has it later, until a *tip-clear*.
//!
//! Statements about the protocol are recorded from Aerospike Community
//! 8.0.0.15, where they do not say otherwise.

mod client;
mod departures;
mod detail;
mod fragments;
mod info;
mod lists;
mod names;
mod nodes;
mod peers;
mod plan;
mod request;
mod unity;
mod view;

use std::net::IpAddr;

use meshworker_core::{Answer, Capabilities, Planner, Proposal, Situation, Step, Unanswered};

use crate::{Access, Descriptor, Engine, Failure};
use client::Client;
use info::Value;
use lists::Lists;
use plan::Rules;
use view::Migration;

pub use detail::{ClusterKey, Detail, Edition};
pub use request::Request;

/// The engine for Aerospike clusters.
#[derive(Debug)]
pub struct Aerospike {
    access: Access,
    rules: Rules,
    client: Client,
    lists: Lists,
}

impl Planner for Aerospike {
    type Detail = Detail;
    type Request = Request;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<Request> {
        self.rules.propose(situation)
    }
}

impl Engine for Aerospike {
    const DESCRIPTOR: Descriptor = Descriptor {
        name: "aerospike",
        title: "Aerospike",
        port: 3002,
        service_port: Some(3000),
        login: false,
        options: &[],
    };

    fn new(access: Access) -> Aerospike {
        Aerospike {
            rules: Rules {
                cluster_name: access.cluster_name.clone(),
                heartbeat_port: access.port,
            },
            client: Client::new(&access),
            lists: Lists::default(),
            access,
        }
    }

    async fn observe(&self, node: IpAddr) -> Answer<Detail> {
        self.refuse_login()?;
        let deadline = self.client.deadline();
        let questions = view::questions(self.access.tls.is_some());
        let body = self.client.ask(node, &questions, deadline).await?;
        let answers = info::values(&body, &questions).map_err(garbage)?;
        let (mut view, migration) = view::read(node, &answers, &self.lists)?;
        view.working = match migration {
            Migration::Done => None,
            Migration::Pending(what) => Some(what),
            Migration::Unsaid(namespaces) => {
                let questions: Vec<String> = namespaces
                    .iter()
                    .map(|name| format!("namespace/{name}"))
                    .collect();
                let body = self.client.ask(node, &questions, deadline).await?;
                view::migration_of(&info::values(&body, &questions).map_err(garbage)?)
            }
        };
        Ok(view)
    }

    async fn perform(&self, step: &Step<Request>) -> Result<String, Failure> {
        self.refuse_login().map_err(unanswered)?;
        let deadline = self.client.deadline();
        let mut replies = Vec::new();
        for (command, seeds) in step.request.commands() {
            let command = [command];
            let asked = self.client.ask(step.to, &command, deadline).await;
            let body = asked.map_err(unanswered)?;
            let values = info::values(&body, &command);
            let values = values.map_err(|why| unanswered(garbage(why)))?;
            for value in values {
                replies.push(taken(value, seeds)?);
            }
        }
        Ok(replies.join(", then "))
    }
}

impl Aerospike {
    /// To log in takes the security protocol of Enterprise Edition, which this
    /// engine does not speak; to go on without would ignore a wish.
    fn refuse_login(&self) -> Result<(), Unanswered> {
        let Access { user, password, .. } = &self.access;
        if user.is_none() && password.is_none() {
            return Ok(());
        }
        Err(Unanswered::Denied(
            "a user or a password is configured, and logging in to Aerospike is not supported"
                .into(),
        ))
    }
}

fn garbage(why: info::Malformed) -> Unanswered {
    Unanswered::Garbage(why.to_string())
}

fn unanswered(why: Unanswered) -> Failure {
    Failure::Unanswered(why.to_string())
}

/// The reply in words, when it means that what was asked for is so now. With
/// `seeds` the request was to clear so many.
fn taken(value: Value<'_>, seeds: Option<usize>) -> Result<String, Failure> {
    match value {
        Value::Ok => Ok("ok".into()),
        // A seed that is not found is as gone as it should be. But every one
        // must be accounted for: "0 cleared, 0 not found" says that the server
        // did not understand the list.
        Value::Error { text, .. } if seeds.is_some_and(|n| accounted(text) == Some(n)) => {
            Ok(text.to_owned())
        }
        Value::Error { text, .. } => Err(Failure::Refused(text.to_owned())),
        Value::Data(data) => Err(Failure::Unanswered(format!("unknown reply '{data}'"))),
    }
}

/// The sum of `N cleared, M not found`.
fn accounted(text: &str) -> Option<usize> {
    let (cleared, missing) = text.split_once(" cleared, ")?;
    let missing = missing.strip_suffix(" not found")?;
    let sum = cleared
        .parse::<usize>()
        .ok()?
        .checked_add(missing.parse().ok()?)?;
    (sum > 0).then_some(sum)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
