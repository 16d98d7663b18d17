//! One service of a stack file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bad::BadStack;
use super::field::{At, Field};
use super::interpolate::Lookup;
use super::model::{Given, Health, Mount, MountKind, Port, Service, Update, Variable};
use super::port::{self, Ports};
use crate::finding::Place;

/// What `docker stack deploy` leaves aside. Source: docker/cli, `compose/types`.
const IGNORED: [&str; 18] = [
    "build",
    "cgroup_parent",
    "cgroupns_mode",
    "container_name",
    "devices",
    "domainname",
    "expose",
    "external_links",
    "ipc",
    "links",
    "mac_address",
    "network_mode",
    "pid",
    "privileged",
    "restart",
    "security_opt",
    "shm_size",
    "userns_mode",
];

/// Reads one service. `lookup` says what variables without a value are in the
/// environment.
pub fn read(name: String, field: &Field, lookup: Lookup<'_>) -> Result<Service, BadStack> {
    let mut service = Service {
        name,
        place: Some(field.place()),
        image: text(field, "image")?,
        hostname: text(field, "hostname")?.map(|text| text.value),
        inherits: field.get("extends")?.is_some(),
        ..Service::default()
    };
    for part in ["entrypoint", "command"] {
        if let Some(part) = field.get(part)? {
            service.words.extend(part.words()?);
            service.words_place = Some(part.place());
        }
    }
    if let Some(environment) = field.get("environment")? {
        for (name, variable) in environment.either()? {
            let said = variable.text()?;
            // Without a value, that of the environment is meant.
            let outside = lookup(&name).filter(|_| said.is_empty());
            let value = Variable {
                filled_in: variable.is_filled_in() || outside.is_some(),
                value: outside.unwrap_or(said),
            };
            let place = Some(variable.place());
            service.environment.insert(name, At { value, place });
        }
    }
    if let Some(networks) = field.get("networks")? {
        let networks = networks.either()?.into_iter();
        service.networks = networks.map(|(name, field)| at(name, &field)).collect();
    } else {
        service.networks = vec![at("default".to_owned(), field)];
    }
    for (name, _) in field.entries()? {
        if IGNORED.contains(&name.as_str())
            && let Some(field) = field.get(&name)?
        {
            service.ignored.push(at(name, &field));
        }
    }
    for port in list(field, "ports")? {
        for value in read_ports(&port)? {
            let port = at(value, &port);
            // As docker merges: the later file's port of one number is the one.
            if service
                .ports
                .first()
                .is_some_and(|first| !same_file(first, &port))
            {
                service.ports.retain(|other| {
                    other.value.published != port.value.published || same_file(other, &port)
                });
            }
            service.ports.push(port);
        }
    }
    for mount in list(field, "volumes")? {
        let value = read_mount(&mount)?;
        // As docker merges: the later file's mount of one path is the one.
        service
            .mounts
            .retain(|other| other.value.target != value.target);
        service.mounts.push(at(value, &mount));
    }
    service.configs = given(field, "configs")?;
    service.secrets = given(field, "secrets")?;
    service.container_labels = labels(field)?;
    service.env_files = one_or_more(field, "env_file")?;
    let tty = field.get("tty")?.map(|tty| tty.truth()).transpose()?;
    service.tty = tty.unwrap_or(false);
    if let Some(health) = field.get("healthcheck")? {
        service.health = Some(at(read_health(&health)?, &health));
    }
    service.grace = field
        .get("stop_grace_period")?
        .map(|f| f.duration())
        .transpose()?;
    service.stop_signal = field.get("stop_signal")?.map(|f| f.at()).transpose()?;
    service.dns = one_or_more(field, "dns")?;
    if let Some(deploy) = field.get("deploy")? {
        read_deploy(&mut service, &deploy)?;
    }
    Ok(service)
}

fn read_deploy(service: &mut Service, deploy: &Field) -> Result<(), BadStack> {
    service.endpoint_mode = text(deploy, "endpoint_mode")?;
    service.mode = text(deploy, "mode")?;
    service.replicas = deploy.get("replicas")?.map(|f| f.number()).transpose()?;
    service.labels = labels(deploy)?;
    if let Some(restart) = deploy.get("restart_policy")? {
        service.restart = text(&restart, "condition")?;
        let most = restart.get("max_attempts")?;
        service.restarts = most.map(|f| f.number()).transpose()?;
    }
    if let Some(placement) = deploy.get("placement")? {
        let most = placement.get("max_replicas_per_node")?;
        service.max_per_node = most.map(|f| f.number()).transpose()?;
        for constraint in list(&placement, "constraints")? {
            service.constraints.push(constraint.at()?);
        }
    }
    for (name, update) in [
        ("update_config", &mut service.update),
        ("rollback_config", &mut service.rollback),
    ] {
        if let Some(field) = deploy.get(name)? {
            *update = Update {
                parallelism: field.get("parallelism")?.map(|f| f.number()).transpose()?,
                order: text(&field, "order")?,
                failure_action: text(&field, "failure_action")?,
            };
        }
    }
    Ok(())
}

