//! What each member is doing.

use std::collections::{BTreeMap, HashMap};

use meshworker_core::{Member, Place, Presence, Standing, Witness, fragments};

use crate::board::Look;
use crate::status::MemberState;

/// What each member is doing: its name and its state, by its address.
pub fn states(look: &Look) -> BTreeMap<Place, (String, MemberState)> {
    let main = main_cluster(look);
    let members = look.roster.members().iter();
    members
        .map(|member| {
            let state = state(member, look, &main);
            (member.address, (member.id.to_string(), state))
        })
        .collect()
}

fn state(member: &Member, look: &Look, main: &[&str]) -> MemberState {
    match member.standing() {
        Standing::Leaving => {
            let mut leavers = look.leavers.iter();
            let leaver = leavers.find(|leaver| leaver.address == member.address);
            if member.is_stopping() || leaver.is_some_and(|l| l.release.is_granted()) {
                MemberState::Released
            } else {
                MemberState::Leaving
            }
        }
        Standing::Spare => MemberState::Spare,
        Standing::Disowned | Standing::Unlisted => MemberState::Unknown,
        Standing::Wanted => match look.head(member.address) {
            None if is_waiting(member) || look.waits(member.address) => MemberState::Waiting,
            None => MemberState::Silent,
            // The others may see it alive: it was in before it was found to be another's.
            Some(_) if look.outsiders.contains(&member.address) => MemberState::Refused,
            Some(head) if main.binary_search(&head.node.as_str()).is_ok() => MemberState::Joined,
            Some(_) if is_refused(look, member.address) => MemberState::Refused,
            Some(_) => MemberState::Joining,
        },
    }
}

/// Whether it says that its database is not started yet.
fn is_waiting(member: &Member) -> bool {
    member.seen.get(&Witness::Announce) == Some(&Presence::Waiting)
}

/// The nodes of the largest group of wanted members that see one another,
/// sorted. A single node is a cluster only where nobody else is wanted.
fn main_cluster(look: &Look) -> Vec<&str> {
    let wanted = look.roster.members().iter();
    let wanted = wanted.filter(|member| member.standing() == Standing::Wanted);
    let heads: Vec<_> = wanted.filter_map(|m| look.head(m.address)).collect();
    let mut links: Vec<(&str, &str)> = Vec::new();
    // Members of one cluster share one list, which is read only once.
    let mut lists: HashMap<*const _, &str> = HashMap::new();
    for head in &heads {
        // Where only the copy knows whose it is, it has no list.
        let leader = head.holdings.follows.as_deref();
        links.extend(leader.map(|leader| (&*head.node, leader)));
        match lists.get(&head.peers.as_ptr()) {
            Some(first) => links.push((&head.node, first)),
            None => {
                lists.insert(head.peers.as_ptr(), &head.node);
                let alive = head.peers.iter().filter(|peer| peer.alive);
                links.extend(alive.map(|peer| (head.node.as_str(), peer.node.as_str())));
            }
        }
    }
    let nodes = heads.iter().map(|head| head.node.as_str());
    let mut groups = fragments(nodes, links);
    groups.sort_by_key(Vec::len);
    match groups.pop() {
        Some(group) if group.len() > 1 || heads.len() == 1 => group,
        _ => Vec::new(),
    }
}

/// Whether something other than time keeps whoever is at this address out.
fn is_refused(look: &Look, address: Place) -> bool {
    let text = address.to_string();
    look.refusals
        .iter()
        .any(|refusal| refusal.reason.keeps_out() && super::plan::names(refusal, &text))
}
