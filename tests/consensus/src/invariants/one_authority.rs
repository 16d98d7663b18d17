//! At no moment may two act in one group, nor in two do what may do harm.
//!
//! Where one of the two cannot know how many workers there are meant to be, one hole stays:
//! all of them were off at once, the first one comes back elsewhere with an empty store, and
//! the others only after a while; or the only one is cut off, and another one starts in its
//! place. It is counted.

use meshworker_core::Fence;
use meshworker_group::GroupId;

use super::Broken;

/// Whether the hole showed. Of each that acts: whether it may do harm, and whether it can know.
pub(super) fn check(held: &[(u64, GroupId, Fence, [bool; 2])]) -> Result<bool, Broken> {
    let mut hole = false;
    for (at, one) in held.iter().enumerate() {
        for other in held.iter().skip(at + 1) {
            let [harmful, known] = [0, 1].map(|of| one.3[of] && other.3[of]);
            if one.1 == other.1 || (harmful && known) {
                return Err((
                    "one_authority",
                    format!("these may act at the same moment: {held:?}"),
                ));
            }
            hole |= harmful;
        }
    }
    Ok(hole)
}
