//! What the name server says against what the task list says.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::{Grade, Presence, Report, Sighting};

use crate::doctor::{Facts, Seen};
use meshworker_doctor::check::{Check, Outcome};
use meshworker_doctor::finding::{Finding, Severity};

pub const LIST: Check<Facts> = Check {
    name: "task-list",
    finds: "a Docker API that is asked for the members and does not list them",
    run: |facts| {
        let asked: Vec<_> = asked(facts)?;
        let bad = asked
            .into_iter()
            .filter(|(_, tasks)| tasks.grade != Grade::Answer);
        Ok(bad
            .map(|(seen, tasks)| {
                let what = format!("The task list: {}.", tasks.grade);
                Finding::new(Severity::Error, subject(seen), what)
                    .why("Who is not listed by an incomplete answer is unknown, so nobody is ever forgotten.")
                    .instead("MESHWORKER_DOCKER_SERVICE: STACK_SERVICE, MESHWORKER_NETWORK: STACK_NETWORK, and the socket of a manager")
            })
            .collect())
    },
};

pub const STALE: Check<Facts> = Check {
    name: "dns-stale",
    finds: "addresses in DNS of replicas that are on their way out, or out of sight",
    run: |facts| {
        compare(facts, |seen, both| {
            let gone = both.dns().filter(|address| {
                both.presence(address)
                    .is_some_and(|p| p != &Presence::Present)
            });
            report(gone, |listed| {
                Finding::new(Severity::Warning, subject(seen), format!("DNS still lists {listed}, and the task list knows that they go or are out of sight."))
                    .why("Clients of the name connect to replicas that are gone. The address may belong to another service soon.")
                    .instead("nothing at once; if it stays, docker service update --force SERVICE makes the engines publish the names anew")
            })
        })
    },
};

pub const PHANTOM: Check<Facts> = Check {
    name: "dns-phantom",
    finds: "addresses in DNS that no replica has",
    run: |facts| {
        compare(facts, |seen, both| {
            let unknown = both
                .dns()
                .filter(|address| both.presence(address).is_none());
            report(unknown, |listed| {
                Finding::new(Severity::Warning, subject(seen), format!("DNS lists {listed}, which no replica of the service has."))
                    .why("It is the virtual address where the endpoint mode is vip; otherwise a record that was left behind, and whoever has the address now is asked for your data.")
                    .instead("endpoint_mode: dnsrr; if it is, docker service update --force SERVICE makes the engines publish the names anew")
            })
        })
    },
};

pub const MISSING: Check<Facts> = Check {
    name: "dns-missing",
    finds: "running replicas that DNS does not list",
    run: |facts| {
        compare(facts, |seen, both| {
            let hidden = both.tasks.iter().filter(|(address, sighting)| {
                sighting.presence == Presence::Present && !both.dns.contains(address)
            });
            report(hidden.map(|(address, _)| *address), |listed| {
                Finding::new(Severity::Warning, subject(seen), format!("DNS does not list {listed}, and the task list does."))
                    .why("They are starting, or not healthy, or the name server has lost them. A worker with DNS alone does not find them.")
                    .instead("docker service ps SERVICE tells which; give the worker the Docker API or MESHWORKER_LISTEN, so that members are joined before they are healthy")
            })
        })
    },
};

/// Whether DNS and the task list say the same, as far as both are known.
pub fn agree(seen: &Seen) -> bool {
    match both(seen) {
        Some(both) => {
            let present = both
                .tasks
                .iter()
                .filter(|(_, s)| s.presence == Presence::Present);
            let present: Vec<IpAddr> = present.map(|(address, _)| *address).collect();
            both.dns.len() == present.len() && present.iter().all(|a| both.dns.contains(a))
        }
        None => true,
    }
}

/// What both witnesses list.
struct Both<'a> {
    dns: Vec<IpAddr>,
    tasks: BTreeMap<IpAddr, &'a Sighting>,
}

impl Both<'_> {
    fn dns(&self) -> impl Iterator<Item = IpAddr> {
        self.dns.iter().copied()
    }

    fn presence(&self, address: &IpAddr) -> Option<&Presence> {
        self.tasks.get(address).map(|sighting| &sighting.presence)
    }
}

fn both(seen: &Seen) -> Option<Both<'_>> {
    let tasks = seen.tasks.as_ref()?;
    // An answer that is cut still lists some; an incomplete task list proves
    // nothing about anybody.
    let usable = matches!(seen.dns.grade, Grade::Answer | Grade::Truncated);
    (usable && tasks.grade == Grade::Answer).then(|| Both {
        dns: seen
            .dns
            .sightings
            .iter()
            .map(|s| s.address.address)
            .collect(),
        tasks: tasks
            .sightings
            .iter()
            .map(|s| (s.address.address, s))
            .collect(),
    })
}

fn asked(facts: &Facts) -> Result<Vec<(&Seen, &Report)>, String> {
    let clusters = facts.some_clusters()?.iter();
    let asked: Vec<_> = clusters
        .filter_map(|seen| Some((seen, seen.tasks.as_ref()?)))
        .collect();
    if asked.is_empty() {
        return Err("the Docker API is no witness here".into());
    }
    Ok(asked)
}

fn compare(facts: &Facts, find: impl Fn(&Seen, &Both<'_>) -> Option<Finding>) -> Outcome {
    asked(facts)?;
    let comparable = facts
        .clusters
        .iter()
        .filter_map(|seen| Some((seen, both(seen)?)));
    let comparable: Vec<_> = comparable.collect();
    if comparable.is_empty() {
        return Err(
            "DNS and the task list cannot be compared while one of them gives no answer".into(),
        );
    }
    let found = comparable
        .iter()
        .filter_map(|(seen, both)| find(seen, both));
    Ok(found.collect())
}

fn report(
    addresses: impl Iterator<Item = IpAddr>,
    finding: impl Fn(&str) -> Finding,
) -> Option<Finding> {
    let listed: Vec<String> = addresses.map(|address| address.to_string()).collect();
    (!listed.is_empty()).then(|| finding(&listed.join(", ")))
}

fn subject(seen: &Seen) -> String {
    format!("cluster {}", seen.name)
}
