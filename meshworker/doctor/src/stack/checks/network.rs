//! Networks: one that members and worker share, closed, and large enough.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Check, Unmade};
use crate::finding::{Finding, Severity};
use crate::stack::field::At;
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
        // Those that nothing declares are refused, and told of already.
        let declared = member.networks.iter().filter_map(|network| {
            let name = network.value.as_str();
            let declared = stack.networks.get(name)?;
            Some(declared.name.as_deref().unwrap_or(name))
        });
        let names: Vec<&str> = declared.collect();
        return (!names.is_empty()).then(|| {
            error(format!(
                "It is on no overlay network, but on {}.",
                names.join(", ")
            ))
        });
    }
    let worker = cluster.worker?;
    let theirs = overlays(stack, worker);
    let undeclared = |network: &At<String>| {
        !stack.networks.contains_key(&network.value) && network.value != "default"
    };
    if worker.networks.iter().any(undeclared) || member.networks.iter().any(undeclared) {
        return None;
    }
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
            Some(network) => is_overlay(name, network),
            // The one that every stack has, and does not declare.
            None => *name == "default",
        })
        .collect()
}

/// The networks that each node has of its own, and that are no overlay.
const OF_THE_NODE: [&str; 4] = ["host", "bridge", "none", "docker_gwbridge"];

fn is_overlay(name: &str, network: &Network) -> bool {
    let driver = network.driver.as_ref().map(|driver| driver.value.as_str());
    if OF_THE_NODE.contains(&network.name.as_deref().unwrap_or(name)) && network.external {
        return false;
    }
    network.external || matches!(driver, None | Some("overlay" | ""))
}

pub const CHOSEN: Check<Ground> = Check {
    name: "network-choice",
    finds: "members on several networks, with nothing that says which one the cluster uses",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let member = cluster.member;
            let overlays = overlays(&ground.stack, member);
            let told = ["network", "subnet", "address"];
            let told = cluster.setting("network").is_some()
                || told.iter().any(|name| cluster.at_member(name).is_some());
            let matters = cluster.is_supervised() || cluster.has_docker();
            if overlays.len() < 2 || told || !matters {
                return None;
            }
            let names: Vec<&str> = overlays.into_iter().collect();
            let what = format!("It is on the networks {}.", names.join(", "));
            let first = member
                .networks
                .first()
                .and_then(|network| network.place.as_ref());
            Some(
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("Which interface belongs to which network differs from container to container, so nobody can say which address is the member's.")
                    .instead(format!(
                        "environment:\n  MESHWORKER_NETWORK: STACK_{}\n  # and for the supervisor: MESHWORKER_SUBNET, such as 10.0.1.0/24",
                        names.first().unwrap_or(&"cluster")
                    ))
                    .at(first),
            )
        })
    },
};

pub const CROWDED: Check<Ground> = Check {
    name: "network-shared",
    finds: "two Redis clusters on one network",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let redis = |cluster: &&Watched<'_>| {
            cluster
                .engine()
                .is_some_and(|engine| engine.name == "redis")
        };
        let clusters: Vec<_> = clusters.iter().filter(redis).collect();
        let mut findings = Vec::new();
        let mut first_on: BTreeMap<&str, &str> = BTreeMap::new();
        for cluster in clusters {
            let member = cluster.member;
            let mut other = None;
            for network in overlays(&ground.stack, member) {
                let first = first_on.entry(network).or_insert(&member.name);
                other = other.or((*first != member.name).then_some(*first));
            }
            if let Some(other) = other {
                let what = format!("Its members are on one network with those of {other}.");
                let first = member.networks.first();
                findings.push(
                    Finding::new(Severity::Hint, member.subject(), what)
                        .why("A Redis member whose address went to a member of the other cluster is greeted there, and both clusters become one.")
                        .instead("a network of its own for each cluster")
                        .at(first.and_then(|network| network.place.as_ref())),
                );
            }
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

/// What a swarm gives a network that names no subnet, unless `docker swarm init` was
/// told another size.
const DEFAULT: &str = "0.0.0.0/24";

pub const SUBNET: Check<Ground> = Check {
    name: "subnet",
    finds: "a network with fewer addresses than its replicas need",
    run: |ground| {
        let mut findings = Vec::new();
        let mut used = used(ground)?;
        let own = Network::default();
        let is_own = |cluster: Watched<'_>| {
            cluster
                .member
                .networks
                .iter()
                .any(|network| network.value == "default")
        };
        if !ground.stack.networks.contains_key("default") && ground.clusters().any(is_own) {
            used.push(("default", &own));
        }
        for (name, network) in used {
            let subnet = network.subnets.first();
            let said = subnet.map_or(DEFAULT, |subnet| subnet.value.as_str());
            let Some(room) = room(said).filter(|_| is_overlay(name, network)) else {
                continue;
            };
            let on_it = ground
                .stack
                .services
                .iter()
                .filter(|service| service.networks.iter().any(|network| network.value == name));
            // A service with a virtual address takes one more for it; each node
            // takes one for its load balancer.
            let needed = on_it.fold(ground.nodes.unwrap_or(1), |needed, service| {
                let replicas = service.wanted().or(ground.nodes).unwrap_or(1);
                let virtual_one = usize::from(!service.is_dnsrr());
                needed.saturating_add(replicas).saturating_add(virtual_one)
            });
            if (needed as f64) <= (room as f64) * FULL {
                continue;
            }
            let what = match subnet {
                Some(_) => format!(
                    "Its subnet {said} has {room} addresses, and {needed} are needed at the least."
                ),
                None => format!(
                    "It names no subnet, which means a /24 with {room} addresses, and {needed} are needed at the least."
                ),
            };
            let place = subnet.map_or(&network.place, |subnet| &subnet.place);
            findings.push(
                Finding::new(Severity::Warning, format!("network {name}"), what)
                    .why("Without a free address a new replica hangs in state 'new', and an update cannot replace anybody.")
                    .instead(format!("networks:\n  {name}:\n    ipam:\n      config:\n        - subnet: 10.20.0.0/20 # or another one of that size"))
                    .at(place.as_ref()),
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
pub fn used(ground: &Ground) -> Result<Vec<(&str, &Network)>, Unmade> {
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
