//! Whether Docker takes a stack file at all: which keys may stand where, of
//! which kinds, since which version of the file format.
//!
//! One file at a time, variables filled in, as Docker does it. Compared with
//! what `docker stack config` of Docker 28 says.

mod conflicts;
mod kind;
mod table;

use super::node::{Node, Value};
use super::scalar::{Word, word};
use crate::finding::Place;
use kind::{Key, Kind};

/// The latest version of the file format, 3.13: what a file without one is read as.
pub const LATEST: u8 = 13;

/// Something that `docker stack deploy` refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands, as a path: `service db`, or the keys to it.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// The version of the file format that this file is of, 3.N as N, and what is
/// wrong with it.
pub fn version(root: &Node) -> (u8, Option<Refused>) {
    let Some(node) = root.get("version") else {
        return (LATEST, None);
    };
    let refused = |what: String| Refused {
        subject: "version".into(),
        what,
        instead: format!("version: \"3.8\", any up to \"3.{LATEST}\", or no version at all"),
        place: Some(node.place.clone()),
    };
    let Value::Scalar { text, plain, .. } = &node.value else {
        return (LATEST, Some(refused(format!("It is {}.", node.kind()))));
    };
    let minor = match text.as_str() {
        "" | "3" => Some(LATEST),
        text => text.strip_prefix("3.").and_then(|minor| {
            let number: u8 = minor.parse().ok()?;
            (number <= LATEST && minor == number.to_string()).then_some(number)
        }),
    };
    match minor {
        None => {
            let what = format!("The version is {text}, and a swarm takes files of version 3 only.");
            (LATEST, Some(refused(what)))
        }
        Some(minor) if *plain && word(text) != Word::Text => {
            let what =
                format!("The version {text} is a number without quotes, and must be a text.");
            (minor, Some(refused(what)))
        }
        Some(minor) => (minor, None),
    }
}

/// What Docker refuses in this file, which is of version 3.`version`.
pub fn check(root: &Node, version: u8) -> Vec<Refused> {
    let mut checker = Checker {
        version,
        refused: Vec::new(),
    };
    checker.visit(&table::FILE, root, "");
    for conflict in conflicts::find(root) {
        let instead = conflict.instead.to_owned();
        checker.refuse(&conflict.path, conflict.what, instead, conflict.place);
    }
    checker.refused
}

/// The version, 3.N as N, from which on a key may stand anywhere; none for a key
/// that no version has, or that all have.
pub fn since(key: &str) -> Option<u8> {
    fn seek(kind: &Kind, key: &str) -> Option<u8> {
        match kind {
            Kind::Map(keys, _) => {
                let own = keys.iter().find(|Key(name, ..)| *name == key);
                let own = own.map(|Key(_, since, _)| *since);
                own.or_else(|| keys.iter().find_map(|Key(.., kind)| seek(kind, key)))
            }
            Kind::Named(kind) | Kind::Free(kind) | Kind::List(kind) | Kind::Set(kind) => {
                seek(kind, key)
            }
            Kind::With(_, kind) => seek(kind, key),
            Kind::Or(kinds) => kinds.iter().find_map(|kind| seek(kind, key)),
            _ => None,
        }
    }
    seek(&table::FILE, key).filter(|since| *since > 0)
}

/// So many characters are shown of a value that Docker does not take.
const SHOWN: usize = 60;

struct Checker {
    version: u8,
    refused: Vec<Refused>,
}

