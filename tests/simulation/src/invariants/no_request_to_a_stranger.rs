//! No request is sent to an address, or tells of one, that answered as another
//! cluster's or not at all when the worker looked. What changes hands after
//! that is the node's own business to turn down, and it does.

use crate::event::Sent;

/// Objects to a request that involves a stranger.
pub fn check(sent: &Sent) -> Result<(), String> {
    let Sent {
        what,
        to_ours,
        introduces_ours,
        stranger_obeyed,
    } = sent;
    if !to_ours {
        return Err(format!("'{what}' was sent to an address that is not ours"));
    }
    if !introduces_ours {
        return Err(format!("'{what}' tells of an address that is not ours"));
    }
    if *stranger_obeyed {
        return Err(format!("a stranger did as it was told: '{what}'"));
    }
    Ok(())
}
