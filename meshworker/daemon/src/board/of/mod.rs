//! How a look is put into words for people and programs. Pure.

mod member;
mod plan;
mod state;

use std::collections::BTreeSet;

use meshworker_core::{Orders, Pace, Place};
use meshworker_engines::PRIMARY;

use crate::board::{Look, Since};
use crate::clock::told as time;
use crate::status::{
    ClusterStatus, LeaverStatus, Mode, PassStatus, Summary, WhoSees, WitnessStatus,
};

pub use member::why;
pub use state::states;

/// In a cluster of more members each one's peers are told only when that member
/// is asked for: a thousand lists of a thousand nodes are of use to nobody.
const PEERS_TOLD: usize = 64;

/// Everything about a cluster.
pub fn cluster(
    name: &str,
    engine: &str,
    look: &Look,
    since: &Since,
    orders: &Orders,
) -> ClusterStatus {
    let states = state::states(look);
    let with_peers = look.roster.members().len() <= PEERS_TOLD;
    let members = look.roster.members().iter();
    let members = members
        .map(|of| member::status(of, look, &states, since, orders, with_peers))
        .collect();
    let witnesses = look.reports.iter().map(|report| WitnessStatus {
        witness: report.witness.to_string(),
        grade: report.grade.to_string(),
        complete: report.grade.is_complete() && report.lists_everybody(),
        members: look.named_by(report),
        desired: report.desired,
    });
    ClusterStatus {
        name: name.to_owned(),
        engine: engine.to_owned(),
        one: look.unity.is_one(),
        unity: unity(look),
        // Data that is nowhere is not in its place.
        settled: look.settled && look.losses.is_empty(),
        mode: mode(orders),
        pass: pass(look),
        witnesses: witnesses.collect(),
        members,
        departed: told(departed(look)),
        plan: plan::status(look),
        leavers: leavers(look),
        turned_away: Vec::new(),
    }
}

/// A cluster in a line; `look` is none before its first pass is over.
pub fn summary(name: &str, engine: &str, look: Option<&Look>, orders: &Orders) -> Summary {
    let joined = |look: &Look| {
        let states = state::states(look);
        states.values().filter(|(_, state)| state.is_in()).count()
    };
    Summary {
        name: name.to_owned(),
        engine: engine.to_owned(),
        one: look.is_some_and(|look| look.unity.is_one()),
        unity: look.map_or("no pass is over yet".into(), unity),
        joined: look.map_or(0, joined),
        members: look.map_or(0, |look| look.roster.members().len()),
        refusals: look.map_or(0, |look| look.refusals.len()),
        mode: mode(orders),
        age_seconds: look.map(|look| seconds(look.at.elapsed())),
    }
}

/// Whether they are one cluster, in a line. Whoever has left and is still remembered is no
/// member of it; that its leaving is not done yet stands beside it.
fn unity(look: &Look) -> String {
    let remembered = match departed(look).len() {
        _ if !look.unity.is_one() => String::new(),
        0 => String::new(),
        1 => "; 1 that left is still remembered".to_owned(),
        left => format!("; {left} that left are still remembered"),
    };
    format!("{}{remembered}", look.unity)
}

fn mode(orders: &Orders) -> Mode {
    Mode {
        dry_run: orders.dry_run,
        removals: !orders.no_removals,
        held: orders.hold.clone(),
        drains: orders.drains.keys().cloned().collect(),
        drained_by: (orders.drains.iter())
            .filter(|(_, by)| !by.is_empty())
            .map(|(member, by)| (member.clone(), by.clone()))
            .collect(),
        succession: succession(orders),
    }
}

/// What is ordered about who is the primary.
fn succession(orders: &Orders) -> Vec<String> {
    let wished = orders.wishes.get(PRIMARY).map(|whom| {
        let whom = match whom.parse::<u64>() {
            Ok(slot) => format!("slot {slot}"),
            Err(_) => whom.to_owned(),
        };
        format!(
            "{whom} is to be the primary whenever it can; `meshworker switchover --to any` \
             takes it back"
        )
    });
    let forced = orders.forced.as_ref().map(|forced| match &forced.from {
        Some(from) => format!("another one than {from} is to be the primary now"),
        None => "somebody is to be the primary now".to_owned(),
    });
    let downtime = orders.downtime.iter();
    let downtime = downtime.map(|(member, why)| {
        format!("{member} is on downtime, and does not become or cease to be primary: {why}")
    });
    wished.into_iter().chain(forced).chain(downtime).collect()
}

fn pass(look: &Look) -> PassStatus {
    PassStatus {
        number: look.number,
        time: time(look.time),
        took_seconds: seconds(look.took),
        views: look.requests.views,
        steps: look.requests.steps,
        pace: match look.pace {
            Pace::Calm => "calm",
            Pace::Watchful => "watchful",
            Pace::Quick => "quick",
            Pace::AtOnce => "at once",
        }
        .to_owned(),
    }
}

/// Nodes that members remember and hold to be gone, and that answer nowhere.
fn departed(look: &Look) -> BTreeSet<(String, Option<Place>)> {
    // What others than this cluster's members remember is theirs.
    let answers = look.answers.iter();
    let answers = answers.filter(|(address, _)| !look.outsiders.contains(address));
    let heads = answers.filter_map(|(_, answer)| answer.as_ref().ok());
    let answering: BTreeSet<&str> = heads.clone().map(|head| head.node.as_str()).collect();
    let mut lists = BTreeSet::new();
    let mut gone: BTreeSet<(String, Option<Place>)> = BTreeSet::new();
    for head in heads {
        if !lists.insert(head.peers.as_ptr()) {
            continue;
        }
        let dead = head.peers.iter().filter(|peer| !peer.alive);
        let dead = dead.filter(|peer| !answering.contains(peer.node.as_str()));
        gone.extend(dead.map(|peer| (peer.node.clone(), peer.address)));
    }
    // Not every database lists the dead among its peers: whom it is refused to
    // forget is gone as well.
    for refusal in &look.refusals {
        let node = refusal.what.strip_prefix("forget ").unwrap_or_default();
        let known = gone.iter().any(|(other, _)| other == node);
        if !node.is_empty() && !known && !answering.contains(node) {
            gone.insert((node.to_owned(), node.parse().ok()));
        }
    }
    gone
}

fn told(gone: BTreeSet<(String, Option<Place>)>) -> Vec<WhoSees> {
    let gone = gone.into_iter();
    gone.map(|(node, address)| WhoSees {
        node,
        address: address.map(|address| address.to_string()),
        alive: false,
    })
    .collect()
}

fn leavers(look: &Look) -> Vec<LeaverStatus> {
    let leavers = look.leavers.iter();
    leavers
        .map(|leaver| LeaverStatus {
            member: leaver.member.to_string(),
            address: leaver.address.to_string(),
            node: leaver.node.clone(),
            going: leaver.going.to_string(),
            place: leaver.place,
            left: leaver.progress.as_ref().map(|progress| progress.left),
            unit: leaver.progress.as_ref().map(|p| p.unit.to_owned()),
            estimate_seconds: leaver.estimate.map(seconds),
            released: leaver.release.is_granted(),
            waits_for: (!leaver.release.is_granted()).then(|| leaver.release.to_string()),
        })
        .collect()
}

fn seconds(time: std::time::Duration) -> f64 {
    // Microseconds are enough for anybody.
    (time.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
