//! What the supervisor is told: raw text from flags and variables, validated
//! once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use meshworker_core::Told;

use super::address::Wish;
use super::course::Times;
use super::identity::Identity;
use super::subnet::Subnet;
use crate::config::variable;
use crate::token_file::TokenFile;

/// One setting of the supervisor: a flag (`--NAME`) and a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitSetting {
    /// Its name, in lower case with hyphens.
    pub name: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// What it means, with unit and default.
    pub help: &'static str,
}

const fn setting(name: &'static str, value: &'static str, help: &'static str) -> InitSetting {
    InitSetting { name, value, help }
}

/// Every setting that only the supervisor has.
pub const INIT_SETTINGS: &[InitSetting] = &[
    setting(
        "workers",
        "NAME,...",
        "The DNS name of the workers' service, or addresses [default: meshworker]",
    ),
    setting(
        "workers-port",
        "PORT",
        "The port that the workers listen on for announcements [default: 4747]",
    ),
    setting(
        "token-file",
        "FILE",
        "The file that holds the token which workers and members share",
    ),
    setting(
        "certificates",
        "DIR",
        "Write ca.pem, cert.pem and key.pem there, made from the token, for the database [default: nowhere]",
    ),
    setting(
        "service",
        "NAME",
        "This replica's service: {{.Service.Name}}",
    ),
    setting("slot", "NUMBER", "This replica's slot: {{.Task.Slot}}"),
    setting("task", "ID", "This replica's task: {{.Task.ID}}"),
    setting("node", "ID", "The node that it runs on: {{.Node.ID}}"),
    setting(
        "address",
        "IP",
        "Where the database is reached [default: chosen by subnet, network or what is left]",
    ),
    setting(
        "subnet",
        "CIDR",
        "The subnet of the database's address, such as 10.0.1.0/24",
    ),
    setting(
        "data-dir",
        "DIR",
        "The volume with a directory for each slot of this node: the database starts in that of its slot, once nobody else uses it",
    ),
    setting(
        "grace",
        "SECONDS",
        "The stack's stop_grace_period, in seconds [default: 10]",
    ),
    setting(
        "stop-time",
        "SECONDS",
        "How much of that the database needs to stop cleanly [default: 10, at most half of grace]",
    ),
    setting(
        "alone-after",
        "SECONDS",
        "How long no worker may answer before it decides alone [default: 60]",
    ),
];

/// Everything that the supervisor needs to know besides the cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names or addresses of the workers.
    pub workers: Vec<String>,
    /// The port that they listen on.
    pub workers_port: u16,
    /// The token that workers and members share.
    pub token: TokenFile,
    /// Where certificates for the database are written.
    pub certificates: Option<PathBuf>,
    /// Who this member is.
    pub identity: Identity,
    /// Where the slots of this node have their directories, if they do.
    pub data_dir: Option<PathBuf>,
    /// What was said of its address.
    pub wish: Wish,
    /// How it leaves.
    pub times: Times,
}

/// A value that is not allowed, or missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: found {found}; allowed: {allowed}")]
pub struct InvalidInit {
    name: &'static str,
    found: String,
    allowed: String,
}

const SECONDS: &str = "seconds, such as 60, at most a day";

