//! What the worker's HTTP servers share, whomever they answer: connections, bodies,
//! tokens, limits, errors.

mod body;
pub mod certificate;
mod entrance;
mod guard;
mod json;
mod lease;
mod places;
mod problem;
mod rate;
mod readers;
mod server;
mod streams;
mod token;

pub use body::read;
pub(crate) use entrance::{Entrance, Proved};
pub use guard::{Names, NoName, guarded};
pub use json::Json;
pub use lease::Lease;
pub(crate) use places::{Place, Places};
pub use problem::{Problem, ProblemBody};
pub(crate) use rate::limited_answer;
pub use rate::{limited, limited_to};
pub use readers::{Readers, Unknown, restricted};
pub(crate) use server::{A_STREAM, ANSWERS, BARE, CONNECTIONS, UNASKED, listener};
pub use server::{Peer, Server};
pub use streams::{StreamPlace, Streams};
pub use token::Tokens;
