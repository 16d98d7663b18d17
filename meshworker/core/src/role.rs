//! What a node is among the others, by its database's own word.

use std::fmt;

use serde::Serialize;

/// What a node is among the others, by its own word and under the name that its database
/// has for it: "master", "replica", "leader". A database whose nodes are all alike has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// Whether it is the one node to which everything is written.
    pub primary: bool,
    /// The number under which it became that, where its database counts them: a higher one
    /// outranks a lower one.
    pub term: Option<u64>,
    /// Whether clients are served there.
    #[serde(skip)]
    pub serves: bool,
}

impl Role {
    /// One of several.
    pub const fn of(name: &'static str) -> Role {
        Role {
            name,
            primary: false,
            term: None,
            serves: true,
        }
    }

    /// One that serves no clients now.
    pub const fn idle(name: &'static str) -> Role {
        Role {
            serves: false,
            ..Role::of(name)
        }
    }

    /// That of the one node to which everything is written.
    pub const fn primary(name: &'static str) -> Role {
        Role {
            primary: true,
            ..Role::of(name)
        }
    }

    /// The same, held since this term began.
    pub const fn in_term(self, term: u64) -> Role {
        Role {
            term: Some(term),
            ..self
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
