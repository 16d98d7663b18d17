//! Models of the databases: what their nodes do by themselves and when they are
//! asked, behind one seam. What is to be asked, the real planners decide.

pub mod aerospike;
pub mod allegrograph;
mod process;
pub mod redis;

use std::collections::BTreeSet;
use std::fmt;

use meshworker_core::{Answer, Place, Planner, Report};

pub use process::{Cause, Death, Process};

use crate::chance::Chance;
use crate::event::Event;
use crate::net::Net;
use crate::setup::Setup;

/// The name of the cluster that is looked after.
pub const CLUSTER: &str = "mesh-it";

/// Who asks for something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The worker.
    pub worker: usize,
    /// The time.
    pub now: u64,
    /// When the worker looked.
    pub looked: u64,
    /// Who reaches whom.
    pub net: &'a Net,
}

/// A database: all its processes that ever were, by number, what they hold, and
/// what they do.
pub trait Model: fmt::Debug + Sized {
    /// The planner that the daemon has for it.
    type Planner: Planner + fmt::Debug;

    /// The database's name, as in configurations.
    const NAME: &'static str;
    /// The fewest members that must stay.
    const FLOOR: usize;
    /// The fewest replicas that operators ask for, nearly always.
    const LEAST: u64;
    /// Whether nobody is asked whom a name server alone names.
    const VOUCHED_ONLY: bool = false;

    /// The database in this kind of world, without any node.
    fn new(setup: &Setup, chance: &mut Chance) -> Self;

    /// The planner in this kind of world.
    fn planner(setup: &Setup) -> Self::Planner;

    /// Makes of a kind of world one that this database is meant for.
    fn fit(_setup: &mut Setup) {}

    /// Gives members in what the witnesses say the names that they have where a cluster is
    /// several services.
    fn name(&self, _reports: &mut [Report]) {}

    /// Whether a container of this replica may start: not while another one has its volume.
    fn may_start(&self, _slot: u64) -> bool {
        true
    }

    /// All processes that ever were.
    fn processes(&self) -> &[Process];

    /// Starts a process, and gives its number.
    fn start(&mut self, process: Process, chance: &mut Chance) -> usize;

    /// Ends a process, if it runs.
    fn stop(&mut self, at: usize, now: u64, cause: Cause);

    /// Makes these one cluster with all data in its place, as if it had always
    /// been so.
    fn found(&mut self, members: BTreeSet<usize>, now: u64);

    /// What the nodes do by themselves, and what becomes of what they were asked.
    fn tick(&mut self, now: u64, net: &Net, chance: &mut Chance);

    /// Whoever uses the database writes anew what was lost, where it is served.
    fn write(&mut self, now: u64);

    /// For each unit of data, the running processes that hold it, one bit each.
    fn holders(&self) -> Vec<u128>;

    /// What a running process says when it is asked for its view.
    ///
    /// # Errors
    ///
    /// It does not listen yet, or it loads.
    fn answer(&self, at: usize, now: u64) -> Answer<Detail<Self>>;

    /// Does what is asked of a running process, or begins to.
    ///
    /// # Errors
    ///
    /// Why it was not done.
    fn ask(
        &mut self,
        at: usize,
        request: &Request<Self>,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String>;

    /// Whether this request takes what it holds from the node that is asked.
    fn takes(_request: &Request<Self>) -> bool {
        true
    }

    /// Whether this worker still waits for the end of what it asked.
    fn is_at_work_for(&self, _worker: usize) -> bool {
        false
    }

    /// This worker is gone, and leaves what it has begun.
    fn abandon(&mut self, _worker: usize) {}

    /// The processes that this one is made to forget, and whether that counts as
    /// one more removal.
    fn forgets(&self, at: usize, request: &Request<Self>) -> Vec<usize>;

    /// Whether this process is in one cluster of so many, with nothing on the move.
    fn is_whole(&self, at: usize, members: u64, now: u64) -> bool;

    /// What is missing until these are one cluster; none when it is as wished.
    fn missing(&self, members: &[usize], now: u64) -> Option<String>;

    /// Whether only a person can help: data is gone, and nobody else may say so.
    fn is_beyond_help(&self) -> bool {
        false
    }

    /// Whether members began anew with nothing, while others had data that nobody could
    /// know of: should those come back, what they have is nobody's any more.
    fn is_renewed(&self) -> bool {
        false
    }

    /// Whether this process is in nobody's cluster and holds nothing.
    fn is_outside(&self, at: usize, now: u64) -> bool;

    /// Whether a running process remembers this one.
    fn is_remembered(&self, at: usize) -> bool;

    /// Whether this process leads nothing that another one would have to take.
    fn is_free(&self, _at: usize) -> bool {
        true
    }

    /// Tells apart processes that are not in one cluster.
    fn group(&self, _at: usize) -> usize {
        0
    }

    /// The units in the directories of this replica on this host, one bit each.
    fn kept(&self, _host: usize, _slot: u64) -> u64 {
        0
    }

    /// The disk of this host is lost, with all directories.
    fn lose_disk(&mut self, _host: usize) {}

    /// What this process found when it started, for people.
    fn found_there(&self, _at: usize) -> String {
        String::new()
    }

    /// Whom this process sees, for people.
    fn sees(&self, _at: usize) -> String {
        String::new()
    }

    /// What happened since this was asked last.
    fn happened(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// The process with this number.
    fn process(&self, at: usize) -> Option<&Process> {
        self.processes().get(at)
    }

    /// Whether this process runs.
    fn runs(&self, at: usize) -> bool {
        self.process(at).is_some_and(Process::is_alive)
    }

    /// The processes that run and belong to the cluster that is looked after.
    fn alive(&self) -> Vec<usize> {
        let all = self.processes().iter().enumerate();
        all.filter(|(_, process)| process.ours && process.is_alive())
            .map(|(at, _)| at)
            .collect()
    }

    /// The process that runs at this address.
    fn at(&self, address: u8) -> Option<usize> {
        let mut all = self.processes().iter();
        all.rposition(|process| process.address == address && process.is_alive())
    }
}

/// What only this database's views have.
pub type Detail<M> = <<M as Model>::Planner as Planner>::Detail;
/// A request in the language of this database.
pub type Request<M> = <<M as Model>::Planner as Planner>::Request;

/// How nodes are reached in the models.
fn access(port: u16, options: &[(&str, String)]) -> meshworker_engines::Access {
    let options = options.iter();
    meshworker_engines::Access {
        port,
        service_port: port,
        cluster_name: Some(CLUSTER.into()),
        user: None,
        password: None,
        tls: None,
        deadline: std::time::Duration::from_secs(1),
        options: options
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    }
}

/// The last byte of this address, if it has one here.
fn last(address: Place) -> u8 {
    crate::last_byte(address)
}
