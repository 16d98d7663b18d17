//! Networks: one that members and worker share, closed, and large enough.

use std::collections::BTreeSet;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::model::{Network, Service, Stack};
use crate::stack::{Ground, Watched};

pub const SHARED: Check<Ground> = Check {
    name: "network",
    finds: "members and worker without a common overlay network",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        Ok(clusters
            .iter()
            .filter_map(|cluster| shared(&ground.stack, cluster))
            .collect())
    },
};

fn shared(stack: &Stack, cluster: &Watched<'_>) -> Option<Finding> {
    let member = cluster.member;
    let mine = overlays(stack, member);
    let error = |what: String| {
        let first = member
            .networks
            .first()
            .and_then(|network| network.place.as_ref());
        Finding::new(Severity::Error, member.subject(), what)
            .why("Members and worker reach each other over an overlay network that all of them are on, and nowhere else.")
            .instead("networks: [cluster]")
            .at(first.or(member.place.as_ref()))
    };
    if mine.is_empty() {
        let named = member
            .network_mode
            .as_ref()
            .map(|mode| format!("network_mode {}", mode.value));
        let names: Vec<&str> = member
            .networks
            .iter()
            .map(|network| network.value.as_str())
            .collect();
        let named = named.unwrap_or_else(|| names.join(", "));
        return Some(error(format!(
            "It is on no overlay network, but on {named}."
        )));
    }
    let worker = cluster.worker?;
    let theirs = overlays(stack, worker);
    if mine.is_disjoint(&theirs) {
        let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
        return Some(error(format!(
            "It is on {}, and its worker {} on {}.",
            list(&mine),
            worker.name,
            if theirs.is_empty() {
                "no overlay".into()
            } else {
                list(&theirs)
            },
        )));
    }
    None
}

/// The overlay networks of a service; one that is made elsewhere is given the
/// benefit of the doubt.
fn overlays<'a>(stack: &'a Stack, service: &'a Service) -> BTreeSet<&'a str> {
    let names = service
        .networks
        .iter()
        .map(|network| network.value.as_str());
    names
        .filter(|name| match stack.networks.get(*name) {
            Some(network) => is_overlay(network),
            // The one that every stack has, and does not declare.
            None => *name == "default",
        })
        .collect()
}

fn is_overlay(network: &Network) -> bool {
    let driver = network.driver.as_ref().map(|driver| driver.value.as_str());
    network.external || matches!(driver, None | Some("overlay" | ""))
}

pub const CHOSEN: Check<Ground> = Check {
    name: "network-choice",
    finds: "members on several networks, with nothing that says which one the cluster uses",
    run: |ground| {
        let mut findings = Vec::new();
        for cluster in ground.some_clusters()? {
            let member = cluster.member;
            let overlays = overlays(&ground.stack, member);
            let told = ["network", "subnet", "address"];
            let told = told.iter().any(|name| cluster.setting(name).is_some());
            let matters = cluster.is_supervised() || cluster.has_docker();
            if overlays.len() < 2 || told || !matters {
                continue;
            }
            let names: Vec<&str> = overlays.into_iter().collect();
            let what = format!("It is on the networks {}.", names.join(", "));
            let first = member
                .networks
                .first()
                .and_then(|network| network.place.as_ref());
            findings.push(
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("Which interface belongs to which network differs from container to container, so nobody can say which address is the member's.")
                    .instead(format!(
                        "environment:\n  MESHWORKER_NETWORK: STACK_{}\n  # and for the supervisor: MESHWORKER_SUBNET, such as 10.0.1.0/24",
                        names.first().unwrap_or(&"cluster")
                    ))
                    .at(first),
            );
        }
        Ok(findings)
    },
};

pub const ATTACHABLE: Check<Ground> = Check {
    name: "attachable",
    finds: "a members' network that any container may join",
    run: |ground| {
        let used = used(ground)?;
        let open = used.into_iter().filter_map(|(name, network)| {
            let attachable = network.attachable.as_ref().filter(|attachable| attachable.value)?;
            Some(
                Finding::new(Severity::Warning, format!("network {name}"), "It is attachable.")
                    .why("Whoever may run a container on any node can join the network and speak to the members and the worker directly.")
                    .instead("attachable: false")
                    .at(attachable.place.as_ref()),
            )
        });
        Ok(open.collect())
    },
};

/// The share of a subnet that services may fill before an update, which needs
/// a second address for each replaced replica, comes near its end.
const FULL: f64 = 0.75;

pub const SUBNET: Check<Ground> = Check {
    name: "subnet",
    finds: "a network with fewer addresses than its replicas need",
    run: |ground| {
        let mut findings = Vec::new();
        for (name, network) in used(ground)? {
            let Some(subnet) = network.subnets.first() else {
                continue;
            };
            let Some(room) = room(&subnet.value) else {
                continue;
            };
            let on_it = ground
                .stack
                .services
                .iter()
                .filter(|service| service.networks.iter().any(|network| network.value == name));
            // A service with a virtual address takes one more for it; each node
            // takes one for its load balancer.
            let needed: usize = on_it
                .map(|service| {
                    let replicas = service.wanted().or(ground.nodes).unwrap_or(1);
                    replicas + usize::from(!service.is_dnsrr())
                })
                .sum();
            let needed = needed + ground.nodes.unwrap_or(1);
            if (needed as f64) <= (room as f64) * FULL {
                continue;
            }
            let what = format!(
                "Its subnet {} has {room} addresses, and {needed} are needed at the least.",
                subnet.value
            );
            findings.push(
                Finding::new(Severity::Warning, format!("network {name}"), what)
                    .why("Without a free address a new replica hangs in state 'new', and an update cannot replace anybody.")
                    .instead("subnet: 10.20.0.0/22, or another one of that size")
                    .at(subnet.place.as_ref()),
            );
        }
        Ok(findings)
    },
};

/// How many containers find an address in an IPv4 subnet; none for another one.
fn room(subnet: &str) -> Option<usize> {
    let (address, length) = subnet.split_once('/')?;
    address.parse::<std::net::Ipv4Addr>().ok()?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
    let all = 1_usize.checked_shl(32 - length)?;
    // The network's own address, the broadcast and the gateway.
    Some(all.saturating_sub(3))
}

/// The networks of the members that the stack declares itself.
pub fn used(ground: &Ground) -> Result<Vec<(&str, &Network)>, String> {
    let clusters = ground.some_clusters()?;
    let names: BTreeSet<&str> = clusters
        .iter()
        .flat_map(|cluster| &cluster.member.networks)
        .map(|network| network.value.as_str())
        .collect();
    let declared = &ground.stack.networks;
    let known = names
        .into_iter()
        .filter_map(|name| Some((name, declared.get(name)?)));
    Ok(known.filter(|(_, network)| !network.external).collect())
}
