//! Variables that an orchestrator sets for services, some of which have the names of
//! settings: of a service `meshworker`, `MESHWORKER_PORT=tcp://10.96.0.7:4747`. Kubernetes
//! and Docker's own links set them in every container of a service's neighbours.
//! Source: Kubernetes, "Accessing the Service", environment variables.

use std::net::IpAddr;

use clap::Command;
use clap::builder::Resettable;

/// The same command, which reads no such variable.
pub fn without_links(command: Command) -> Command {
    let reads = |arg: clap::Arg| {
        let name = arg
            .get_env()
            .map(|name| name.to_string_lossy().into_owned());
        match name.is_some_and(|name| is_here(&name)) {
            true => arg.env(Resettable::Reset),
            false => arg,
        }
    };
    command.mut_args(reads).mut_subcommands(without_links)
}

/// Whether this variable of this process was set for a service.
pub fn is_here(name: &str) -> bool {
    is_link(name, |name| std::env::var(name).ok())
}

/// The same, of variables that say this.
fn is_link(name: &str, given: impl Fn(&str) -> Option<String>) -> bool {
    let Some(value) = given(name) else {
        return false;
    };
    // Nobody else sets the host, and it is never missing.
    let of_a_service = |stem: &str| {
        let host = given(&format!("{stem}_SERVICE_HOST"));
        host.is_some_and(|host| host.parse::<IpAddr>().is_ok())
    };
    let url = |stem: &str| given(&format!("{stem}_PORT"));
    let port = |stem: &str| {
        let url = url(stem)?;
        let (_, port) = url.rsplit_once(':')?;
        Some(port.to_owned())
    };
    if let Some(stem) = name.strip_suffix("_SERVICE_HOST") {
        return of_a_service(stem);
    }
    if let Some((stem, rest)) = name.split_once("_SERVICE_PORT") {
        return of_a_service(stem) && (!rest.is_empty() || port(stem) == Some(value));
    }
    name.match_indices("_PORT").any(|(at, _)| {
        let (stem, rest) = name.split_at(at);
        let rest = rest.trim_start_matches("_PORT");
        let is_url = ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|kind| value.starts_with(kind));
        let numbered = || {
            rest.trim_start_matches('_')
                .starts_with(|c: char| c.is_ascii_digit())
        };
        of_a_service(stem) && if rest.is_empty() { is_url } else { numbered() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: [(&str, &str); 7] = [
        ("MESHWORKER_SERVICE_HOST", "10.96.115.231"),
        ("MESHWORKER_SERVICE_PORT", "4747"),
        ("MESHWORKER_SERVICE_PORT_API", "4747"),
        ("MESHWORKER_PORT", "tcp://10.96.115.231:4747"),
        ("MESHWORKER_PORT_4747_TCP", "tcp://10.96.115.231:4747"),
        ("MESHWORKER_PORT_4747_TCP_PORT", "4747"),
        ("MESHWORKER_PORT_4747_TCP_ADDR", "10.96.115.231"),
    ];

    fn is_one(name: &str, given: &[(&str, &str)]) -> bool {
        is_link(name, |asked| {
            let mut all = given.iter().rev();
            let found = all.find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_service_named_meshworker_kept_every_worker_from_its_start() {
        for (name, _) in SERVICE {
            assert!(is_one(name, &SERVICE), "{name}");
        }
        let workers = [
            ("MESHWORKER_WORKERS_SERVICE_HOST", "10.96.0.9"),
            ("MESHWORKER_WORKERS_PORT", "tcp://10.96.0.9:4748"),
        ];
        assert!(is_one("MESHWORKER_WORKERS_PORT", &workers));
    }

    #[test]
    fn what_a_user_sets_counts_beside_a_service_of_that_name() {
        let own = [
            ("MESHWORKER_PORT", "5000"),
            ("MESHWORKER_SERVICE_PORT", "3000"),
        ];
        let both: Vec<_> = SERVICE.into_iter().chain(own).collect();
        assert!(!is_one("MESHWORKER_PORT", &both));
        assert!(!is_one("MESHWORKER_SERVICE_PORT", &both));
        for name in [
            "MESHWORKER_SERVICE",
            "MESHWORKER_WORKERS",
            "MESHWORKER_SLOT",
        ] {
            let given = [("MESHWORKER_SERVICE_HOST", "10.96.0.7"), (name, "redis")];
            assert!(!is_one(name, &given), "{name}");
        }
        let wrong = [("MESHWORKER_PORT", "tcp://10.96.115.231:4747")];
        assert!(!is_one("MESHWORKER_PORT", &wrong), "refused, by its name");
    }
}
