//! All clusters of this process: those that were configured, and those that
//! services declare by labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tracing::{info, warn};

use crate::announce::Registry;
use crate::board::Board;
use crate::config::{Cluster, Inputs, labels};
use crate::docker::LabelledServices;
use crate::kept::{kept, unless_it_breaks};
use crate::worker;

/// All clusters of this process, each looked after by a task of its own, so
/// that a dead cluster never blocks another one.
pub struct Fleet {
    inputs: Inputs,
    configured: Vec<Cluster>,
    board: Arc<Board>,
    registry: Option<Arc<Registry>>,
    tasks: JoinSet<()>,
    /// Which cluster each task looks after, until it has ended.
    clusters: BTreeMap<Id, Ours>,
    labelled: BTreeMap<String, Labelled>,
}

/// What no two clusters of one process have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ours {
    name: String,
    dns: BTreeSet<String>,
    docker: BTreeSet<String>,
}

/// A service that declares a cluster, and the task that looks after it.
struct Labelled {
    labels: BTreeMap<String, String>,
    /// None while its labels cannot be used.
    running: Option<(Id, watch::Sender<bool>)>,
    /// Why there is no task, as it was told last.
    refused: Option<String>,
}

impl Fleet {
    /// These clusters, and those that labels declare when `inputs` say so; all
    /// of them tell this board. With a registry the members of all of them can
    /// announce themselves there.
    pub fn new(
        configured: Vec<Cluster>,
        inputs: Inputs,
        board: Arc<Board>,
        registry: Option<Arc<Registry>>,
    ) -> Fleet {
        Fleet {
            inputs,
            configured,
            board,
            registry,
            tasks: JoinSet::new(),
            clusters: BTreeMap::new(),
            labelled: BTreeMap::new(),
        }
    }

    /// Looks after all of them until `stop` becomes true, then lets every pass
    /// that has begun finish.
    ///
    /// # Errors
    ///
    /// A worker broke, which is a bug: the process is to end and be restarted.
    pub async fn run(mut self, stop: watch::Receiver<bool>) -> Result<(), String> {
        for cluster in std::mem::take(&mut self.configured) {
            self.spawn(cluster, stop.clone());
        }
        // What services declare comes from outside.
        loop {
            let following = self.follow_all(stop.clone());
            if let Some(done) = unless_it_breaks("following labels", following).await {
                done?;
                break;
            }
        }
        for labelled in self.labelled.values() {
            if let Some((_, stop)) = &labelled.running {
                stop.send_replace(true);
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| format!("a worker broke: {error}"))?;
        }
        Ok(())
    }

    /// Looks after whatever services declare, until `stop` becomes true.
    async fn follow_all(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        let mut declared = BTreeMap::new();
        let services = self.inputs.labels.then(LabelledServices::new);
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    let (id, ()) = ended.map_err(|error| format!("a worker broke: {error}"))?;
                    self.clusters.remove(&id);
                    self.labelled.retain(|_, labelled| labelled.running.as_ref().is_none_or(|(task, _)| *task != id));
                    // Its name is free now.
                    self.follow(&declared);
                }
                found = next(services.as_ref()) => {
                    declared = found;
                    self.follow(&declared);
                }
            }
        }
        Ok(())
    }

    fn spawn(&mut self, cluster: Cluster, stopped: watch::Receiver<bool>) -> Id {
        let ours = Ours::of(&cluster);
        let (board, registry) = (Arc::clone(&self.board), self.registry.clone());
        let task = look_after(cluster, board, registry, stopped);
        let id = self.tasks.spawn(task).id();
        self.clusters.insert(id, ours);
        id
    }

    /// Starts workers for new services, and stops those of services whose
    /// labels changed or went: the next one starts when the old one has ended.
    /// Stopping a worker touches no database.
    fn follow(&mut self, services: &BTreeMap<String, BTreeMap<String, String>>) {
        self.labelled.retain(|service, labelled| {
            let same = services.get(service) == Some(&labelled.labels);
            if !same {
                info!(service, "labels changed or went: its worker stops");
                if let Some((_, stop)) = &labelled.running {
                    stop.send_replace(true);
                }
            }
            same
        });
        for (service, labels) in services {
            let before = self.labelled.remove(service);
            let labelled = match before {
                Some(running) if running.running.is_some() => running,
                before => self.start(service, labels, before.and_then(|before| before.refused)),
            };
            self.labelled.insert(service.clone(), labelled);
        }
    }

    /// Starts the worker of a service; why it cannot be started is told once.
    fn start(
        &mut self,
        service: &str,
        labels: &BTreeMap<String, String>,
        told: Option<String>,
    ) -> Labelled {
        let started = match labels::read(service, labels) {
            Ok(Some(raw)) => self.inputs.cluster(&raw).map_err(|error| error.to_string()),
            Ok(None) => Err(String::new()),
            Err(error) => Err(error.to_string()),
        };
        let started = started.and_then(|cluster| {
            let ours = Ours::of(&cluster);
            let mut others = self.clusters.values();
            match others.find_map(|other| ours.shared_with(other)) {
                Some(shared) => Err(format!(
                    "{shared} by another worker of this process; allowed: one worker for each cluster"
                )),
                None => Ok(cluster),
            }
        });
        let (running, refused) = match started {
            Ok(cluster) => {
                info!(
                    service,
                    engine = cluster.engine.descriptor().name,
                    "a labelled service: its worker starts"
                );
                let (stop, stopped) = watch::channel(false);
                (Some((self.spawn(cluster, stopped), stop)), None)
            }
            Err(error) => {
                if !error.is_empty() && told.as_ref() != Some(&error) {
                    warn!(service, "its labels cannot be used: {error}");
                }
                (None, Some(error))
            }
        };
        Labelled {
            labels: labels.clone(),
            running,
            refused,
        }
    }
}

