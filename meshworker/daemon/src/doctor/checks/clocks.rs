//! Whether all clocks show the same time.

use crate::doctor::Facts;
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

/// Clocks that are kept by NTP differ by milliseconds. In seconds.
const APART: f64 = 2.0;

pub const CHECK: Check<Facts> = Check {
    name: "clock",
    finds: "the Docker engine's or a worker's clock away from this one",
    run: |facts| {
        let known: Vec<_> = facts.clocks.iter().flatten().collect();
        if known.is_empty() {
            let why = facts.clocks.iter().filter_map(|clock| clock.as_ref().err());
            let why: Vec<&str> = why.map(String::as_str).collect();
            return Err(format!("no other clock could be read: {}", why.join("; ")).into());
        }
        let apart = known
            .into_iter()
            .filter(|clock| clock.ahead.abs() - clock.unsure > APART);
        Ok(apart
            .map(|clock| {
                let direction = if clock.ahead > 0.0 { "ahead" } else { "behind" };
                let what = format!("Its clock is {:.0} s {direction}.", clock.ahead.abs());
                Finding::new(Severity::Warning, clock.whose.clone(), what)
                    .why("Databases that order writes by time keep the wrong one, records expire early or late, and logs of two nodes cannot be compared.")
                    .instead("run chrony or another NTP client on every node")
            })
            .collect())
    },
};
