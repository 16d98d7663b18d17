//! What a MariaDB server says of itself.

use std::net::IpAddr;

use meshworker_core::Place;
use serde::Serialize;

use super::fence::Mark;
use super::gtid::{Position, State};

/// What a MariaDB server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Its version, such as `10.11.19`.
    pub version: String,
    /// What stands in its fence; nothing before a worker has made one.
    pub mark: Option<Mark>,
    /// Whether ordinary clients may only read.
    pub read_only: bool,
    /// The last transaction in its binary log.
    pub written: Position,
    /// All that was ever written there.
    pub state: State,
    /// The last transaction that it has applied as a replica.
    pub applied: Position,
    /// The last one that it has, from wherever.
    pub current: Position,
    /// Whom it follows; nobody where it was never told to.
    pub source: Option<Source>,
    /// How it waits for acknowledgements.
    pub semi_sync: SemiSync,
    /// Who may acknowledge writes, as far as it has applied what says so.
    pub roll: Option<Roll>,
    /// The servers that receive from it, as it lists them; one that has just gone is listed yet.
    pub sends_to: Vec<u32>,
    /// Whether it has the account by which members receive from each other, with the password
    /// that they are told.
    pub has_account: bool,
    /// Whether it has databases of users.
    pub has_data: bool,
    /// Which settings are not as they must be, and how they must be.
    pub faults: Vec<String>,
}

/// Whom a server follows, and how that goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its server id, once it was connected.
    pub server: Option<u32>,
    /// Where it is.
    pub host: String,
    /// On which port.
    pub port: u16,
    /// Whether it is connected.
    pub connection: Connection,
    /// Whether it applies what it receives.
    pub applies: bool,
    /// The last whole transaction that it has received since it was told to follow.
    pub received: Position,
    /// For how long nothing has come from there, as far as looks tell, in milliseconds.
    pub silent_ms: u64,
    /// How far it is behind by its own clock, in seconds.
    pub behind_s: Option<u64>,
    /// Why it does not connect, or apply: the server's number, and its words.
    pub error: Option<(u32, String)>,
}

/// Whether a replica is connected with its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// It is.
    Up,
    /// It tries.
    Trying,
    /// It does not, and will not by itself.
    #[default]
    Stopped,
}

/// How a server waits for acknowledgements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SemiSync {
    /// Whether it waits for them.
    pub waits: bool,
    /// Whether it still does: it has not fallen back to answering at once.
    pub holds: bool,
    /// Whether it gives them.
    pub acknowledges: bool,
    /// How many are connected that give them.
    pub clients: u64,
    /// How many sessions wait for one now.
    pub waiting: u64,
}

/// Who may acknowledge writes: a row that is replicated, so that who takes a write over knows
/// who else may have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Roll {
    /// The term in which it was written.
    pub term: u64,
    /// Counted up with each change.
    pub number: u64,
    /// Those who may, by their server ids. Where it is nobody, nobody is waited for.
    pub ackers: Vec<u32>,
}

impl Detail {
    /// What stands in its fence.
    pub fn mark(&self) -> Mark {
        self.mark.clone().unwrap_or_default()
    }

    /// Whether it has nothing, and never had.
    pub fn is_blank(&self) -> bool {
        let named = self.mark.as_ref().is_some_and(|mark| mark.term > 0);
        !named && !self.has_data && self.state.is_empty() && self.current.is_empty()
    }

    /// Whether it lacks what comes with being told who may acknowledge: the account for those
    /// that receive, and settings by which it never stops waiting.
    pub fn lacks_what_is_enrolled(&self) -> bool {
        let fault = |fault: &String| fault.starts_with("rpl_semi_sync_master");
        !self.has_account || self.faults.iter().any(fault)
    }

    /// How far it has received: what it was sent, or what it has.
    pub fn received(&self) -> Position {
        let received = self.source.as_ref().map(|source| &source.received);
        received.map_or_else(|| self.current.clone(), |at| self.current.or_further(at))
    }

    /// Whether ordinary clients may write, under the highest term that it knows.
    pub fn is_open(&self) -> bool {
        !self.read_only && self.mark().opened().is_some()
    }
}

impl Source {
    /// The same, for whoever looks from outside.
    pub fn told(&self) -> meshworker_core::Source {
        let error = self.error.as_ref();
        meshworker_core::Source {
            connected: self.connection == Connection::Up,
            applies: self.applies,
            received: self.received.to_string(),
            behind_seconds: self.behind_s,
            error: error.map(|(number, words)| format!("{number}: {words}")),
        }
    }

    /// Where it is, if that is an address; `usual` is the cluster's own port.
    pub fn place(&self, usual: u16) -> Option<Place> {
        let address: IpAddr = self.host.parse().ok()?;
        Some(Place::new(address, self.port, usual))
    }

    /// Whether the source is at this address.
    pub fn is_at(&self, address: IpAddr, port: u16) -> bool {
        self.host.parse() == Ok(address) && self.port == port
    }

    /// Whether it is not let in, and has lost nothing by being told anew whom to follow: `current`
    /// is all that it has received.
    pub fn is_locked_out(&self, current: &Position) -> bool {
        let number = self.error.as_ref().map(|(number, _)| *number);
        let tries = self.connection == Connection::Trying && self.applies;
        tries && number == Some(1045) && current.reaches(&self.received)
    }

    /// Whether it has ended so that trying again does not help: its data and the source's have
    /// parted, or what it needs is gone there.
    pub fn is_broken(&self) -> bool {
        let number = self.error.as_ref().map(|(number, _)| *number);
        let up = self.connection == Connection::Up && self.applies;
        // Those that come from the network, or from a login, heal.
        !up && number.is_some_and(|number| {
            !matches!(number, 0 | 1040 | 1045 | 1129 | 1130 | 1158..=1161 | 1203 | 2000..=2999)
        })
    }
}

impl Roll {
    /// The roll in a row's words; none where they are none.
    pub fn parse(term: u64, number: u64, ackers: &str) -> Option<Roll> {
        let listed = ackers.split(',').filter(|id| !id.is_empty());
        let ackers: Option<Vec<u32>> = listed.map(|id| id.parse().ok()).collect();
        Some(Roll {
            term,
            number,
            ackers: ackers?,
        })
    }
}
