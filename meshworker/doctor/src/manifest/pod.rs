//! A StatefulSet's container that runs this program.

use super::object::{Manifests, Object, at, items, text};
use crate::stack::node::Node;

/// A container under the supervisor, or of a worker, and its StatefulSet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runs<'m> {
    pub(super) set: &'m Object,
    pub(super) container: &'m Node,
}

/// Those in which one of these words begins: `init` of members, `run` of workers.
pub(super) fn runs<'m>(all: &'m Manifests, word: &'m str) -> impl Iterator<Item = Runs<'m>> {
    all.of("StatefulSet").flat_map(move |set| {
        let containers = items(set.at("spec.template.spec.containers")).iter();
        let ours = containers.filter(move |container| {
            let words = words(container);
            let mut words = words.iter();
            let calls = |own: &&str| own.rsplit('/').next() == Some("meshworker");
            // The image's own program is ours where nothing else is named.
            let named = at(container, "command").is_none() || words.any(calls);
            named && words.next().copied() == Some(word)
        });
        ours.map(move |container| Runs { set, container })
    })
}

/// What it is started with.
fn words(container: &Node) -> Vec<&str> {
    let lists = [at(container, "command"), at(container, "args")];
    lists.into_iter().flat_map(items).filter_map(text).collect()
}

impl<'m> Runs<'m> {
    /// The variable of this name.
    pub(super) fn variable(&self, name: &str) -> Option<&'m Node> {
        let mut variables = items(self.container.get("env")).iter();
        variables.find(|variable| variable.get("name").and_then(text) == Some(name))
    }

    pub(super) fn pod(&self, field: &str) -> Option<&'m Node> {
        self.set.at(&format!("spec.template.spec.{field}"))
    }

    /// Whether its readiness is what the supervisor says.
    pub(super) fn probes_health(&self, probe: &str) -> Option<&'m Node> {
        let command = at(self.container, &format!("{probe}.exec.command"))?;
        let words: Vec<&str> = items(Some(command)).iter().filter_map(text).collect();
        words.ends_with(&["health"]).then_some(command)
    }
}
