//! Health checks: whether there is one, whom it hides, whom it kills.

use std::time::Duration;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::field::At;
use crate::stack::model::Health;
use crate::stack::{Ground, Watched, duration};

/// What a member may need before it is healthy for the first time: below this,
/// even a small data set may not have arrived.
const START: Duration = Duration::from_secs(300);

/// Longer than anybody waits.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn enabled<'a>(cluster: &Watched<'a>) -> Option<&'a At<Health>> {
    let health = cluster.member.health.as_ref();
    health.filter(|health| !health.value.disabled)
}

/// Whether the check asks this program, which answers "healthy" for members of
/// the cluster alone.
fn asks_the_supervisor(health: &Health) -> bool {
    health.test.iter().any(|word| word.contains("meshworker"))
}

pub const MISSING: Check<Ground> = Check {
    name: "health-check",
    finds: "members without a health check, so that an update does not wait for them",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            if enabled(&cluster).is_some() {
                return None;
            }
            let member = cluster.member;
            let disabled = member.health.as_ref();
            let severity = match cluster.is_supervised() {
                true => Severity::Warning,
                // The image may have one, and without a supervisor nothing better
                // can be offered.
                false => Severity::Hint,
            };
            let what = match disabled {
                Some(_) => "Its health check is switched off.",
                None => "It has no health check, unless its image brings one.",
            };
            let instead = match cluster.is_supervised() {
                true => {
                    "healthcheck:\n  test: [\"CMD\", \"meshworker\", \"health\"]\n  interval: 2s\n  timeout: 3s\n  retries: 5\n  start_period: 1h"
                }
                false => {
                    "a healthcheck that asks whether this replica answers, not whether the cluster is complete"
                }
            };
            Some(
                Finding::new(severity, member.subject(), what)
                    .why("An update then takes the next replica as soon as this one's process runs, long before its data has arrived.")
                    .instead(instead)
                    .at(disabled.map_or(&member.place, |health| &health.place).as_ref()),
            )
        })
    },
};

pub const HIDES: Check<Ground> = Check {
    name: "health-hides",
    finds: "a health check that hides members from a worker which has nothing but DNS",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let health = enabled(&cluster)?;
            if cluster.worker.is_none() || cluster.has_docker() || cluster.is_announced() {
                return None;
            }
            let severity = match asks_the_supervisor(&health.value) {
                true => Severity::Error,
                false => Severity::Warning,
            };
            Some(
                Finding::new(severity, cluster.member.subject(), "The worker finds its replicas by DNS alone, and Swarm's DNS lists a replica only after its first healthy probe.")
                    .why("If the probe asks for the formed cluster, nobody is ever listed and nothing is ever formed. If not, each join waits for it.")
                    .instead("run the members under `meshworker init` and give the worker MESHWORKER_LISTEN, or add stack/docker-api.yml; else a probe that only asks whether this replica answers")
                    .at(health.place.as_ref()),
            )
        })
    },
};

pub const KILLS: Check<Ground> = Check {
    name: "health-start",
    finds: "a health check that kills members which still receive their data",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let health = enabled(&cluster)?;
            let At { value, place } = health;
            let start = value.start_period.as_ref();
            // A successor waits for its predecessor's hand-over first.
            let grace = cluster.member.grace.as_ref().map(|grace| grace.value);
            let enough = match asks_the_supervisor(value) {
                true => START.max(grace.unwrap_or_default()),
                false => Duration::from_millis(1),
            };
            if start.is_some_and(|start| start.value >= enough) {
                return None;
            }
            let interval = value.interval.unwrap_or(Duration::from_secs(30));
            let patience = interval.saturating_mul(value.retries.unwrap_or(3));
            let start_period = start.map_or(Duration::ZERO, |start| start.value);
            let after = match start_period.saturating_add(patience) {
                long if long > YEAR => "more than a year".to_owned(),
                after => format!("about {}", duration::words(after)),
            };
            let what = match start {
                Some(start) => format!(
                    "Its health check has a start_period of {}.",
                    duration::words(start.value)
                ),
                None => "Its health check has no start_period.".to_owned(),
            };
            let severity = match (asks_the_supervisor(value), start) {
                (true, None) => Severity::Error,
                _ => Severity::Warning,
            };
            Some(
                Finding::new(severity, cluster.member.subject(), what)
                    .why(format!("Swarm kills a replica that is not healthy after {after}, and a member that joins may have much to receive first. Killed, it begins anew."))
                    .instead("start_period: 1h")
                    .at(start.map_or(place, |start| &start.place).as_ref()),
            )
        })
    },
};
