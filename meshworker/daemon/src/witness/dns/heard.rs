//! What was heard: of one family, and of both together.

use std::collections::BTreeSet;
use std::net::IpAddr;

use meshworker_core::{Grade, Place, Report, Sighting, Witness};

/// Twice as many addresses as any of the databases can have members.
const MOST: usize = 2048;

/// What the name server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) grade: Grade,
    /// Whom it listed; with a grade other than `Answer` that is perhaps not all.
    pub(super) addresses: BTreeSet<IpAddr>,
}

impl Heard {
    /// No addresses, and why.
    pub(super) fn nobody(grade: Grade) -> Heard {
        Heard {
            grade,
            addresses: BTreeSet::new(),
        }
    }

    /// What A and AAAA say together.
    ///
    /// Complete only when both were answered. NXDOMAIN for one family beside an
    /// answer for the other means "none of this family": a name with addresses
    /// exists, and some servers say so of AAAA.
    pub(super) fn together(self, other: Heard) -> Heard {
        let grade = match (self.grade, other.grade) {
            (Grade::NxDomain, Grade::NxDomain) => Grade::NxDomain,
            (first, second) => {
                let failed = |grade: &Grade| {
                    !matches!(grade, Grade::Answer | Grade::Empty | Grade::NxDomain)
                };
                if failed(&first) {
                    first
                } else if failed(&second) {
                    second
                } else if first == Grade::Answer || second == Grade::Answer {
                    Grade::Answer
                } else {
                    Grade::Empty
                }
            }
        };
        let mut addresses = self.addresses;
        addresses.extend(other.addresses);
        Heard { grade, addresses }
    }

    /// The same, of as many addresses as are asked at any rate: what lists more of them
    /// is no list of members.
    pub(super) fn bounded(mut self) -> Heard {
        if self.addresses.len() > MOST {
            self.grade = Grade::Failed(format!("more than {MOST} addresses are listed"));
            self.addresses = self.addresses.into_iter().take(MOST).collect();
        }
        self
    }

    pub(super) fn into_report(self) -> Report {
        let addresses = self.addresses.into_iter().map(Place::from);
        Report {
            witness: Witness::Dns,
            grade: self.grade,
            sightings: addresses.map(Sighting::at).collect(),
            coming: Vec::new(),
            desired: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(grade: Grade, addresses: &[&str]) -> Heard {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Heard { grade, addresses }
    }

    #[test]
    fn two_families_together_are_complete_only_when_both_were_answered() {
        use Grade::{Answer, Empty, NxDomain, Refused, ServFail, Timeout, Truncated};
        let cases = [
            (Answer, Answer, Answer),
            (Answer, Empty, Answer),
            (Empty, Answer, Answer),
            (Answer, NxDomain, Answer),
            (Answer, ServFail, ServFail),
            (Answer, Timeout, Timeout),
            (Truncated, Answer, Truncated),
            (Empty, Empty, Empty),
            (Empty, NxDomain, Empty),
            (NxDomain, NxDomain, NxDomain),
            (NxDomain, Refused, Refused),
        ];
        for (v4, v6, together) in cases {
            let what = format!("{v4} and {v6}");
            let said = Heard::nobody(v4).together(Heard::nobody(v6));
            assert_eq!(said.grade, together, "{what}");
        }
    }

    #[test]
    fn addresses_of_an_incomplete_answer_are_kept() {
        let v4 = heard(Grade::Answer, &["10.0.1.3", "10.0.1.2"]);
        let said = v4.together(Heard::nobody(Grade::Timeout));
        assert_eq!(said, heard(Grade::Timeout, &["10.0.1.2", "10.0.1.3"]));
    }
}
