//! What the configuration needs to know of an engine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::outside::Parser;
use crate::{Configured, Mistake, Sizing, Starts};

/// The option of an engine that chooses some of the members, and has the others as spares:
/// how many. Operators change it while a cluster runs, by a wish of the same name.
pub const IDEAL_SIZE: &str = "ideal-size";

/// What is refused where no cluster begins: one was here, or members are missing.
pub const BEGIN: &str = "begin a cluster";

/// The option of an engine whose primary is chosen: which member is to be it, by its slot's
/// number. Operators change it while a cluster runs, by a wish of the same name.
pub const PRIMARY: &str = "primary";

/// The option of such an engine that names those which never become it, by their slots' numbers
/// or the names of their swarm nodes. Operators change it as well.
pub const FORBIDDEN: &str = "forbidden";

/// Finds the mistakes in the words and variables that a member is started with, and in the
/// words of its health check.
pub type Settings = fn(&[String], &[(String, String)], &[String]) -> Vec<Mistake>;

/// What the configuration and the documentation need to know of an engine.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// The name in configurations, such as `redis`.
    pub name: &'static str,
    /// The name for people, such as `Redis Cluster`.
    pub title: &'static str,
    /// What `port` means, and its default.
    pub port: u16,
    /// The default of `service_port`; none when it is the same as `port`.
    pub service_port: Option<u16>,
    /// How long a node that owes an answer is waited for once a majority has answered,
    /// while something moves: far longer than an answer usually takes, and shorter than
    /// the others may wait. Its answer counts when it comes; that it is late says nothing
    /// of whether it is there.
    pub pulse: Duration,
    /// Whether it can log in with a user and a password.
    pub login: bool,
    /// The options that only this engine has.
    pub options: &'static [OptionSpec],
    /// When a member's database is started.
    pub starts: Starts,
    /// What is known of a cluster's size before it runs.
    pub sizing: Sizing,
    /// The mistakes in the members' configuration files that show before they run;
    /// none where those files are not known.
    pub mistakes: Option<fn(&Configured<'_>) -> Vec<Mistake>>,
    /// The mistakes in what members are started with; none where nothing is known.
    pub settings: Option<Settings>,
    /// The parsers of what comes from its nodes, and from their files.
    pub parsers: &'static [Parser],
}

/// One option of one engine.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Its name, in lower case with hyphens.
    pub name: &'static str,
    /// The value when none is given.
    pub default: &'static str,
    /// What it means, with its unit.
    pub help: &'static str,
    /// Which values are allowed, for an error message.
    pub allowed: &'static str,
    /// Whether a value is allowed.
    pub accepts: fn(&str) -> bool,
}

/// An option that the engine does not have, or a value that it does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    /// The engine has no such option.
    #[error("option '{name}': {engine} has no such option; it has: {known}")]
    Unknown {
        /// The engine's name.
        engine: &'static str,
        /// The option's name as given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The value is not allowed.
    #[error("option '{name}': found '{value}'; allowed: {allowed}")]
    Value {
        /// The option's name.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl InvalidOption {
    /// The option's name as given.
    pub fn option(&self) -> &str {
        match self {
            InvalidOption::Unknown { name, .. } => name,
            InvalidOption::Value { name, .. } => name,
        }
    }

    /// What would have been allowed.
    pub fn allowed(&self) -> String {
        match self {
            InvalidOption::Unknown { known, .. } => format!("the options {known}"),
            InvalidOption::Value { allowed, .. } => (*allowed).to_owned(),
        }
    }
}

impl Descriptor {
    /// The complete options: those given, and the defaults of the others.
    ///
    /// # Errors
    ///
    /// Names the first option that the engine does not have, or whose value it
    /// does not allow.
    pub fn complete(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, InvalidOption> {
        if let Some(name) = given
            .keys()
            .find(|name| !self.options.iter().any(|option| option.name == *name))
        {
            let known: Vec<&str> = self.options.iter().map(|option| option.name).collect();
            return Err(InvalidOption::Unknown {
                engine: self.name,
                name: name.clone(),
                known: if known.is_empty() {
                    "none".into()
                } else {
                    known.join(", ")
                },
            });
        }
        self.options
            .iter()
            .map(|option| {
                let value = given
                    .get(option.name)
                    .map_or(option.default, String::as_str);
                if (option.accepts)(value) {
                    Ok((option.name.to_owned(), value.to_owned()))
                } else {
                    Err(InvalidOption::Value {
                        name: option.name,
                        value: value.to_owned(),
                        allowed: option.allowed,
                    })
                }
            })
            .collect()
    }
}
