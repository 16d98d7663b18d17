//! What follows from what members of a group say. Pure: the same situation gives the same
//! proposal, whatever happened before. Joins, merges and leaves are JGroups' own; what does not
//! come about by itself is told, with what to do.

mod rows;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{
    Capabilities, Leave, Place, Planner, Proposal, Reason, Refusal, Situation, Touches, Unity,
    View, counted,
};

use super::detail::{Detail, ViewId};
use super::request::JgroupsRequest;

/// `MERGE3` looks for others each 10 to 30 s as it is shipped (`max_interval`), and asks
/// twice.
const MERGES: Duration = Duration::from_secs(90);

/// A new view is known to all within seconds; who is dead is found within a minute at most
/// (`FD_ALL3`, `timeout` 40 s).
const SETTLES: Duration = Duration::from_secs(60);

/// The planner of a group. It has no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules;

impl Planner for Rules {
    type Detail = Detail;
    type Request = JgroupsRequest;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<JgroupsRequest> {
        let (departures, mut refusals) = rows::departures(situation);
        refusals.extend(remarks(situation));
        // Whoever stops hands over by itself, and holds nothing alone.
        let leaves = situation.leaving_views().map(|(member, view)| Leave {
            touches: Touches::Parts(BTreeSet::from([view.node.clone()])),
            ..Leave::of(member.address, &view.node)
        });
        Proposal {
            departures,
            leaves: leaves.collect(),
            quiet: true,
            refusals,
            ..Proposal::nothing(unity(situation))
        }
    }
}

/// The views, each with those who are in it.
fn views<'a>(
    situation: &Situation<'a, Detail>,
) -> BTreeMap<&'a ViewId, Vec<(Place, &'a View<Detail>)>> {
    let mut views = BTreeMap::<_, Vec<_>>::new();
    for (member, view) in situation.wanted_views() {
        if let Some(id) = &view.detail.view {
            views.entry(id).or_default().push((member.address, view));
        }
    }
    views
}

fn unity(situation: &Situation<'_, Detail>) -> Unity {
    let views = views(situation);
    let all: Vec<_> = situation.wanted_views().map(|(_, view)| view).collect();
    let joining = all
        .iter()
        .filter(|view| view.detail.speaks && view.detail.view.is_none());
    match (views.len(), all.len(), joining.count()) {
        (_, 0, _) => Unity::apart("nobody answers"),
        // Nobody says in which view it is: that they are registered together is all that is known.
        (0, size, 0) => Unity::One { size },
        (_, _, joining @ 1..) => {
            Unity::apart(format!("{} in no view yet", counted(joining, "members")))
        }
        (1, size, 0) => Unity::One { size },
        (many, ..) => {
            let told = views.iter().map(|(id, its)| {
                let size = its.first().map_or(0, |(_, view)| view.size);
                format!("{id} of {size}")
            });
            let told: Vec<String> = told.collect();
            Unity::apart(format!("{many} views: {}", told.join(", ")))
        }
    }
}

/// What an operator is to know, and to do.
fn remarks(situation: &Situation<'_, Detail>) -> Vec<Refusal> {
    let mut remarks: Vec<Refusal> = Vec::new();
    remarks.extend(unmerged(situation));
    remarks.extend(without_coordinator(situation));
    remarks.extend(in_no_view(situation));
    let views = situation.wanted_views().map(|(_, view)| view);
    let unread: BTreeSet<&String> = views.flat_map(|view| &view.detail.unread).collect();
    remarks.extend(unread.into_iter().map(|why| told("know more", why.clone())));
    let mute: Vec<String> = situation
        .wanted_views()
        .filter(|(_, view)| !view.detail.speaks)
        .map(|(member, _)| member.address.to_string())
        .collect();
    if !mute.is_empty() {
        let why = format!(
            "{} not asked in which view they are: set diag.enable_tcp=\"true\" in their transport (diag_enable_tcp in 4.x)",
            mute.join(", ")
        );
        remarks.push(told("tell one view from several", why));
    }
    remarks
}

