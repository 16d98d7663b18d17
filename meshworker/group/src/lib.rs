//! Several workers, one of which acts: how they form one group and never two, who is in it,
//! what they keep together, and when one of them may act.
//!
//! ```text
//! hellos, letters, ticks ──> Participant ──> what to store, then letters to send
//!                             ├── Book        who was heard where, and when
//!                             ├── founding    whether this one may begin a group
//!                             ├── membership  at most one change of who votes
//!                             └── Replica     raft, and the Machine that its log feeds
//! ```
//!
//! No I/O, no clock, no async: the same code runs in the daemon and in the simulation.
//! Raft itself is the crate `raft`; nothing outside [`Replica`] and its log names it.

mod book;
mod command;
mod founding;
mod given;
mod hello;
mod id;
mod log;
mod machine;
mod membership;
mod participant;
mod replica;
mod seat;
mod standing;
mod store;

pub use book::Book;
pub use command::{Command, Intent, Order, Ordered, Outcome, Told};
pub use founding::{Founding, Listing, Seeker, founding};
pub use given::{Failover, Given, Held, TooMany};
pub use hello::Hello;
pub use id::{GroupId, StoreId};
pub use log::A_LOG;
pub use machine::{A_STATE, Closed, Machine};
pub use membership::{Decision, Picture, Shift, decide};
pub use participant::{Effects, IN_STEP, MOST_FOR, Me, Names, Participant, Ticket};
pub use replica::{
    AN_ENTRY, Applied, HEARTBEAT, LEASE, Letter, NotProposed, QUIET, Replica, TICK, Tempo,
};
pub use seat::Seat;
pub use standing::Standing;
pub use store::{Entry, Kind, Save, Saved, Snapshot, Store, StoreFailed};
