//! Whether anybody looks after the members.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, Watched, parts};

pub const CHECK: Check<Ground> = Check {
    name: "worker",
    finds: "a worker that looks for a service which is not in the stack; members without a worker",
    run: |ground| {
        let services = &ground.stack.services;
        let mut findings = Vec::new();
        for worker in ground.workers() {
            if worker.wanted() == Some(0) {
                findings.push(
                    Finding::new(Severity::Warning, worker.subject(), "It has no replica.")
                        .why("Nobody is joined, and no member that wants to leave is let go before its grace is over.")
                        .instead("deploy:\n  replicas: 1")
                        .at(super::replicas::place(worker)),
                );
            }
            let Some(name) = parts::setting(worker, "servicename") else {
                continue;
            };
            let mut wished = parts::names(&name.value).into_iter();
            let Some(missing) = wished.find(|one| parts::named(services, one).is_none()) else {
                continue;
            };
            let what = format!("It looks for '{missing}', which is no service of this stack.");
            let names: Vec<&str> = services
                .iter()
                .map(|service| service.name.as_str())
                .collect();
            findings.push(
                Finding::new(Severity::Warning, worker.subject(), what)
                    .why("A name that does not resolve finds nobody, and nobody is joined. With another stack's service on a shared network it is right.")
                    .instead(format!("MESHWORKER_SERVICENAME: one of {}", names.join(", ")))
                    .at(name.place.as_ref()),
            );
        }
        // A worker that looks elsewhere is told of already.
        let told = !findings.is_empty();
        let alone =
            |cluster: &Watched<'_>| cluster.worker.is_none() && !cluster.is_alone() && !told;
        for cluster in ground.clusters().filter(alone) {
            findings.push(
                Finding::new(Severity::Warning, cluster.member.subject(), "No worker in this stack looks after its replicas.")
                    .why("Each replica stays a database of its own until somebody joins them. A worker of another stack may do it.")
                    .instead("a service with image meshworker/meshworker and MESHWORKER_SERVICENAME, as in stack/")
                    .at(cluster.member.place.as_ref()),
            );
        }
        Ok(findings)
    },
};