/// Two who coordinate, for longer than it takes them to find each other.
fn unmerged(situation: &Situation<'_, Detail>) -> Option<Refusal> {
    let leads = situation
        .wanted_views()
        .filter(|(_, view)| view.detail.coordinates);
    let lasting = leads.filter(|(_, view)| view.detail.lasts >= MERGES);
    let lasting: Vec<String> = lasting
        .map(|(member, view)| {
            let id = view.detail.view.as_ref().map(ViewId::to_string);
            format!(
                "{} at {} in {}",
                view.detail.name,
                member.address,
                id.unwrap_or_default()
            )
        })
        .collect();
    (lasting.len() > 1).then(|| {
        let why = format!(
            "{} coordinate and do not merge; all need MERGE3, one way to find each other, the same \
             protocols, and addresses that the others reach (bind_addr, external_addr)",
            lasting.join(" and ")
        );
        told("merge their views", why)
    })
}

/// Views whose coordinator is in none, or does not answer.
fn without_coordinator(situation: &Situation<'_, Detail>) -> Vec<Refusal> {
    let all = views(situation);
    let names: BTreeSet<&str> = situation
        .views()
        .into_values()
        .filter(|(_, view)| view.detail.coordinates)
        .map(|(_, view)| view.detail.name.as_str())
        .collect();
    let mut remarks = Vec::new();
    for (id, its) in all {
        let lasts = its.iter().all(|(_, view)| view.detail.lasts >= SETTLES);
        let first = its
            .first()
            .and_then(|(_, view)| view.detail.members.first());
        if let Some(first) = first
            && lasts
            && !names.contains(first.as_str())
        {
            let why = format!(
                "view {id} has no coordinator: {first} is the first in it, and does not answer as one; \
                 restart {first} if it hangs, and see that failure detection (FD_SOCK2, FD_ALL3) and \
                 VERIFY_SUSPECT2 are in the members' configuration"
            );
            remarks.push(told("do without a coordinator", why));
        }
    }
    remarks
}

/// Whoever is registered, or answers, and is in nobody's view.
fn in_no_view(situation: &Situation<'_, Detail>) -> Vec<Refusal> {
    let all: Vec<_> = situation.views().into_values().collect();
    let speak = || {
        all.iter()
            .map(|(_, view)| *view)
            .filter(|view| view.detail.view.is_some())
    };
    // A list of names may be cut, and a view may be on its way.
    let complete = speak().all(|view| view.detail.members.len() == view.size);
    let settled = speak().all(|view| view.detail.lasts >= SETTLES);
    if speak().next().is_none() || !complete || !settled {
        return Vec::new();
    }
    let peers: BTreeSet<&str> = speak()
        .flat_map(|view| view.peers.iter())
        .map(|peer| peer.node.as_str())
        .collect();
    let names: BTreeSet<&str> = speak()
        .flat_map(|view| &view.detail.members)
        .map(String::as_str)
        .collect();
    let registered = speak().find_map(|view| view.detail.registered.as_deref());
    let lonely = registered
        .into_iter()
        .flatten()
        .filter(|one| !peers.contains(one.node.as_str()) && !names.contains(one.name.as_str()));
    lonely
        .map(|one| {
            let place = one.place.map_or_else(|| "an unknown place".to_owned(), |at| at.to_string());
            let why = format!(
                "{} is registered with the gossip routers as {place}, and in no view; if it runs, the others do \
                 not reach it there: set bind_addr, or external_addr where a port is published, and free \
                 the ports 7800 and 7900",
                one.name
            );
            told("count it as a member", why)
        })
        .collect()
}

/// A remark for the operator.
fn told(what: &str, why: String) -> Refusal {
    Refusal::new(what, Reason::Misconfigured(why))
}
