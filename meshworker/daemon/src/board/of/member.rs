//! One member, and all evidence for it.

use std::collections::BTreeMap;

use meshworker_core::{
    Figure, Holdings, Member, MemberId, Orders, Peer, Place, Replication, Source,
};

use super::{departed, leavers, plan, seconds, state, time};
use crate::board::{Head, Look, Since};
use crate::status::{
    FigureStatus, MemberState, MemberStatus, ReplicationStatus, SightingStatus, SourceStatus,
    ViewStatus, WhoSees, Why,
};

/// One member: who it is, where, and what everybody says of it.
pub fn status(
    member: &Member,
    look: &Look,
    states: &BTreeMap<Place, (String, MemberState)>,
    since: &Since,
    orders: &Orders,
    with_peers: bool,
) -> MemberStatus {
    let age = seconds(look.at.elapsed());
    let sightings = member.seen.iter().map(|(witness, presence)| {
        let since = since.when(member.address, *witness).unwrap_or(look.time);
        SightingStatus {
            witness: witness.to_string(),
            presence: presence.to_string(),
            since: time(since),
            age_seconds: age,
        }
    });
    let answer = look.answers.get(&member.address);
    MemberStatus {
        id: member.id.to_string(),
        address: member.address.to_string(),
        node: member.node.clone(),
        node_name: member.node_name.clone().map(String::from),
        task: member.task.clone(),
        part: member.part.clone(),
        state: states
            .get(&member.address)
            .map_or(MemberState::Unknown, |(_, state)| *state),
        state_since: since.state(member.address).map(time),
        standing: member.standing().to_string(),
        held: orders
            .own_hold_on(&member.id, member.address)
            .map(ToOwned::to_owned),
        sightings: sightings.collect(),
        view: answer.and_then(|answer| {
            let view = view(answer.as_ref().ok()?, look, with_peers);
            let role_since = since.role(member.address).map(time);
            Some(ViewStatus { role_since, ..view })
        }),
        unanswered: answer.and_then(|answer| answer.as_ref().err().cloned()),
    }
}

fn view(head: &Head, look: &Look, with_peers: bool) -> ViewStatus {
    let peers = head.peers.iter().filter(|_| with_peers);
    let Holdings {
        follows,
        figures,
        refuses_writes,
        replication,
    } = &head.holdings;
    ViewStatus {
        node: head.node.clone(),
        cluster_name: head.cluster_name.clone(),
        role: head.role.map(|role| role.to_string()),
        primary: head.role.is_some_and(|role| role.primary),
        term: head.role.and_then(|role| role.term),
        size: head.size,
        peers: peers.map(peer).collect(),
        working: head.working.clone(),
        follows: follows.as_ref().map(|node| called(node, head, look)),
        figures: figures.iter().map(figure).collect(),
        refuses_writes: refuses_writes.clone(),
        role_since: None,
        replication: replication.as_ref().map(replicates),
    }
}

fn replicates(replication: &Replication) -> ReplicationStatus {
    let Replication {
        position,
        acknowledges,
        source,
    } = replication.clone();
    let source = source.map(|source| {
        let Source {
            connected,
            applies,
            received,
            behind_seconds,
            error,
        } = source;
        SourceStatus {
            connected,
            applies,
            received,
            behind_seconds,
            error,
        }
    });
    ReplicationStatus {
        position,
        acknowledges,
        source,
    }
}

fn figure(figure: &Figure) -> FigureStatus {
    FigureStatus {
        what: figure.what.to_owned(),
        value: figure.value,
        of: figure.of,
        words: figure.to_string(),
    }
}

/// The member that has this node; the node's id where it is no member.
fn called(node: &str, by: &Head, look: &Look) -> String {
    let mut answers = look.answers.iter();
    let at = answers.find(|(_, answer)| answer.as_ref().is_ok_and(|head| head.node == node));
    // One that does not answer is known by whoever names it.
    let mut peers = by.peers.iter().filter(|peer| peer.node == node);
    let at = at.map(|(address, _)| *address);
    let at = at.or_else(|| peers.find_map(|peer| peer.address));
    let member = at.and_then(|address| look.roster.at(address));
    member.map_or_else(|| node.to_owned(), |member| member.id.to_string())
}

fn peer(peer: &Peer) -> WhoSees {
    WhoSees {
        node: peer.node.clone(),
        address: peer.address.map(|address| address.to_string()),
        alive: peer.alive,
    }
}

/// All evidence for the member of this name, but for the events.
pub fn why(look: &Look, since: &Since, orders: &Orders, name: &str) -> Option<Why> {
    let states = state::states(look);
    let roster = look.roster.members().iter();
    let found: Vec<&Member> = roster.filter(|member| is(member, look, name)).collect();
    let mut names: Vec<String> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    for member in &found {
        names.extend([member.id.to_string(), member.address.to_string()]);
        names.extend(look.head(member.address).map(|head| head.node.clone()));
        places.push(member.address);
    }
    if found.is_empty() {
        // Gone, and remembered by the others: why it still is, is a question too.
        let mut gone = departed(look).into_iter();
        let (node, address) = gone.find(|(node, address)| {
            node == name || address.is_some_and(|address| address.to_string() == name)
        })?;
        names.push(node);
        names.extend(address.map(|address| address.to_string()));
        places.extend(address);
    }
    let named = |text: &str| names.iter().any(|name| name == text);
    let refusals = look.refusals.iter();
    let refusals = refusals.filter(|refusal| names.iter().any(|name| plan::names(refusal, name)));
    let steps = look.steps.iter();
    let steps =
        steps.filter(|step| named(&step.to) || step.introduces.as_deref().is_some_and(named));
    let members = found.iter();
    Some(Why {
        members: members
            .map(|member| status(member, look, &states, since, orders, true))
            .collect(),
        seen_by: seen_by(look, &places),
        steps: steps.cloned().collect(),
        refusals: refusals
            .map(|refusal| plan::refusal(refusal, look))
            .collect(),
        leaver: leavers(look)
            .into_iter()
            .find(|leaver| named(&leaver.address)),
        events: Vec::new(),
        turned_away: Vec::new(),
    })
}

/// Whether this is the member that somebody means: by its id, its slot's
/// number, its address or its node's id.
fn is(member: &Member, look: &Look, name: &str) -> bool {
    let slot = match &member.id {
        MemberId::Slot { slot, .. } => slot.to_string() == name,
        MemberId::Address(_) => false,
    };
    slot || member.id.to_string() == name
        || member.address.to_string() == name
        || look
            .head(member.address)
            .is_some_and(|head| head.node == name)
}

/// What the databases of other members say of these addresses.
fn seen_by(look: &Look, places: &[Place]) -> Vec<String> {
    let others = look.roster.members().iter();
    let mut said = Vec::new();
    for other in others {
        let Some(head) = look.head(other.address) else {
            continue;
        };
        for place in places.iter().filter(|place| **place != other.address) {
            let mut peers = head.peers.iter();
            let peer = peers.find(|peer| peer.address == Some(*place));
            let says = match peer {
                Some(peer) if peer.alive => "alive",
                Some(_) => "not alive",
                None => "not known",
            };
            said.push(format!("{} ({}): {says}", other.address, other.id));
        }
    }
    said
}
