//! Published ports, which an address per replica leaves little room for.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::field::At;
use crate::stack::model::{Port, Service};

pub const CHECK: Check<Ground> = Check {
    name: "ports",
    finds: "ports in ingress mode on a dnsrr service; host ports that replicas of one node fight for",
    run: |ground| {
        let mut findings = Vec::new();
        for service in &ground.stack.services {
            for port in &service.ports {
                findings.extend(find(service, port, ground.nodes));
            }
        }
        Ok(findings)
    },
};

fn find(service: &Service, port: &At<Port>, nodes: Option<usize>) -> Option<Finding> {
    let Port {
        published,
        target,
        host,
        ..
    } = &port.value;
    if service.is_dnsrr() && !host {
        let finding = Finding::new(
            Severity::Error,
            service.subject(),
            format!(
                "Port {target} is published through the routing mesh, and the endpoint mode is dnsrr."
            ),
        );
        let given = published.as_deref().unwrap_or(target);
        return Some(
            finding
                .why("Swarm refuses such a service: the routing mesh needs a virtual address.")
                .instead(format!(
                    "ports:\n  - target: {target}\n    published: {given}\n    mode: host"
                ))
                .at(port.place.as_ref()),
        );
    }
    let fixed = published.as_ref().filter(|_| *host)?;
    let replicas = service.wanted()?;
    let each_node_one = service
        .max_per_node
        .as_ref()
        .is_some_and(|most| most.value == 1);
    let (severity, what) = match nodes {
        Some(nodes) if replicas > nodes => (
            Severity::Error,
            format!(
                "Port {fixed} of the node is for one replica, and {replicas} replicas are to run on {nodes} nodes."
            ),
        ),
        None if replicas > 1 && !each_node_one => (
            Severity::Hint,
            format!(
                "Port {fixed} of the node is for one replica; {replicas} replicas need {replicas} nodes."
            ),
        ),
        _ => return None,
    };
    Some(
        Finding::new(severity, service.subject(), what)
            .why("A replica that finds the port taken on every node waits in state 'pending' for ever.")
            .instead("no published port, or fewer replicas than nodes")
            .at(port.place.as_ref()),
    )
}
