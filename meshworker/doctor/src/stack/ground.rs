//! What the checks of a stack look at: the stack, and who plays which part.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_engines::registry::Kind;
use meshworker_engines::{Configured, Copies, Descriptor, Mistake};

use super::database::{self, Database};
use super::field::At;
use super::model::{Service, Stack};
use super::parts;
use super::worker_file::{self, Settings};
use crate::check::Unmade;
use crate::finding::Finding;

/// What this program would say of the settings of a worker, or of a supervisor, as
/// it refuses them: each setting's name, and a line.
pub type Refuses = fn(&Service) -> Vec<(String, String)>;

/// What the checks of a stack look at.
#[derive(Debug)]
pub struct Ground {
    /// The stack.
    pub stack: Stack,
    /// The clusters in it.
    clusters: Vec<Parts>,
    /// How many nodes may run it, where that is known.
    pub nodes: Option<usize>,
    /// How long members have taken to leave, where somebody has measured it.
    pub leave_time: Option<Duration>,
    /// What the program says of settings, where it can be asked.
    pub refuses: Option<Refuses>,
}

/// Who plays which part, as positions among the services, and what the worker's
/// file says of the cluster.
#[derive(Debug)]
struct Parts {
    member: usize,
    /// Other services whose replicas are members as well.
    others: Vec<usize>,
    worker: Option<usize>,
    file: Option<Settings>,
}

/// One cluster of the stack.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The service whose replicas are the members.
    pub member: &'a Service,
    /// How many members other services have, where the worker names several.
    others: usize,
    /// The service that looks after them, where the stack has one.
    pub worker: Option<&'a Service>,
    /// What the worker's configuration file says of the cluster.
    file: Option<&'a Settings>,
}

impl Ground {
    /// The stack, with its clusters found: those that a worker names, those
    /// that labels declare, those whose members run a supervisor, and databases
    /// that a worker could look after and that are clusters by all that can be
    /// seen.
    pub fn of(stack: Stack) -> Ground {
        let services = &stack.services;
        let mut clusters: Vec<Parts> = Vec::new();
        let mut free = Vec::new();
        for (at, worker) in services.iter().enumerate() {
            if !parts::is_worker(worker) {
                continue;
            }
            let files = worker_file::clusters(&stack, worker);
            let files = files.into_iter().map(Some);
            let mut named = false;
            for file in files.chain([None]) {
                let by_file = file
                    .as_ref()
                    .and_then(|file| file.get("servicename").cloned());
                let by_worker = || parts::setting(worker, "servicename").map(|name| name.value);
                let name = match file {
                    Some(_) => by_file,
                    None => by_worker(),
                };
                named |= name.is_some();
                let names = name.as_deref().map_or_else(Vec::new, parts::names);
                let found = names.iter().filter_map(|name| parts::named(services, name));
                let members: Vec<usize> = found.filter(|member| *member != at).collect();
                for member in &members {
                    let mut others = members.clone();
                    others.retain(|other| other != member);
                    add(&mut clusters, (*member, others), Some(at), file.clone());
                }
            }
            if !named {
                free.push(at);
            }
        }
        // Whom nobody names may be found by a worker of whom nothing is known.
        let free = free.first().copied();
        let labels = services.iter().position(parts::reads_labels);
        for (at, service) in services.iter().enumerate() {
            let label = service.labels.get(parts::ENABLE);
            if label.is_some_and(|label| label.value == "true") {
                add(&mut clusters, (at, Vec::new()), labels, None);
            }
            let by_itself = match database::of(service) {
                Some(Database::Known(kind)) => database::is_cluster(&stack, service, kind),
                _ => false,
            };
            if parts::is_supervised(service) || (by_itself && !parts::is_worker(service)) {
                add(&mut clusters, (at, Vec::new()), free, None);
            }
        }
        Ground {
            stack,
            clusters,
            nodes: None,
            leave_time: None,
            refuses: None,
        }
    }

