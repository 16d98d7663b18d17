//! One cluster's configuration, validated.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use meshworker_core::{Limits, Told, is_harmful};
use meshworker_engines::registry::Kind;
use meshworker_engines::{Access, Descriptor, PRIMARY, SecretFile, Tls};

use super::hooks::{HOOK, Hook, Hooks};
use super::raw::{Given, Origin, Raw};
use super::reader::{
    Invalid, PORT, Reader, SECONDS, port_number, seconds, seconds_or_zero, some_text, valid_name,
};
use super::setting::SETTINGS;
use crate::kubernetes;
use crate::token_file::TokenFile;

/// Which addresses to ask the name server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpFamily {
    /// A and AAAA.
    Both,
    /// A.
    V4,
    /// AAAA.
    V6,
}

/// How DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// The names whose addresses are the replicas.
    pub names: Vec<String>,
    /// Whom to ask; none for those of `/etc/resolv.conf`.
    pub name_servers: Option<Vec<SocketAddr>>,
    /// Which addresses.
    pub family: IpFamily,
    /// How long a look-up may take.
    pub deadline: Duration,
}

/// How the Docker API is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Docker {
    /// The full names of the services whose replicas are the members.
    pub services: Vec<String>,
    /// The network that members and worker share; none for the service's only one.
    pub network: Option<String>,
}

/// How the API of Kubernetes is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// The StatefulSets whose pods are the members.
    pub statefulsets: Vec<String>,
    /// Whether it has to be a witness, so that nobody is forgotten while it may not be asked.
    pub required: bool,
}

/// One cluster's configuration: complete, and every value allowed.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// What it is called.
    pub name: String,
    /// Its database.
    pub engine: Kind,
    /// How DNS is asked.
    pub dns: Dns,
    /// How the Docker API is asked; none when it is no witness.
    pub docker: Option<Docker>,
    /// How the API of Kubernetes is asked; none when it is no witness.
    pub kubernetes: Option<Kubernetes>,
    /// How its members are reached.
    pub access: Access,
    /// What may be done to it.
    pub limits: Limits,
    /// The fewest members that count as the whole.
    pub min_members: usize,
    /// The longest time between two looks when nothing is open.
    pub interval: Duration,
    /// What is run before and after another member becomes primary.
    pub hooks: Hooks,
    /// Every setting's effective value and where it comes from, for `config check`.
    pub effective: Vec<(String, Given)>,
}

/// The surroundings that a default depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether a Docker API can be expected to answer.
    pub docker: bool,
    /// Whether this is a pod of Kubernetes.
    pub kubernetes: bool,
    /// The namespace of that pod, where it may speak to the API of Kubernetes.
    pub namespace: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Surroundings {
        Surroundings {
            docker: std::env::var_os("DOCKER_HOST").is_some()
                || Path::new("/var/run/docker.sock").exists(),
            kubernetes: std::env::var_os(kubernetes::HOST).is_some(),
            namespace: kubernetes::Account::namespace_here(),
        }
    }

    /// A container of Docker's, with or without its API.
    pub fn of_docker(docker: bool) -> Surroundings {
        Surroundings {
            docker,
            kubernetes: false,
            namespace: None,
        }
    }

    /// The lowest number that a replica has: Swarm counts from 1, a StatefulSet from 0.
    pub fn first_slot(&self) -> u64 {
        match self.kubernetes {
            true => 0,
            false => 1,
        }
    }
}

