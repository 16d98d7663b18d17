//! Times, as people say them.

use std::time::SystemTime;

/// The worker's clock: ages are told by the clock that stamped the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now(Option<SystemTime>);

impl Now {
    /// So many seconds after this time (RFC 3339).
    pub fn after(time: &str, seconds: f64) -> Now {
        let time = humantime::parse_rfc3339_weak(time).ok();
        let since = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Now(time.and_then(|time| time.checked_add(since)))
    }

    /// How long ago this time (RFC 3339) was, in seconds, if that can be told.
    pub fn seconds_since(self, time: &str) -> Option<f64> {
        let then = humantime::parse_rfc3339_weak(time).ok()?;
        Some(
            self.0?
                .duration_since(then)
                .unwrap_or_default()
                .as_secs_f64(),
        )
    }
}

/// A length of time in its largest unit: "0.4 s", "3 s", "2 min", "5 h", "3 d".
pub fn ago(seconds: f64) -> String {
    // What is no number falls through to the last arm.
    match seconds {
        s if s < 0.0 => "0 s".to_owned(),
        s if s < 0.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s if s < 119.5 * 60.0 => format!("{:.0} min", s / 60.0),
        s if s < 47.5 * 3600.0 => format!("{:.0} h", s / 3600.0),
        s if s < 1e9 => format!("{:.0} d", s / 86400.0),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_largest_unit() {
        let said: Vec<_> = [
            -1.0, 0.04, 0.44, 0.96, 3.4, 119.0, 120.0, 7000.0, 7200.0, 1e5, 2e5,
        ]
        .map(ago)
        .into();
        assert_eq!(
            said,
            [
                "0 s", "0.0 s", "0.4 s", "1 s", "3 s", "119 s", "2 min", "117 min", "2 h", "28 h",
                "2 d"
            ]
        );
        assert_eq!(ago(f64::NAN), "?");
        assert_eq!(ago(f64::INFINITY), "?");
    }

    #[test]
    fn ages_are_told_by_the_workers_clock() {
        let now = Now::after("2026-01-01T00:00:10Z", 2.5);
        assert_eq!(now.seconds_since("2026-01-01T00:00:00.500Z"), Some(12.0));
        assert_eq!(now.seconds_since("2026-01-01T00:01:00Z"), Some(0.0));
        assert_eq!(now.seconds_since("yesterday"), None);
        assert_eq!(
            Now::after("?", 1.0).seconds_since("2026-01-01T00:00:00Z"),
            None
        );
        assert!(Now::after("2026-01-01T00:00:00Z", f64::NAN).0.is_some());
    }
}
