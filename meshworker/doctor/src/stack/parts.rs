//! Which part a service plays, by its command line and environment.

use super::field::At;
use super::model::Service;

/// The label that makes a service a cluster, with the value `true`.
pub const ENABLE: &str = "meshworker.enable";

/// The flags that name the members' service: the last two are those of the script
/// that this program replaces.
const NAMES: [&str; 3] = ["--servicename", "--fqdn", "--hostname"];

/// The variable that gives the setting of this name.
pub fn variable(name: &str) -> String {
    format!(
        "MESHWORKER_{}",
        name.to_uppercase().replace(['-', '.'], "_")
    )
}

/// The words of a service's entry point and command; those of a script for a shell
/// one by one.
pub fn tokens(service: &Service) -> Vec<&str> {
    let between = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')');
    let words = service.words.iter().flat_map(|word| word.split(between));
    words.filter(|word| !word.is_empty()).collect()
}

/// Where this program is called with one of the commands that services run, among
/// these words: a script may name it before, to wait for it.
pub fn call(tokens: &[&str]) -> Option<usize> {
    let commands = ["init", "run", "install"];
    let is_call = |pair: &[&str]| match pair {
        [program, command] => last(program) == "meshworker" && commands.contains(command),
        _ => false,
    };
    tokens.windows(2).position(is_call)
}

/// The command that this program is called with.
fn command(service: &Service) -> Option<&str> {
    let tokens = tokens(service);
    let at = call(&tokens)?;
    tokens.get(at + 1).copied()
}

/// Whether the service's image has this in its own name.
fn is_image(service: &Service, part: &str) -> bool {
    let image = service.image.as_ref().map(|image| image.value.as_str());
    image.is_some_and(|image| {
        image
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains(part))
    })
}

/// Whether the service is a worker: it is told to `run`, or has the options of
/// the script that this program replaces, or its image does nothing else.
pub fn is_worker(service: &Service) -> bool {
    if is_supervised(service) {
        return false;
    }
    let has = |name| service.environment.contains_key(&variable(name));
    let ours = is_image(service, "meshworker")
        || service
            .environment
            .keys()
            .any(|name| name.starts_with("MESHWORKER_"));
    let first = service.words.first().map(String::as_str);
    let runs = command(service) == Some("run") || (first == Some("run") && ours);
    let old = tokens(service).iter().any(|word| {
        let option = word.split('=').next().unwrap_or_default();
        option == NAMES[0] || (NAMES.contains(&option) && (ours || is_image(service, "mesh")))
    });
    let bare =
        first.is_none() && !has("slot") && (has("servicename") || has("config") || has("labels"));
    runs || (old && command(service).is_none_or(|command| command.starts_with('-'))) || bare
}

/// Whether the service's first process is the supervisor, at once or once its
/// program is there.
pub fn is_supervised(service: &Service) -> bool {
    supervisor(service).is_some()
        || (service.words.is_empty() && service.environment.contains_key(&variable("slot")))
}

/// The supervisor's program, as the service's entry point calls it: by a shell's
/// script or directly.
pub fn supervisor(service: &Service) -> Option<&str> {
    let tokens = tokens(service);
    let at = call(&tokens).filter(|at| tokens.get(at + 1) == Some(&"init"))?;
    tokens.get(at).copied()
}

/// Whether the entry point is a script that waits for the program before it runs it.
pub fn waits_for_program(service: &Service) -> bool {
    let tokens = tokens(service);
    let at = call(&tokens).filter(|_| supervisor(service).is_some());
    let mut before = tokens.iter().take(at.unwrap_or(0));
    before.any(|word| matches!(*word, "until" | "while"))
}

/// What the words of `meshworker install` are, where the service runs it.
pub fn installs(service: &Service) -> Option<Vec<&str>> {
    let tokens = tokens(service);
    let first = call(&tokens).map_or(0, |at| at + 1);
    let mut words = tokens.into_iter().skip(first);
    (words.next() == Some("install")).then(|| words.collect())
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the worker takes its clusters from labels.
pub fn reads_labels(service: &Service) -> bool {
    let flag = service.words.iter().any(|word| word == "--labels");
    let variable = service.environment.get(&variable("labels"));
    is_worker(service) && (flag || variable.is_some_and(|labels| labels.value.value != "false"))
}

/// Whether the worker has the Docker API: a socket, or an address of one.
pub fn has_docker(service: &Service) -> bool {
    let socket = service
        .mounts
        .iter()
        .any(|mount| mount.value.is_bind() && mount.value.target.ends_with("docker.sock"));
    socket || service.environment.contains_key("DOCKER_HOST")
}

/// What the service's command line or environment says of a setting.
/// `option.NAME` is one of the engine's own.
pub fn setting(service: &Service, name: &str) -> Option<At<String>> {
    flag(service, name).or_else(|| {
        let variable = service.environment.get(&variable(name))?;
        let value = variable.value.value.clone();
        (!value.is_empty()).then(|| At {
            value,
            place: variable.place.clone(),
        })
    })
}

fn flag(service: &Service, name: &str) -> Option<At<String>> {
    let found = |value: &str| At {
        value: value.to_owned(),
        place: service.words_place.clone(),
    };
    // What follows is the database's.
    let words = tokens(service).into_iter();
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let following = |flag: &str| {
        words.iter().enumerate().find_map(|(at, word)| {
            let rest = word.strip_prefix(flag)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => words.get(at + 1).copied(),
                None => None,
            }
        })
    };
    if let Some(option) = name.strip_prefix("option.") {
        let prefix = format!("{option}=");
        return words
            .iter()
            .filter_map(|word| {
                word.strip_prefix("--option=")
                    .unwrap_or(word)
                    .strip_prefix(&prefix)
            })
            .map(found)
            .next();
    }
    let own = format!("--{name}");
    let flags = match name {
        "servicename" => NAMES.to_vec(),
        _ => vec![own.as_str()],
    };
    flags.into_iter().find_map(following).map(found)
}

