//! What this program says of the settings that a service of a stack gives it.

use clap::builder::Resettable;
use clap::{ArgAction, ArgMatches};
use meshworker_doctor::stack::field::At;
use meshworker_doctor::stack::model::{Service, Variable};
use meshworker_doctor::stack::parts;

use crate::config::setting::{INIT, PROCESS};
use crate::config::variable;
use crate::init::Settings;

use super::{Failed, cluster_args, flag, listen};

/// The settings at which this service's worker, or supervisor, would end, and why.
/// What only its container can tell is not asked: whether its files are there, and
/// what they say.
pub fn refuses(service: &Service) -> Vec<(String, String)> {
    let mut service = service.clone();
    let mut refused: Vec<(String, String)> = Vec::new();
    while let Err(why) = judge(&service) {
        // Variables are judged as the flags that they stand for.
        let why = why
            .to_string()
            .replace(" (flag)", "")
            .replace(" (default)", "");
        let line = why.lines().next().unwrap_or_default();
        let line = line.trim_start_matches("error: ").to_owned();
        let name = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        let again = refused.iter().any(|(other, _)| *other == name);
        if again {
            break;
        }
        // One at a time is refused: as if this one were mended, what else is?
        let variable = variable(&name);
        if service.environment.remove(&variable).is_none() {
            let value = Variable {
                value: "1".into(),
                filled_in: false,
            };
            service.environment.insert(variable, At::nowhere(value));
        }
        refused.push((name, line));
    }
    refused
}

fn judge(service: &Service) -> Result<(), Failed> {
    let words = parts::tokens(service);
    let begin = parts::call(&words).map_or(0, |at| at + 1);
    let words = words.into_iter().skip(begin);
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let (name, words) = match words.split_first() {
        Some((name, words)) if !name.starts_with('-') => (*name, words),
        // The script's options, or nothing but variables.
        _ if parts::is_supervised(service) => ("init", words.as_slice()),
        _ => ("run", words.as_slice()),
    };
    let command = super::command();
    let Some(command) = command.find_subcommand(name).cloned() else {
        return Ok(());
    };
    let mut given = vec![name.to_owned()];
    given.extend(words.iter().map(|word| filled_in(word)));
    for arg in command.get_arguments() {
        let (Some(long), Some(variable)) = (arg.get_long(), arg.get_env()) else {
            continue;
        };
        let value = service.environment.get(&*variable.to_string_lossy());
        let value = value.map(|value| value.value.value.trim());
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        let flags: Vec<String> = [long]
            .into_iter()
            .chain(arg.get_all_aliases().unwrap_or_default())
            .map(|name| format!("--{name}"))
            .collect();
        if words.iter().any(|word| {
            flags
                .iter()
                .any(|flag| word.split('=').next() == Some(flag))
        }) {
            continue;
        }
        match arg.get_action() {
            ArgAction::SetTrue if value == "false" => {}
            ArgAction::SetTrue => given.push(format!("--{long}")),
            _ => given.push(format!("--{long}={}", filled_in(value))),
        }
    }
    let prefix = variable("option-");
    for (name, value) in &service.environment {
        if let Some(option) = name.strip_prefix(&prefix) {
            let option = option.to_lowercase().replace('_', "-");
            let value = filled_in(&value.value.value);
            given.push(format!("--option={option}={value}"));
        }
    }
    if name == "init" {
        given.extend(["--".to_owned(), "database".to_owned()]);
    }
    let command = command.mut_args(|arg| arg.env(Resettable::Reset));
    let args = command.try_get_matches_from(given).map_err(Failed::input)?;
    if args.contains_id("config") {
        // The file's clusters are another's affair.
        return Ok(());
    }
    match name {
        "run" => run(&args),
        "init" => init(&args),
        _ => Ok(()),
    }
}

fn run(args: &ArgMatches) -> Result<(), Failed> {
    cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?;
    listen::places(&cluster_args::given(args, PROCESS))?;
    Ok(())
}

