//! Every type and every decision of meshworker.
//!
//! Each pass of the worker observes the whole world again, asks [`decide`]
//! what follows from it, and does that. This crate owns the middle: it has no
//! sockets, no clock and no async, so that a test can compare a whole
//! [`Plan`], including "nothing".
//!
//! ```text
//! Report (dns, announce, docker) ─┐
//!                                 ├─> Roster ──> Situation ──> Planner::propose ──> gates ──> Plan
//! View (database) ──────┘                             (one per engine)  (the same for all)
//! ```
// What comes from outside must not end a process.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unchecked_time_subtraction
    )
)]

mod arrange;
mod authority;
mod backoff;
mod census;
mod context;
mod counted;
mod decide;
mod departure;
mod disk;
mod evidence;
mod fragments;
mod gate;
mod handover;
mod heard;
mod history;
mod holdings;
mod kept;
mod leave;
mod limits;
mod loss;
mod losses;
mod member;
mod mind;
mod moment;
mod nomination;
mod numbers;
mod orders;
mod outsiders;
mod place;
mod plan;
mod planner;
mod queue;
mod refusal;
mod removal;
mod replication;
mod report;
mod role;
mod roster;
mod seen;
mod sharing;
mod sight;
mod situation;
mod stance;
mod start;
mod step;
mod stock;
mod succession;
mod tell;
mod told;
mod touches;
mod unheard;
mod unity;
mod view;
mod whole;
mod wished;
mod wishes;
mod witness;

pub use authority::{Authority, Fence};
pub use backoff::Backoff;
pub use census::Census;
pub use context::Context;
pub use counted::counted;
pub(crate) use decide::decide;
pub use departure::{Departure, Objection};
pub use disk::{Disk, Holds, Ids, Office, Promise, Word};
pub use evidence::Evidence;
pub use fragments::fragments;
pub use gate::{Change, Closed, Gate};
pub use heard::Heard;
pub(crate) use history::History;
pub use holdings::{Figure, Holdings, Unit};
pub use leave::{Floor, Going, Leave, Leaver, Progress, Release};
pub use limits::Limits;
pub use loss::Loss;
pub use member::{Member, MemberId, Presence, Standing};
pub use mind::{Mind, Thought};
pub use moment::Moment;
pub use nomination::{Nomination, Nominee};
pub use orders::{Acknowledged, Forced, Orders};
pub use place::Place;
pub use plan::{Pace, Plan};
pub use planner::{Capabilities, Planner, Proposal};
pub use refusal::{Reason, Refusal};
pub use replication::{Replication, Source};
pub use report::{Report, Sighting};
pub use role::Role;
pub use roster::Roster;
pub use situation::{Answer, Observation, Situation, Unanswered};
pub use start::Start;
pub use step::{Request, Step, StepKind};
pub use stock::{Copies, Run, Stock};
pub use succession::Succession;
pub use tell::Tell;
pub use told::{NASTY, NodeName, Told, is_harmful, plain_json, plain_lines};
pub use touches::Touches;
pub use unity::Unity;
pub use view::{Peer, View};
pub use wishes::Wishes;
pub use witness::{Grade, Witness};
