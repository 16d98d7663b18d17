//! No running node drops the last copy of a unit of data: neither because it is told
//! to, nor because another one claims what it holds.

use crate::event::Erased;

/// Objects whenever that happens: what crashes take with them is not dropped.
pub fn check(erased: &Erased) -> Result<(), String> {
    let Erased { unit, node, how } = erased;
    Err(format!(
        "n{node} dropped the last copy of unit {unit}: {how}"
    ))
}
