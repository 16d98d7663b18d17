//! Which server a member's slot stands for.

use meshworker_core::{Member, MemberId};

/// The server id of a member's slot.
pub fn slot(member: &Member) -> Option<u32> {
    match member.id {
        MemberId::Slot { slot, .. } => server_of(slot),
        MemberId::Address(_) => None,
    }
}

/// The server id of a slot: its number. MariaDB has no server 0, so that slot, where a
/// StatefulSet begins, has the highest id that there is: no other one ever has it, and those
/// that were there keep theirs.
///
/// Source: MariaDB, `server_id`: 1 to 4294967295.
pub fn server_of(slot: u64) -> Option<u32> {
    match slot {
        0 => Some(u32::MAX),
        slot => u32::try_from(slot).ok(),
    }
}
