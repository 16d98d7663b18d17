//! One service of a stack file.

use super::bad::BadStack;
use super::field::{At, Field};
use super::model::{Health, Mount, Port, Service, Update, Variable};

/// Reads one service.
pub fn read(name: String, field: &Field) -> Result<Service, BadStack> {
    let mut service = Service {
        name,
        place: Some(field.place()),
        image: text(field, "image")?,
        network_mode: text(field, "network_mode")?,
        hostname: text(field, "hostname")?.map(|text| text.value),
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
            let value = Variable {
                value: variable.text()?,
                filled_in: variable.is_filled_in(),
            };
            let place = Some(variable.place());
            service.environment.insert(name, At { value, place });
        }
    }
    if let Some(networks) = field.get("networks")? {
        let networks = networks.either()?.into_iter();
        service.networks = networks.map(|(name, field)| at(name, &field)).collect();
    } else if service.network_mode.is_none() {
        service.networks = vec![at("default".to_owned(), field)];
    }
    for port in list(field, "ports")? {
        let value = read_port(&port)?;
        service.ports.push(at(value, &port));
    }
    for mount in list(field, "volumes")? {
        let value = read_mount(&mount)?;
        // As docker merges: the later file's mount of one path is the one.
        service
            .mounts
            .retain(|other| other.value.target != value.target);
        service.mounts.push(at(value, &mount));
    }
    service.configs = sources(field, "configs")?;
    service.secrets = sources(field, "secrets")?;
    if let Some(health) = field.get("healthcheck")? {
        service.health = Some(at(read_health(&health)?, &health));
    }
    service.grace = field
        .get("stop_grace_period")?
        .map(|f| f.duration())
        .transpose()?;
    service.stop_signal = field.get("stop_signal")?.map(|f| f.at()).transpose()?;
    if let Some(dns) = field.get("dns")? {
        let servers = if dns.is_list() {
            dns.items()?
        } else {
            vec![dns]
        };
        for server in servers {
            service.dns.push(server.at()?);
        }
    }
    if let Some(deploy) = field.get("deploy")? {
        read_deploy(&mut service, &deploy)?;
    }
    Ok(service)
}

fn read_deploy(service: &mut Service, deploy: &Field) -> Result<(), BadStack> {
    service.endpoint_mode = text(deploy, "endpoint_mode")?;
    service.mode = text(deploy, "mode")?;
    service.replicas = deploy.get("replicas")?.map(|f| f.number()).transpose()?;
    if let Some(labels) = deploy.get("labels")? {
        for (name, label) in labels.either()? {
            service.labels.insert(name, label.at()?);
        }
    }
    if let Some(placement) = deploy.get("placement")? {
        let most = placement.get("max_replicas_per_node")?;
        service.max_per_node = most.map(|f| f.number()).transpose()?;
        for constraint in list(&placement, "constraints")? {
            service.constraints.push(constraint.text()?);
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

/// `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, or a map.
fn read_port(field: &Field) -> Result<Port, BadStack> {
    if field.is_map() {
        let of = |name| -> Result<Option<String>, BadStack> {
            Ok(text(field, name)?.map(|text| text.value))
        };
        return Ok(Port {
            published: of("published")?,
            target: of("target")?.unwrap_or_default(),
            host: of("mode")?.as_deref() == Some("host"),
        });
    }
    let text = field.text()?;
    let bare = text.split('/').next().unwrap_or_default();
    let (published, target) = match bare.rsplit_once(':') {
        Some((before, target)) => (before.rsplit(':').next().map(str::to_owned), target),
        None => (None, bare),
    };
    Ok(Port {
        published,
        target: target.to_owned(),
        host: false,
    })
}

/// `[SOURCE:]TARGET[:OPTIONS]`, or a map.
fn read_mount(field: &Field) -> Result<Mount, BadStack> {
    if field.is_map() {
        let of = |name| -> Result<Option<String>, BadStack> {
            Ok(text(field, name)?.map(|text| text.value))
        };
        let kind = of("type")?.unwrap_or_default();
        let read_only = field.get("read_only")?.map(|f| f.truth()).transpose()?;
        return Ok(Mount {
            source: of("source")?,
            target: of("target")?.unwrap_or_default(),
            bind: kind == "bind",
            tmpfs: kind == "tmpfs",
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
            bind: false,
            tmpfs: false,
            read_only: false,
        },
        Some(target) => Mount {
            bind: first.starts_with(['/', '.', '~']),
            source: Some(first),
            target: target.to_owned(),
            tmpfs: false,
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
    let retries = field.get("retries")?.map(|f| f.number()).transpose()?;
    let interval = field.get("interval")?.map(|f| f.duration()).transpose()?;
    Ok(Health {
        disabled: disabled.unwrap_or(false) || test.first().is_some_and(|word| word == "NONE"),
        test,
        start_period: field
            .get("start_period")?
            .map(|f| f.duration())
            .transpose()?,
        interval: interval.map(|interval| interval.value),
        retries: retries.map(|retries| retries.value),
    })
}

fn sources(field: &Field, name: &str) -> Result<Vec<String>, BadStack> {
    let mut sources = Vec::new();
    for item in list(field, name)? {
        let source = if item.is_map() {
            item.get("source")?
        } else {
            Some(item)
        };
        if let Some(source) = source {
            sources.push(source.text()?);
        }
    }
    Ok(sources)
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