/// `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, where numbers may be ranges, or a map.
fn read_ports(field: &Field) -> Result<Vec<Port>, BadStack> {
    if field.is_map() {
        let of = |name| -> Result<Option<String>, BadStack> {
            Ok(text(field, name)?.map(|text| text.value))
        };
        return Ok(vec![Port {
            published: of("published")?.filter(|published| published != "0"),
            target: of("target")?.unwrap_or_default(),
            host: of("mode")?.as_deref() == Some("host"),
            protocol: of("protocol")?.unwrap_or_else(|| "tcp".into()),
        }]);
    }
    let text = field.text()?;
    let Some(ports) = port::parse(&text) else {
        // What Docker refuses there is told of.
        return Ok(Vec::new());
    };
    let Ports {
        published,
        target,
        protocol,
    } = ports;
    let ports = target.take(LARGEST).enumerate().map(|(at, target)| Port {
        // A range for one port: any of them.
        published: published
            .clone()
            .and_then(|mut range| range.nth(at))
            .map(|p| p.to_string()),
        target: target.to_string(),
        host: false,
        protocol: protocol.clone(),
    });
    Ok(ports.collect())
}

/// So many ports of one range are looked at.
const LARGEST: usize = 256;

fn same_file<T, U>(one: &At<T>, other: &At<U>) -> bool {
    let file = |place: &Option<Place>| place.as_ref().map(|place| Arc::clone(&place.file));
    file(&one.place) == file(&other.place)
}

/// `[SOURCE:]TARGET[:OPTIONS]`, or a map.
fn read_mount(field: &Field) -> Result<Mount, BadStack> {
    if field.is_map() {
        let of = |name| -> Result<Option<String>, BadStack> {
            Ok(text(field, name)?.map(|text| text.value))
        };
        let kind = of("type")?;
        let kind = kind.ok_or_else(|| field.found("no type", "type: volume, bind or tmpfs"))?;
        let read_only = field.get("read_only")?.map(|f| f.truth()).transpose()?;
        return Ok(Mount {
            source: of("source")?,
            target: of("target")?.unwrap_or_default(),
            kind: MountKind::of(&kind),
            read_only: read_only.unwrap_or(false),
        });
    }
    let text = field.text()?;
    // A template may hold colons, but none is part of a path.
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default().to_owned();
    Ok(match parts.next() {
        None => Mount {
            source: None,
            target: first,
            kind: MountKind::Volume,
            read_only: false,
        },
        Some(target) => Mount {
            kind: match first.starts_with(['/', '.', '~']) {
                true => MountKind::Bind,
                false => MountKind::Volume,
            },
            source: Some(first),
            target: target.to_owned(),
            read_only: parts.any(|options| options.split(',').any(|option| option == "ro")),
        },
    })
}

fn read_health(field: &Field) -> Result<Health, BadStack> {
    let test = match field.get("test")? {
        Some(test) if test.is_list() => test.words()?,
        Some(test) => vec!["CMD-SHELL".to_owned(), test.text()?],
        None => Vec::new(),
    };
    let disabled = field.get("disable")?.map(|f| f.truth()).transpose()?;
    let switched_off = disabled.unwrap_or(false);
    let retries = field.get("retries")?.map(|f| f.number()).transpose()?;
    let interval = field.get("interval")?.map(|f| f.duration()).transpose()?;
    Ok(Health {
        switched_off,
        disabled: switched_off || test.first().is_some_and(|word| word == "NONE"),
        test,
        start_period: field
            .get("start_period")?
            .map(|f| f.duration())
            .transpose()?,
        interval: interval.map(|interval| interval.value),
        retries: retries.map(|retries| retries.value),
    })
}

fn given(field: &Field, name: &str) -> Result<Vec<At<Given>>, BadStack> {
    let mut given: Vec<At<Given>> = Vec::new();
    for item in list(field, name)? {
        let (source, target) = match item.is_map() {
            true => (text(&item, "source")?, text(&item, "target")?),
            false => (Some(item.at()?), None),
        };
        let source = source.map(|source| source.value).unwrap_or_default();
        let target = target.map(|target| target.value);
        let one = at(Given { source, target }, &item);
        // As docker merges: the later file's one of one name is the one.
        given.retain(|other| other.value.source != one.value.source || same_file(other, &one));
        given.push(one);
    }
    Ok(given)
}

fn labels(field: &Field) -> Result<BTreeMap<String, At<String>>, BadStack> {
    let mut labels = BTreeMap::new();
    if let Some(field) = field.get("labels")? {
        for (name, label) in field.either()? {
            labels.insert(name, label.at()?);
        }
    }
    Ok(labels)
}

fn one_or_more(field: &Field, name: &str) -> Result<Vec<At<String>>, BadStack> {
    let fields = match field.get(name)? {
        Some(list) if list.is_list() => list.items()?,
        one => one.into_iter().collect(),
    };
    fields.iter().map(Field::at).collect()
}

fn list(field: &Field, name: &str) -> Result<Vec<Field>, BadStack> {
    match field.get(name)? {
        Some(list) => list.items(),
        None => Ok(Vec::new()),
    }
}

fn text(field: &Field, name: &str) -> Result<Option<At<String>>, BadStack> {
    field.get(name)?.map(|field| field.at()).transpose()
}

fn at<T>(value: T, field: &Field) -> At<T> {
    let place = Some(field.place());
    At { value, place }
}