/// Looks after a cluster until told to stop. A worker that breaks is started
/// again: it remembers nothing that could do more than delay.
async fn look_after(
    cluster: Cluster,
    board: Arc<Board>,
    registry: Option<Arc<Registry>>,
    stop: watch::Receiver<bool>,
) {
    let what = format!("the worker of cluster {}", cluster.name);
    let work = || {
        let (board, registry) = (Arc::clone(&board), registry.clone());
        worker::run(cluster.clone(), board, registry, stop.clone())
    };
    kept(&what, work).await;
}

impl Ours {
    fn of(cluster: &Cluster) -> Ours {
        let dns = cluster.dns.names.iter().map(|name| {
            let name = name.trim_end_matches('.');
            let name = name.strip_prefix("tasks.").unwrap_or(name);
            name.to_ascii_lowercase()
        });
        let docker = cluster.docker.iter().flat_map(|docker| &docker.services);
        Ours {
            name: cluster.name.clone(),
            dns: dns.collect(),
            docker: docker.cloned().collect(),
        }
    }

    /// What both are about, if there is anything.
    fn shared_with(&self, other: &Ours) -> Option<String> {
        if self.name == other.name {
            return Some(format!(
                "name: found '{}', which is looked after",
                self.name
            ));
        }
        let mut services = self.docker.intersection(&other.docker);
        let mut names = self.dns.intersection(&other.dns);
        let service = services.next().or_else(|| names.next())?;
        Some(format!(
            "servicename: found '{service}', which is looked after"
        ))
    }
}

async fn next(services: Option<&LabelledServices>) -> BTreeMap<String, BTreeMap<String, String>> {
    match services {
        Some(services) => services.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Powers;
    use crate::config::{Origin, Raw};

    fn raw(settings: &[(&str, &str)]) -> Raw {
        let mut raw = Raw::default();
        for (name, value) in settings {
            raw.give(name, *value, Origin::Flag).unwrap();
        }
        raw
    }

    /// A fleet whose only configured cluster is that of the service `db`.
    fn fleet(shared: &[(&str, &str)]) -> Fleet {
        let inputs = Inputs {
            shared: raw(shared),
            file: None,
            labels: true,
        };
        let given = [("servicename", "db"), ("engine", "redis"), ("docker", "no")];
        let configured = inputs.cluster(&raw(&given)).unwrap();
        Fleet::new(
            vec![configured],
            inputs,
            Board::new(Powers::default()),
            None,
        )
    }

    fn labels(more: &[(&str, &str)]) -> BTreeMap<String, String> {
        let fixed = [
            ("meshworker.enable", "true"),
            ("meshworker.engine", "redis"),
        ];
        let all = fixed.iter().chain(more);
        all.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn looked_after(fleet: &Fleet) -> Vec<String> {
        let mut names: Vec<_> = fleet.clusters.values().map(|c| c.name.clone()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn two_workers_of_one_process_looked_after_one_cluster() {
        let mut fleet = fleet(&[]);
        let (_stop, stopped) = watch::channel(false);
        let configured = fleet.configured.remove(0);
        fleet.spawn(configured, stopped);
        // By its own name, and by another one.
        let same = [labels(&[]), labels(&[("meshworker.name", "other")])];
        for labels in same {
            fleet.follow(&BTreeMap::from([("db".to_owned(), labels)]));
            assert_eq!(looked_after(&fleet), ["db"]);
        }
        fleet.follow(&BTreeMap::from([("cache".to_owned(), labels(&[]))]));
        assert_eq!(looked_after(&fleet), ["cache", "db"]);
    }

    #[tokio::test]
    async fn a_name_for_all_made_workers_of_every_labelled_service_one() {
        let mut fleet = fleet(&[("name", "one")]);
        let services = ["a", "b"].map(|service| (service.to_owned(), labels(&[])));
        fleet.follow(&BTreeMap::from(services));
        assert_eq!(looked_after(&fleet), ["one"]);
    }

    #[tokio::test]
    async fn a_changed_label_started_a_worker_beside_the_one_that_had_not_ended() {
        let mut fleet = fleet(&[]);
        let declared = |interval: &str| {
            let labels = labels(&[("meshworker.interval", interval)]);
            BTreeMap::from([("cache".to_owned(), labels)])
        };
        fleet.follow(&declared("5"));
        fleet.follow(&declared("6"));
        assert_eq!(fleet.clusters.len(), 1, "the old one");
        let (id, ()) = fleet.tasks.join_next_with_id().await.unwrap().unwrap();
        fleet.clusters.remove(&id);
        fleet.follow(&declared("6"));
        assert_eq!(looked_after(&fleet), ["cache"]);
        assert!(fleet.labelled["cache"].running.is_some());
    }
}
