//! Instances whose servers are gone: when they are taken out, the gates say.

use meshworker_core::{Departure, Objection, StepKind};

use super::world::World;
use super::{Rules, ask};
use crate::allegrograph::detail::State;
use crate::allegrograph::request::{Act, AllegrographRequest};

/// Listed instances that no member answers as, but for the controlling one.
pub fn departures(rules: &Rules, world: &World<'_>) -> Vec<Departure<AllegrographRequest>> {
    let (chief, view) = world.chief;
    let gone = world.nodes.iter().filter(|node| node.there.is_none());
    let gone = gone.map(|node| {
        let instance = node.instance;
        let at = instance.place(rules.port);
        // Somebody else may be there by now.
        let mut views = world.answering.iter();
        let address = at.filter(|at| !views.any(|other| other == at));
        let alive = instance.state == State::Up && address == at;
        let objection = |said: &str| Objection::AliveTo {
            node: view.node.clone(),
            said: said.to_owned(),
        };
        Departure {
            node: instance.name.clone(),
            address,
            // Where only a name says where it is, no witness can say that it is not there.
            objections: match (alive, at, &instance.state) {
                (true, ..) => vec![objection("it runs")],
                (false, None, State::Down | State::Stopped) => Vec::new(),
                (false, None, _) => vec![objection("nothing, and its host is a name")],
                _ => Vec::new(),
            },
            steps: vec![ask(
                chief.address,
                Act::Remove(instance.name.clone()),
                StepKind::Forget,
            )],
        }
    });
    gone.collect()
}
