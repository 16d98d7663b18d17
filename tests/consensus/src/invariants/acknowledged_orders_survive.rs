//! Whoever may act knows every order that was acknowledged.

use meshworker_group::{GroupId, Replica};

use super::Broken;

pub(super) fn check(
    acknowledged: &[(GroupId, u64, String)],
    replica: &Replica,
) -> Result<(), Broken> {
    let mut ours = acknowledged
        .iter()
        .filter(|(group, _, _)| *group == replica.group());
    match ours.find(|(_, index, _)| *index > replica.applied()) {
        None => Ok(()),
        Some((group, index, why)) => {
            let how = format!(
                "order {why} was acknowledged as entry {index} of group {group}, and whoever acts now has applied {} only",
                replica.applied()
            );
            Err(("acknowledged_orders_survive", how))
        }
    }
}
