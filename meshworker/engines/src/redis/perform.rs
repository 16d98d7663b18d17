//! Requests, as commands to the node.

use meshworker_core::{Place, Unanswered};
use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::claim;
use super::client::{Client, Lease};
use super::heavy::Heavies;
use super::migrate::{Migration, set_slots};
use super::nodes::{Entry, Nodes};
use super::request::{Act, RedisRequest};
use super::reset;
use super::slots::Slots;
use super::wire::{Expect, excerpt, refusal, text};
use crate::Failure;

/// Makes one request to the node at `to`.
///
/// # Errors
///
/// The node refused, another node lives there now, or no answer came in time.
pub async fn perform(
    client: &Client,
    heavies: &Heavies,
    to: Place,
    request: &RedisRequest,
) -> Result<String, Failure> {
    let deadline = client.deadline();
    let mut lease = reach(client, to, &request.node, deadline).await?;
    let done = match &request.act {
        Act::Move {
            slots,
            target,
            address,
            others,
        } => {
            let target = reach(client, *address, target, deadline).await?;
            let migration = Migration {
                client,
                heavies,
                source: lease,
                target,
                port: client.access().service_port,
                deadline,
            };
            return migration.run(slots, others).await;
        }
        Act::Claim { slots, others } => {
            return claim::settle(client, lease, slots, others, deadline).await;
        }
        Act::Meet {
            address,
            port,
            bus_port,
            guest,
            last_resort: _,
        } => {
            // An introduction names an address, not an id, and cannot be undone.
            let there = reach(client, *address, guest, deadline).await?;
            client.keep(there);
            let mut commands = cluster("MEET");
            commands.arg(address.address.to_string()).arg(*port);
            if let Some(bus_port) = bus_port {
                commands.arg(*bus_port);
            }
            said(lease.exchange(&commands, deadline).await)?
        }
        Act::Assign(slots) => assign(&mut lease, slots, deadline).await?,
        Act::Replicate { master } => {
            let mut commands = cluster("REPLICATE");
            commands.arg(master);
            said(lease.exchange(&commands, deadline).await)?
        }
        Act::Failover => match said(lease.exchange(&cluster("FAILOVER"), deadline).await) {
            Err(Failure::Refused(why)) if why.contains("to a replica") => {
                "it is a master already".into()
            }
            done => done?,
        },
        Act::Reset { master } => reset::reset(&mut lease, master, deadline).await?,
        Act::Close(slots) => close(&mut lease, slots, deadline).await?,
        Act::Forget { node } => {
            let mut commands = cluster("FORGET");
            commands.arg(node);
            match said(lease.exchange(&commands, deadline).await) {
                Err(Failure::Refused(why)) if why.contains("Unknown node") => {
                    "it knows no such node".into()
                }
                done => done?,
            }
        }
    };
    client.keep(lease);
    Ok(excerpt(&done))
}

/// A connection to the node with this id, which is asked who it is first: its
/// address may have changed hands since it was last looked at.
///
/// # Errors
///
/// Nobody answers there, or another node does.
pub async fn reach(
    client: &Client,
    address: Place,
    node: &str,
    deadline: Instant,
) -> Result<Lease, Failure> {
    let (mut lease, replies) = client
        .ask(address, &cluster("MYID"), Expect::Words, deadline)
        .await
        .map_err(unanswered)?;
    match replies.first().and_then(text) {
        Some(id) if id == node => {
            lease.node = Some(id);
            Ok(lease)
        }
        Some(id) => Err(Failure::Refused(format!(
            "at {address} lives {} now, not {node}",
            excerpt(&id)
        ))),
        None => Err(Failure::Unanswered(
            replies
                .first()
                .and_then(refusal)
                .unwrap_or_else(|| "no id".into()),
        )),
    }
}

async fn assign(lease: &mut Lease, slots: &Slots, deadline: Instant) -> Result<String, Failure> {
    let mut commands = cluster("ADDSLOTSRANGE");
    for (first, last) in slots.ranges() {
        commands.arg(*first).arg(*last);
    }
    let refused = match said(lease.exchange(&commands, deadline).await) {
        Err(Failure::Refused(why)) if why.contains("busy") => why,
        done => return done,
    };
    // Somebody was quicker; fine when the slots went to the same node.
    let own = own_entry(lease, deadline).await?;
    let owned = own.map(|own| own.slots).unwrap_or_default();
    if owned.union(slots) == owned {
        Ok("it owns them already".into())
    } else {
        Err(Failure::Refused(refused))
    }
}

/// Closes those of the slots whose marks mean nothing any more. Since the look
/// another worker may have begun to move them, and closed halfway some of their
/// keys would be out of reach.
async fn close(lease: &mut Lease, slots: &Slots, deadline: Instant) -> Result<String, Failure> {
    let Some(nodes) = nodes(lease, deadline).await? else {
        return Err(Failure::Unanswered("no table of nodes".into()));
    };
    let own = nodes.table.get(nodes.myself);
    let owns = |slot| own.is_some_and(|own| own.slots.contains(slot));
    let open = nodes.open.iter().filter(|open| slots.contains(open.slot));
    let left = open.filter(|open| open.leaves != owns(open.slot));
    let left: Vec<u16> = left.map(|open| open.slot).collect();
    if left.is_empty() {
        return Ok("nothing is left to close".into());
    }
    said(
        lease
            .exchange(&set_slots(&left, "STABLE", None), deadline)
            .await,
    )
}

/// The node's own line in its table.
///
/// # Errors
///
/// The node refused, or gave no answer.
pub async fn own_entry(lease: &mut Lease, deadline: Instant) -> Result<Option<Entry>, Failure> {
    let nodes = nodes(lease, deadline).await?;
    Ok(nodes.and_then(|nodes| nodes.table.get(nodes.myself).cloned()))
}

pub async fn nodes(lease: &mut Lease, deadline: Instant) -> Result<Option<Nodes>, Failure> {
    let table = said(lease.exchange(&cluster("NODES"), deadline).await)?;
    Ok(Nodes::parse(&table).ok())
}

/// One command of `CLUSTER`.
pub fn cluster(command: &str) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("CLUSTER").arg(command);
    commands
}

/// What the node replied, the first refusal among the replies first.
///
/// # Errors
///
/// One of the replies is an error, or there is none.
pub fn said(replies: Result<Vec<Value>, Unanswered>) -> Result<String, Failure> {
    let replies = replies.map_err(unanswered)?;
    if let Some(why) = replies.iter().find_map(refusal) {
        return Err(Failure::Refused(why));
    }
    let first = replies.first().and_then(text);
    Ok(first.unwrap_or_else(|| "done".into()))
}

/// No answer: what became of the request is unknown.
pub fn unanswered(why: Unanswered) -> Failure {
    match why {
        Unanswered::Denied(why) => Failure::Refused(why),
        why => Failure::Unanswered(why.to_string()),
    }
}
