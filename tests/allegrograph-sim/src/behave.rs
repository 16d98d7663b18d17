//! Misbehaviour, on demand.

use std::time::Duration;

use crate::Shape;
use crate::http::Query;
use clap::ValueEnum;

/// What it does wrong, from now on.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Each reply comes so much later.
    pub slow: Duration,
    /// Each request of the API fails with this number.
    pub fails: Option<u16>,
    /// No request is ever answered.
    pub hangs: bool,
    /// What changes something is done, and the connection ends without a reply.
    pub forgets: bool,
    /// What changes something is refused, and told as it was asked, with whose word.
    pub echoes: bool,
    /// How its status is written, in place of what it was started with.
    pub shape: Option<Shape>,
    /// Another time that copies take.
    pub copy: Option<Duration>,
}

impl Behaviour {
    /// What was asked for: everything that is not named is as it should be.
    pub fn of(query: &Query) -> Behaviour {
        let seconds = |name: &str| {
            let seconds = query.get(name)?.parse().ok()?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        Behaviour {
            slow: seconds("slow").unwrap_or_default(),
            fails: query.get("fails").and_then(|number| number.parse().ok()),
            hangs: query.is_yes("hangs"),
            forgets: query.is_yes("forgets"),
            echoes: query.is_yes("echoes"),
            shape: query
                .get("shape")
                .and_then(|name| Shape::from_str(name, true).ok()),
            copy: seconds("copy"),
        }
    }
}
