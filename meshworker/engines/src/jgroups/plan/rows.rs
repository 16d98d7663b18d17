//! Rows of coordinators that are dead, in the members' tables. When they go, the gates say.

use std::collections::BTreeSet;

use meshworker_core::{Departure, Objection, Refusal, Situation, Step};

use super::told;
use crate::jgroups::detail::Detail;
use crate::jgroups::request::JgroupsRequest;
use crate::jgroups::rows::Row;

/// Rows of coordinators that nobody answers as and that are in nobody's view; and why they stay.
pub fn departures(
    situation: &Situation<'_, Detail>,
) -> (Vec<Departure<JgroupsRequest>>, Vec<Refusal>) {
    let views: Vec<_> = situation.views().into_values().collect();
    // Every look reads them anew: the newest is as good as any.
    let rows = views
        .iter()
        .find_map(|(_, view)| view.detail.rows.as_deref());
    let Some(rows) = rows else {
        return (Vec::new(), Vec::new());
    };
    let alive: BTreeSet<&str> = views
        .iter()
        .flat_map(|(_, view)| view.peers.iter())
        .map(|peer| peer.node.as_str())
        .collect();
    let lives = |row: &&Row| alive.contains(row.coordinator.node.as_str());
    let dead: Vec<&Row> = rows.iter().filter(|row| !lives(row)).collect();
    if dead.is_empty() {
        return (Vec::new(), Vec::new());
    }
    // Whoever comes and finds nobody founds a group of its own beside the one that lives.
    let group_lives = views.iter().any(|(_, view)| view.detail.view.is_some());
    if group_lives && !rows.iter().any(|row| lives(&row)) {
        let why = "no member that lives has written its own row there, which each new view does: \
                   the last row is not removed under a group that lives";
        return (
            Vec::new(),
            vec![told("clean the members' table", why.to_owned())],
        );
    }
    let Some((by, _)) = situation
        .wanted_views()
        .map(|(member, view)| (member.address, view))
        .next()
    else {
        return (Vec::new(), Vec::new());
    };
    let departures = dead.into_iter().map(|row| Departure {
        node: row.coordinator.node.clone(),
        // Whoever answers there by now is somebody else, and vouches for nothing.
        address: row.coordinator.place.filter(|at| {
            let another = situation
                .answers
                .get(at)
                .and_then(|answer| answer.as_ref().ok());
            !another.is_some_and(|view| view.detail.speaks && view.node != row.coordinator.node)
        }),
        objections: objections(situation, row),
        steps: vec![Step::new(
            by,
            JgroupsRequest { row: row.clone() },
            Vec::new(),
        )],
    });
    (departures.collect(), Vec::new())
}

/// What members and routers have against it.
fn objections(situation: &Situation<'_, Detail>, row: &Row) -> Vec<Objection> {
    let dead = &row.coordinator;
    let mut objections = Vec::new();
    for (_, view) in situation.views().into_values() {
        let detail = &view.detail;
        let object = |said: String| Objection::AliveTo {
            node: view.node.clone(),
            said,
        };
        // Its id is not known of every name.
        let named = detail.members.contains(&dead.name);
        let is_known = view.peers.iter().any(|peer| peer.node == dead.name);
        if named && is_known {
            objections.push(object(format!("{} is in its view", dead.name)));
        }
        if detail.members.len() < view.size {
            let told = format!(
                "its view has {}, of which it names {}",
                view.size,
                detail.members.len()
            );
            objections.push(object(told));
        }
        if !detail.speaks {
            objections.push(object("it is not asked who is in its view".into()));
        }
    }
    let registered = situation
        .views()
        .into_values()
        .find_map(|(_, view)| view.detail.registered.as_deref());
    let mut registered = registered.into_iter().flatten();
    if registered.any(|one| one.node == dead.node) {
        objections.push(Objection::AliveTo {
            node: "a gossip router".into(),
            said: "registered".into(),
        });
    }
    objections
}
