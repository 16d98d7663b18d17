//! What an operator must know of single versions, as data: from etcd's change log, and from
//! servers that were run.

/// `major.minor.patch`.
type Version = (u32, u32, u32);

/// From one version up to before another one: what is wrong with it, and what to do.
const FAULTS: &[(Version, Version, &str)] = &[
    (
        (0, 0, 0),
        (3, 4, 0),
        "it has no learners: members cannot be added safely; update to 3.4 or later",
    ),
    (
        (3, 4, 0),
        (3, 4, 4),
        "it counts the quorum wrongly when a learner gets a vote; update to 3.4.4 or later",
    ),
    (
        (3, 5, 0),
        (3, 5, 3),
        "its data may differ from that of the others after a crash; update within 3.5",
    ),
    (
        (3, 5, 3),
        (3, 5, 26),
        "it may let removed members return, and does not go on to 3.6; update within 3.5 first",
    ),
];

/// What is wrong with this version, if anything is known.
pub fn fault(version: &str) -> Option<&'static str> {
    let version = parse(version)?;
    let mut faults = FAULTS.iter();
    let found = faults.find(|(from, to, _)| (*from..*to).contains(&version));
    found.map(|(_, _, what)| *what)
}

/// Whether two of these run in one cluster: one minor version apart at the most.
pub fn go_together(one: &str, other: &str) -> bool {
    match (parse(one), parse(other)) {
        (Some((one_major, one, _)), Some((other_major, other, _))) => {
            one_major == other_major && one.abs_diff(other) <= 1
        }
        _ => true,
    }
}

fn parse(version: &str) -> Option<Version> {
    let plain = version.split(['-', '+']).next()?;
    let mut numbers = plain.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_known_by_version_and_others_have_none() {
        for sound in ["3.4.23", "3.5.30", "3.6.12", "3.7.0-rc.1", "unknown"] {
            assert_eq!(fault(sound), None, "{sound}");
        }
        for faulty in ["3.3.25", "3.4.3", "3.5.2", "3.5.16"] {
            assert!(fault(faulty).is_some(), "{faulty}");
        }
    }

    #[test]
    fn an_update_goes_one_minor_version_at_a_time() {
        assert!(go_together("3.4.23", "3.5.30") && go_together("3.5.30", "3.5.1"));
        assert!(!go_together("3.4.23", "3.6.1"));
    }
}
