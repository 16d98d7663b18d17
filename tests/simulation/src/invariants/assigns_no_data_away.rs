//! Slots are not given away while a member that is there holds data of them.

use crate::event::Assigned;

/// Objects when a running member holds what is given to another one.
pub fn check(assigned: &Assigned) -> Result<(), String> {
    let Assigned { node, holders } = assigned;
    match holders.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "n{node} was given slots of which {holders:?} have data"
        )),
    }
}
