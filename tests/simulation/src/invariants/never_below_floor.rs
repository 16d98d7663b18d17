//! A member that is let go leaves enough of them behind: as many as the
//! replication factor, those that come back counted in; and nobody takes a
//! removal of some for a removal of all.

use meshworker_core::Going;

use crate::event::Grant;

/// Objects when too few stay, by what is true, not by what was seen.
pub fn check(grant: &Grant) -> Result<(), String> {
    let Grant {
        worker,
        node,
        going,
        leavers,
        stay,
        anywhere,
        back,
        floor,
    } = grant;
    if *going == Going::Everybody {
        if *anywhere > 0 {
            return Err(format!(
                "worker {worker} let n{node} go with everybody, and {anywhere} stay"
            ));
        }
        return Ok(());
    }
    // Where no witness can tell, a single one is taken for one that comes back.
    let presumed = *going == Going::Unclear && *leavers == 1;
    if stay + usize::from(*back || presumed) < *floor {
        return Err(format!(
            "worker {worker} let n{node} go ({going}), and {stay} stay of at least {floor}"
        ));
    }
    Ok(())
}
