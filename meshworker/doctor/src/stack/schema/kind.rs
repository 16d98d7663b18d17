//! Kinds of values in a stack file.

use std::fmt;

use crate::stack::node::{Node, Value};
use crate::stack::scalar::{Word, whole, word};
use crate::stack::{duration, port, size};

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
    /// A whole number from 0 on.
    Count,
    /// Any number.
    Number,
    /// Any number from 0 on.
    Amount,
    /// `true` or `false`.
    Truth,
    /// A time such as `10s`.
    Time,
    /// So many bytes, such as `1G`.
    Size,
    /// A port, or several, such as `8080:80/tcp`.
    Port,
    /// A command line, as a shell splits it.
    Line,
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
    /// That map, with all of these keys.
    With(&'static [&'static str], &'static Kind),
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
            Kind::Text | Kind::Time | Kind::Size | Kind::Line | Kind::Word(_) => {
                found == Some(Word::Text)
            }
            Kind::Whole | Kind::Count => found == Some(Word::Whole),
            Kind::Number | Kind::Amount => matches!(found, Some(Word::Whole | Word::Number)),
            Kind::Port => matches!(found, Some(Word::Text | Word::Whole | Word::Number)),
            Kind::Truth => found == Some(Word::Truth),
            Kind::Null => node.value == Value::Null,
            Kind::List(_) | Kind::Set(_) => matches!(node.value, Value::List(_)),
            Kind::Map(..) | Kind::Open(_) | Kind::Free(_) | Kind::Named(_) => {
                matches!(node.value, Value::Map(_))
            }
            Kind::With(_, kind) => kind.fits(node),
            Kind::Or(kinds) => kinds.iter().any(|kind| kind.fits(node)),
        }
    }

    /// Whether a text, or a number, that looks like this is one.
    pub(super) fn takes(&self, text: &str) -> bool {
        match self {
            Kind::Time => duration::parse(text).is_some(),
            Kind::Size => size::is_one(text),
            Kind::Port => port::parse(text).is_some(),
            Kind::Line => shlex::split(text).is_some(),
            Kind::Count => whole(text).is_some_and(|number| number >= 0),
            Kind::Amount => !text.starts_with('-'),
            Kind::Word(words) => words.contains(&text),
            _ => true,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Any => f.write_str("anything"),
            Kind::Text => f.write_str("a text (in quotes, where it looks like a number)"),
            Kind::Whole => f.write_str("a whole number without quotes"),
            Kind::Count => f.write_str("a whole number from 0 on without quotes"),
            Kind::Number => f.write_str("a number without quotes"),
            Kind::Amount => f.write_str("a number from 0 on without quotes"),
            Kind::Truth => f.write_str("true or false without quotes"),
            Kind::Time => f.write_str("a time such as 10s or 1m30s"),
            Kind::Size => f.write_str("a size such as 512M or 1.5G"),
            Kind::Port => f.write_str(
                "a port such as \"80\" or \"8080:80/udp\", or as many on the left as on the right",
            ),
            Kind::Line => f.write_str("a command line, each quote closed"),
            Kind::Word(words) => f.write_str(&words.join(" or ")),
            Kind::Null => f.write_str("nothing"),
            Kind::List(_) | Kind::Set(_) => f.write_str("a list"),
            Kind::Map(..) | Kind::Open(_) | Kind::Free(_) | Kind::Named(_) => f.write_str("a map"),
            Kind::With(_, kind) => kind.fmt(f),
            Kind::Or(kinds) => {
                let names: Vec<String> = kinds.iter().map(Kind::to_string).collect();
                f.write_str(&names.join(" or "))
            }
        }
    }
}
