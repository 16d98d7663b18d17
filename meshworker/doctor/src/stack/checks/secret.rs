//! Secrets that everybody can read.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::model::{Service, Variable};

/// Parts of names that stand for secrets.
const SECRET: [&str; 8] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "TOKEN",
    "SECRET",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
];

/// Ends of names whose values only say where a secret is, or how it is used.
const ABOUT: [&str; 8] = [
    "_FILE", "_PATH", "_DIR", "_NAME", "_URL", "_ID", "_TTL", "_LENGTH",
];

pub const PLAIN: Check<Ground> = Check {
    name: "secret-in-plain",
    finds: "a password or token in the environment or on the command line",
    run: |ground| {
        let mut findings = Vec::new();
        for service in &ground.stack.services {
            for (name, variable) in &service.environment {
                if is_secret(name) && holds_one(&variable.value) {
                    let what = format!("The variable {name} holds a secret.");
                    let finding = finding(service, what, &name.to_lowercase());
                    let name = format!("{name}_FILE");
                    let file = name
                        .to_lowercase()
                        .trim_end_matches("_file")
                        .replace('_', "-");
                    findings.push(
                        finding
                            .instead(format!(
                                "environment:\n  {name}: /run/secrets/{file}\nsecrets: [{file}]"
                            ))
                            .at(variable.place.as_ref()),
                    );
                }
            }
            for flag in flags(service) {
                let what = format!("The flag {flag} on its command line holds a secret.");
                findings.push(finding(service, what, flag).at(service.words_place.as_ref()));
            }
        }
        Ok(findings)
    },
};

fn finding(service: &Service, what: String, name: &str) -> Finding {
    let file = name.trim_start_matches('-').replace('_', "-");
    Finding::new(Severity::Error, service.subject(), what)
        .why("Whoever may look at the service, the container or the stack file can read it, and it stays in their histories.")
        .instead(format!("secrets: [{file}], and the program's option that reads it from /run/secrets/{file}"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase().replace('-', "_");
    SECRET.iter().any(|part| name.contains(part)) && !ABOUT.iter().any(|end| name.ends_with(end))
}

/// Whether the value is the secret itself, not a path, a switch or a template.
fn holds_one(variable: &Variable) -> bool {
    let value = variable.value.trim();
    let switch = matches!(
        value.to_lowercase().as_str(),
        "yes" | "no" | "true" | "false" | "0" | "1"
    );
    let elsewhere = value.starts_with('/') || value.contains("{{");
    // What is filled in from outside is in the service all the same.
    (variable.filled_in || !value.is_empty()) && !elsewhere && !switch
}

/// Flags of the command line that are followed by a secret, by their names.
fn flags(service: &Service) -> Vec<&str> {
    let words = &service.words;
    let flags = words.iter().enumerate().filter_map(|(at, word)| {
        let name = word.strip_prefix("--")?;
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (name, words.get(at + 1).map(String::as_str)),
        };
        let value = value.filter(|value| !value.starts_with('-'))?;
        let holds = holds_one(&Variable {
            value: value.to_owned(),
            filled_in: false,
        });
        (is_secret(name) && holds).then(|| word.split('=').next().unwrap_or_default())
    });
    flags.collect()
}

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
