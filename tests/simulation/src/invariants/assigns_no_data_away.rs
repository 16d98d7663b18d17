//! Slots are not given away while a member that is there holds data of them, nor while
//! one is about to start that does and that the task list names.

use crate::event::Assigned;

/// Objects when a member holds what is given to another one.
pub fn check(assigned: &Assigned) -> Result<(), String> {
    let Assigned {
        looked: _,
        node,
        keys: _,
        holders,
        awaited,
    } = assigned;
    if let Some(holder) = holders.first() {
        return Err(format!(
            "n{node} was given slots of which n{holder} has data"
        ));
    }
    match awaited.first() {
        Some(slot) => Err(format!(
            "n{node} was given slots of which db.{slot} has data, which is about to start"
        )),
        None => Ok(()),
    }
}
