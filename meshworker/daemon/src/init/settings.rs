//! What the supervisor is told: raw text from flags and variables, validated
//! once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use meshworker_core::{NodeName, Told};
use meshworker_engines::External;

use super::address::{Pattern, Wish};
use super::course::Times;
use super::identity::Identity;
use super::restore::{self, Restore};
use super::subnet::Subnet;
use crate::config::setting::INIT;
use crate::config::{Given, Invalid, PORT, Reader, SECONDS, port_number, seconds, some_text};
use crate::token_file::TokenFile;

/// Everything that the supervisor needs to know besides the cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names or addresses of the workers.
    pub workers: Vec<String>,
    /// The port that they listen on.
    pub workers_port: u16,
    /// The port at which members' supervisors copy data to each other.
    pub copies_port: u16,
    /// The token that workers and members share.
    pub token: TokenFile,
    /// Where certificates for the database are written.
    pub certificates: Option<PathBuf>,
    /// Who this member is.
    pub identity: Identity,
    /// Where the slots of this node have their directories, if they do.
    pub data_dir: Option<PathBuf>,
    /// Where the names of the members of its service are kept.
    pub hosts_file: PathBuf,
    /// What the image has for places that its volumes hide.
    pub restore: Vec<Restore>,
    /// Where a database that goes to the background writes its process's number.
    pub pid_file: Option<PathBuf>,
    /// What was said of its address.
    pub wish: Wish,
    /// Where others reach its database instead of there.
    pub external: Option<External>,
    /// How it leaves.
    pub times: Times,
}

/// What is allowed for patterns.
const PATTERN: &str = "a text in which * stands for anything, such as eth* or 10.0.*";

/// What is allowed for it.
const VOLUME: &str = "a directory that every member of this node has, such as a volume's /data";

/// What is allowed for folders that are restored.
const FOLDERS: &str = "absolute paths, FROM=TO, comma between";

impl Settings {
    /// Validates what was given.
    ///
    /// # Errors
    ///
    /// Names the first setting that is missing or not allowed.
    pub fn validate(
        network: Option<String>,
        given: &BTreeMap<String, Given>,
    ) -> Result<Settings, Invalid> {
        let mut reader = Reader::new(INIT, given);
        let names = "DNS names or IP addresses, comma between";
        let workers = reader.required("workers", names, addresses)?;
        let workers_port = reader.required("workers-port", PORT, port_number)?;
        let copies_port = reader.required("copies-port", PORT, port_number)?;
        let token = reader.required("token-file", "a file", some_text)?;
        let identity = Identity {
            slot: expanded(&mut reader, "slot", "{{.Task.Slot}}", number_of)?,
            service: expanded(&mut reader, "service", "{{.Service.Name}}", some_text)?,
            task: expanded(&mut reader, "task", "{{.Task.ID}}", some_text)?,
            node: expanded(&mut reader, "node", "{{.Node.ID}}", some_text)?,
            node_name: reader.optional(
                "node-name",
                "what Swarm makes of {{.Node.Hostname}}",
                |name| (!name.contains("{{")).then(|| NodeName::from(name)),
            )?,
        };
        let grace = reader.required("grace", SECONDS, seconds)?;
        let stop = reader.optional("stop-time", SECONDS, seconds)?;
        let stop = stop.unwrap_or_else(|| Duration::from_secs(10).min(grace / 2));
        if stop >= grace {
            let grace = grace.as_secs_f64();
            return Err(reader.refused(
                "stop-time",
                format!("less than grace, which is {grace} s: the rest is the time to leave in"),
            ));
        }
        Ok(Settings {
            workers,
            workers_port,
            copies_port,
            token: TokenFile::new(token),
            certificates: reader.optional("certificates", "a folder", path)?,
            identity,
            data_dir: directory(&mut reader)?,
            hosts_file: reader.required("hosts-file", "a file", path)?,
            restore: (reader.optional("restore", FOLDERS, restore::pairs)?).unwrap_or_default(),
            pid_file: reader.optional("pid-file", "a file", path)?,
            wish: Wish {
                address: reader.optional("address", "an IP address", |ip| ip.parse().ok())?,
                subnet: reader.optional("subnet", "a subnet such as 10.0.1.0/24", |subnet| {
                    subnet.parse::<Subnet>().ok()
                })?,
                network,
                interface: reader.optional("interface", PATTERN, Pattern::parse)?,
                pattern: reader.optional("address-pattern", PATTERN, Pattern::parse)?,
            },
            external: external(&mut reader)?,
            times: Times {
                grace,
                stop,
                alone_after: reader.required("alone-after", SECONDS, seconds)?,
            },
        })
    }

    /// Whether the token can be read.
    ///
    /// # Errors
    ///
    /// It cannot, or is none.
    pub fn has_token(&self, given: &BTreeMap<String, Given>) -> Result<(), Invalid> {
        let read = self.token.read().map(|_| ());
        let allowed = "a file with the token that the workers have too";
        let reader = Reader::new(INIT, given);
        read.map_err(|why| reader.invalid("token-file", why.to_string(), allowed))
    }
}

/// The number of a replica: itself, or what a pod's name ends with.
pub fn number_of(slot: &str) -> Option<u64> {
    let number = slot.rsplit_once('-').map_or(slot, |(_, number)| number);
    number.parse().ok()
}