impl Settings {
    /// Validates what was given; `given` returns the text of a setting.
    ///
    /// # Errors
    ///
    /// Names the first setting that is missing or not allowed.
    pub fn validate(
        network: Option<String>,
        given: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Settings, InvalidInit> {
        // A variable that a stack file sets to nothing is not set.
        let given = Given(|name| given(name).filter(|text| !text.trim().is_empty()));
        let workers = given.or("workers", "meshworker");
        let workers: Vec<String> = workers.split(',').map(|w| w.trim().to_owned()).collect();
        if let Some(bad) = workers.iter().find(|worker| !is_name(worker)) {
            return Err(invalid(
                "workers",
                bad,
                "DNS names or IP addresses, comma between",
            ));
        }
        let port = given.or("workers-port", "4747");
        let workers_port = port.parse().ok().filter(|port: &u16| *port > 0);
        let workers_port =
            workers_port.ok_or_else(|| invalid("workers-port", &port, "1 to 65535"))?;
        let token = TokenFile::new(given.required("token-file", "a file")?);
        let slot = given.expanded("slot", "{{.Task.Slot}}")?;
        let identity = Identity {
            service: given.expanded("service", "{{.Service.Name}}")?,
            slot: slot
                .parse()
                .ok()
                .filter(|slot| *slot > 0)
                .ok_or_else(|| invalid("slot", &slot, "a number from 1, {{.Task.Slot}}"))?,
            task: given.expanded("task", "{{.Task.ID}}")?,
            node: given.expanded("node", "{{.Node.ID}}")?,
        };
        let grace = given.seconds("grace", 10.0)?;
        let stop = given.seconds("stop-time", 10.0_f64.min(grace.as_secs_f64() / 2.0))?;
        if stop >= grace {
            let found = format!("'{}'", stop.as_secs_f64());
            return Err(InvalidInit {
                name: "stop-time",
                found,
                allowed: format!(
                    "less than grace, which is {} s: the rest is the time to leave in",
                    grace.as_secs_f64()
                ),
            });
        }
        Ok(Settings {
            workers,
            workers_port,
            token,
            certificates: given.parsed("certificates", "a folder")?,
            identity,
            data_dir: given.directory("data-dir")?,
            wish: Wish {
                address: given.parsed::<IpAddr>("address", "an IP address")?,
                subnet: given.parsed::<Subnet>("subnet", "a subnet such as 10.0.1.0/24")?,
                network,
            },
            times: Times {
                grace,
                stop,
                alone_after: given.seconds("alone-after", 60.0)?,
            },
        })
    }
}

impl Settings {
    /// Whether the token can be read.
    ///
    /// # Errors
    ///
    /// It cannot, or is none.
    pub fn has_token(&self) -> Result<(), InvalidInit> {
        let read = self.token.read().map(|_| ());
        read.map_err(|why| InvalidInit {
            name: "token-file",
            found: why.to_string(),
            allowed: "a file with the token that the workers have too".into(),
        })
    }
}

struct Given<F>(F);

impl<F: Fn(&'static str) -> Option<String>> Given<F> {
    fn or(&self, name: &'static str, default: &str) -> String {
        let given = (self.0)(name).map(|text| text.trim().to_owned());
        given.unwrap_or_else(|| default.to_owned())
    }

    fn required(&self, name: &'static str, allowed: &str) -> Result<String, InvalidInit> {
        (self.0)(name).ok_or_else(|| InvalidInit {
            name,
            found: "nothing".into(),
            allowed: format!("{allowed}, given by --{name} or {}", variable(name)),
        })
    }

    /// A directory that is there.
    fn directory(&self, name: &'static str) -> Result<Option<PathBuf>, InvalidInit> {
        let Some(text) = (self.0)(name) else {
            return Ok(None);
        };
        let path = PathBuf::from(text.trim());
        let allowed = "a directory that every member of this node has, such as a volume's /data";
        // What is not there is no place to begin anew in.
        let found = std::fs::metadata(&path);
        match found {
            Ok(found) if found.is_dir() && path.is_absolute() => Ok(Some(path)),
            Ok(_) => Err(invalid(name, &text, allowed)),
            Err(why) => Err(invalid(name, &format!("{text}: {why}"), allowed)),
        }
    }

    /// A value that Swarm fills in from a template.
    fn expanded(&self, name: &'static str, template: &str) -> Result<String, InvalidInit> {
        let text = self.required(name, &format!("what Swarm makes of {template}"))?;
        if text.contains("{{") {
            let allowed = format!(
                "what Swarm makes of {template}; it expands templates in a service's env and hostname"
            );
            return Err(invalid(name, &text, &allowed));
        }
        Ok(text.trim().to_owned())
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        allowed: &str,
    ) -> Result<Option<T>, InvalidInit> {
        let Some(text) = (self.0)(name) else {
            return Ok(None);
        };
        let parsed = text.trim().parse();
        parsed.map(Some).map_err(|_| invalid(name, &text, allowed))
    }

    fn seconds(&self, name: &'static str, default: f64) -> Result<Duration, InvalidInit> {
        let text = self.or(name, &default.to_string());
        let seconds = text.parse().ok().filter(|s| (0.001..=86_400.0).contains(s));
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| invalid(name, &text, SECONDS))
    }
}

