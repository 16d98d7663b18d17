//! Who is who, whatever its address.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<$name, ParseIntError> {
                u64::from_str_radix(text, 16).map($name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIntError;

            fn try_from(text: String) -> Result<$name, ParseIntError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id! {
    /// One store, from when it was made empty until it is lost: what votes. A worker that
    /// lost its disk is another one, so no store ever speaks for what it does not know any
    /// more. Drawn at random, never 0, before anything is sent.
    StoreId
}

id! {
    /// One group, drawn at random by whoever founds it.
    GroupId
}
