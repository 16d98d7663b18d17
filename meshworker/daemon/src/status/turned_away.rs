//! Who was not heard at the members' port.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody who was not heard at the members' port lately: it did not prove that it
/// knows the token, or spoke for a member that it may not speak for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnedAway {
    /// Its address; or the member that it wanted to speak for, and where that is.
    pub who: String,
    /// How often it came, since then.
    pub times: u64,
    /// When it came first (RFC 3339, UTC).
    pub since: String,
    /// When it came last.
    pub last: String,
    /// Why it was not heard, the last time.
    pub why: String,
}

impl TurnedAway {
    /// Whether it is, or speaks for, the one of this id or at this address.
    pub fn is(&self, name: &str) -> bool {
        self.who.split(" at ").any(|part| part == name)
    }
}
