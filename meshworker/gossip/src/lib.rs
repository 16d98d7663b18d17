//! A gossip router for JGroups, as far as it can be thought: what members of any
//! generation say and are answered, who is registered, and what routers tell each other.
//!
//! ```text
//! bytes ──> Decoder ──> Request ──> Router ──> Effect: Send, Close      to this router's members
//!                                     ^   └──> Effect: Tell, Pass       to other routers
//!                       Word ─────────┘        (what those say)
//! ```
//!
//! Nobody here opens a socket, reads a clock or waits. Facts of the protocol are those of
//! JGroups' sources (`stack/GossipData.java`, `stack/GossipRouter.java`,
//! `protocols/PingData.java` of 2.12, 3.6, 4.2 and 5.5) and of conversations that were
//! captured from the real programs, which are this crate's tests.

mod address;
mod decoder;
mod dialect;
mod framed;
mod group;
mod limits;
mod member;
mod name;
mod old;
pub mod outside;
mod picture;
mod ping;
mod reply;
mod request;
mod router;
mod seats;
mod wire;
mod word;

pub use address::{Address, IpPort};
pub use decoder::Decoder;
pub use dialect::Dialect;
pub use limits::{LONGEST, Limits, SMALL};
pub use member::Member;
pub use name::Name;
pub use picture::{GroupPicture, MemberPicture, Picture};
pub use ping::Ping;
pub use reply::Reply;
pub use request::{Message, Request};
pub use router::{ConnectionId, Effect, End, Router, RouterId};
pub use seats::{Seat, Seats};
pub use wire::Malformed;
pub use word::{Change, Gone, Letter, Word};