fn invalid(name: &'static str, found: &str, allowed: &str) -> InvalidInit {
    InvalidInit {
        name,
        found: format!("'{}'", Told::<300>::from(found)),
        allowed: allowed.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    !text.is_empty() && text.len() <= 253 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn token() -> tempfile::NamedTempFile {
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"secret of the tests\n").unwrap();
        token
    }

    fn validated(changes: &[(&str, &str)]) -> Result<Settings, String> {
        let token = token();
        let path = token.path().display().to_string();
        let given = |name: &'static str| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            match (change, name) {
                (Some((_, value)), _) => Some((*value).to_owned()),
                (None, "token-file") => Some(path.clone()),
                (None, "slot") => Some("2".into()),
                (None, "service" | "task" | "node") => Some(name.into()),
                (None, _) => None,
            }
        };
        let settings = Settings::validate(None, given).map_err(|why| why.to_string())?;
        settings.has_token().map_err(|why| why.to_string())?;
        Ok(settings)
    }

    #[test]
    fn the_defaults_leave_half_of_swarms_ten_seconds_to_the_database() {
        let settings = validated(&[]).unwrap();
        assert_eq!(settings.times.grace, Duration::from_secs(10));
        assert_eq!(settings.times.stop, Duration::from_secs(5));
        assert_eq!(settings.workers, ["meshworker"]);
        assert_eq!(settings.workers_port, 4747);
        let patient = validated(&[("grace", "600")]).unwrap();
        assert_eq!(patient.times.stop, Duration::from_secs(10));
    }

    #[test]
    fn each_mistake_is_one_line_that_names_it() {
        let cases = [
            ("workers", "a b", "workers: found 'a b'; allowed: "),
            (
                "workers-port",
                "0",
                "workers-port: found '0'; allowed: 1 to 65535",
            ),
            (
                "token-file",
                "/nowhere",
                "token-file: found /nowhere: No such file",
            ),
            (
                "token-file",
                "",
                "token-file: found nothing; allowed: a file, given by",
            ),
            (
                "slot",
                "{{.Task.Slot}}",
                "slot: found '{{.Task.Slot}}'; allowed: ",
            ),
            ("slot", "two", "slot: found 'two'; allowed: a number from 1"),
            ("slot", "0", "slot: found '0'; allowed: a number from 1"),
            (
                "service",
                "{{.Service.Name}}",
                "service: found '{{.Service.Name}}'",
            ),
            (
                "task",
                "",
                "task: found nothing; allowed: what Swarm makes of {{.Task.ID}}",
            ),
            ("address", "x", "address: found 'x'; allowed: an IP address"),
            (
                "subnet",
                "10.0.1.0",
                "subnet: found '10.0.1.0'; allowed: a subnet",
            ),
            (
                "data-dir",
                "/nowhere",
                "data-dir: found '/nowhere: No such file",
            ),
            (
                "data-dir",
                "/etc/passwd",
                "data-dir: found '/etc/passwd'; allowed: a directory",
            ),
            ("data-dir", "tmp", "data-dir: found 'tmp"),
            ("grace", "-1", "grace: found '-1'; allowed: seconds"),
            (
                "stop-time",
                "10",
                "stop-time: found '10'; allowed: less than grace",
            ),
            (
                "alone-after",
                "NaN",
                "alone-after: found 'NaN'; allowed: seconds",
            ),
        ];
        for (name, value, expected) in cases {
            let line = validated(&[(name, value)]).map(|_| ()).unwrap_err();
            assert!(line.starts_with(expected), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }
}
