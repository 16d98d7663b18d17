//! Typed access to a tree, with errors that name the path and the line.

use std::time::Duration;

use super::bad::BadStack;
use super::duration;
use super::merge::as_map;
use super::node::{Node, Value};
use super::scalar::whole;
use crate::finding::Place;

/// A value, and where it stands; nowhere when it comes from a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Option<Place>,
}

impl<T> At<T> {
    /// A value that stands nowhere.
    pub fn nowhere(value: T) -> At<T> {
        At { value, place: None }
    }
}

/// A node and the path to it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    path: String,
    node: Node,
}

impl Field {
    /// The root of a file.
    pub(super) fn root(node: Node) -> Field {
        Field {
            path: String::new(),
            node,
        }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        self.node.place.clone()
    }

    /// What stands under this key of a map; nothing for null.
    pub(super) fn get(&self, key: &str) -> Result<Option<Field>, BadStack> {
        match &self.node.value {
            Value::Map(_) => Ok(self.node.get(key).map(|node| self.child(key, node))),
            _ => Err(self.expected("a map")),
        }
    }

    /// The entries of a map, null values included.
    pub(super) fn entries(&self) -> Result<Vec<(String, Field)>, BadStack> {
        let Value::Map(entries) = &self.node.value else {
            return Err(self.expected("a map"));
        };
        let entries = entries.iter();
        let entries = entries.map(|(name, node)| (name.clone(), self.child(name, node)));
        Ok(entries.collect())
    }

    /// The entries of a map that may also be written as a list.
    pub(super) fn either(self) -> Result<Vec<(String, Field)>, BadStack> {
        let Field { path, node } = self;
        let node = as_map(node);
        Field { path, node }.entries()
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Field>, BadStack> {
        let Value::List(nodes) = &self.node.value else {
            return Err(self.expected("a list"));
        };
        let nodes = nodes.iter().enumerate();
        Ok(nodes
            .map(|(at, node)| self.child(&at.to_string(), node))
            .collect())
    }

    /// Whether it is a map.
    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Whether a variable was filled in.
    pub(super) fn is_filled_in(&self) -> bool {
        matches!(
            self.node.value,
            Value::Scalar {
                filled_in: true,
                ..
            }
        )
    }

    /// Its text; empty for null.
    pub(super) fn text(&self) -> Result<String, BadStack> {
        match &self.node.value {
            Value::Scalar { text, .. } => Ok(text.clone()),
            Value::Null => Ok(String::new()),
            _ => Err(self.expected("a text")),
        }
    }

    /// Its text, and where it stands.
    pub(super) fn at(&self) -> Result<At<String>, BadStack> {
        self.with(self.text()?)
    }

    /// The number that its text is.
    pub(super) fn number<T: TryFrom<i64>>(&self) -> Result<At<T>, BadStack> {
        let text = self.text()?;
        match whole(text.trim()).and_then(|number| T::try_from(number).ok()) {
            Some(number) => self.with(number),
            None => Err(self.found(&text, "a whole number")),
        }
    }

    /// The truth value that its text is.
    pub(super) fn truth(&self) -> Result<bool, BadStack> {
        let text = self.text()?;
        match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "on" => Ok(true),
            "false" | "no" | "n" | "off" => Ok(false),
            _ => Err(self.found(&text, "true, false")),
        }
    }

    /// The time that its text is, such as `1m30s`.
    pub(super) fn duration(&self) -> Result<At<Duration>, BadStack> {
        let text = self.text()?;
        match duration::parse(&text) {
            Some(time) => self.with(time),
            None => Err(self.found(&text, "a time such as 10s, 1m30s")),
        }
    }

    /// The words of a command line: a list, or one text as a shell splits it.
    pub(super) fn words(&self) -> Result<Vec<String>, BadStack> {
        if self.is_list() {
            return self.items()?.iter().map(Field::text).collect();
        }
        let text = self.text()?;
        // An open quote is refused, and told of.
        let split = || text.split_whitespace().map(str::to_owned).collect();
        Ok(shlex::split(&text).unwrap_or_else(split))
    }

    /// An error that says what was found here and what is allowed.
    pub(super) fn found(&self, found: &str, allowed: &str) -> BadStack {
        self.wrong(&format!("'{found}'"), allowed)
    }

    fn expected(&self, allowed: &str) -> BadStack {
        self.wrong(self.node.kind(), allowed)
    }

    fn wrong(&self, found: &str, allowed: &str) -> BadStack {
        let path = if self.path.is_empty() {
            "the file"
        } else {
            &self.path
        };
        let what = format!("{path}: found {found}; allowed: {allowed}");
        BadStack::at(&self.node.place, what)
    }

    fn with<T>(&self, value: T) -> Result<At<T>, BadStack> {
        Ok(At {
            value,
            place: Some(self.place()),
        })
    }

    fn child(&self, name: &str, node: &Node) -> Field {
        let dot = if self.path.is_empty() { "" } else { "." };
        Field {
            path: format!("{}{dot}{name}", self.path),
            node: node.clone(),
        }
    }
}
