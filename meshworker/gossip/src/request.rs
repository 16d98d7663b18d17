//! What a member says to its router.

use bytes::Bytes;

use crate::{Address, Member, Name};

/// What a member says to its router, whatever its generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// It is in this group.
    Register(Name, Member),
    /// It is not any more.
    Unregister(Name, Address),
    /// Who is in this group? Without a group, which 5.x alone asks: in each of them?
    Members(Option<Name>),
    /// For one or all others of its group, which hears of it from its router only.
    Message(Message),
    /// Is the router there? 5.2.6 and later.
    Heartbeat,
    /// It is there; nobody answers to that. 2.12.
    Ping,
    /// What routers say, or older ones did: nobody does anything about it.
    Idle,
    /// It hangs up next.
    Close,
}

/// A message that goes through routers, of members that cannot reach each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// In which group.
    pub group: Name,
    /// For whom; none for all.
    pub to: Option<Address>,
    /// From whom; releases before 4.0 do not say it.
    pub from: Option<Address>,
    /// What it is.
    pub bytes: Bytes,
}
