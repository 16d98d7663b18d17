//! A YAML document as a tree whose nodes know their lines.

use crate::finding::Place;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands; in a map, where its key stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Text, a number or a truth value: all are read where they are used.
    Scalar {
        /// As it is written, without quotes, variables filled in.
        text: String,
        /// Whether a variable was filled in.
        filled_in: bool,
        /// Whether it is written without quotes, so that it may be a number or a
        /// truth value.
        plain: bool,
    },
    /// In the order of the file.
    List(Vec<Node>),
    /// In the order of the file, each key once.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What stands under this key of a map; nothing for null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let found = entries.iter().find(|(name, _)| name == key);
        let node = found.map(|(_, node)| node);
        node.filter(|node| node.value != Value::Null)
    }

    /// Whether both say the same, wherever they stand.
    pub fn says_as(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::List(mine), Value::List(others)) => {
                mine.len() == others.len()
                    && mine
                        .iter()
                        .zip(others)
                        .all(|(mine, other)| mine.says_as(other))
            }
            (Value::Map(mine), Value::Map(others)) => {
                let same = |(name, node): &(String, Node)| {
                    let other = others.iter().find(|(other, _)| other == name);
                    other.is_some_and(|(_, other)| node.says_as(other))
                };
                // A large map is no port and no mount, and would take long.
                mine.len() == others.len() && mine.len() < 32 && mine.iter().all(same)
            }
            (Value::Scalar { text: mine, .. }, Value::Scalar { text: other, .. }) => mine == other,
            (mine, other) => mine == other,
        }
    }

    /// What the node is, in a word or two.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}
