//! What came of a test.

use std::path::PathBuf;
use std::time::Duration;

use meshworker_lab::TOOK;

/// What came of a test, or of a program whose tests run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub title: String,
    /// How many tests passed in it, failed, and were left out.
    pub passed: usize,
    /// See `passed`.
    pub failed: usize,
    /// See `passed`.
    pub skipped: usize,
    /// How long it took.
    pub took: Duration,
    /// Of a program whose tests run together: how long each took.
    pub parts: Vec<(String, Duration)>,
    /// What runners of other makes said last, which it started itself.
    pub outside: Vec<String>,
    /// Why it failed, in words: the exit code, or the deadline.
    pub why: Option<String>,
    /// Where its output is kept.
    pub log: PathBuf,
}

impl Outcome {
    /// Counts, from what the program printed: a process that ended well without running a test has proved nothing.
    pub fn read(title: String, log: PathBuf, took: Duration, why: Option<String>) -> Self {
        let text = std::fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let closing = text.lines().rev().find(|line| line.starts_with(CLOSING));
        let count = |what: &str| {
            let words: Vec<&str> = closing?.split_whitespace().collect();
            let at = words
                .iter()
                .position(|word| word.trim_end_matches(';') == what)?;
            words.get(at.checked_sub(1)?)?.parse().ok()
        };
        let passed = count("passed").unwrap_or(0);
        let failed = count("failed").unwrap_or(0);
        let why = why.or_else(|| (passed == 0).then(|| "no test ran".to_owned()));
        Self {
            title,
            passed,
            failed: match why {
                Some(_) => failed.max(1),
                None => failed,
            },
            skipped: count("ignored").unwrap_or(0),
            took,
            parts: text.lines().filter_map(part).collect(),
            outside: text
                .lines()
                .filter(|line| line.starts_with(OUTSIDE))
                .map(str::to_owned)
                .collect(),
            why,
            log,
        }
    }

    /// Whether it passed.
    pub fn is_good(&self) -> bool {
        self.why.is_none() && self.failed == 0
    }
}

/// How libtest and libtest-mimic begin the line that says what came out.
const CLOSING: &str = "test result:";

/// How a test begins the line that repeats what the outside runner said last.
const OUTSIDE: &str = "schemathesis ";

/// `took 1.250 s NAME`, as [`meshworker_lab::Suite`] says it.
fn part(line: &str) -> Option<(String, Duration)> {
    let (seconds, name) = line.strip_prefix(TOOK)?.split_once(" s ")?;
    let took = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    Some((name.to_owned(), took))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, why: Option<&str>) -> Outcome {
        let log = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(log.path(), text).unwrap();
        let why = why.map(str::to_owned);
        Outcome::read("t".into(), log.path().into(), Duration::ZERO, why)
    }

    #[test]
    fn tests_are_counted_from_the_runners_own_closing_line() {
        let outcome = read(
            "took 1.250 s a::b\nrunning 3 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s\n",
            None,
        );
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (2, 0, 1));
        assert!(outcome.is_good());
        assert_eq!(
            outcome.parts,
            [("a::b".to_owned(), Duration::from_millis(1250))]
        );
    }

    #[test]
    fn what_an_outside_runner_said_last_is_kept() {
        let said = "schemathesis with the token: 7 passed";
        let text = format!("noise\n{said}\ntest result: ok. 1 passed; 0 failed\n");
        assert_eq!(read(&text, None).outside, [said]);
    }

    #[test]
    fn a_process_that_ran_no_test_has_failed() {
        for text in ["", "test result: ok. 0 passed; 0 failed; 0 ignored"] {
            let outcome = read(text, None);
            assert!(!outcome.is_good() && outcome.failed == 1, "{outcome:?}");
        }
    }

    #[test]
    fn one_that_was_ended_has_failed_whatever_it_said_before() {
        let outcome = read("test result: ok. 1 passed; 0 failed", Some("deadline"));
        assert!(!outcome.is_good() && outcome.failed == 1);
    }
}
