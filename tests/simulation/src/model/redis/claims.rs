//! Who owns a slot: whoever claims it with the highest epoch.

use super::Redis;
use super::node::{Id, keys_of};
use super::table::Table;

impl Redis {
    /// `a` hears that a master claims these slots with this epoch.
    ///
    /// After `clusterUpdateSlotsConfigWith` of Redis 7.4: a slot on its way to the
    /// hearer is not touched; what it owned and has keys of goes, keys and all.
    pub(super) fn claims(&mut self, a: usize, id: Id, epoch: u64, theirs: &Table) {
        let node = &mut self.nodes[a];
        if id == node.id {
            return;
        }
        let current = node.master.unwrap_or(node.id);
        let (mut dirty, mut taken) = (0, 0);
        let mut how = String::new();
        for slot in node.table.differing(theirs) {
            let owner = node.owner_of(slot);
            if !theirs.claims(id, slot) {
                if owner == id {
                    node.table.unclaimed.insert(slot);
                }
                continue;
            }
            if owner == id {
                node.table.unclaimed.remove(&slot);
                continue;
            }
            if node.importing.contains_key(&slot)
                || node.claim(slot).is_some_and(|known| known >= epoch)
            {
                continue;
            }
            if owner == node.id && node.has_keys(slot) {
                dirty |= node.keys & keys_of(slot);
                let own = node.epoch;
                how =
                    format!("{how} node {id} claims slot {slot} with epoch {epoch}, it has {own};");
            }
            taken += usize::from(owner == current);
            node.set_owner(slot, id);
        }
        let lost_all = taken > 0 && node.owned(current) == 0;
        let all_of_theirs = || theirs.claimed(id) == taken;
        if lost_all && (self.migration || all_of_theirs()) && node.master != Some(id) {
            node.follow(id, self.now);
        } else if dirty != 0 {
            node.keys &= !dirty;
            // Whoever took over has the say, also once it is dead: that is Redis' own way.
            if self.process_of(id, &self.up(self.now)).is_some() {
                self.note_erased(a, dirty, &how);
            }
        }
    }
}
