//! Secrets that everybody can read.

use std::path::Path;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::model::Service;
use crate::stack::parts::tokens;

/// What the words of a name end with that stand for secrets.
const SECRET: [&str; 5] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN"];

/// Whole words that stand for secrets at the end of a name.
const WORD: [&str; 4] = ["PASS", "PWD", "COOKIE", "CREDENTIALS"];

/// Words before KEY that make it a secret.
const KEY: [&str; 7] = [
    "API",
    "PRIVATE",
    "ACCESS",
    "SECRET",
    "ENCRYPTION",
    "SIGNING",
    "MASTER",
];

/// Names, and ends of names, that are secrets, though their words do not say so.
const OWN: [&str; 4] = ["REQUIREPASS", "MASTERAUTH", "PRIMARYAUTH", "REDISCLI_AUTH"];

/// Variables of clients, which no image reads from a file.
const CLIENTS: [&str; 6] = [
    "AWS_SECRET_ACCESS_KEY",
    "ETCDCTL_PASSWORD",
    "MYSQL_PWD",
    "PGPASSWORD",
    "REDISCLI_AUTH",
    "VALKEYCLI_AUTH",
];

/// Last words of names whose values only say where a secret is, or how it is used.
const ABOUT: [&str; 38] = [
    "FILE",
    "FILES",
    "PATH",
    "DIR",
    "NAME",
    "URL",
    "URI",
    "ID",
    "TTL",
    "LENGTH",
    "SIZE",
    "COUNT",
    "LIMIT",
    "MIN",
    "MAX",
    "AGE",
    "EXPIRY",
    "EXPIRES",
    "EXPIRATION",
    "LIFETIME",
    "TIMEOUT",
    "SECONDS",
    "MINUTES",
    "HOURS",
    "DAYS",
    "TYPE",
    "METHOD",
    "MODE",
    "FORMAT",
    "HEADER",
    "ISSUER",
    "ALGORITHM",
    "POLICY",
    "ENABLED",
    "REQUIRED",
    "HOST",
    "PORT",
    "ENDPOINT",
];

pub const PLAIN: Check<Ground> = Check {
    name: "secret-in-plain",
    finds: "a password or token in the environment, on the command line or in a health check",
    run: |ground| {
        let mut findings = Vec::new();
        for service in &ground.stack.services {
            for (name, variable) in &service.environment {
                let place = variable.place.as_ref();
                if is_secret(name) && holds_one(&variable.value.value, name) {
                    let what = format!("The variable {name} holds a secret.");
                    let instead = without(name);
                    findings.push(finding(service, what, "").instead(instead).at(place));
                } else if has_password(&variable.value.value) {
                    let what = format!("The URL in the variable {name} holds a password.");
                    findings.push(finding(service, what, &name.to_lowercase()).at(place));
                }
            }
            for flag in flags(&tokens(service)) {
                let what = format!("The flag {flag} on its command line holds a secret.");
                findings.push(finding(service, what, flag).at(service.words_place.as_ref()));
            }
            if tokens(service).iter().any(|word| has_password(word)) {
                let what = "A URL on its command line holds a password.".to_owned();
                findings.push(finding(service, what, "url").at(service.words_place.as_ref()));
            }
            let health = service.health.as_ref();
            let probe = health.map(|health| {
                health
                    .value
                    .test
                    .iter()
                    .flat_map(|word| word.split_whitespace())
            });
            let probe: Vec<&str> = probe.into_iter().flatten().collect();
            for flag in flags(&probe) {
                let what = format!("The flag {flag} in its health check holds a secret.");
                let place = health.and_then(|health| health.place.as_ref());
                findings.push(finding(service, what, flag).at(place));
            }
        }
        Ok(findings)
    },
};

/// What to write instead of a variable that holds a secret.
fn without(name: &str) -> String {
    let file = name.to_lowercase().replace('_', "-");
    match CLIENTS.contains(&name) {
        true => format!(
            "secrets: [{file}]\n# and in the command that runs the client, which reads no such file itself:\n{name}=\"$$(cat /run/secrets/{file})\""
        ),
        false => format!(
            "environment:\n  {name}_FILE: /run/secrets/{file}\nsecrets: [{file}]\n# where the image reads such a file; its documentation says so"
        ),
    }
}

