//! One look at one member: three short questions and a page of figures over one connection.

use std::collections::BTreeSet;

use meshworker_core::{Answer, Figure, Holdings, Peer, Place, Role, Told, Unanswered, View};
use serde_json::{Value, json};

use super::client::{Client, Talk};
use super::detail::{Detail, Listed};
use super::lasting::{Lasted, Lasting};
use super::links::{Linked, Links};
use super::reached::Reached;
use super::size;
use super::wire::{self, Members, Range, Status};

const LEADER: Role = Role::primary("leader");
const FOLLOWER: Role = Role::of("follower");
const LEARNER: Role = Role::idle("learner");
const ALONE: Role = Role::idle("without a leader");

/// Asks the member at this address what it sees.
///
/// # Errors
///
/// Why it gave no view.
pub async fn look(
    client: &Client,
    (links, lasting, reached): (&Links, &Lasting, &Reached),
    at: Place,
) -> Answer<Detail> {
    let mut talk = client.talk(at).await?;
    let status: Status = ask(&mut talk, "/v3/maintenance/status", &json!({})).await?;
    if status.header.member_id.is_empty() || status.header.cluster_id.is_empty() {
        return Err(Unanswered::Garbage("it says no id of its own".into()));
    }
    // A learner answers nothing else.
    let (mut members, mut wish) = (Vec::new(), None);
    if !status.learner {
        let list: Members = ask(&mut talk, "/v3/cluster/member/list", &json!({})).await?;
        let list = list.listed();
        members = list.ok_or_else(|| Unanswered::Garbage("its list of members".into()))?;
        let key: Range = ask(&mut talk, "/v3/kv/range", &size::question()).await?;
        wish = key.text();
    }
    let metrics = talk.get("/metrics").await;
    let connected = metrics.map_or_else(|_| BTreeSet::new(), |text| wire::connected(&text));
    let others = members.iter().map(|one| &one.id);
    let others = others.filter(|id| **id != status.header.member_id);
    let seen = Seen {
        linked: links.note(at, &connected, others),
        lasted: lasting.note(at, &members),
        missed: reached.note(&status.header.cluster_id, status.header.revision),
        usual: client.access().service_port,
        members,
        wish,
    };
    Ok(seen.view(status))
}

async fn ask<T>(talk: &mut Talk<'_>, path: &str, body: &Value) -> Result<T, Unanswered>
where
    T: serde::de::DeserializeOwned,
{
    talk.ask(path, body).await.map_err(|why| why.unanswered())
}

/// What was asked besides the status.
pub(super) struct Seen {
    pub(super) linked: Linked,
    pub(super) lasted: Lasted,
    pub(super) missed: Option<u64>,
    pub(super) usual: u16,
    pub(super) members: Vec<Listed>,
    pub(super) wish: Option<String>,
}

impl Seen {
    /// All of it as a view.
    pub(super) fn view(self, status: Status) -> View<Detail> {
        let alarms = status.alarms();
        let own = status.header.member_id;
        let leader = Some(status.leader).filter(|id| !id.is_empty());
        let peers = self.members.iter().map(|member| Peer {
            node: member.id.clone(),
            address: member.place(self.usual),
            alive: member.id == own || self.linked.connected.contains_key(&member.id),
        });
        let mut peers: Vec<Peer> = peers.collect();
        peers.sort();
        let role = match (&leader, status.learner) {
            (_, true) => LEARNER,
            (Some(leader), _) if *leader == own => LEADER,
            (Some(_), _) => FOLLOWER,
            (None, _) => ALONE,
        };
        let fresh = self.linked.connected.iter().find(|(_, settled)| !**settled);
        let working = match fresh {
            _ if status.learner => Some("it is a learner, and has no vote yet".to_owned()),
            Some((peer, _)) => Some(format!("connected with {peer} for less than 5 s")),
            None => None,
        };
        let full = alarms.values().flatten().next();
        View {
            role: Some(role),
            size: self.members.len(),
            peers: peers.into(),
            working,
            cluster_name: None,
            holdings: Holdings {
                follows: None,
                figures: vec![
                    Figure::bytes("store", status.db_size, None),
                    Figure::count("revisions", status.header.revision),
                ],
                refuses_writes: full.map(|alarm| format!("alarm {alarm}")),
                replication: None,
            },
            detail: Detail {
                cluster: status.header.cluster_id,
                version: Told::<32>::from(status.version).into_string(),
                leader,
                term: status.term,
                index: status.index,
                revision: status.header.revision,
                learner: status.learner,
                members: self.members.into(),
                connected: self.linked.connected,
                away: self.linked.away,
                alarms,
                unchanged: self.lasted.long,
                overdue: self.lasted.overdue,
                missed: self.missed,
                in_vain: self.lasted.in_vain,
                wish: self.wish,
            },
            node: own,
        }
    }
}
