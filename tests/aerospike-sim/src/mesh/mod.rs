//! The heartbeat mesh: how nodes find each other, see each other, and agree on a cluster.
//!
//! ```text
//!  tip ──> seed ──dial──> link ──pulse every interval──> the other node
//!                           <── pulse: whom I hear, where they are, my cluster ──
//!  pulses ──> sights (who hears whom) ──round──> cluster of the highest id, announced in its pulses, adopted by the others
//! ```
//!
//! One task owns all of it; links only carry bytes.

mod driver;
mod link;
mod pulse;
mod round;
mod sights;

pub(crate) use driver::Mesh;
