//! In each term of a group one store leads at the most.

use std::collections::BTreeMap;

use meshworker_group::{GroupId, StoreId};

use super::Broken;

pub(super) fn check(
    leaders: &mut BTreeMap<(GroupId, u64), StoreId>,
    group: GroupId,
    term: u64,
    store: StoreId,
) -> Result<(), Broken> {
    let known = *leaders.entry((group, term)).or_insert(store);
    if known == store {
        return Ok(());
    }
    let how = format!("in term {term} of group {group} both {known} and {store} lead");
    Err(("one_leader_per_term", how))
}
