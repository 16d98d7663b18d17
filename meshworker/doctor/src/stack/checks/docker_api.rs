//! Whether a worker that is to use the Docker API can.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, parts};

pub const CHECK: Check<Ground> = Check {
    name: "docker-api",
    finds: "a worker that is to use the Docker API and cannot",
    run: |ground| {
        let mut findings = Vec::new();
        for worker in ground
            .stack
            .services
            .iter()
            .filter(|service| parts::is_worker(service))
        {
            let wished = parts::setting(worker, "docker");
            let wished = wished.filter(|wished| matches!(wished.value.as_str(), "yes" | "true"));
            let has = parts::has_docker(worker);
            let socket = worker
                .mounts
                .iter()
                .find(|mount| mount.value.target.ends_with("docker.sock"));
            let on_managers = worker.constraints.iter().any(|constraint| {
                let plain: String = constraint.value.split_whitespace().collect();
                plain == "node.role==manager" || plain == "node.role!=worker"
            });
            if (wished.is_some() || parts::reads_labels(worker)) && !has {
                let place = wished.and_then(|wished| wished.place);
                findings.push(
                    Finding::new(Severity::Error, worker.subject(), "It is to use the Docker API, and has neither the socket nor DOCKER_HOST.")
                        .why("It stays without the task list: nobody is forgotten, and labels are not read.")
                        .instead("volumes:\n  - /var/run/docker.sock:/var/run/docker.sock:ro")
                        .at(place.as_ref().or(worker.place.as_ref())),
                );
            }
            if let Some(socket) = socket.filter(|_| !on_managers) {
                findings.push(
                    Finding::new(Severity::Error, worker.subject(), "It has the Docker socket, and may run on a node that is no manager.")
                        .why("Only managers have the task list; anywhere else the API refuses to answer.")
                        .instead("deploy:\n  placement:\n    constraints: [node.role == manager]")
                        .at(socket.place.as_ref()),
                );
            }
        }
        Ok(findings)
    },
};