impl Cluster {
    /// Validates what was given and fills in the defaults.
    ///
    /// # Errors
    ///
    /// Names the first setting whose value is not allowed or missing, what was
    /// found, and what is allowed. Files that hold secrets need not exist yet:
    /// they are read when they are used.
    pub fn validate(raw: &Raw, around: Surroundings) -> Result<Cluster, Invalid> {
        plain(raw)?;
        let mut reader = Reader::new(SETTINGS, &raw.settings);
        let engines: Vec<&str> = Kind::ALL
            .iter()
            .map(|kind| kind.descriptor().name)
            .collect();
        let names = reader.required("servicename", NAMES, valid_names)?;
        let first = names.first().cloned().unwrap_or_default();
        let name = reader.or("name", first, "a name", valid_name)?;
        let engine = reader.required("engine", &engines.join(", "), Kind::find)?;
        let described = engine.descriptor();
        let port = reader.or("port", described.port, PORT, port_number)?;
        let service_port = described.service_port.unwrap_or(port);
        let service_port = reader.or("service-port", service_port, PORT, port_number)?;
        let tls = reader.required("tls", "yes, no", yes_or_no)?;
        let tls = reader.tls(tls)?;
        let access = Access {
            port,
            service_port,
            cluster_name: reader.optional("cluster-name", "a name", some_text)?,
            user: reader.optional("user", "a name", some_text)?,
            password: reader.optional("password-file", "a file", |text| {
                some_text(text).map(SecretFile::new)
            })?,
            tls,
            deadline: reader.required("deadline", SECONDS, seconds)?,
            options: BTreeMap::new(),
        };
        if !described.login {
            reader.no_login(described)?;
        }
        let options = reader.options(described, &raw.options)?;
        let limits = Limits {
            removal_hold: reader.required("removal-hold", SECONDS, seconds_or_zero)?,
            removal_window: reader.required("removal-window", SECONDS, seconds_or_zero)?,
            mass_vanish_hold: reader.required("mass-vanish-hold", SECONDS, seconds_or_zero)?,
            first_slot: around.first_slot(),
            ..Limits::default()
        };
        let dns = Dns {
            name_servers: reader.optional(
                "name-server",
                "IP or IP:PORT, comma between",
                name_servers,
            )?,
            family: reader.required("ip-family", "both, v4, v6", ip_family)?,
            deadline: reader.required("dns-deadline", SECONDS, seconds)?,
            names,
        };
        let use_docker = reader.required("docker", "auto, yes, no", |text| match text {
            "auto" => Some(around.docker),
            _ => yes_or_no(text),
        })?;
        let services = reader.or("docker-service", dns.names.join(","), NAMES, |text| {
            valid_names(text).map(|names| names.join(","))
        })?;
        let services = services.split(',').map(str::to_owned).collect();
        let network = reader.optional("network", "a name", some_text)?;
        let required = reader.required("kubernetes", "auto, yes, no", |text| match text {
            "auto" => Some(None),
            _ => yes_or_no(text).map(Some),
        })?;
        let use_kubernetes = required.unwrap_or(around.kubernetes && around.namespace.is_some());
        let required = required == Some(true);
        let parse = |text: &str| valid_names(text).map(|names| names.join(","));
        let sets = match called_here(&dns.names, &around) {
            Some(sets) => Some(reader.or("kubernetes-statefulset", sets, NAMES, parse)?),
            None => reader.optional("kubernetes-statefulset", NAMES, parse)?,
        };
        let statefulsets = match sets {
            // Whose members those are nobody here can list.
            None if use_kubernetes && required => {
                return Err(reader.refused(
                    "kubernetes-statefulset",
                    "the StatefulSet of each service name, in the worker's own namespace: of \
                     another one its pods cannot be listed, and kubernetes must be no",
                ));
            }
            sets => sets.filter(|_| use_kubernetes),
        };
        let kubernetes = statefulsets.map(|sets| Kubernetes {
            statefulsets: sets.split(',').map(str::to_owned).collect(),
            required,
        });
        Ok(Cluster {
            name,
            engine,
            dns,
            docker: use_docker.then_some(Docker { services, network }),
            kubernetes,
            access: Access { options, ..access },
            limits,
            min_members: reader.required("min-members", "a count from 1", |text| {
                text.parse().ok().filter(|count| *count > 0)
            })?,
            interval: reader.required("interval", SECONDS, seconds)?,
            hooks: reader.hooks(described)?,
            effective: reader.effective,
        })
    }
}

/// What services are called within the worker's own namespace; none where one of them is, or
/// may be, of another one: a StatefulSet that is called like it would be somebody else's.
fn called_here(names: &[String], around: &Surroundings) -> Option<String> {
    let own = |name: &String| {
        let mut labels = name.trim_end_matches('.').split('.');
        let first = labels.next()?.to_owned();
        let namespace = labels.next();
        let here = namespace.is_none() || namespace == around.namespace.as_deref();
        (here && labels.next().is_none_or(|label| label == "svc")).then_some(first)
    };
    let sets: Vec<String> = names.iter().map(own).collect::<Option<_>>()?;
    valid_names(&sets.join(",")).map(|sets| sets.join(","))
}

/// What is allowed for names.
const NAMES: &str = "a DNS name, or several different ones with commas between, at most 16";

/// So many services may be one cluster.
const MOST_SERVICES: usize = 16;

