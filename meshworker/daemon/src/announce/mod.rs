//! Announcements: a member's supervisor tells the workers who it is, and asks
//! whether it may stop.
//!
//! ```text
//! supervisor ── POST /v1/announcements, each second, to every worker ──> worker
//!            <── what the cluster is, and whether this member may stop: once that is
//!                something else than it knows, or after a second ──
//! ```
//!
//! Every announcement carries everything, so nothing is lost when either side
//! restarts, and none of them is a command: the worker's next pass looks and
//! decides. What operators order comes by a door of its own, from worker to worker.
//!
//! ```text
//! routes ──> Registry ──> Desk ── AnnounceSource ──> observe ─> decide ─> act
//!                          └──── Findings <────────────────┘
//! ```

pub mod client;
mod desk;
mod findings;
mod held;
mod message;
mod registry;
mod routes;
mod sibling;
mod source;

pub(crate) use desk::{A_MEMBER, MOST_MEMBERS};
pub use desk::{Desk, NoWord, Refused, Speaker};
pub use findings::Findings;
pub use held::HELD;
pub(crate) use held::MOST_HELD;
pub use message::{Announcement, Answer, FencedTell, Order, Phase, Verdict};
pub use registry::{Registration, Registry};
pub use routes::{State, router};
pub(crate) use routes::{ordered, understood};
pub use sibling::Sibling;
pub use source::AnnounceSource;

/// Where announcements are posted.
pub const PATH: &str = "/v1/announcements";

/// Where workers tell each other what operators order.
pub const ORDERS: &str = "/v1/orders";
