//! What a server says of itself, and of the cluster of which its repository is.

use std::net::IpAddr;
use std::sync::Arc;

use meshworker_core::Place;
use serde::Serialize;

/// What a server says of itself, and of the cluster of which its repository is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The server's version.
    pub version: Option<String>,
    /// What it says of the repository.
    pub repository: Repository,
    /// The cluster's instances, by its word; none where it is in no cluster.
    pub instances: Arc<[Instance]>,
    /// What it said of its status, cut short: for people.
    pub raw: Option<String>,
    /// Whom this worker has had it let in, as far as that is not over.
    pub growing: Vec<Grown>,
    /// The instance that was here until this worker had it taken out a short while ago.
    pub taken_out: Option<String>,
}

/// What a server says of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repository {
    /// It has none of this name, by its own list.
    None,
    /// It has one that is in no cluster, in its own words.
    Alone(String),
    /// It has one that was taken out of its cluster, in its own words.
    TakenOut(String),
    /// It has one that is in a cluster.
    Member,
    /// Nobody can tell, and what it said.
    Unsure(String),
    /// It was not asked.
    #[default]
    Unasked,
}

/// One instance of the cluster, as a server lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Where the others reach it: a name or an address, as it was given.
    pub host: Option<String>,
    /// Its port.
    pub port: Option<u16>,
    /// Whether it controls the others; none where that is not said.
    pub controlling: Option<bool>,
    /// Whether the server that was asked calls it itself.
    pub own: bool,
    /// What it does.
    pub state: State,
}

/// What an instance does, by another one's word.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Up,
    /// It gets its data.
    Copying,
    /// It does not run, or is out of reach.
    Down,
    /// It was stopped, and is to stay so.
    Stopped,
    /// Nothing is said, or nothing that is known: in its words.
    #[default]
    Unsaid,
    /// The same, with what was said.
    Other(String),
}

/// A copy that this worker asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grown {
    /// Its name.
    pub instance: String,
    /// Where it is made.
    pub to: Place,
    /// Whether no answer has come yet.
    pub open: bool,
    /// What was said of it, where it was refused a short while ago; none while no answer has
    /// come, or what became of it is unknown.
    pub refused: Option<String>,
}

impl Instance {
    /// Where it is, as far as that is an address; `usual` is the cluster's own port.
    pub fn place(&self, usual: u16) -> Option<Place> {
        let address: IpAddr = self.host.as_deref()?.parse().ok()?;
        Some(Place::new(address, self.port.unwrap_or(usual), usual))
    }

    /// Whether only a name says where it is, or nothing does: it may be anywhere.
    pub fn may_be_anywhere(&self) -> bool {
        let host = self.host.as_deref();
        host.is_none_or(|host| host.parse::<IpAddr>().is_err())
    }
}

impl Detail {
    /// Which of the instances controls the others, by its word; none where it names none or
    /// several.
    pub fn controlling(&self) -> Option<&Instance> {
        let mut all = self.instances.iter();
        let mut named = all
            .by_ref()
            .filter(|instance| instance.controlling == Some(true));
        let first = named.next();
        first.filter(|_| named.next().is_none())
    }

    /// The instance of this name.
    pub fn instance(&self, name: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.name == name)
    }
}
