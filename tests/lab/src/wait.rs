//! Waiting for a condition: the only way in which tests and the lab wait.

use std::time::{Duration, Instant};

use crate::{LabError, Result};

/// Between two looks, at least: short beside anything an engine does, long enough not to keep a core busy.
const INTERVAL: Duration = Duration::from_millis(50);

/// A look that starts programs costs more than what it looks at: the pause after it is so many times as long.
const REST: u32 = 6;

/// A look that took this long was itself waiting for something.
const LONGEST: Duration = Duration::from_secs(3);

/// Looks again and again until `look` returns `Ok`, and returns that value. Between two looks it rests for 50 ms, or for
/// six times as long as the look took, but never for more than three seconds.
///
/// `look` returns as `Err` what it saw instead, in words. It is called at least once.
///
/// # Errors
///
/// [`LabError::Timeout`] with the last thing seen, when `deadline` has passed.
///
/// ```
/// # use std::time::Duration;
/// let mut n = 0;
/// let seen = meshworker_lab::wait_for("n to be 2", Duration::from_secs(1), || {
///     n += 1;
///     if n == 2 { Ok(n) } else { Err(format!("n is {n}")) }
/// });
/// assert_eq!(seen.unwrap(), 2);
/// ```
pub fn wait_for<T, S: Into<String>>(
    what: impl Into<String>,
    deadline: Duration,
    mut look: impl FnMut() -> std::result::Result<T, S>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let begin = Instant::now();
        let last = match look() {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        let waited = start.elapsed();
        if waited >= deadline {
            return Err(LabError::Timeout {
                what: what.into(),
                waited,
                last: last.into(),
            });
        }
        std::thread::sleep((begin.elapsed() * REST).clamp(INTERVAL, LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_tells_what_was_last_seen() {
        let mut looks = 0;
        let error = wait_for("a miracle", Duration::from_millis(60), || {
            looks += 1;
            Err::<(), _>(format!("look {looks}"))
        })
        .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("a miracle") && text.contains(&format!("look {looks}")),
            "{text}"
        );
        assert!(looks >= 2);
    }

    #[test]
    fn it_looks_once_even_without_time() {
        assert_eq!(
            wait_for("now", Duration::ZERO, || Ok::<_, String>(7)).unwrap(),
            7
        );
    }
}
