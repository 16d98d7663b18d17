//! Everything that was found, and which checks could not be made.

use serde::Serialize;

use super::check::{Check, Unmade};
use super::finding::{Finding, Severity};

/// A check that was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The check's name.
    pub check: &'static str,
    /// Why.
    pub why: String,
}

/// What all checks together said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Diagnosis {
    /// The worst first; of equals, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub skipped: Vec<Skipped>,
    /// What there is nothing of to check.
    pub inapplicable: Vec<Skipped>,
    /// How many checks were made.
    pub checked: usize,
}

impl Diagnosis {
    /// Makes these checks.
    pub fn of<Given>(checks: &[Check<Given>], given: &Given) -> Diagnosis {
        let mut diagnosis = Diagnosis::default();
        for check in checks {
            match (check.run)(given) {
                Ok(findings) => {
                    diagnosis.checked += 1;
                    let named = findings.into_iter().map(|finding| Finding {
                        check: check.name,
                        ..finding
                    });
                    diagnosis.findings.extend(named);
                }
                Err(unmade) => {
                    let (list, why) = match unmade {
                        Unmade::Unknown(why) => (&mut diagnosis.skipped, why),
                        Unmade::Nothing(why) => (&mut diagnosis.inapplicable, why),
                    };
                    let check = check.name;
                    list.push(Skipped { check, why });
                }
            }
        }
        diagnosis.sorted()
    }

    /// Both, as one.
    pub fn and(mut self, other: Diagnosis) -> Diagnosis {
        self.findings.extend(other.findings);
        self.skipped.extend(other.skipped);
        self.inapplicable.extend(other.inapplicable);
        self.checked += other.checked;
        self.sorted()
    }

    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings.filter(|found| found.severity == severity).count()
    }

    /// As JSON, for programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "findings": self.findings,
            "skipped": self.skipped,
            "inapplicable": self.inapplicable,
            "summary": {
                "errors": self.count(Severity::Error),
                "warnings": self.count(Severity::Warning),
                "hints": self.count(Severity::Hint),
                "checked": self.checked,
                "skipped": self.skipped.len(),
                "inapplicable": self.inapplicable.len(),
            },
        })
    }

    fn sorted(mut self) -> Diagnosis {
        self.findings.sort_by(|a, b| {
            let key = |found: &Finding| (found.severity, found.file.clone(), found.line);
            key(a).cmp(&key(b))
        });
        self
    }
}
