//! Answers that are held until they are others: so a release, or whatever else a pass
//! decides, reaches a member at once, and not when it asks next.
//!
//! ```text
//! supervisor ── announcement, and the mark of the answer that it has ──> worker
//!            <── the next answer, once a pass gives another one; or after HELD ──
//! ```
//!
//! What an older version sends has no mark and is answered at once, and what an older
//! version answers has none and is asked for again when it is time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Phase;
use crate::http::{StreamPlace, Streams};

/// The header that says which answer a supervisor has, by its mark.
pub(crate) const HAS: &str = "meshworker-has";

/// So long an answer is held: a member is to be heard each second.
pub const HELD: Duration = Duration::from_secs(1);

/// So many answers are held for members that run, and for those that wait. Beyond that
/// members are answered at once, and ask again when it is time.
const RUN: usize = 64;
const WAIT: usize = 64;

/// All of them.
pub(crate) const MOST_HELD: usize = RUN + WAIT;

/// So many of one address: several members may share a machine.
const OF_ONE: usize = 16;

/// The answers that are held.
#[derive(Debug)]
pub(super) struct Held {
    run: Arc<Streams>,
    wait: Arc<Streams>,
}

impl Default for Held {
    fn default() -> Held {
        Held {
            run: Streams::of(RUN, OF_ONE),
            wait: Streams::of(WAIT, OF_ONE),
        }
    }
}

impl Held {
    /// A place for one more, whose member is in this phase; none where too many are.
    pub(super) fn enter(&self, peer: IpAddr, phase: Phase) -> Option<StreamPlace> {
        let streams = match phase {
            Phase::Present => &self.run,
            Phase::Waiting | Phase::Leaving | Phase::Stopping | Phase::Ended => &self.wait,
        };
        streams.enter(peer)
    }
}
