//! No node is made to forget one that runs and is meant to, as far as anybody
//! can know: whoever is cut off from everybody looks dead to a name server.

use crate::event::Forgot;

/// Objects when a node that is alive and wanted is forgotten.
pub fn check(forgot: &Forgot) -> Result<(), String> {
    let Forgot {
        worker,
        looked: _,
        node,
        alive,
        wanted,
        beyond_sight,
        moved: _,
    } = forgot;
    if *alive && *wanted && !beyond_sight {
        return Err(format!(
            "worker {worker} made a node forget n{node}, which is alive and wanted"
        ));
    }
    Ok(())
}
