//! No node is made to forget one that runs and is meant to.

use crate::event::Forgot;

/// Objects when a node that is alive and wanted is forgotten.
pub fn check(forgot: &Forgot) -> Result<(), String> {
    let Forgot {
        worker,
        looked: _,
        node,
        alive,
        wanted,
        moved: _,
    } = forgot;
    if *alive && *wanted {
        return Err(format!(
            "worker {worker} made a node forget n{node}, which is alive and wanted"
        ));
    }
    Ok(())
}
