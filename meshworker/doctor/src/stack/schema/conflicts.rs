//! Keys that Docker takes, but not together.

use crate::finding::Place;
use crate::stack::node::{Node, Value};

/// Two keys that Docker does not take together.
pub(super) struct Conflict<'a> {
    /// The path to what has both.
    pub(super) path: String,
    /// What is wrong.
    pub(super) what: String,
    /// What to write instead.
    pub(super) instead: &'static str,
    /// Where it stands.
    pub(super) place: &'a Place,
}

/// What a section's entries may not say at once.
pub(super) fn find(root: &Node) -> Vec<Conflict<'_>> {
    let mut conflicts = Vec::new();
    for section in ["networks", "volumes", "secrets", "configs"] {
        let Some(Value::Map(entries)) = root.get(section).map(|node| &node.value) else {
            continue;
        };
        for (name, node) in entries {
            let path = format!("{section}.{name}");
            let pairs = pairs(section, node).into_iter();
            conflicts.extend(pairs.map(|(one, other, instead)| Conflict {
                path: path.clone(),
                what: format!("{path} has {one} and {other}, and Docker takes one of them."),
                instead,
                place: &node.place,
            }));
        }
    }
    conflicts
}

type Pair = (&'static str, &'static str, &'static str);

fn pairs(section: &str, node: &Node) -> Vec<Pair> {
    let says = |key: &str| node.get(key).is_some_and(|value| !is_empty(value));
    let external = node.get("external");
    let named = external.and_then(|external| external.get("name"));
    let mut pairs = Vec::new();
    if named.is_some_and(|name| !is_empty(name)) && says("name") {
        pairs.push(("external.name", "name", "external: true, and name"));
    }
    let elsewhere = external.is_some_and(|external| match &external.value {
        Value::Scalar { text, .. } => text.eq_ignore_ascii_case("true"),
        Value::Map(_) => true,
        _ => false,
    });
    if section == "volumes" && elsewhere {
        for key in ["driver", "driver_opts", "labels"] {
            if says(key) {
                let instead = "external: true alone: who made the volume has said the rest";
                pairs.push(("external", key, instead));
            }
        }
    }
    if section == "secrets" && says("driver") && says("file") {
        pairs.push(("driver", "file", "the one that has the secret"));
    }
    pairs
}

/// Whether a value says nothing, for Docker.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Scalar { text, .. } => text.is_empty(),
        Value::List(nodes) => nodes.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}
