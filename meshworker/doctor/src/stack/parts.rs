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
    format!("MESHWORKER_{}", name.to_uppercase().replace('-', "_"))
}

/// The words of the service's command line after the program's name, where the
/// program is, or may be, `meshworker`.
fn words(service: &Service) -> impl Iterator<Item = &str> {
    let words = service.words.iter().map(String::as_str);
    words.skip_while(|word| word.rsplit('/').next() == Some("meshworker"))
}

/// Whether the service is a worker: it is told to `run`, or has the options of
/// the script that this program replaces, or its image does nothing else.
pub fn is_worker(service: &Service) -> bool {
    let runs = words(service).next() == Some("run");
    let old = service.words.iter().any(|word| {
        let option = word.split('=').next().unwrap_or_default();
        NAMES.contains(&option)
    });
    let bare =
        service.words.is_empty() && service.environment.contains_key(&variable("servicename"));
    !is_supervised(service) && (runs || old || bare)
}

/// Whether the service's first process is the supervisor, at once or once its
/// program is there.
pub fn is_supervised(service: &Service) -> bool {
    supervisor(service).is_some()
}

/// The supervisor's program, as the service's entry point calls it: by a shell's
/// script or directly.
pub fn supervisor(service: &Service) -> Option<&str> {
    let words = &service.words;
    let script = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [shell, "-c", script, ..] if is_shell(shell) => script.split_whitespace().collect(),
        [program, command, ..] => vec![program, command],
        _ => return None,
    };
    script.windows(2).find_map(|pair| match *pair {
        [program, "init"] if last(program) == "meshworker" => Some(program),
        _ => None,
    })
}

/// Whether the entry point is a script that waits for the program before it runs it.
pub fn waits_for_program(service: &Service) -> bool {
    let shell = service.words.first().is_some_and(|word| is_shell(word));
    shell && is_supervised(service)
}

/// What the words of `meshworker install` are, where the service runs it.
pub fn installs(service: &Service) -> Option<Vec<&str>> {
    let mut words = words(service);
    (words.next() == Some("install")).then(|| words.collect())
}

fn is_shell(program: &str) -> bool {
    matches!(last(program), "sh" | "bash" | "dash" | "ash")
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
        .any(|mount| mount.value.bind && mount.value.target.ends_with("docker.sock"));
    socket || service.environment.contains_key("DOCKER_HOST")
}

/// What the service's command line or environment says of a setting.
/// `option.NAME` is one of the engine's own.
pub fn setting(service: &Service, name: &str) -> Option<At<String>> {
    flag(service, name).or_else(|| {
        let name = name.replace("option.", "option-");
        let variable = service.environment.get(&variable(&name))?;
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
    let following = |flag: &str| {
        let words = &service.words;
        words.iter().enumerate().find_map(|(at, word)| {
            let rest = word.strip_prefix(flag)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => words.get(at + 1).map(String::as_str),
                None => None,
            }
        })
    };
    if let Some(option) = name.strip_prefix("option.") {
        let words = service.words.iter();
        let prefix = format!("{option}=");
        return words
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

/// Whether a DNS name means the service of this name: itself, `tasks.` before
/// it, or the stack's name and an underscore.
pub fn stands_for(dns: &str, service: &str) -> bool {
    let dns = dns.trim_end_matches('.');
    let dns = dns.strip_prefix("tasks.").unwrap_or(dns);
    dns == service
        || dns
            .strip_suffix(service)
            .is_some_and(|stack| stack.ends_with('_'))
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

    #[test]
    fn parts_are_told_by_the_command_line() {
        assert!(is_worker(&service(&["run"])));
        assert!(is_worker(&service(&["/meshworker", "run", "-v"])));
        assert!(is_worker(&service(&[
            "/run/secrets/discovery",
            "--hostname",
            "db"
        ])));
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
    }

    #[test]
    fn a_setting_is_found_under_each_of_its_names() {
        for words in [
            &["run", "--servicename", "db"][..],
            &["run", "--servicename=db"],
            &["x", "--hostname", "db", "-i", "5"],
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
    fn a_dns_name_stands_for_a_service_with_or_without_its_stack() {
        for dns in [
            "db",
            "db.",
            "tasks.db",
            "cache_db",
            "tasks.cache_db",
            "{{.X}}_db",
        ] {
            assert!(stands_for(dns, "db"), "{dns}");
        }
        assert!(!stands_for("mydb", "db"));
        assert!(!stands_for("db2", "db"));
    }
}
