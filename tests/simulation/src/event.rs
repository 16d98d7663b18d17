//! What the invariants are told, each with what was true at that moment.

use meshworker_core::Going;

/// Something that an invariant may object to.
#[derive(Debug, Clone)]
pub enum Event {
    /// A worker decided that a member may stop.
    Granted(Grant),
    /// A worker sent a request.
    Sent(Sent),
    /// A node did as it was told, and forgot another.
    Forgot(Forgot),
    /// A worker asked a member that is meant to go for what it holds.
    Taken(Taken),
    /// The last copy of a unit of data is gone.
    Lost(Lost),
    /// A running node dropped the last copy of a unit of data that runs.
    Erased(Erased),
    /// Slots that nobody owns were given to somebody.
    Assigned(Assigned),
    /// A member that may go has been held for this long, in milliseconds.
    Held(Held),
}

/// A worker decided that a member may stop.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The worker.
    pub worker: usize,
    /// The member's node.
    pub node: usize,
    /// What the worker takes it for.
    pub going: Going,
    /// How many were in the worker's leave queue.
    pub leavers: usize,
    /// How many others ran in one cluster and were to stay, in truth.
    pub stay: usize,
    /// How many others had run for a while and were to stay, in truth.
    pub anywhere: usize,
    /// Whether its slot is still to be filled, in truth.
    pub back: bool,
    /// How many must stay.
    pub floor: usize,
}

/// A worker asked a member that is meant to go for what it holds.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The worker.
    pub worker: usize,
    /// The request, with the node asked.
    pub what: String,
    /// The member's node.
    pub node: usize,
    /// How many others were to stay, in truth, those that come back counted in.
    pub stay: usize,
    /// How many must.
    pub floor: usize,
}

/// A running node dropped the last copy of a unit of data that runs.
#[derive(Debug, Clone)]
pub struct Erased {
    /// Which.
    pub unit: usize,
    /// Who held it.
    pub node: usize,
    /// Why it was dropped.
    pub how: String,
}

/// Slots that nobody owns were given to somebody.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// When the worker looked that gave them.
    pub looked: u64,
    /// To whom.
    pub node: usize,
    /// The keys of these slots, one bit each.
    pub keys: u64,
    /// Members that run, and hold data of these slots.
    pub holders: Vec<usize>,
    /// Replicas that the task list wants, and that are about to find such data.
    pub awaited: Vec<u64>,
}

/// A member that may go is held.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its node.
    pub node: usize,
    /// For how long nothing has been in its way, in milliseconds.
    pub vain: u64,
}

/// A worker sent a request.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The request, with the node asked.
    pub what: String,
    /// Whether, when the worker looked, the node asked answered as ours.
    pub to_ours: bool,
    /// The same of the address that it introduces, if any.
    pub introduces_ours: bool,
    /// Whether a node of another cluster did as it was asked.
    pub stranger_obeyed: bool,
}

/// A node did as it was told, and forgot another.
#[derive(Debug, Clone)]
pub struct Forgot {
    /// The worker.
    pub worker: usize,
    /// When it looked.
    pub looked: u64,
    /// Who is forgotten.
    pub node: usize,
    /// Whether it runs.
    pub alive: bool,
    /// Whether it is meant to.
    pub wanted: bool,
    /// Whether no witness of the worker can tell it from one that is gone.
    pub beyond_sight: bool,
    /// Whether its slot runs somewhere else, or another member had its address
    /// after it.
    pub moved: bool,
}

/// The last copy of a unit of data is gone.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Which.
    pub unit: usize,
    /// Who held it to the end.
    pub last: Vec<usize>,
}
