//! Kinds of values in a stack file.

use std::fmt;

use crate::stack::node::{Node, Value};
use crate::stack::scalar::{Word, word};

/// One key of a map: its name, the version of the file format that it came with
/// (3.N as N), and what may stand under it.
#[derive(Debug)]
pub(super) struct Key(pub &'static str, pub u8, pub Kind);

/// What may stand somewhere.
#[derive(Debug)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// `true` or `false`.
    Truth,
    /// A time such as `10s`.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Nothing.
    Null,
    /// Whatever it is.
    Any,
    /// A list.
    List(&'static Kind),
    /// A list without an entry that stands there twice.
    Set(&'static Kind),
    /// A map with these keys, and with `x-` ones from a version on.
    Map(&'static [Key], Option<u8>),
    /// A map with these keys, and with others that Docker leaves aside.
    Open(&'static [Key]),
    /// A map from any name to this.
    Free(&'static Kind),
    /// A map from names of things to this.
    Named(&'static Kind),
    /// One of several.
    Or(&'static [Kind]),
}

impl Kind {
    /// Whether a node looks like this from outside.
    pub(super) fn fits(&self, node: &Node) -> bool {
        let found = match &node.value {
            Value::Scalar { text, plain, .. } if *plain => Some(word(text)),
            Value::Scalar { .. } => Some(Word::Text),
            _ => None,
        };
        match self {
            Kind::Any => true,
            Kind::Text | Kind::Time | Kind::Word(_) => found == Some(Word::Text),
            Kind::Whole => found == Some(Word::Whole),
            Kind::Number => matches!(found, Some(Word::Whole | Word::Number)),
            Kind::Truth => found == Some(Word::Truth),
            Kind::Null => node.value == Value::Null,
            Kind::List(_) | Kind::Set(_) => matches!(node.value, Value::List(_)),
            Kind::Map(..) | Kind::Open(_) | Kind::Free(_) | Kind::Named(_) => {
                matches!(node.value, Value::Map(_))
            }
            Kind::Or(kinds) => kinds.iter().any(|kind| kind.fits(node)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Any => f.write_str("anything"),
            Kind::Text => f.write_str("a text (in quotes, where it looks like a number)"),
            Kind::Whole => f.write_str("a whole number without quotes"),
            Kind::Number => f.write_str("a number without quotes"),
            Kind::Truth => f.write_str("true or false without quotes"),
            Kind::Time => f.write_str("a time such as 10s or 1m30s"),
            Kind::Word(words) => f.write_str(&words.join(" or ")),
            Kind::Null => f.write_str("nothing"),
            Kind::List(_) | Kind::Set(_) => f.write_str("a list"),
            Kind::Map(..) | Kind::Open(_) | Kind::Free(_) | Kind::Named(_) => f.write_str("a map"),
            Kind::Or(kinds) => {
                let names: Vec<String> = kinds.iter().map(Kind::to_string).collect();
                f.write_str(&names.join(" or "))
            }
        }
    }
}
