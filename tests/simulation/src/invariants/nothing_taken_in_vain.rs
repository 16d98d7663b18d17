//! From a member that waits and is to stay, since too few would be left, nothing is
//! taken.

use crate::event::Taken;

/// Objects when too few stay, by what is true.
pub fn check(taken: &Taken) -> Result<(), String> {
    let Taken {
        worker,
        what,
        node,
        stay,
        floor,
    } = taken;
    match stay < floor {
        true => Err(format!(
            "worker {worker} asked n{node} for what it holds ('{what}'), and {stay} stay of at \
             least {floor}"
        )),
        false => Ok(()),
    }
}
