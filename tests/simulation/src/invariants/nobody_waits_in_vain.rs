//! A member that is meant to go, waits, and has nothing and nobody in its way, is let
//! go before long.

use crate::event::Held;

/// A hold of two seconds, a few passes, and whoever was let go before and is not
/// missed yet.
const LONGEST: u64 = 25_000;

/// Objects when nothing has been in its way for longer than that.
pub fn check(held: &Held) -> Result<(), String> {
    let Held { node, vain } = held;
    match *vain > LONGEST {
        true => Err(format!(
            "n{node} is held, and nothing has been in its way for {:.1} s",
            *vain as f64 / 1000.0
        )),
        false => Ok(()),
    }
}