/// One name, or several that are parted by commas.
fn valid_names(text: &str) -> Option<Vec<String>> {
    let names = text.split(',').map(|name| valid_name(name.trim()));
    let names: Vec<String> = names.collect::<Option<_>>()?;
    let different = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (different && names.len() <= MOST_SERVICES).then_some(names)
}

/// No setting is longer, in bytes.
const LONGEST: usize = 4096;

/// Whether every value is one that can be shown: some come from labels, and from
/// files that others write.
fn plain(raw: &Raw) -> Result<(), Invalid> {
    for (name, given) in raw.settings.iter().chain(&raw.options) {
        let Given { value, origin } = given;
        if value.len() > LONGEST || value.chars().chain(name.chars()).any(is_harmful) {
            return Err(Invalid {
                name: Told::<100>::from(name.as_str()).into_string(),
                origin: origin.clone(),
                found: format!("'{}'", Told::<100>::from(value.as_str())),
                allowed: format!(
                    "at most {LONGEST} bytes, without control characters, line breaks and the like"
                ),
            });
        }
    }
    Ok(())
}

impl Reader<'_> {
    fn tls(&mut self, wanted: bool) -> Result<Option<Tls>, Invalid> {
        let file = |text: &str| some_text(text).map(PathBuf::from);
        let ca_file = self.optional("tls-ca-file", "a file", file)?;
        let client = self.both(["tls-cert-file", "tls-key-file"], file)?;
        let server_name = self.optional("tls-server-name", "a DNS name", valid_name)?;
        Ok(wanted.then_some(Tls {
            ca_file,
            client,
            server_name,
        }))
    }

    fn hooks(&mut self, engine: &Descriptor) -> Result<Hooks, Invalid> {
        let hooks = Hooks {
            before: self.optional("hook-before", HOOK, Hook::parse)?,
            after: self.optional("hook-after", HOOK, Hook::parse)?,
            token: self.optional("hook-token-file", "a file", |text| {
                some_text(text).map(TokenFile::new)
            })?,
            patience: self.required("hook-timeout", SECONDS, seconds)?,
        };
        if engine.options.iter().any(|option| option.name == PRIMARY) {
            return Ok(hooks);
        }
        let given = [("hook-before", &hooks.before), ("hook-after", &hooks.after)];
        match given.iter().find(|(_, hook)| hook.is_some()) {
            None => Ok(hooks),
            Some((name, _)) => Err(self.refused(
                name,
                format!(
                    "nothing, because nobody chooses the primary of {}",
                    engine.title
                ),
            )),
        }
    }

    /// Refuses credentials that this engine could not use.
    fn no_login(&self, engine: &Descriptor) -> Result<(), Invalid> {
        let mut given = self.effective.iter().map(|(name, _)| name.as_str());
        let Some(name) = given.find(|name| ["user", "password-file"].contains(name)) else {
            return Ok(());
        };
        let title = engine.title;
        Err(self.refused(
            name,
            format!("nothing, because logging in to {title} is not supported"),
        ))
    }

    fn options(
        &mut self,
        engine: &Descriptor,
        options: &BTreeMap<String, Given>,
    ) -> Result<BTreeMap<String, String>, Invalid> {
        let given = options.iter();
        let given = given.map(|(name, given)| (name.clone(), given.value.clone()));
        let complete = engine.complete(&given.collect()).map_err(|invalid| {
            let name = invalid.option().to_owned();
            let given = options.get(&name);
            Invalid {
                origin: given.map_or(Origin::Default, |given| given.origin.clone()),
                found: given.map_or("nothing".into(), |given| format!("'{}'", given.value)),
                allowed: invalid.allowed(),
                name: format!("option.{name}"),
            }
        })?;
        for (name, value) in &complete {
            let given = options.get(name).cloned().unwrap_or(Given {
                value: value.clone(),
                origin: Origin::Default,
            });
            self.effective.push((format!("option.{name}"), given));
        }
        Ok(complete)
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn ip_family(text: &str) -> Option<IpFamily> {
    match text {
        "both" => Some(IpFamily::Both),
        "v4" => Some(IpFamily::V4),
        "v6" => Some(IpFamily::V6),
        _ => None,
    }
}

fn name_servers(text: &str) -> Option<Vec<SocketAddr>> {
    text.split(',')
        .map(|server| {
            let server = server.trim();
            let plain = IpAddr::from_str(server).map(|ip| SocketAddr::new(ip, 53));
            plain.or_else(|_| SocketAddr::from_str(server)).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests;
