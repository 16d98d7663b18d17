//! Members that wait while the cluster runs: spares, learners to be started, and whoever
//! has data that is nobody's here.

use meshworker_core::{
    Disk, Holds, Ids, Member, Nomination, Promise, Situation, Start, Tell, Touches,
};

use super::birth::BEGUN;
use super::world::{World, slot};
use super::{Rules, start};
use crate::etcd::detail::Detail;
use start::Known;

/// What each of them is told, if anything.
pub fn nominations(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Nomination> {
    let mut nominations = Vec::new();
    for member in situation.spares() {
        let Some((slot, disk)) = slot(member).zip(member.disk.as_deref()) else {
            continue;
        };
        let nominated = match disk {
            // A start that was refused leaves a store without a log; and what is damaged
            // comes from the others again.
            Disk::Unreadable(why) => Some(aside(member, slot, why.to_string())),
            Disk::Holds(Holds { ids: Some(ids), .. }) => {
                Some(with_data(rules, world, member, slot, ids))
            }
            Disk::Holds(holds) => begun(world, member, slot, holds.promise.as_ref())
                .or_else(|| learner(rules, world, member, slot)),
            Disk::Nothing => begun(world, member, slot, None),
        };
        nominations.extend(nominated);
    }
    nominations
}

/// An empty disk counts for no birth any more once it has seen a cluster: whoever has its
/// data may only be away.
fn begun(
    world: &World<'_>,
    member: &Member,
    slot: u64,
    promise: Option<&Promise>,
) -> Option<Nomination> {
    let marked = promise.is_some_and(|promise| promise.number == BEGUN);
    (!marked).then(|| Nomination {
        address: member.address,
        tell: Tell::Promise(Promise {
            number: BEGUN,
            to: world.leader.view.detail.cluster.as_str().into(),
        }),
        touches: Touches::Parts([format!("slot {slot}")].into()),
    })
}

/// One that has data: started as it is when that is its own and nobody else has it.
fn with_data(
    rules: &Rules,
    world: &World<'_>,
    member: &Member,
    slot: u64,
    ids: &Ids,
) -> Nomination {
    let own = world.nodes.iter().find(|node| node.listed.id == *ids.node);
    let cluster = &world.leader.view.detail.cluster;
    let why = if *ids.cluster != **cluster {
        format!(
            "its data is of cluster {}, and this is {cluster}",
            ids.cluster
        )
    } else {
        match own {
            None => format!("its data is of member {}, which was removed", ids.node),
            Some(node) => match node.there {
                None => {
                    let number = node.number.unwrap_or(slot);
                    let who = Known {
                        member,
                        slot,
                        number,
                    };
                    return starts(member, start::as_before(rules, who));
                }
                Some((other, _)) => format!("its data is a copy of that of {}", other.id),
            },
        }
    };
    aside(member, slot, why)
}

fn aside(member: &Member, slot: u64, why: String) -> Nomination {
    Nomination {
        address: member.address,
        tell: Tell::Aside { why: why.into() },
        touches: Touches::Parts([format!("slot {slot}")].into()),
    }
}

/// One with an empty disk: started when it was let in, and never ran.
fn learner(rules: &Rules, world: &World<'_>, member: &Member, slot: u64) -> Option<Nomination> {
    let own = world.learner().filter(|node| node.slot == Some(slot))?;
    if own.listed.is_started() || own.there.is_some() {
        return None;
    }
    let listed = &world.leader.view.detail.members;
    let who = Known {
        member,
        slot,
        number: own.number?,
    };
    Some(starts(member, start::joining(rules, who, listed)))
}

fn starts(member: &Member, start: Start) -> Nomination {
    Nomination {
        address: member.address,
        tell: Tell::Start(start),
        touches: Touches::All,
    }
}
