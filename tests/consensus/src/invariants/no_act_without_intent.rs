//! No act is made before its intent is committed or when its time is over, and to each
//! target the fences grow.

use std::collections::BTreeMap;

use meshworker_core::Fence;
use meshworker_group::GroupId;

use super::super::process::FOR_MS;
use super::Broken;

/// Clocks differ by up to a tenth each.
const MOST: u64 = FOR_MS + FOR_MS / 4;

pub(super) fn check(
    intents: &BTreeMap<(GroupId, Fence), (String, u64)>,
    made: &mut BTreeMap<(GroupId, String), Fence>,
    group: GroupId,
    fence: Fence,
    target: &str,
    now: u64,
) -> Result<(), Broken> {
    let broken = |how: String| Err(("no_act_without_intent", how));
    let Some((of, since)) = intents.get(&(group, fence)) else {
        return broken(format!(
            "{target} was told something under {fence}, which nobody committed"
        ));
    };
    if of != target {
        return broken(format!(
            "{target} was told what {of} was to be told under {fence}"
        ));
    }
    if now > since + MOST {
        return broken(format!(
            "{target} was told something {} ms after it was committed",
            now - since
        ));
    }
    let before = made.insert((group, target.to_owned()), fence);
    if before.is_some_and(|before| before >= fence) {
        return broken(format!(
            "{target} was told something under {fence} after {before:?}"
        ));
    }
    Ok(())
}