fn init(args: &ArgMatches) -> Result<(), Failed> {
    if flag(args, "labels") {
        return Err(Failed::Input(
            "labels: found it for init; allowed: one cluster".into(),
        ));
    }
    cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?;
    let mut given = cluster_args::given(args, INIT);
    // Only the container knows whether it is there.
    given.remove("data-dir");
    Settings::validate(None, &given)?;
    Ok(())
}

/// A text as Swarm might fill it in: each template becomes a number, which is a
/// name as well.
fn filled_in(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else {
            break;
        };
        filled += before;
        filled.push('1');
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
        let environment = environment.iter().map(|(name, value)| {
            let variable = Variable {
                value: (*value).to_owned(),
                filled_in: false,
            };
            (format!("MESHWORKER_{name}"), At::nowhere(variable))
        });
        let refused = refuses(&Service {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: environment.collect(),
            ..Service::default()
        });
        refused.into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn what_a_worker_refuses_is_said_before_it_is_deployed() {
        let name = ("SERVICENAME", "db");
        let nothing = Vec::<String>::new();
        assert_eq!(said(&["run"], &[name, ("ENGINE", "redis")]), nothing);
        let template = ("NAME", "{{.Service.Name}}_db");
        assert_eq!(said(&["run"], &[name, template]), nothing);
        let host = (
            "OPTION_CONTROLLING_HOST",
            "{{index .Service.Labels \"stack\"}}_db",
        );
        let agraph = ("ENGINE", "allegrograph");
        assert_eq!(said(&["run"], &[name, agraph, host]), nothing);
        assert_eq!(said(&["run", "--config", "/c.toml"], &[]), nothing);
        for (words, environment, expected) in [
            (
                &["run"][..],
                &[][..],
                "servicename: found nothing; allowed: ",
            ),
            (
                &["run"],
                &[name, ("INTERVAL", "soon")],
                "interval: found 'soon'; allowed: ",
            ),
            (
                &["run", "--interval=soon"],
                &[name],
                "interval: found 'soon'; allowed: ",
            ),
            (
                &["run"],
                &[name, ("ENGINE", "mysql")],
                "engine: found 'mysql'; allowed: ",
            ),
            (
                &["run"],
                &[name, ("LISTEN", "4747")],
                "listen: found '4747'; allowed: ",
            ),
            (
                &["run"],
                &[name, ("LISTEN", "0.0.0.0:1")],
                "token-file: found nothing",
            ),
            (
                &["run"],
                &[name, ("OPTION_COPIES", "2")],
                "option.copies: found '2'",
            ),
            (
                &["sh", "-c", "exec meshworker run --prot 1"],
                &[name],
                "unexpected argument '--prot'",
            ),
        ] {
            let said = said(words, environment);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(
                said[0].starts_with(expected),
                "{words:?} {environment:?}: {said:?}"
            );
        }
    }

    #[test]
    fn what_a_supervisor_refuses_is_said_before_it_is_deployed() {
        let words = [
            "/opt/meshworker/meshworker",
            "init",
            "--",
            "redis-server",
            "--port",
            "1",
        ];
        let whole = [
            ("SERVICENAME", "db"),
            ("TOKEN_FILE", "/run/secrets/token"),
            ("SERVICE", "{{.Service.Name}}"),
            ("SLOT", "{{.Task.Slot}}"),
            ("TASK", "{{.Task.ID}}"),
            ("NODE", "{{.Node.ID}}"),
            ("DATA_DIR", "/data"),
        ];
        assert_eq!(said(&words, &whole), Vec::<String>::new());
        let missing = [
            "servicename",
            "token-file",
            "slot",
            "service",
            "task",
            "node",
        ];
        let all = said(&words, &[]);
        assert_eq!(all.len(), missing.len(), "{all:?}");
        for (line, name) in all.iter().zip(missing) {
            assert!(
                line.starts_with(&format!("{name}: found nothing")),
                "{line}"
            );
            let rest = whole.into_iter();
            let rest = rest.filter(|(given, _)| *given != name.to_uppercase().replace('-', "_"));
            assert_eq!(
                said(&words, &rest.collect::<Vec<_>>()),
                std::slice::from_ref(line)
            );
        }
    }
}