fn finding(service: &Service, what: String, name: &str) -> Finding {
    let file = match name {
        "-a" => "password".to_owned(),
        name => name.trim_start_matches('-').replace('_', "-"),
    };
    Finding::new(Severity::Error, service.subject(), what)
        .why("Whoever may look at the service, the container or the stack file can read it, and it stays in their histories.")
        .instead(format!("secrets: [{file}], and the program's option that reads it from /run/secrets/{file}"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase().replace(['-', '.'], "_");
    // A name that others find the cluster by.
    if name.ends_with("INITIAL_CLUSTER_TOKEN") {
        return false;
    }
    let words: Vec<&str> = name
        .split('_')
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect();
    let Some(last) = words.last() else {
        return false;
    };
    if ABOUT.contains(last) {
        return false;
    }
    OWN.iter().any(|own| name.ends_with(own))
        || WORD.contains(last)
        || words
            .iter()
            .any(|word| SECRET.iter().any(|end| word.ends_with(end)))
        || words
            .windows(2)
            .any(|two| matches!(two, [what, "KEY"] if KEY.contains(what)))
}

/// Whether the value is the secret itself, not a path, a switch or a template, or
/// something that the container's own shell fills in.
fn holds_one(value: &str, name: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let switch = matches!(
        value.to_lowercase().as_str(),
        "" | "yes" | "no" | "true" | "false" | "0" | "1" | "none" | "null"
    );
    let elsewhere = value.starts_with(['/', '$', '<']) || value.contains("{{");
    let number = name.to_uppercase().contains("TOKEN") && value.bytes().all(|b| b.is_ascii_digit());
    !switch && !elsewhere && !number
}

/// Whether a text holds a URL with a password in it.
fn has_password(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let login = word.split_once("://").and_then(|(_, rest)| {
            let host = rest.split(['/', '?', '#']).next()?;
            host.rsplit_once('@')?.0.split_once(':')
        });
        login.is_some_and(|(_, password)| holds_one(password, ""))
    })
}

/// Flags of a command line that are followed by a secret, by their names.
fn flags<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let redis = words
        .iter()
        .any(|word| word.ends_with("redis-cli") || word.ends_with("valkey-cli"));
    let flags = words.iter().enumerate().filter_map(|(at, word)| {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (*word, words.get(at + 1).copied()),
        };
        let name = match flag.strip_prefix("--") {
            Some(name) => name,
            None if redis && flag == "-a" => "password",
            None => return None,
        };
        let value = value.filter(|value| !value.starts_with('-'))?;
        (is_secret(name) && holds_one(value, name)).then_some(flag)
    });
    flags.collect()
}

pub const MISSING: Check<Ground> = Check {
    name: "secret-file",
    finds: "a file in /run/secrets that nothing mounts",
    run: |ground| {
        let mut findings = Vec::new();
        for service in &ground.stack.services {
            let secrets = service
                .secrets
                .iter()
                .map(|secret| secret.value.path("/run/secrets/"));
            let configs = service.configs.iter().map(|config| config.value.path("/"));
            let mounts = service
                .mounts
                .iter()
                .map(|mount| mount.value.target.clone());
            let there: Vec<String> = secrets.chain(configs).chain(mounts).collect();
            let is_there = |path: &str| there.iter().any(|own| Path::new(path).starts_with(own));
            let mut told: Vec<&str> = Vec::new();
            let variables = service
                .environment
                .values()
                .map(|variable| (variable.value.value.trim(), variable.place.as_ref()));
            let words = tokens(service).into_iter().map(|word| {
                let word = word.split_once('=').map_or(word, |(_, value)| value);
                (word, service.words_place.as_ref())
            });
            for (path, place) in variables.chain(words) {
                let name = path.strip_prefix("/run/secrets/");
                // One file, and nothing around it that a shell would understand.
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                let Some(name) = name.filter(|name| !name.is_empty() && name.chars().all(plain))
                else {
                    continue;
                };
                if is_there(path) || told.contains(&path) {
                    continue;
                }
                told.push(path);
                let what = format!("It is told to read {path}, and no secret of its own is there.");
                findings.push(
                    Finding::new(Severity::Error, service.subject(), what)
                        .why("What cannot be read ends it, or leaves it without what the file should say.")
                        .instead(format!("secrets: [{name}]\n# and at the top: secrets: {{{name}: {{file: ...}}}}"))
                        .at(place),
                );
            }
        }
        Ok(findings)
    },
};

pub const ABSENT: Check<Ground> = Check {
    name: "file-absent",
    finds: "a file of a config or a secret that is not there",
    run: |ground| {
        let stack = &ground.stack;
        let secrets = stack
            .secrets
            .iter()
            .map(|(name, secret)| ("secret", name, secret));
        let configs = stack
            .configs
            .iter()
            .map(|(name, config)| ("config", name, config));
        let absent = secrets.chain(configs).filter(|(.., source)| source.absent);
        let findings = absent.filter_map(|(kind, name, source)| {
            let file = source.file.as_ref()?;
            Some(
                Finding::new(
                    Severity::Error,
                    format!("{kind} {name}"),
                    format!("There is no file {}.", file.value),
                )
                .why("`docker stack deploy` reads it, from the stack file's folder on, and deploys nothing without it.")
                .instead("a file that is there before the stack is deployed")
                .at(file.place.as_ref()),
            )
        });
        Ok(findings.collect())
    },
};

pub const EXAMPLE: Check<Ground> = Check {
    name: "example-secret",
    finds: "a secret whose content is a published example",
    run: |ground| {
        let secrets = ground.stack.secrets.iter();
        let examples = secrets.filter_map(|(name, secret)| {
            let file = secret.file.as_ref()?;
            file.value.ends_with(".example").then(|| {
                let what = format!("Its content is that of {}.", file.value);
                Finding::new(Severity::Warning, format!("secret {name}"), what)
                    .why("Everybody has the example, so it keeps nobody out.")
                    .instead(format!(
                        "openssl rand -hex 24 > secrets/generated/{name}, and name that file"
                    ))
                    .at(file.place.as_ref())
            })
        });
        Ok(examples.collect())
    },
};
