//! Whoever applies an entry applies what everybody applies there.

use std::collections::BTreeMap;

use meshworker_group::{Applied, Command, GroupId};

use super::Broken;

pub(super) fn check(
    entries: &mut BTreeMap<(GroupId, u64), (u64, Option<Command>)>,
    group: GroupId,
    entry: &Applied,
) -> Result<(), Broken> {
    let mine = (entry.term, entry.command.clone());
    let known = entries
        .entry((group, entry.index))
        .or_insert_with(|| mine.clone());
    if *known == mine {
        return Ok(());
    }
    let how = format!(
        "entry {} of group {group} is {known:?} to one and {mine:?} to another",
        entry.index
    );
    Err(("logs_agree", how))
}
