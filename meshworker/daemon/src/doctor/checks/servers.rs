//! Which name server is asked here.

use crate::doctor::Facts;
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

/// The name server that Docker gives every container on a network of its own.
const EMBEDDED: [u8; 4] = [127, 0, 0, 11];

const FILE: &str = "/etc/resolv.conf";

pub const CHECK: Check<Facts> = Check {
    name: "name-server",
    finds: "no name server, or one that does not know the swarm's names",
    run: |facts| {
        let servers = match &facts.name_servers {
            Ok(servers) => servers,
            Err(why) => {
                let finding =
                    Finding::new(Severity::Error, FILE, format!("It cannot be read: {why}."));
                return Ok(vec![no_server(finding)]);
            }
        };
        if servers.is_empty() {
            let finding = Finding::new(Severity::Error, FILE, "It names no name server.");
            return Ok(vec![no_server(finding)]);
        }
        if servers
            .iter()
            .any(|server| *server == std::net::IpAddr::from(EMBEDDED))
        {
            return Ok(Vec::new());
        }
        let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let what = format!(
            "The name server is {}, not Docker's own 127.0.0.11.",
            names.join(", ")
        );
        Ok(vec![
            Finding::new(Severity::Hint, FILE, what)
                .why("Names of services resolve only in containers that are on the service's network.")
                .instead("run it in a container on that network, such as the stack's tools container"),
        ])
    },
};

fn no_server(finding: Finding) -> Finding {
    finding
        .why("No name can be resolved, so that no member is ever found.")
        .instead("a container on the service's overlay network: Docker writes this file there")
}
