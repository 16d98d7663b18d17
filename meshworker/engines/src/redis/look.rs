//! One look at one node: what is asked, in one round trip.

use std::net::IpAddr;

use meshworker_core::{Answer, Unanswered};
use redis::{Pipeline, Value};

use super::client::{Client, refused};
use super::detail::{Detail, Replies, Shared};
use super::wire::{Expect, refusal, text};

/// Asks the node at this address for its view.
///
/// # Errors
///
/// Why it gave none.
pub async fn look(client: &Client, shared: &Shared, address: IpAddr) -> Answer<Detail> {
    let (mut lease, replies) = client
        .ask(address, &commands(), Expect::View, client.deadline())
        .await?;
    if let Some(why) = replies.iter().find_map(refusal) {
        return Err(refused(why));
    }
    let [nodes, cluster, info, keys] = replies.as_slice() else {
        return Err(Unanswered::Garbage(format!("{} replies", replies.len())));
    };
    let said = |reply: &Value, to: &str| {
        text(reply).ok_or_else(|| Unanswered::Garbage(format!("{to} is not answered by a text")))
    };
    let Value::Int(keys) = keys else {
        return Err(Unanswered::Garbage("DBSIZE is not a number".into()));
    };
    let view = shared.view(
        address,
        Replies {
            nodes: &said(nodes, "CLUSTER NODES")?,
            cluster: &said(cluster, "CLUSTER INFO")?,
            info: &said(info, "INFO")?,
            keys: u64::try_from(*keys).unwrap_or_default(),
        },
    )?;
    lease.node = Some(view.node.clone());
    client.keep(lease);
    Ok(view)
}

fn commands() -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("CLUSTER").arg("NODES");
    commands.cmd("CLUSTER").arg("INFO");
    commands.cmd("INFO").arg("server").arg("replication");
    commands.cmd("DBSIZE");
    commands
}
