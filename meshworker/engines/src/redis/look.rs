//! One look at one node, in one round trip: everything, or whether anything has
//! changed.

use meshworker_core::{Answer, Place, Unanswered, View};
use redis::{Pipeline, Value};

use super::blocked;
use super::client::{Client, refused};
use super::detail::{Detail, MASTER, Replies, Shared};
use super::rest::{self, Digest, Kept};
use super::wire::{Expect, refusal, text};
use crate::rest::Rest;

/// The view of this node, kept from an earlier look when nothing has changed there
/// since. None when something has, or when it is time to look again.
pub async fn unchanged(
    client: &Client,
    rest: &Rest<Kept>,
    address: Place,
) -> Option<Answer<Detail>> {
    let kept = rest.kept(address)?;
    let asked = client
        .ask(
            address,
            &rest::ask_again(),
            Expect::Words,
            client.deadline(),
        )
        .await;
    let (mut lease, replies) = match asked {
        Ok(answered) => answered,
        Err(why) => return Some(Err(why)),
    };
    let view = digest(replies.first()).and_then(|now| kept.confirmed(&now));
    match &view {
        Some(view) => lease.node = Some(view.node.clone()),
        None => rest.forget(address),
    }
    client.keep(lease);
    view.map(Ok)
}

/// Asks the node at this address for everything.
///
/// # Errors
///
/// Why it gave no view.
pub async fn look(
    client: &Client,
    shared: &Shared,
    rest: &Rest<Kept>,
    address: Place,
) -> Answer<Detail> {
    let (mut lease, replies) = client
        .ask(address, &commands(), Expect::View, client.deadline())
        .await?;
    let Some((first, replies)) = replies.split_first() else {
        return Err(Unanswered::Garbage("no replies".into()));
    };
    let mut view = view(shared, address, replies)?;
    let info = replies.get(2).and_then(text).unwrap_or_default();
    if blocked::may_be(&info) {
        let told = lease.exchange(&blocked::ask(), client.deadline()).await?;
        let why = told.first().and_then(|told| blocked::why(&info, told));
        let refuses = why.clone().filter(|_| view.role == Some(MASTER));
        view.holdings.refuses_writes = view.holdings.refuses_writes.or(refuses);
        view.detail.blocked = why;
    }
    // Who may not run scripts tells everything each time.
    rest.keep(address, Kept::of(digest(Some(first)), &view));
    lease.node = Some(view.node.clone());
    client.keep(lease);
    Ok(view)
}

fn digest(reply: Option<&Value>) -> Option<Digest> {
    Digest::parse(&text(reply?)?)
}

fn view(shared: &Shared, address: Place, replies: &[Value]) -> Result<View<Detail>, Unanswered> {
    if let Some(why) = replies.iter().find_map(refusal) {
        return Err(refused(why));
    }
    let [nodes, cluster, info, keys] = replies else {
        return Err(Unanswered::Garbage(format!("{} replies", replies.len())));
    };
    let said = |reply: &Value, to: &str| {
        text(reply).ok_or_else(|| Unanswered::Garbage(format!("{to} is not answered by a text")))
    };
    let Value::Int(keys) = keys else {
        return Err(Unanswered::Garbage("DBSIZE is not a number".into()));
    };
    shared.view(
        address,
        Replies {
            nodes: &said(nodes, "CLUSTER NODES")?,
            cluster: &said(cluster, "CLUSTER INFO")?,
            info: &said(info, "INFO")?,
            keys: u64::try_from(*keys).unwrap_or_default(),
        },
    )
}

/// The digest comes first: what changes right after it shows in the next one.
fn commands() -> Pipeline {
    let mut commands = redis::pipe();
    rest::ask(&mut commands);
    commands.cmd("CLUSTER").arg("NODES");
    commands.cmd("CLUSTER").arg("INFO");
    let info = commands.cmd("INFO").arg("server").arg("memory");
    info.arg("persistence").arg("replication");
    commands.cmd("DBSIZE");
    commands
}
