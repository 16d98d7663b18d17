//! Aerospike: a heartbeat mesh that is joined by tips, over the info protocol.
//!
//! Nodes with mesh heartbeats know nobody at first. A *tip* makes a node
//! connect to another one, and the two clusters that they belong to merge when
//! they carry the same name. A tip lasts: the node keeps trying that address,
//! whoever has it later, until a *tip-clear*.
//!
//! Statements about the protocol are recorded from Aerospike Community
//! 8.0.0.15 and 8.1.2.0, where they do not say otherwise.

mod client;
mod conf;
mod copies;
mod crowd;
mod departures;
mod detail;
mod dialect;
mod fragments;
mod identity;
mod info;
mod leaving;
mod lists;
mod look;
mod names;
mod namespaces;
mod nodes;
mod outside;
mod peers;
mod plan;
mod request;
mod rest;
mod room;
mod sizing;
mod unity;
mod view;

use std::net::SocketAddr;
use std::time::Duration;

use meshworker_core::{
    Answer, Capabilities, Place, Planner, Proposal, Situation, Step, Unanswered,
};
use tokio::time::Instant;

use crate::rest::Rest;
use crate::{Access, Descriptor, Engine, Failure, Starts};
use client::Client;
use dialect::Dialects;
use identity::WHO;
use info::{Value, cut};
use lists::Lists;
use namespaces::Known;
use rest::Kept;

pub use detail::{ClusterKey, Detail, Edition, Namespace};
pub use identity::Identity;
pub use plan::Rules;
pub use request::Request;
use request::{HEARTBEATS_ON, NETWORK_CONFIG, OFF};

/// The engine for Aerospike clusters.
#[derive(Debug)]
pub struct Aerospike {
    access: Access,
    rules: Rules,
    client: Client,
    lists: Lists,
    known: Known,
    dialects: Dialects,
    rest: Rest<Kept>,
}

impl Planner for Aerospike {
    type Detail = Detail;
    type Request = Request;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
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
        pulse: Duration::from_millis(250),
        login: false,
        options: &[],
        starts: Starts::AtOnce,
        sizing: sizing::SIZING,
        mistakes: Some(conf::mistakes),
        settings: None,
        parsers: outside::PARSERS,
    };

    fn new(access: Access) -> Aerospike {
        Aerospike {
            rules: Rules::of(&access),
            client: Client::new(&access),
            lists: Lists::default(),
            known: Known::default(),
            dialects: Dialects::default(),
            rest: Rest::default(),
            access,
        }
    }

    async fn observe(&self, node: Place) -> Answer<Detail> {
        self.refuse_login()?;
        match self.unchanged(node).await {
            Some(answer) => answer,
            None => self.look(node).await,
        }
    }

    async fn perform(&self, step: &Step<Request>) -> Result<String, Failure> {
        self.refuse_login().map_err(unanswered)?;
        // What follows is seen by a look at everything.
        self.rest.forget(step.to);
        let deadline = self.client.deadline();
        if let Request::Tip { seed, guest, host } = &step.request {
            self.meet(seed.ip().into(), guest, deadline).await?;
            self.meet(step.to, host, deadline).await?;
        }
        let mut replies = Vec::new();
        for (command, seeds) in step.request.commands() {
            if let (Request::AlumniReset { departed }, None) = (&step.request, seeds) {
                self.remembers_only(step.to, departed).await?;
            }
            let reply = self.tell(step.to, &command, seeds, deadline).await;
            replies.push(match (&step.request, reply) {
                (Request::Tip { .. }, Err(Failure::Refused(why))) if why == ALREADY_A_SEED => {
                    "it has that seed already".to_owned()
                }
                (_, reply) => reply?,
            });
        }
        Ok(replies.join(", then "))
    }
}

impl Aerospike {
    /// Makes one request, which clears so many `seeds`, if any.
    ///
    /// # Errors
    ///
    /// The node refuses, or does not answer.
    async fn tell(
        &self,
        node: Place,
        command: &str,
        seeds: Option<usize>,
        deadline: Instant,
    ) -> Result<String, Failure> {
        let asked = self.client.ask(node, &[command], deadline).await;
        let body = asked.map_err(unanswered)?;
        let values = info::values(&body, &[command]);
        let values = values.map_err(|why| unanswered(garbage(why)))?;
        let replies: Result<Vec<_>, _> = values.into_iter().map(|v| taken(v, seeds)).collect();
        Ok(replies?.concat())
    }

    /// Looks once more whom the node remembers: whoever left since the pass looked may
    /// have left a seed as well, and a reset would drop the only trace of it.
    ///
    /// # Errors
    ///
    /// It remembers somebody else, or does not answer.
    async fn remembers_only(&self, node: Place, seeds: &[SocketAddr]) -> Result<(), Failure> {
        let view = self.look(node).await.map_err(unanswered)?;
        self.rest.forget(node);
        let known = |address: &Place| seeds.iter().any(|seed| seed.ip() == address.address);
        match view.detail.departed.iter().find(|at| !known(at)) {
            None => Ok(()),
            Some(other) => Err(Failure::Refused(format!(
                "it remembers {other} as well by now"
            ))),
        }
    }

    /// Asks whoever lives at this address who that is: addresses change hands,
    /// and a tip to or about another one lasts. Whoever stood aside takes part in
    /// the mesh again.
    ///
    /// # Errors
    ///
    /// It is another node, or nobody answers.
    async fn meet(
        &self,
        address: Place,
        expected: &Identity,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let [node, name] = WHO;
        let questions = [node, name, NETWORK_CONFIG];
        let asked = self.client.ask(address, &questions, deadline).await;
        let body = asked.map_err(unanswered)?;
        let answers = info::values(&body, &questions);
        let answers = answers.map_err(|why| unanswered(garbage(why)))?;
        let (who, config) = answers.split_at(WHO.len());
        match Identity::said(who) {
            Some(found) if found == *expected => {
                let off = |said: &Value<'_>| matches!(said, Value::Data(all) if all.contains(OFF));
                if config.iter().any(off) {
                    self.tell(address, HEARTBEATS_ON, None, deadline).await?;
                }
                Ok(())
            }
            Some(found) => Err(Failure::Refused(format!(
                "at {address} lives {found} now, not {expected}"
            ))),
            None => Err(Failure::Unanswered(format!(
                "{address} does not say who it is"
            ))),
        }
    }

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

/// What a node replies to a tip about a seed that it has, by 8.0 and 8.1 alike.
const ALREADY_A_SEED: &str = "unknown";

/// What a node replies to `recluster:` that does not decide who is in.
const NOT_PRINCIPAL: &str = "ignored-by-non-principal";

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
        Value::Error { text, .. } | Value::Data(text @ NOT_PRINCIPAL) => {
            Err(Failure::Refused(cut(text).to_owned()))
        }
        Value::Data(data) => Err(Failure::Unanswered(format!(
            "unknown reply '{}'",
            cut(data)
        ))),
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
