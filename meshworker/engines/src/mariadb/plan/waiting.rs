//! Members that wait to be started, and in which role.
//!
//! One that crashed as a primary has perhaps a last write that nobody acknowledged. Started in
//! the role of a replica it cuts that off, and follows; but after a crash of everybody that
//! very write may have been acknowledged, and be nowhere else. So it is started as a replica
//! only where a higher term was opened since, and else as what it was.

use meshworker_core::{Disk, Nomination, Place, Proposal, Start, Tell, Touches};

use super::told;
use super::world::{Node, World, role};
use crate::mariadb::disk::UNMARKED;
use crate::mariadb::fence::{JOINING, PRIMARY, REPLICA};
use crate::mariadb::request::MariadbRequest;
use crate::mariadb::settings;

/// What each of them is told, if anything.
pub fn nominate(world: &World<'_>, proposal: &mut Proposal<MariadbRequest>) {
    for (server, (member, disk)) in &world.waiting {
        let nominate = |tell: Tell| Nomination {
            address: member.address,
            tell,
            touches: Touches::Parts([format!("slot {server}")].into()),
        };
        let start = |role: &str| {
            nominate(Tell::Start(Start {
                arguments: settings::arguments(*server, member.address.address, role),
                ..Start::default()
            }))
        };
        let not = |why| told(&format!("start {}", member.id), why);
        match how(world, disk) {
            How::As(role) => proposal.nominations.push(start(role)),
            How::With(from) => proposal.nominations.push(nominate(Tell::Fetch { from })),
            How::Aside(why) => {
                let tell = Tell::Aside { why: why.into() };
                proposal.nominations.push(nominate(tell));
            }
            How::Not(why) => proposal.refusals.push(not(why)),
            How::After(why) => {
                proposal.refusals.push(not(why));
                proposal.otherwise.push(start(AS_IT_WAS));
            }
        }
    }
    // What waits there for an acknowledgement is told nothing.
    let outranked = world.stale().filter_map(|node| {
        // Somebody else has opened it: that is for an operator to see.
        let term = node.detail.mark().opened()?;
        Some(Nomination {
            address: node.at(),
            tell: Tell::Kill { term },
            touches: Touches::Parts([format!("slot {}", node.server)].into()),
        })
    });
    proposal.nominations.extend(outranked);
}

enum How {
    As(&'static str),
    With(Place),
    Aside(String),
    Not(String),
    /// As it was, where nobody takes its place after all.
    After(String),
}

/// Keeps every write that it has.
const AS_IT_WAS: &str = "MASTER";

/// Cuts off what nobody acknowledged.
const AS_A_REPLICA: &str = "SLAVE";

fn how(world: &World<'_>, disk: &Disk) -> How {
    let is_open = world.primary().is_some();
    if let Disk::Unreadable(why) = disk {
        // What cannot be read may be well: an operator looks.
        return How::Not(why.to_string());
    }
    let cluster = disk.ids().map(|ids| &*ids.cluster);
    if let (Some(own), Some(ours)) = (cluster, &world.cluster)
        && own != UNMARKED
        && own != ours
    {
        let why = format!("its data is of cluster {own}, and this is {ours}");
        return match is_open {
            true => How::Aside(why),
            false => How::Not(why),
        };
    }
    // Not from the primary, whose writers would wait for that.
    if matches!(disk, Disk::Nothing)
        && is_open
        && let Some(donor) = world.nodes.values().find(|node| is_well(node))
    {
        return How::With(donor.at());
    }
    match role(disk) {
        Some((PRIMARY, term)) if term < world.term => How::As(AS_A_REPLICA),
        Some((PRIMARY, _)) if may_be_replaced(world) => {
            How::After("it was the primary, and another member takes its place".into())
        }
        _ => How::As(AS_IT_WAS),
    }
}

/// Whether this replica has everything, and is to stay.
fn is_well(node: &Node<'_>) -> bool {
    node.is_up() && node.stays() && node.detail.mark().role == REPLICA
}

/// Whether the last primary need not come back: everybody who may have acknowledged its
/// writes answers, and applies what it has received.
fn may_be_replaced(world: &World<'_>) -> bool {
    let Some(ackers) = world.ackers().filter(|ackers| !ackers.is_empty()) else {
        return false;
    };
    ackers.iter().all(|server| {
        let source = world.nodes.get(server).map(|node| &node.detail.source);
        let applies = source.is_some_and(|source| source.as_ref().is_some_and(|s| s.applies));
        let joins = |node: &Node<'_>| node.detail.mark().role == JOINING;
        applies && !world.nodes.get(server).is_some_and(joins)
    })
}
