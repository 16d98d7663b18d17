//! How the tests of a kind run: how many at a time, for how long, in what surroundings.

use std::time::Duration;

use super::Case;

/// A kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// What it is called.
    pub name: &'static str,
    /// Which programs' tests these are, by how their names begin; the first lane that fits has a test.
    programs: &'static [&'static str],
    /// So many run at a time on two cores, and in proportion on others: at least one, at most twice as many.
    on_two_cores: usize,
    /// How long one may take, in the gate and in the long tier: far longer than it does, so that only what hangs is
    /// ended.
    pub deadline: Duration,
    /// Whether its tests run in namespaces of their own: nothing that they send leaves the machine, nothing that they
    /// start outlives them. Those that speak to a lab cannot.
    pub is_sandboxed: bool,
    /// Whether one process runs all tests of a program, because they share what is dear.
    pub is_whole: bool,
    /// Whether they need the lab that is started for them.
    pub needs_lab: bool,
}

/// All lanes, in the order in which they begin.
pub const LANES: [Lane; 4] = [
    // Engines and worlds of their own; each has a lab of its own, beside no other.
    Lane {
        name: "labs",
        programs: &["lab::smoke"],
        on_two_cores: 1,
        deadline: Duration::from_secs(1800),
        is_sandboxed: false,
        is_whole: false,
        needs_lab: false,
    },
    // Mostly waiting for Swarm.
    Lane {
        name: "stories",
        programs: &["e2e::"],
        on_two_cores: 3,
        deadline: Duration::from_secs(3 * 3600),
        is_sandboxed: false,
        is_whole: false,
        needs_lab: true,
    },
    // One browser for all of them.
    Lane {
        name: "pages",
        programs: &["browser::dashboard"],
        on_two_cores: 1,
        deadline: Duration::from_secs(1800),
        is_sandboxed: true,
        is_whole: true,
        needs_lab: false,
    },
    // Many of them wait for sockets, timers and servers: more at a time than there are cores.
    Lane {
        name: "unit",
        programs: &[""],
        on_two_cores: 8,
        deadline: Duration::from_secs(1800),
        is_sandboxed: true,
        is_whole: false,
        needs_lab: false,
    },
];

impl Lane {
    /// Whose test this is.
    pub fn of(case: &Case) -> Lane {
        let name = case.program.name();
        let fits = |lane: &&Lane| lane.programs.iter().any(|start| name.starts_with(start));
        // The last one takes everything.
        LANES
            .iter()
            .find(fits)
            .copied()
            .unwrap_or(LANES[LANES.len() - 1])
    }

    /// How many run at a time on a machine of so many cores.
    pub fn at_once(&self, cores: usize) -> usize {
        match self.on_two_cores {
            // What must be alone is alone on every machine.
            1 => 1,
            // Beyond that memory runs short, or what all share.
            several => (several * cores / 2).clamp(1, several * 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Program;

    #[test]
    fn every_test_has_the_lane_of_its_program() {
        let lane = |package: &str, target: &str| {
            let program = Program {
                package: package.into(),
                target: target.into(),
                executable: "/bin/true".into(),
                folder: "/".into(),
            };
            let case = Case {
                program,
                name: "a_test".into(),
                is_long: false,
                is_alone: false,
            };
            Lane::of(&case).name
        };
        assert_eq!(lane("meshworker-lab", "smoke"), "labs");
        assert_eq!(lane("meshworker-lab", "meshworker_lab"), "unit");
        assert_eq!(lane("meshworker-e2e", "stories"), "stories");
        assert_eq!(lane("meshworker-browser", "dashboard"), "pages");
        assert_eq!(lane("meshworker", "api"), "unit");
    }
}
