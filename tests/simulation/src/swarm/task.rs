//! One task: a container of the service, and its supervisor.

use std::fmt;
use std::rc::Rc;

use crate::model::Cause;

/// Where in its life a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has an address, and does not run yet.
    Starting,
    /// It runs.
    Running,
    /// It is over.
    Exited,
}

/// What the supervisor says of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Phase {
    /// It runs, and is meant to.
    Present,
    /// It runs, is meant to stop, and waits.
    Leaving,
    /// It is being stopped.
    Stopping,
}

/// What a worker answered a supervisor last.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// When.
    pub heard: Option<u64>,
    /// Its word that the member may stop, if it may.
    pub granted: Option<Word>,
}

/// A worker's word that a member may stop.
#[derive(Debug, Clone)]
pub struct Word {
    /// Whether everybody goes, so that nothing can be kept.
    pub everybody: bool,
    /// Who held each unit when the worker looked, one bit for each node.
    pub holders: Rc<Vec<u128>>,
}

/// A container of the service, and its supervisor.
#[derive(Debug, Clone)]
pub struct Task {
    /// The replica's number.
    pub slot: u64,
    /// The last byte of its address.
    pub address: u8,
    /// The host that it is on.
    pub host: usize,
    /// When it starts.
    pub starts: u64,
    /// The task that must be over first.
    pub after: Option<usize>,
    /// Where in its life it is.
    pub state: State,
    /// When it was over.
    pub exited: u64,
    /// Since when it is meant to go.
    pub unwanted: Option<u64>,
    /// Its database node.
    pub node: Option<usize>,
    /// What its supervisor says.
    pub phase: Phase,
    /// When it is killed, once it was told to stop.
    pub kill_at: u64,
    /// When its database has stopped, and why it stops.
    pub stops: Option<(u64, Cause)>,
    /// Whether its supervisor decided alone, because its time ran out.
    pub alone: bool,
    /// For how long it has waited with nothing in its way.
    pub vain: u64,
    /// When its supervisor speaks next.
    pub next_post: u64,
    /// What each worker answered last.
    pub asked: [Asked; 2],
    /// Whether a worker has let it go, whether or not it has heard so.
    pub let_go: bool,
    /// The words on which it stops.
    pub grants: Vec<Word>,
}

impl Task {
    /// A task that does not run yet.
    pub fn new(slot: u64, address: u8, host: usize, starts: u64, after: Option<usize>) -> Task {
        Task {
            slot,
            address,
            host,
            starts,
            after,
            state: State::Starting,
            exited: 0,
            unwanted: None,
            node: None,
            phase: Phase::Present,
            kill_at: u64::MAX,
            stops: None,
            alone: false,
            vain: 0,
            next_post: 0,
            asked: Default::default(),
            let_go: false,
            grants: Vec::new(),
        }
    }

    /// Begins to stop the database, which takes until `at`.
    pub fn stop(&mut self, at: u64, cause: Cause) {
        self.phase = Phase::Stopping;
        self.stops.get_or_insert((at, cause));
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "db.{}", self.slot)?;
        match self.node {
            Some(node) => write!(f, " (n{node})"),
            None => Ok(()),
        }
    }
}
