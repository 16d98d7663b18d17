//! The one list of all engines.

use std::collections::BTreeMap;

use crate::outside::Parser;
use crate::{Access, Descriptor, Engine, Placed, tls};

/// What the caller does with an engine of whichever type it turns out to be.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Takes the engine.
    fn visit<E: Engine>(self, engine: E) -> Self::Output;
}

macro_rules! engines {
    ($($kind:ident: $engine:ty,)*) => {
        /// A database that meshworker knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = stringify!($engine)] $kind,)*
        }

        impl Kind {
            /// Every engine, in the order of the documentation.
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            /// What the configuration needs to know of this engine.
            pub const fn descriptor(self) -> &'static Descriptor {
                match self {
                    $(Kind::$kind => &<$engine as Engine>::DESCRIPTOR,)*
                }
            }

            /// The variables by which a member's program is told where it is.
            pub fn placed(self, at: &Placed<'_>) -> BTreeMap<String, String> {
                match self {
                    $(Kind::$kind => <$engine as Engine>::placed(at),)*
                }
            }

            /// Makes an engine of this kind and hands it to the visitor.
            pub fn with<V: Visitor>(self, access: Access, visitor: V) -> V::Output {
                match self {
                    $(Kind::$kind => visitor.visit(<$engine as Engine>::new(access)),)*
                }
            }
        }
    };
}

// A new database is one line here.
engines! {
    Aerospike: crate::aerospike::Aerospike,
    Redis: crate::redis::Redis,
    Etcd: crate::etcd::Etcd,
    Mariadb: crate::mariadb::Mariadb,
    Allegrograph: crate::allegrograph::Allegrograph,
    Jgroups: crate::jgroups::Jgroups,
}

impl Kind {
    /// The engine of this name.
    pub fn find(name: &str) -> Option<Kind> {
        Kind::ALL
            .iter()
            .copied()
            .find(|kind| kind.descriptor().name == name)
    }
}

/// Every parser of bytes from outside that the engines have.
pub fn parsers() -> impl Iterator<Item = Parser> {
    let engines = Kind::ALL.iter().flat_map(|kind| kind.descriptor().parsers);
    engines.copied().chain([tls::CERTIFICATES])
}
