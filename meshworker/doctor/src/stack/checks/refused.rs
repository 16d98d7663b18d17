//! What `docker stack deploy` refuses, and what it leaves aside.

use std::collections::BTreeMap;

use crate::check::Check;
use crate::finding::{Finding, Place, Severity};
use crate::stack::Ground;
use crate::stack::field::At;
use crate::stack::model::{Service, Stack};
use crate::stack::schema::nearest;

pub const CHECK: Check<Ground> = Check {
    name: "refused",
    finds: "what `docker stack deploy` refuses: unknown keys, values of another kind, names that nothing declares, no image, a port twice",
    run: |ground| {
        let stack = &ground.stack;
        let read = stack.refused.iter().map(|refused| {
            refusal(
                &refused.subject,
                refused.what.clone(),
                refused.place.as_ref(),
            )
            .instead(refused.instead.clone())
        });
        let mut findings: Vec<Finding> = read.collect();
        // What is deployed already was not refused.
        if stack.version.is_some() {
            for service in &stack.services {
                undeclared(stack, service, &mut findings);
                contradictions(stack, service, &mut findings);
            }
            ports(&stack.services, &mut findings);
        }
        Ok(findings)
    },
};

fn refusal(subject: &str, what: String, place: Option<&Place>) -> Finding {
    Finding::new(Severity::Error, subject, what)
        .why("Docker refuses the whole stack, or this service, and deploys nothing of it.")
        .at(place)
}

/// Networks, volumes, secrets and configs that the file does not declare.
fn undeclared(stack: &Stack, service: &Service, findings: &mut Vec<Finding>) {
    let mut missing = |kind: &str, name: &str, place: &Option<Place>| {
        let what = format!("It uses the {kind} {name}, and the file declares none of this name.");
        let declared: Vec<&str> = match kind {
            "network" => stack.networks.keys().map(String::as_str).collect(),
            "volume" => stack.volumes.keys().map(String::as_str).collect(),
            "secret" => stack.secrets.keys().map(String::as_str).collect(),
            _ => stack.configs.keys().map(String::as_str).collect(),
        };
        let instead = match nearest(declared.into_iter(), name) {
            _ if name.contains("{{") => of_each_replica(name),
            Some(nearest) => format!("{nearest}, if that is what is meant"),
            None => format!("{kind}s:\n  {name}: ..."),
        };
        findings.push(refusal(&service.subject(), what, place.as_ref()).instead(instead));
    };
    for network in &service.networks {
        if network.value != "default" && !stack.networks.contains_key(&network.value) {
            missing("network", &network.value, &network.place);
        }
    }
    for mount in &service.mounts {
        let source = mount.value.source.as_ref();
        let source = source.filter(|source| mount.value.is_volume() && !source.is_empty());
        if let Some(source) = source.filter(|source| !stack.volumes.contains_key(*source)) {
            missing("volume", source, &mount.place);
        }
    }
    for secret in &service.secrets {
        if !stack.secrets.contains_key(&secret.value.source) {
            missing("secret", &secret.value.source, &secret.place);
        }
    }
    for config in &service.configs {
        if !stack.configs.contains_key(&config.value.source) {
            missing("config", &config.value.source, &config.place);
        }
    }
}

/// What to write for a volume of each replica's own: no name in a file may hold a
/// template, and a volume's name for the engine may.
fn of_each_replica(name: &str) -> String {
    let plain = name.split("{{").next().unwrap_or_default();
    let plain = match plain.trim_end_matches(['-', '_', '.']) {
        "" => "data",
        plain => plain,
    };
    format!("{plain} there, and at the top:\nvolumes:\n  {plain}:\n    name: \"{name}\"")
}