impl Checker {
    fn visit(&mut self, kind: &Kind, node: &Node, path: &str) {
        if let Kind::Or(kinds) = kind {
            // What of the alternatives looks like it says what is wrong inside.
            match kinds.iter().find(|kind| kind.fits(node)) {
                Some(kind) => self.visit(kind, node, path),
                None => self.expected(kind, node, path),
            }
            return;
        }
        if !kind.fits(node) {
            self.expected(kind, node, path);
            return;
        }
        match (kind, &node.value) {
            (_, Value::Scalar { text, .. }) if !kind.takes(text) => {
                self.expected(kind, node, path);
            }
            (Kind::With(keys, kind), _) => {
                self.visit(kind, node, path);
                for key in keys.iter().filter(|key| node.get(key).is_none()) {
                    let what = format!("{path} has no {key}, and Docker wants one.");
                    self.refuse(path, what, format!("{key}: ..."), &node.place);
                }
            }
            (Kind::List(inner), Value::List(nodes)) => {
                for (at, node) in nodes.iter().enumerate() {
                    self.visit(inner, node, &join(path, &at.to_string()));
                }
            }
            (Kind::Set(inner), Value::List(nodes)) => {
                for (at, node) in nodes.iter().enumerate() {
                    self.visit(inner, node, &join(path, &at.to_string()));
                    if nodes.iter().take(at).any(|other| other.says_as(node)) {
                        let what = format!("{path} has one entry twice.");
                        self.refuse(path, what, "each entry once".into(), &node.place);
                    }
                }
            }
            (Kind::Open(keys), Value::Map(entries)) => {
                for (name, node) in entries {
                    if let Some(Key(_, _, kind)) = keys.iter().find(|Key(key, ..)| key == name) {
                        self.visit(kind, node, &join(path, name));
                    }
                }
            }
            (Kind::Free(inner), Value::Map(entries)) => {
                for (name, node) in entries {
                    self.visit(inner, node, &join(path, name));
                }
            }
            (Kind::Named(inner), Value::Map(entries)) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                for (name, node) in entries {
                    if name.is_empty() || !name.chars().all(allowed) {
                        let what = format!("'{name}' is no name that Docker takes.");
                        let instead = "a name of letters, digits, dots, hyphens, underscores";
                        self.refuse(path, what, instead.into(), &node.place);
                    }
                    self.visit(inner, node, &join(path, name));
                }
            }
            (Kind::Map(keys, notes), Value::Map(entries)) => {
                for (name, node) in entries {
                    if name.starts_with("x-") && notes.is_some_and(|since| self.version >= since) {
                        continue;
                    }
                    let key = keys.iter().find(|Key(key, ..)| key == name);
                    match key {
                        Some(Key(_, since, kind)) if *since <= self.version => {
                            self.visit(kind, node, &join(path, name));
                        }
                        known => self.unknown(keys, known, name, node, path),
                    }
                }
            }
            _ => {}
        }
    }

    fn expected(&mut self, kind: &Kind, node: &Node, path: &str) {
        let found = match &node.value {
            Value::Scalar { text, .. } if text.is_empty() => "empty".to_owned(),
            // It may hold a secret.
            Value::Scalar { .. } if matches!(kind, Kind::Line) => "another text".to_owned(),
            Value::Scalar { text, .. } if kind.fits(node) => {
                format!("'{}'", text.chars().take(SHOWN).collect::<String>())
            }
            Value::Scalar {
                plain: true, text, ..
            } => match word(text) {
                Word::Text => "a text",
                Word::Truth => "true or false without quotes",
                Word::Whole | Word::Number => "a number without quotes",
            }
            .to_owned(),
            Value::Scalar { .. } => "a text".to_owned(),
            _ => node.kind().to_owned(),
        };
        let name = if path.is_empty() { "the file" } else { path };
        let what = format!("{name} is {found}; Docker takes {kind} there.");
        self.refuse(path, what, kind.to_string(), &node.place);
    }

    fn unknown(&mut self, keys: &[Key], known: Option<&Key>, name: &str, node: &Node, path: &str) {
        let place = match path {
            "" => "the file".to_owned(),
            path => path.to_owned(),
        };
        let (what, instead) = match (known, table::instead_of(path, name)) {
            (Some(Key(_, since, _)), _) => (
                format!(
                    "{place} has {name}, which files of version 3.{} do not know.",
                    self.version
                ),
                format!("version: \"3.{since}\", or a later one"),
            ),
            (None, Some(instead)) => (
                format!("{place} has {name}, which a stack file cannot have."),
                instead.to_owned(),
            ),
            (None, None) => (
                format!("{place} has {name}, and Docker knows no such key there."),
                match nearest(keys.iter().map(|Key(key, ..)| *key), name) {
                    Some(nearest) => format!("{nearest}, if that is what is meant"),
                    None => "without this key".into(),
                },
            ),
        };
        self.refuse(path, what, instead, &node.place);
    }

    fn refuse(&mut self, path: &str, what: String, instead: String, place: &Place) {
        let mut parts = path.split('.');
        let subject = match (parts.next().unwrap_or_default(), parts.next()) {
            ("services", Some(service)) => format!("service {service}"),
            ("", _) => "stack file".to_owned(),
            (section, None) => section.to_owned(),
            (section, Some(name)) => format!("{} {name}", section.trim_end_matches('s')),
        };
        self.refused.push(Refused {
            subject,
            what,
            instead,
            place: Some(place.clone()),
        });
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// The one of these that was meant, most likely.
pub fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    // Names that are worth it, and not so many that it takes long.
    let alike = |known: &&str| name.len() <= 32 && known.len().abs_diff(name.len()) <= 2;
    let known = known.take(100).filter(alike);
    let close = known.map(|known| (distance(known, name), known));
    let close = close.filter(|(distance, key)| *distance <= 2 && *distance * 2 < key.len());
    close.min().map(|(_, key)| key)
}

/// How many letters must be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    // How many it takes from what was read of `a` so far to each beginning of `b`.
    let mut first = 0;
    let mut row: Vec<usize> = (1..=b.len()).collect();
    for c in a.chars() {
        let mut before = first;
        first += 1;
        let mut left = first;
        for (here, d) in row.iter_mut().zip(&b) {
            let replaced = before + usize::from(c != *d);
            before = *here;
            left = replaced.min(before + 1).min(left + 1);
            *here = left;
        }
    }
    row.last().copied().unwrap_or(first)
}
