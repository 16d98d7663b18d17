//! Whether workers and supervisors take what they are told, and are told the same.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::database::{self, Database};
use crate::stack::{Ground, parts};

pub const CHECK: Check<Ground> = Check {
    name: "setting",
    finds: "settings with which a worker or a supervisor ends at once",
    run: |ground| {
        let refuses = ground.refuses.ok_or("nobody here knows the settings")?;
        let services = ground.stack.services.iter();
        let ours =
            services.filter(|service| parts::is_worker(service) || parts::is_supervised(service));
        let refused = ours.filter_map(|service| {
            let refused = refuses(service);
            let (first, _) = refused.first()?;
            let lines: Vec<&str> = refused.iter().map(|(_, line)| line.as_str()).collect();
            let variable = service.environment.get(&parts::variable(first));
            let place = variable.and_then(|variable| variable.place.as_ref());
            let write = refused
                .iter()
                .map(|(name, _)| format!("\n  {}: {}", parts::variable(name), value(name)));
            Some(
                Finding::new(
                    Severity::Error,
                    service.subject(),
                    format!("{}.", lines.join("; ")),
                )
                .why("It ends at once with exit code 2, and is started again for ever.")
                .instead(format!("environment:{}", write.collect::<String>()))
                .at(place.or(service.place.as_ref())),
            )
        });
        Ok(refused.collect())
    },
};

/// What to write for a setting.
fn value(name: &str) -> &'static str {
    match name {
        "service" => "\"{{.Service.Name}}\"",
        "slot" => "\"{{.Task.Slot}}\"",
        "task" => "\"{{.Task.ID}}\"",
        "node" => "\"{{.Node.ID}}\"",
        "token-file" => "/run/secrets/meshworker-token",
        "servicename" => "the members' service",
        _ => "one that is allowed",
    }
}

pub const ENGINE: Check<Ground> = Check {
    name: "engine",
    finds: "a worker that takes its members for another database than they are",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let worker = cluster.worker?;
            let elsewhere = parts::setting(worker, "config").is_some();
            let said = cluster.setting("engine");
            let own = cluster.at_member("engine").map(|engine| engine.value);
            let seen = match database::of(cluster.member) {
                Some(Database::Known(kind)) => Some(kind.descriptor().name.to_owned()),
                _ => None,
            };
            let (is, place, what) = match (said, own) {
                (Some(said), Some(own)) if said.value != own => {
                    let what = format!(
                        "Its engine is {}, and that of its members {own}.",
                        said.value
                    );
                    (own, said.place, what)
                }
                (None, own) if !elsewhere => match own.or(seen) {
                    Some(is) if is != "aerospike" => {
                        let what = format!(
                            "It is told no engine, and takes {} for Aerospike.",
                            cluster.member.name
                        );
                        (is, worker.place.clone(), what)
                    }
                    _ => return None,
                },
                _ => return None,
            };
            Some(
                Finding::new(Severity::Error, worker.subject(), what)
                    .why("It asks in words that its members do not understand, and joins nobody.")
                    .instead(format!("environment:\n  MESHWORKER_ENGINE: {is}"))
                    .at(place.as_ref().or(worker.place.as_ref())),
            )
        })
    },
};

/// Whom a supervisor asks where nothing is said.
const WORKERS: &str = "meshworker";

pub const ASKED: Check<Ground> = Check {
    name: "workers-name",
    finds: "members whose supervisors ask for workers under a name that is nobody's",
    run: |ground| {
        let services = &ground.stack.services;
        ground.of_each_cluster(|cluster| {
            let worker = cluster.worker.filter(|_| cluster.is_supervised())?;
            let said = cluster.at_member("workers");
            let names = said.as_ref().map_or(WORKERS, |said| said.value.as_str());
            let is_somebody = |name: &str| {
                let name = name.trim();
                let address = name.parse::<std::net::IpAddr>().is_ok();
                address || parts::named(services, name).is_some()
            };
            if names.split(',').any(is_somebody) {
                return None;
            }
            let what = match said {
                Some(_) => format!(
                    "Its supervisor asks for workers under the name {names}, which no service here has."
                ),
                None => format!(
                    "Its supervisor is told no name of the workers, which means {names}, and no service here has it."
                ),
            };
            let place = said.and_then(|said| said.place);
            Some(
                Finding::new(Severity::Error, cluster.member.subject(), what)
                    .why("Nobody answers it: the worker does not know the member's slot, and a member that leaves is not let go before it decides alone.")
                    .instead(format!("environment:\n  MESHWORKER_WORKERS: tasks.{}", worker.name))
                    .at(place.as_ref().or(cluster.member.place.as_ref())),
            )
        })
    },
};

pub const LABELS: Check<Ground> = Check {
    name: "labels",
    finds: "labels for the worker that stand on the containers",
    run: |ground| {
        let services = ground.stack.services.iter();
        let wrong = services.filter_map(|service| {
            let mut labels = service.container_labels.iter();
            let (name, label) = labels.find(|(name, _)| name.starts_with("meshworker."))?;
            Some(
                Finding::new(
                    Severity::Error,
                    service.subject(),
                    format!("The label {name} stands on its containers, not on the service."),
                )
                .why("A worker reads the labels of services, and does not find this one.")
                .instead(format!(
                    "deploy:\n  labels:\n    {name}: \"{}\"",
                    label.value
                ))
                .at(label.place.as_ref()),
            )
        });
        Ok(wrong.collect())
    },
};
