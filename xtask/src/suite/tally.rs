//! What came of all tests.

use std::fmt::Write as _;
use std::time::Duration;

use super::Outcome;

/// How many of the slowest are told.
const SLOWEST: usize = 10;

/// Of a failed test's output, so many lines are shown; all of it is in its file.
const SHOWN: usize = 120;

/// What came of all tests so far.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: Vec<Outcome>,
    /// How many are of the long tier, and did not run.
    left_out: usize,
    /// How many could not run, because what they need was not there.
    impossible: usize,
}

impl Tally {
    /// Takes one in, and tells it where it failed.
    pub fn add(&mut self, outcome: Outcome) {
        if !outcome.is_good() {
            eprintln!("{}", failure(&outcome));
        }
        self.outcomes.push(outcome);
    }

    /// Takes all of another one in.
    pub fn append(&mut self, other: Tally) {
        self.outcomes.extend(other.outcomes);
        self.left_out += other.left_out;
        self.impossible += other.impossible;
    }

    /// So many tests do not run.
    pub fn leave_out(&mut self, tests: usize) {
        self.left_out += tests;
    }

    /// So many tests have failed, because they could not run.
    pub fn could_not_run(&mut self, tests: usize) {
        self.impossible += tests;
    }

    /// Whether all passed, and there were any.
    pub fn is_good(&self) -> bool {
        let ran = !self.outcomes.is_empty() && self.impossible == 0;
        ran && self.outcomes.iter().all(Outcome::is_good)
    }

    /// The slowest tests and their times, longest first.
    pub fn slowest(&self) -> Vec<(String, Duration)> {
        let mut all: Vec<(String, Duration)> = Vec::new();
        for outcome in &self.outcomes {
            if outcome.parts.len() > 1 {
                let parts = outcome.parts.iter();
                all.extend(parts.map(|(name, took)| (format!("{} {name}", outcome.title), *took)));
            } else {
                all.push((outcome.title.clone(), outcome.took));
            }
        }
        all.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        all.truncate(SLOWEST);
        all
    }

    /// What outside runners said last.
    pub fn outside(&self) -> impl Iterator<Item = &String> {
        self.outcomes.iter().flat_map(|outcome| &outcome.outside)
    }

    /// The slowest, those that failed, and the line that sums up.
    pub fn summary(&self) -> String {
        let mut text = String::from("\n== the slowest tests\n");
        for (name, took) in self.slowest() {
            let _ = writeln!(text, "{:>8.1} s  {name}", took.as_secs_f32());
        }
        let failed: Vec<_> = self.outcomes.iter().filter(|one| !one.is_good()).collect();
        if !failed.is_empty() {
            text += "\n== failed\n";
        }
        for outcome in failed {
            let why = outcome.why.as_deref().unwrap_or("tests failed");
            let _ = writeln!(text, "{}: {why}: {}", outcome.title, outcome.log.display());
        }
        text + "\n" + &self.closing()
    }

    /// `N passed, N failed, N skipped`.
    pub fn closing(&self) -> String {
        let sum = |count: fn(&Outcome) -> usize| self.outcomes.iter().map(count).sum::<usize>();
        let (passed, failed) = (sum(|one| one.passed), sum(|one| one.failed));
        let failed = failed + self.impossible;
        let skipped = sum(|one| one.skipped) + self.left_out;
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// A failed test with the end of what it printed.
fn failure(outcome: &Outcome) -> String {
    let text = std::fs::read(&outcome.log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    let why = outcome.why.as_deref().unwrap_or("tests failed");
    format!(
        "\n-- FAILED after {:.1} s: {} ({why})\n{}\n-- the end of {}, {} of {} lines\n",
        outcome.took.as_secs_f32(),
        outcome.title,
        shown.join("\n"),
        outcome.log.display(),
        shown.len(),
        lines.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(title: &str, seconds: u64, failed: usize) -> Outcome {
        Outcome {
            title: title.into(),
            passed: 1 - failed,
            failed,
            skipped: 0,
            took: Duration::from_secs(seconds),
            parts: Vec::new(),
            outside: Vec::new(),
            why: None,
            log: "/nowhere".into(),
        }
    }

    #[test]
    fn the_closing_line_counts_all_and_the_slowest_come_first() {
        let mut tally = Tally::default();
        assert!(!tally.is_good(), "no test at all is no success");
        for second in 1..=12 {
            tally.add(outcome(&format!("t{second}"), second, 0));
        }
        assert!(tally.is_good());
        tally.add(outcome("bad", 3, 1));
        assert!(!tally.is_good());
        assert_eq!(tally.closing(), "12 passed, 1 failed, 0 skipped");
        assert_eq!(tally.slowest().len(), SLOWEST);
        assert_eq!(tally.slowest()[0].0, "t12");
        assert!(tally.summary().contains("bad: tests failed: /nowhere"));
    }

    #[test]
    fn tests_that_could_not_run_have_failed() {
        let mut tally = Tally::default();
        tally.add(outcome("good", 1, 0));
        tally.could_not_run(7);
        assert!(!tally.is_good());
        assert_eq!(tally.closing(), "1 passed, 7 failed, 0 skipped");
    }

    #[test]
    fn parts_of_a_program_are_told_one_by_one() {
        let mut tally = Tally::default();
        let part = |name: &str, seconds| (name.to_owned(), Duration::from_secs(seconds));
        tally.add(Outcome {
            parts: vec![part("a", 1), part("b", 9)],
            ..outcome("pages", 10, 0)
        });
        assert_eq!(tally.slowest()[0], part("pages b", 9));
    }
}