    /// The clusters of the stack.
    pub fn clusters(&self) -> impl Iterator<Item = Watched<'_>> {
        let services = &self.stack.services;
        self.clusters.iter().filter_map(move |parts| {
            Some(Watched {
                member: services.get(parts.member)?,
                others: (parts.others.iter())
                    .filter_map(|other| services.get(*other)?.wanted())
                    .sum(),
                worker: parts.worker.and_then(|worker| services.get(worker)),
                file: parts.file.as_ref(),
            })
        })
    }

    /// The clusters of the stack whose members are the replicas of one service.
    ///
    /// # Errors
    ///
    /// There is none, so that nothing can be said of members.
    pub fn some_clusters(&self) -> Result<Vec<Watched<'_>>, Unmade> {
        let (alone, clusters): (Vec<_>, Vec<_>) = self.clusters().partition(Watched::is_alone);
        if !clusters.is_empty() {
            return Ok(clusters);
        }
        let unknown = if self.stack.services.is_empty() && !self.stack.refused.is_empty() {
            "what Docker refuses could not be read any further; mend that first"
        } else if self.stack.services.is_empty() {
            "there are no services; name the file that this one adds to as well, by another --stack"
        } else if alone.len() > 1 {
            "services of one replica each are looked at as members where a worker names all of them in its MESHWORKER_SERVICENAME"
        } else if self.workers().next().is_some() {
            "its worker looks after no service here; name the members' stack file as well, by another --stack"
        } else {
            let nothing = "no service here is seen to have a cluster's members, by image, command, label or worker";
            return Err(Unmade::Nothing(nothing.into()));
        };
        Err(unknown.into())
    }

    /// What is found of each cluster, if anything is.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn of_each_cluster(
        &self,
        check: impl FnMut(Watched<'_>) -> Option<Finding>,
    ) -> Result<Vec<Finding>, Unmade> {
        Ok(self
            .some_clusters()?
            .into_iter()
            .filter_map(check)
            .collect())
    }

    /// The workers of the stack.
    pub fn workers(&self) -> impl Iterator<Item = &Service> {
        let services = self.stack.services.iter();
        services.filter(|service| parts::is_worker(service))
    }

    /// The services that keep data: members, and databases of every other kind.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn databases(&self) -> Result<Vec<&Service>, Unmade> {
        let services = self.stack.services.iter();
        let member = |name: &str| self.clusters().any(|cluster| cluster.member.name == name);
        let found = services.filter(|service| {
            member(&service.name) || (database::of(service).is_some() && !parts::is_worker(service))
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            self.some_clusters()?;
        }
        Ok(found)
    }

    /// How often each record is to be kept, where the stack says so.
    pub fn copies(&self, cluster: &Watched<'_>) -> Option<Copies> {
        self.configured(cluster, |engine, configured| {
            (engine.sizing.copies)(configured)
        })?
    }

    /// The mistakes in the members' configuration files, of which as many as are
    /// returned could be read; none when nobody knows what they should say.
    pub fn mistakes(&self, cluster: &Watched<'_>) -> Option<(Vec<Mistake>, usize)> {
        let find = cluster.engine()?.mistakes?;
        self.configured(cluster, |_, configured| {
            (find(configured), configured.files.len())
        })
    }

    fn configured<T>(
        &self,
        cluster: &Watched<'_>,
        ask: impl FnOnce(&Descriptor, &Configured<'_>) -> T,
    ) -> Option<T> {
        let engine = cluster.engine()?;
        let mut options = BTreeMap::new();
        for option in engine.options {
            let said = cluster.setting(&format!("option.{}", option.name));
            let said = said.map(|said| said.value);
            options.insert(
                option.name.to_owned(),
                said.unwrap_or_else(|| option.default.to_owned()),
            );
        }
        let configs = cluster.member.configs.iter();
        let configs = configs.filter_map(|config| {
            let config = self.stack.configs.get(&config.value.source)?;
            config.text.clone()
        });
        let name = cluster.setting("cluster-name").map(|said| said.value);
        let configured = Configured {
            options: &options,
            files: &configs.collect::<Vec<_>>(),
            cluster_name: name.as_deref().filter(|name| !name.is_empty()),
            image: cluster
                .member
                .image
                .as_ref()
                .map(|image| image.value.as_str()),
        };
        Some(ask(engine, &configured))
    }
}

fn add(
    clusters: &mut Vec<Parts>,
    (member, others): (usize, Vec<usize>),
    worker: Option<usize>,
    file: Option<Settings>,
) {
    match clusters.iter_mut().find(|parts| parts.member == member) {
        Some(parts) if parts.worker.is_none() => {
            (parts.worker, parts.file) = (worker, file);
        }
        Some(_) => {}
        None => clusters.push(Parts {
            member,
            others,
            worker,
            file,
        }),
    }
}

impl Watched<'_> {
    /// How many members are wished for, of all services together; none when they are
    /// as many as there are nodes.
    pub fn wanted(&self) -> Option<usize> {
        Some(self.member.wanted()? + self.others)
    }

    /// A setting of the cluster where the worker has it from: its own, its file's,
    /// or the members' labels. Without a worker, what the members are told.
    pub fn setting(&self, name: &str) -> Option<At<String>> {
        let Some(worker) = self.worker else {
            return self.label(name).or_else(|| self.at_member(name));
        };
        let file = self.file.and_then(|file| file.get(name).cloned());
        parts::setting(worker, name)
            .or_else(|| file.map(At::nowhere))
            .or_else(|| self.label(name))
    }

    fn label(&self, name: &str) -> Option<At<String>> {
        let label = self.member.labels.get(&format!("meshworker.{name}"));
        label.cloned()
    }

    /// A setting as the supervisor has it.
    pub fn at_member(&self, name: &str) -> Option<At<String>> {
        parts::setting(self.member, name)
    }

    /// The database: as the worker has it, or as it is seen; none when it is one
    /// that is not known, or when nobody can say.
    pub fn engine(&self) -> Option<&'static Descriptor> {
        let said = self.setting("engine").or_else(|| self.at_member("engine"));
        if let Some(said) = said {
            return Kind::find(said.value.trim()).map(Kind::descriptor);
        }
        match database::of(self.member) {
            Some(Database::Known(kind)) => Some(kind.descriptor()),
            Some(Database::Other) => None,
            // The default of a worker that says nothing else.
            None => {
                let worker = self.worker?;
                let elsewhere = parts::setting(worker, "config").is_some();
                (!elsewhere || self.file.is_some()).then(|| Kind::Aerospike.descriptor())
            }
        }
    }

    /// Whether nothing but its database tells that this one replica may be a member
    /// of a cluster.
    pub fn is_alone(&self) -> bool {
        let labelled = self.member.labels.contains_key(parts::ENABLE);
        let declared = labelled || self.worker.is_some() || self.is_supervised();
        self.member.wanted() == Some(1) && !declared
    }

    /// Whether the members run under a supervisor.
    pub fn is_supervised(&self) -> bool {
        parts::is_supervised(self.member)
    }

    /// Whether the worker has the Docker API as a witness.
    pub fn has_docker(&self) -> bool {
        self.worker.is_some_and(parts::has_docker)
    }

    /// Whether the members tell the worker of themselves.
    pub fn is_announced(&self) -> bool {
        let listens = |worker| parts::setting(worker, "listen").is_some();
        self.is_supervised() && self.worker.is_some_and(listens)
    }
}
