//! What a run of schemathesis came to: what it found, or that it failed itself.

/// So many lines are told of what it said last.
const LAST: usize = 20;

/// What heads the part of its report in which it shows what it found.
const FINDINGS: &str = "FAILURES";

/// What it calls errors, and is to be blamed on the server or the document: a connection that broke, a schema that is
/// none. Its other errors are its own.
const OURS: [&str; 2] = ["Network Error", "Schema Error"];

/// What a run of schemathesis came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server does what its document says, as far as was looked.
    Passed,
    /// They differ: the whole report.
    Found(String),
    /// The tool failed, which says nothing about the server: its last lines.
    ToolFailed(String),
}

impl Outcome {
    /// Of a run that ended with this code, or was killed, and said this. The code alone does not tell: it is 1 for
    /// whatever is found and for most of what goes wrong inside.
    pub fn of(code: Option<i32>, said: &str) -> Outcome {
        match code {
            Some(0) => Outcome::Passed,
            Some(1) if has_findings(said) => Outcome::Found(said.to_owned()),
            _ => Outcome::ToolFailed(last(said)),
        }
    }
}

fn has_findings(said: &str) -> bool {
    said.lines().any(|line| {
        let headed = line.starts_with('=') && line.trim_matches(['=', ' ']) == FINDINGS;
        headed || OURS.contains(&line.trim())
    })
}

fn last(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LAST)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRASH: &str = "\
==================================== ERRORS ====================================
_______________________________ GET /v1/events _________________________________
Runtime Error

AST constructor recursion depth mismatch (before=102, after=37)

    Traceback (most recent call last):
      File \"generation/case.py\", line 1, in as_strategy
        ast.parse(source)
    SystemError: AST constructor recursion depth mismatch (before=102, after=37)

=================================== SUMMARY ====================================
Errors:
  \u{1f6ab} Runtime Error: 1
=============================== 1 error in 1.00s ===============================";

    const FINDING: &str = "\
=================================== FAILURES ===================================
_______________________________ GET /v1/events _________________________________
1. Test Case ID: a1b2c3

- Undocumented HTTP status code

    Received: 500
=================================== SUMMARY ====================================";

    const HUNG_UP: &str = "\
==================================== ERRORS ====================================
________________________________ GET /v1/ready _________________________________
Network Error

Connection failed

    Connection aborted. Remote end closed connection without response";

    #[test]
    fn what_it_finds_is_no_failure_of_its_own() {
        let both = format!("{CRASH}\n{FINDING}");
        for report in [FINDING, HUNG_UP, &both] {
            let found = Outcome::Found(report.to_owned());
            assert_eq!(Outcome::of(Some(1), report), found);
        }
        assert_eq!(Outcome::of(Some(0), "No issues found"), Outcome::Passed);
    }

    #[test]
    fn what_breaks_inside_it_is_no_finding() {
        // It broke inside, was used wrongly, could not be started by its shell, was killed.
        let cases = [
            (Some(1), CRASH, "SystemError: AST constructor"),
            (
                Some(1),
                "Test Execution Error\n\nTraceback\nFAILURES",
                "Traceback",
            ),
            (Some(1), "", ""),
            (Some(2), "Error: No such option: --phase", "No such option"),
            (Some(127), "not found", "not found"),
            (None, FINDING, "Received: 500"),
        ];
        for (code, said, told) in cases {
            let Outcome::ToolFailed(last) = Outcome::of(code, said) else {
                panic!("{code:?} {said}");
            };
            assert!(last.contains(told), "{last}");
        }
        let long: Vec<String> = (0..100).map(|line| format!("line {line}\n\n")).collect();
        let Outcome::ToolFailed(last) = Outcome::of(Some(3), &long.concat()) else {
            panic!("it did not fail");
        };
        assert_eq!(last.lines().count(), 20);
        assert!(
            last.starts_with("line 80\n") && last.ends_with("line 99"),
            "{last}"
        );
    }
}
