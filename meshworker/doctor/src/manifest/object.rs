//! An object of a manifest, and fields on paths of it.

use crate::finding::Place;
use crate::stack::node::{Node, Value};

/// All objects of the files that were given.
#[derive(Debug, Clone, Default)]
pub struct Manifests(pub Vec<Object>);

/// One object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Such as `StatefulSet`.
    pub kind: String,
    /// Its name; empty where it has none.
    pub name: String,
    pub(super) root: Node,
}

impl Manifests {
    /// Those of this kind.
    pub fn of<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Object> {
        self.0.iter().filter(move |object| object.kind == kind)
    }
}

impl Object {
    /// Whom a finding is about.
    pub(super) fn subject(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        at(&self.root, path)
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(text)
    }

    /// Whether this role allows all of this to be done to a resource of this kind.
    pub(super) fn allows(&self, resource: &str, verbs: &[&str]) -> bool {
        items(self.at("rules")).iter().any(|rule| {
            let has = |field: &str, word: &str| {
                let mut words = items(rule.get(field)).iter().filter_map(text);
                words.any(|own| own == word || own == "*")
            };
            has("resources", resource) && verbs.iter().all(|verb| has("verbs", verb))
        })
    }

    pub(super) fn place(&self) -> &Place {
        &self.root.place
    }
}

/// The field on this path of maps, whose names are parted by dots.
pub(super) fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, name| node.get(name))
}

pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

/// The entries of a list; none of anything else.
pub(super) fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}
