//! What the checks of a stack look at: the stack, and who plays which part.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_engines::registry::Kind;
use meshworker_engines::{Configured, Copies, Descriptor, Mistake};

use super::field::At;
use super::model::{Service, Stack};
use super::parts;

/// The database of a worker that is not told which.
const DEFAULT: &str = "aerospike";

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
}

/// Who plays which part, as positions among the services.
#[derive(Debug, Clone, Copy)]
struct Parts {
    member: usize,
    worker: Option<usize>,
}

/// One cluster of the stack.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The service whose replicas are the members.
    pub member: &'a Service,
    /// The service that looks after them, where the stack has one.
    pub worker: Option<&'a Service>,
}

impl Ground {
    /// The stack, with its clusters found: those that a worker names, those
    /// that labels declare, and those whose members run a supervisor. Without
    /// any, every service with an address per replica is taken for one.
    pub fn of(stack: Stack) -> Ground {
        let services = &stack.services;
        let position = |wanted: &dyn Fn(&Service) -> bool| services.iter().position(wanted);
        let mut clusters: Vec<Parts> = Vec::new();
        let mut add = |member: usize, worker: Option<usize>| match clusters
            .iter_mut()
            .find(|parts| parts.member == member)
        {
            Some(parts) => parts.worker = parts.worker.or(worker),
            None => clusters.push(Parts { member, worker }),
        };
        for (at, worker) in services.iter().enumerate() {
            if !parts::is_worker(worker) {
                continue;
            }
            let named = parts::setting(worker, "servicename");
            let named = named.and_then(|name| {
                position(&|service| parts::stands_for(&name.value, &service.name))
            });
            if let Some(member) = named {
                add(member, Some(at));
            }
        }
        for (at, service) in services.iter().enumerate() {
            let labelled = service.labels.get(parts::ENABLE);
            if labelled.is_some_and(|label| label.value == "true") {
                add(at, position(&|worker| parts::reads_labels(worker)));
            }
            if parts::is_supervised(service) {
                add(at, position(&|worker| parts::is_worker(worker)));
            }
        }
        if clusters.is_empty() {
            for (at, service) in services.iter().enumerate() {
                if service.is_dnsrr() && !parts::is_worker(service) {
                    clusters.push(Parts {
                        member: at,
                        worker: position(&|worker| parts::is_worker(worker)),
                    });
                }
            }
        }
        Ground {
            stack,
            clusters,
            nodes: None,
            leave_time: None,
        }
    }

    /// The clusters of the stack.
    pub fn clusters(&self) -> impl Iterator<Item = Watched<'_>> {
        let services = &self.stack.services;
        self.clusters.iter().filter_map(move |parts| {
            Some(Watched {
                member: services.get(parts.member)?,
                worker: parts.worker.and_then(|worker| services.get(worker)),
            })
        })
    }

    /// The clusters of the stack.
    ///
    /// # Errors
    ///
    /// There is none, so that nothing can be said of members.
    pub fn some_clusters(&self) -> Result<Vec<Watched<'_>>, String> {
        let clusters: Vec<_> = self.clusters().collect();
        if clusters.is_empty() {
            return Err("no service is known to be a database's members".into());
        }
        Ok(clusters)
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
        let configs = configs.filter_map(|name| self.stack.configs.get(name)?.text.clone());
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

impl Watched<'_> {
    /// A setting of the cluster, wherever it is given: at the worker, in the
    /// members' labels, or at the members.
    pub fn setting(&self, name: &str) -> Option<At<String>> {
        let at_worker = self.worker.and_then(|worker| parts::setting(worker, name));
        let label = self.member.labels.get(&format!("meshworker.{name}"));
        at_worker
            .or_else(|| label.cloned())
            .or_else(|| parts::setting(self.member, name))
    }

    /// The database; none when it is one that is not known.
    pub fn engine(&self) -> Option<&'static Descriptor> {
        let said = self.setting("engine").map(|said| said.value);
        Kind::find(said.as_deref().unwrap_or(DEFAULT)).map(Kind::descriptor)
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
