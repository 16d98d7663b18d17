//! Which slot a member has: its server's id.

use meshworker_core::{Member, MemberId};

/// The number of a member's slot.
pub fn slot(member: &Member) -> Option<u32> {
    match member.id {
        MemberId::Slot { slot, .. } => u32::try_from(slot).ok(),
        MemberId::Address(_) => None,
    }
}
