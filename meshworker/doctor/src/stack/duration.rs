//! Times as stack files write them.

use std::time::Duration;

/// A time such as `10s`, `1m30s` or `+1.5h`, as Go writes times. What lies before
/// now counts as none, and what is longer than Docker can count as the longest.
pub fn parse(text: &str) -> Option<Duration> {
    let (minus, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut sum = None;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, after) = rest.split_at(number);
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(count.parse::<f64>().ok()? * seconds).ok()?;
        sum = Some(sum.unwrap_or(Duration::ZERO).checked_add(part)?);
        rest = after;
    }
    // Docker counts nanoseconds in 63 bits.
    let sum: Duration = sum?;
    i64::try_from(sum.as_nanos()).ok()?;
    Some(if minus { Duration::ZERO } else { sum })
}

/// The time as people say it: `10 s`, `5 min`, `1 h`.
pub fn words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_docker() {
        let cases = [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("0", 0),
            ("1h0m0.5s", 3_600_500),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                parse(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "10",
            "s",
            "10 s",
            "1d",
            "1..5s",
            "99999999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn words_take_the_largest_unit_that_fits() {
        let said = [(10, "10 s"), (90, "90 s"), (600, "10 min"), (3600, "1 h")];
        for (seconds, expected) in said {
            assert_eq!(words(Duration::from_secs(seconds)), expected);
        }
    }
}