fn contradictions(stack: &Stack, service: &Service, findings: &mut Vec<Finding>) {
    let mut refuse = |what: &str, place: &Option<Place>, instead: &str| {
        let place = place.as_ref().or(service.place.as_ref());
        findings.push(refusal(&service.subject(), what.to_owned(), place).instead(instead));
    };
    let image = service.image.as_ref();
    // What is taken over from elsewhere, which is refused, may well have one.
    let none = image.is_none_or(|image| image.value.is_empty()) && !service.inherits;
    if none && !is_unset(stack, image) {
        let what = match service.ignored.iter().any(|key| key.value == "build") {
            true => "It has no image; build is left aside.",
            false => "It has no image.",
        };
        let place = image.and_then(|image| image.place.clone());
        refuse(what, &place, "image: NAME:VERSION, built and pushed before");
    }
    let mode = service.mode.as_ref();
    let name = mode.map_or("replicated", |mode| mode.value.as_str());
    if !matches!(
        name,
        "" | "replicated" | "global" | "replicated-job" | "global-job"
    ) {
        let what = format!("Its mode is {name}.");
        let place = mode.and_then(|mode| mode.place.clone());
        refuse(&what, &place, "mode: replicated, or mode: global");
    }
    if let Some(replicas) = service
        .replicas
        .as_ref()
        .filter(|_| name.starts_with("global"))
    {
        let what = format!("It has replicas, and its mode is {name}.");
        refuse(&what, &replicas.place, "no replicas, or mode: replicated");
    }
    if let Some(endpoint) = service.endpoint_mode.as_ref()
        && !matches!(endpoint.value.as_str(), "" | "vip" | "dnsrr")
    {
        let what = format!("Its endpoint mode is {}.", endpoint.value);
        refuse(&what, &endpoint.place, "endpoint_mode: dnsrr");
    }
    if let Some(restart) = service.restart.as_ref()
        && !matches!(restart.value.as_str(), "" | "any" | "on-failure" | "none")
    {
        let what = format!("Its restart condition is {}.", restart.value);
        refuse(&what, &restart.place, "condition: any");
    }
    for (section, update) in [
        ("update_config", &service.update),
        ("rollback_config", &service.rollback),
    ] {
        if let Some(action) = update.failure_action.as_ref()
            && !matches!(
                action.value.as_str(),
                "" | "pause" | "continue" | "rollback"
            )
        {
            let what = format!("The failure_action of its {section} is {}.", action.value);
            refuse(&what, &action.place, "failure_action: pause");
        }
    }
    if let Some(health) = service.health.as_ref() {
        let test = health.value.test.first().map(String::as_str);
        if health.value.switched_off && test.is_some_and(|test| test != "NONE") {
            let what = "Its health check has a test, and is disabled.";
            refuse(what, &health.place, "one of them");
        }
    }
    for (at, mount) in service.mounts.iter().enumerate() {
        let target = &mount.value.target;
        let source = mount.value.source.as_deref();
        if target.is_empty() || source == Some("") || (mount.value.is_bind() && source.is_none()) {
            let what = "It mounts something from nowhere, or to nowhere.";
            refuse(what, &mount.place, "volumes: [\"data:/data\"]");
        }
        let mut before = service.mounts.iter().take(at);
        if before.any(|other| other.value.target == *target) {
            let what = format!("It mounts two things at {target}.");
            refuse(&what, &mount.place, "a path of its own for each");
        }
    }
}

/// Whether an image's name comes from a variable that is not set, which is told of
/// already.
pub fn is_unset(stack: &Stack, image: Option<&At<String>>) -> bool {
    let place = image.and_then(|image| image.place.as_ref());
    let mut notes = stack.notes.iter();
    notes.any(|note| !note.nested && Some(&note.place) == place)
}

/// Who publishes a port through the mesh, and who on nodes alone.
type Publishers<'a> = (Option<&'a Service>, Option<&'a Service>);

/// Ports of the routing mesh are for one service of the whole swarm.
fn ports(services: &[Service], findings: &mut Vec<Finding>) {
    let mut taken: BTreeMap<(&str, &str), Publishers<'_>> = BTreeMap::new();
    for service in services {
        for port in &service.ports {
            let Some(published) = port.value.published.as_deref() else {
                continue;
            };
            let key = (published, port.value.protocol.as_str());
            let (mesh, host) = taken.entry(key).or_default();
            // On a node of its own, a host port is free for another service.
            let own = host.filter(|other| !port.value.host || other.name == service.name);
            let other = mesh.or(own);
            match port.value.host {
                true => host.get_or_insert(service),
                false => mesh.get_or_insert(service),
            };
            let Some(other) = other else { continue };
            let whose = match other.name == service.name {
                true => "itself".to_owned(),
                false => format!("service {}", other.name),
            };
            let what = format!("It publishes port {published}, which {whose} publishes already.");
            findings.push(
                refusal(&service.subject(), what, port.place.as_ref())
                    .instead("a port of its own for each service"),
            );
        }
    }
}

pub const IGNORED: Check<Ground> = Check {
    name: "ignored",
    finds: "keys that `docker stack deploy` leaves aside",
    run: |ground| {
        let services = ground.stack.services.iter();
        let ignored = services.filter_map(|service| {
            // Without an image, build is told of as what is refused.
            let told = |key: &&At<String>| key.value == "build" && service.image.is_none();
            let ignored: Vec<_> = service.ignored.iter().filter(|key| !told(key)).collect();
            let first = ignored.first()?;
            let names: Vec<&str> = ignored.iter().map(|key| key.value.as_str()).collect();
            let instead = match names.contains(&"restart") {
                true => "deploy:\n  restart_policy:\n    condition: any",
                false => "a file without it, or nothing else: it does no harm",
            };
            let network = match names.contains(&"network_mode") {
                true => {
                    let on: Vec<&str> = service
                        .networks
                        .iter()
                        .map(|network| network.value.as_str())
                        .collect();
                    format!(" It is on the network {} all the same.", on.join(", "))
                }
                false => String::new(),
            };
            Some(
                Finding::new(
                    Severity::Hint,
                    service.subject(),
                    format!(
                        "It says {}, which a swarm leaves aside.{network}",
                        names.join(", ")
                    ),
                )
                .why("`docker stack deploy` deploys the service as if it were not there.")
                .instead(instead)
                .at(first.place.as_ref()),
            )
        });
        Ok(ignored.collect())
    },
};