/// A value that Swarm fills in from a template, and Kubernetes from a pod's field.
fn expanded<T>(
    reader: &mut Reader<'_>,
    name: &str,
    template: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Invalid> {
    let allowed = format!(
        "what Swarm makes of {template}, which it expands in a service's env and hostname, or a field of its pod"
    );
    reader.required(name, &allowed, |text| {
        (!text.contains("{{")).then(|| parse(text)).flatten()
    })
}

/// Where a published port is.
fn external(reader: &mut Reader<'_>) -> Result<Option<External>, Invalid> {
    let allowed = "an IP address, or a name that the other members can look up";
    let host = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        let valid = !text.is_empty() && text.len() <= 253 && text.chars().all(fits);
        valid.then(|| text.to_owned())
    };
    let host = reader.optional("external-address", allowed, host)?;
    let port = reader.optional("external-port", PORT, port_number)?;
    match (host, port) {
        (Some(host), port) => Ok(Some(External { host, port })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(reader.refused("external-port", "beside external-address")),
    }
}

/// A directory that is there: what is not there is no place to begin anew in.
fn directory(reader: &mut Reader<'_>) -> Result<Option<PathBuf>, Invalid> {
    let Some(path) = reader.optional("data-dir", VOLUME, path)? else {
        return Ok(None);
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() && path.is_absolute() => Ok(Some(path)),
        Ok(_) => Err(reader.refused("data-dir", VOLUME)),
        Err(why) => {
            let found = format!("'{}': {why}", Told::<300>::from(path.display().to_string()));
            Err(reader.invalid("data-dir", found, VOLUME))
        }
    }
}

fn path(text: &str) -> Option<PathBuf> {
    some_text(text).map(PathBuf::from)
}

fn addresses(text: &str) -> Option<Vec<String>> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let one = |name: &str| {
        let name = name.trim();
        let valid = !name.is_empty() && name.len() <= 253 && name.chars().all(allowed);
        valid.then(|| name.to_owned())
    };
    text.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::config::Origin;

    fn token() -> tempfile::NamedTempFile {
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"secret of the tests\n").unwrap();
        token
    }

    fn validated(changes: &[(&str, &str)]) -> Result<Settings, String> {
        let token = token();
        let path = token.path().display().to_string();
        let always = [
            ("token-file", path.as_str()),
            ("slot", "2"),
            ("service", "service"),
            ("task", "task"),
            ("node", "node"),
        ];
        let mut raw: BTreeMap<&str, &str> = always.into();
        raw.extend(changes.iter().copied());
        let given = |value: &str| Given {
            value: value.to_owned(),
            origin: Origin::Flag,
        };
        let raw = raw.into_iter().filter(|(_, value)| !value.is_empty());
        let raw = raw.map(|(name, value)| (name.to_owned(), given(value)));
        let raw = raw.collect();
        let settings = Settings::validate(None, &raw).map_err(|why| why.to_string())?;
        settings.has_token(&raw).map_err(|why| why.to_string())?;
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
    fn ordinals_of_pods_begin_at_0_and_were_refused() {
        for (given, slot) in [("0", 0), ("redis-0", 0), ("cache-redis-12", 12)] {
            assert_eq!(validated(&[("slot", given)]).unwrap().identity.slot, slot);
        }
    }

    #[test]
    fn each_mistake_is_one_line_that_names_it() {
        let cases = [
            ("workers", "a b", "workers (flag): found 'a b'; allowed: "),
            (
                "workers-port",
                "0",
                "workers-port (flag): found '0'; allowed: 1 to 65535",
            ),
            (
                "token-file",
                "/nowhere",
                "token-file (flag): found /nowhere: No such file",
            ),
            (
                "token-file",
                "",
                "token-file (default): found nothing; allowed: a file, given by",
            ),
            (
                "slot",
                "{{.Task.Slot}}",
                "slot (flag): found '{{.Task.Slot}}'; allowed: ",
            ),
            (
                "slot",
                "two",
                "slot (flag): found 'two'; allowed: what Swarm makes of {{.Task.Slot}}",
            ),
            (
                "slot",
                "redis-",
                "slot (flag): found 'redis-'; allowed: what Swarm makes of {{.Task.Slot}}",
            ),
            (
                "service",
                "{{.Service.Name}}",
                "service (flag): found '{{.Service.Name}}'",
            ),
            (
                "task",
                "",
                "task (default): found nothing; allowed: what Swarm makes of {{.Task.ID}}",
            ),
            (
                "address",
                "x",
                "address (flag): found 'x'; allowed: an IP address",
            ),
            (
                "subnet",
                "10.0.1.0",
                "subnet (flag): found '10.0.1.0'; allowed: a subnet",
            ),
            (
                "data-dir",
                "/nowhere",
                "data-dir (flag): found '/nowhere': No such file",
            ),
            (
                "data-dir",
                "/etc/passwd",
                "data-dir (flag): found '/etc/passwd'; allowed: a directory",
            ),
            ("data-dir", "tmp", "data-dir (flag): found 'tmp"),
            (
                "restore",
                "/seed",
                "restore (flag): found '/seed'; allowed: absolute paths, FROM=TO",
            ),
            (
                "interface",
                "eth 0",
                "interface (flag): found 'eth 0'; allowed: a text in which * stands for anything",
            ),
            (
                "external-address",
                "a b",
                "external-address (flag): found 'a b'; allowed: an IP address, or a name",
            ),
            (
                "external-port",
                "7800",
                "external-port (flag): found '7800'; allowed: beside external-address",
            ),
            ("grace", "-1", "grace (flag): found '-1'; allowed: seconds"),
            (
                "stop-time",
                "10",
                "stop-time (flag): found '10'; allowed: less than grace",
            ),
            (
                "alone-after",
                "NaN",
                "alone-after (flag): found 'NaN'; allowed: seconds",
            ),
        ];
        for (name, value, expected) in cases {
            let line = validated(&[(name, value)]).map(|_| ()).unwrap_err();
            assert!(line.starts_with(expected), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }
}