/// The names in a list of them, parted by commas.
pub fn names(list: &str) -> Vec<&str> {
    let names = list.split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

/// The service that a DNS name means: the one of this name, with or without
/// `tasks.`; else the one whose name stands after the stack's and an underscore.
pub fn named(services: &[Service], dns: &str) -> Option<usize> {
    let dns = dns.trim_end_matches('.');
    let dns = dns.strip_prefix("tasks.").unwrap_or(dns);
    let exact = services.iter().position(|service| service.name == dns);
    let stack_before = |service: &Service| {
        let stack = dns.strip_suffix(service.name.as_str());
        stack.is_some_and(|stack| stack.len() > 1 && stack.ends_with('_'))
    };
    let fitting = services
        .iter()
        .enumerate()
        .filter(|(_, service)| stack_before(service));
    let longest = || fitting.max_by_key(|(_, service)| service.name.len());
    exact.or_else(|| longest().map(|(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(words: &[&str]) -> Service {
        Service {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Service::default()
        }
    }

    fn of_image(image: &str, words: &[&str]) -> Service {
        Service {
            image: Some(At::nowhere(image.to_owned())),
            ..service(words)
        }
    }

    #[test]
    fn parts_are_told_by_the_command_line_and_the_image() {
        let ours = "meshworker/meshworker:1";
        assert!(is_worker(&of_image(ours, &["run"])));
        assert!(is_worker(&service(&[
            "/usr/bin/meshworker",
            "run",
            "--labels"
        ])));
        assert!(is_worker(&service(&[
            "sh",
            "-c",
            "umask 7; exec meshworker run"
        ])));
        assert!(is_worker(&of_image(
            "acme/mesh-worker:1",
            &["--hostname", "db", "-i", "5"]
        )));
        assert!(!is_worker(&of_image(
            "grafana/alloy:1",
            &["run", "/etc/alloy"]
        )));
        assert!(!is_worker(&of_image(
            "keycloak/keycloak:26",
            &["start", "--hostname", "a.b"]
        )));
        assert!(!is_worker(&service(&["sleep", "infinity"])));
        assert!(!is_worker(&service(&["redis-server", "run"])));
        let member = service(&["meshworker", "init", "--", "x", "--hostname", "y"]);
        assert!(is_supervised(&member) && !is_worker(&member));
        let script =
            "until [ -x /o/meshworker ]; do sleep 1; done; exec /o/meshworker init -- \"$@\"";
        let member = service(&["sh", "-c", script, "x", "redis-server", "run"]);
        assert!(is_supervised(&member) && !is_worker(&member));
        assert_eq!(supervisor(&member), Some("/o/meshworker"));
        let install = service(&["install", "--stay", "/volume"]);
        assert!(!is_supervised(&install) && !is_worker(&install));
        assert_eq!(installs(&install), Some(vec!["--stay", "/volume"]));
        assert_eq!(
            supervisor(&service(&["sh", "-c", "redis-server", "init"])),
            None
        );
        for words in [
            &["meshworker", "init", "--", "x", "--hostname", "y"][..],
            &[
                "sh",
                "-c",
                "umask 077; exec /opt/meshworker/meshworker init -- x",
            ],
            &["tini", "--", "meshworker", "init", "--", "x"],
        ] {
            let member = service(words);
            assert!(is_supervised(&member) && !is_worker(&member), "{words:?}");
        }
    }

    #[test]
    fn a_setting_is_found_under_each_of_its_names() {
        for words in [
            &["run", "--servicename", "db"][..],
            &["run", "--servicename=db"],
            &["x", "--hostname", "db", "-i", "5"],
            &["sh", "-c", "exec meshworker run --servicename db"],
            &["x", "--fqdn=db"],
        ] {
            let found = setting(&service(words), "servicename").unwrap();
            assert_eq!(found.value, "db");
        }
        let found = setting(
            &service(&["run", "--option", "replicas=2"]),
            "option.replicas",
        );
        assert_eq!(found.unwrap().value, "2");
        assert_eq!(setting(&service(&["run"]), "servicename"), None);
    }

    #[test]
    fn a_dns_name_means_the_service_of_that_very_name_first() {
        let services = ["db", "my_db", "other"].map(|name| Service {
            name: name.into(),
            ..Service::default()
        });
        let named = |dns| named(&services, dns).map(|at| services[at].name.as_str());
        for dns in [
            "db",
            "db.",
            "tasks.db",
            "cache_db",
            "tasks.cache_db",
            "{{.X}}_db",
        ] {
            assert_eq!(named(dns), Some("db"), "{dns}");
        }
        for dns in ["my_db", "tasks.my_db", "cache_my_db"] {
            assert_eq!(named(dns), Some("my_db"), "{dns}");
        }
        for dns in ["mydb", "db2", "_db"] {
            assert_eq!(named(dns), None, "{dns}");
        }
    }
}
