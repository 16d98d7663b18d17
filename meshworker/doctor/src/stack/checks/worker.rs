//! Whether anybody looks after the members.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, parts};

pub const CHECK: Check<Ground> = Check {
    name: "worker",
    finds: "a worker that looks for a service which is not in the stack; members without a worker",
    run: |ground| {
        let services = &ground.stack.services;
        let mut findings = Vec::new();
        let workers = services.iter().filter(|service| parts::is_worker(service));
        for worker in workers {
            let Some(name) = parts::setting(worker, "servicename") else {
                continue;
            };
            if services
                .iter()
                .any(|service| parts::stands_for(&name.value, &service.name))
            {
                continue;
            }
            let what = format!(
                "It looks for '{}', which is no service of this stack.",
                name.value
            );
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
        for cluster in ground.clusters().filter(|cluster| cluster.worker.is_none()) {
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
