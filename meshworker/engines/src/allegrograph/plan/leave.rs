//! Members that are meant to go: a copy is taken out before it stops, also while it gets its
//! data; the controlling one comes back with its volumes.

use meshworker_core::{Going, Leave, Situation, StepKind, Touches};

use super::ask;
use super::world::World;
use crate::allegrograph::detail::Detail;
use crate::allegrograph::request::{Act, AllegrographRequest};

/// What each of them needs. Whoever is in no cluster needs nothing.
pub fn leaves(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Leave<AllegrographRequest>> {
    let going = situation.leaving_views();
    let going = going.filter(|(member, _)| !world.is_free(member));
    let leaves = going.map(|(member, view)| {
        let mut leave = Leave::of(member.address, &view.node);
        leave.touches = Touches::Parts([member.id.to_string()].into());
        let controls = member.address == world.chief.0.address;
        match world.instance_of(member) {
            _ if controls => {
                let others = world.there().count() > 1;
                if others && situation.going(member) == Going::ForGood {
                    leave.holds.push(
                        "the control of the others: the option primary gives it to a copy".into(),
                    );
                }
            }
            Some(instance) => {
                let act = Act::Remove(instance.name.clone());
                leave
                    .last
                    .push(ask(world.chief.0.address, act, StepKind::Leave));
            }
            None => leave
                .holds
                .push("a copy that was asked for, and shows in no status yet".into()),
        }
        leave
    });
    leaves.collect()
}
