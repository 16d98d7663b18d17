//! The asking: witnesses, engine, workers, this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meshworker_core::{Report, Witness};

use super::clock::{self, Between, Whom};
use super::facts::{Clock, Facts, Overlay, Seen};
use super::{deployed, here};
use crate::config::{Cluster, Inputs, InvalidInputs, labels};
use crate::docker::{DockerClient, Survey};
use crate::witness::{self, Source};
use meshworker_doctor::stack::model::Stack;

/// How often the witnesses are asked at the most until they agree: what
/// changes at this moment is no mistake. Swarm's DNS follows the task list
/// within 1.1 s.
const LOOKS: usize = 4;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long the engine may be asked, all questions together.
const DEADLINE: Duration = Duration::from_secs(5);

/// Whom to ask.
pub struct Collector {
    /// The clusters, and the witnesses of each.
    pub clusters: Vec<(Cluster, Vec<Arc<dyn Source>>)>,
    /// The engine, or why there is none.
    pub docker: Result<Arc<DockerClient>, String>,
    /// Where the workers are.
    pub workers: Option<Whom>,
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// `/sys/class/net`.
    pub links: PathBuf,
    /// Between two looks at witnesses that disagree.
    pub pause: Duration,
    /// What was given, for clusters that labels declare.
    pub inputs: Inputs,
}

/// Stacks as they are deployed, each with the number of nodes that may run it.
pub type Deployed = Result<Vec<(Stack, usize)>, String>;

impl Collector {
    /// The clusters that were given, perhaps none, and this place.
    ///
    /// # Errors
    ///
    /// A setting is not allowed.
    pub fn here(inputs: Inputs, workers: Option<Whom>) -> Result<Collector, InvalidInputs> {
        let named = inputs.file.is_some() || inputs.shared.settings.contains_key("servicename");
        let clusters = match named {
            true => inputs.clusters()?,
            false => Vec::new(),
        };
        let around = crate::config::Surroundings::here();
        let unwanted = inputs.shared.settings.get("docker");
        let unwanted = unwanted.is_some_and(|said| matches!(said.value.trim(), "no" | "false"));
        let docker = match around.docker {
            _ if unwanted => Err("the Docker API is not to be asked (docker: no)".into()),
            true => DockerClient::shared().map_err(|why| why.words()),
            false => {
                Err("no Docker API here: DOCKER_HOST is not set, and no socket is mounted".into())
            }
        };
        let witnesses = |cluster: Cluster| {
            let sources = witness::sources(&cluster);
            (cluster, sources)
        };
        Ok(Collector {
            clusters: clusters.into_iter().map(witnesses).collect(),
            docker,
            workers,
            resolv_conf: "/etc/resolv.conf".into(),
            links: "/sys/class/net".into(),
            pause: PAUSE,
            inputs,
        })
    }

    /// Asks everybody once, and the witnesses until they agree.
    pub async fn collect(&self) -> (Facts, Deployed) {
        let (survey, engine_clock) = self.survey().await;
        let mut clusters = Vec::new();
        for (cluster, sources) in &self.clusters {
            clusters.push(self.see(cluster, sources).await);
        }
        for cluster in self.labelled(&survey) {
            clusters.push(self.see(&cluster, &witness::sources(&cluster)).await);
        }
        let mut clocks = vec![engine_clock];
        if let Some(whom) = &self.workers {
            clocks.extend(clock::of_workers(whom).await);
        }
        let facts = Facts {
            name_servers: here::name_servers(&self.resolv_conf),
            links: here::links(&self.links),
            overlays: survey.as_ref().map(overlays).map_err(Clone::clone),
            nodes: survey.as_ref().map(deployed::usable).map_err(Clone::clone),
            engines: survey.as_ref().map(deployed::engines).map_err(Clone::clone),
            clusters,
            shared: None,
            clocks,
        };
        let stacks = survey.and_then(|survey| self.stacks(&survey));
        (facts, stacks)
    }

    async fn survey(&self) -> (Result<Survey, String>, Result<Clock, String>) {
        let client = match &self.docker {
            Ok(client) => client,
            Err(why) => return (Err(why.clone()), Err(why.clone())),
        };
        let before = SystemTime::now();
        let time = tokio::time::timeout(DEADLINE, client.system_time()).await;
        let after = SystemTime::now();
        let silent = || format!("the Docker API: no answer within {} s", DEADLINE.as_secs());
        let clock = match time {
            Ok(Ok(time)) => match clock::rfc_3339(&time) {
                Some(time) => {
                    let between = Between { before, after };
                    Ok(between.clock("the Docker engine".into(), time, 0.0))
                }
                None => Err(format!(
                    "the Docker engine's time '{time}' is not understood"
                )),
            },
            Ok(Err(why)) => Err(why.words()),
            Err(_) => Err(silent()),
        };
        let survey = match tokio::time::timeout(DEADLINE, client.survey()).await {
            Ok(survey) => survey.map_err(|why| why.words()),
            Err(_) => Err(silent()),
        };
        (survey, clock)
    }

    /// The clusters that labels declare, when labels are to be read. Labels that
    /// cannot be used are the worker's to complain of.
    fn labelled(&self, survey: &Result<Survey, String>) -> Vec<Cluster> {
        let Ok(survey) = survey else {
            return Vec::new();
        };
        if !self.inputs.labels {
            return Vec::new();
        }
        let services = survey.services.iter();
        let declared = services.filter_map(|service| {
            let (name, given) = deployed::labels(service)?;
            let raw = labels::read(&name, &given).ok()??;
            self.inputs.cluster(&raw).ok()
        });
        declared.collect()
    }

    /// The stacks that the named clusters are part of; every stack that has a
    /// cluster when none is named.
    fn stacks(&self, survey: &Survey) -> Deployed {
        let mut stacks: BTreeMap<String, Stack> = BTreeMap::new();
        let services = self.clusters.iter().map(|(cluster, _)| &cluster.docker);
        let wanted: Vec<&str> = services
            .flatten()
            .flat_map(|docker| docker.services.iter().map(String::as_str))
            .collect();
        for (namespace, names) in deployed::namespaces(survey) {
            let is_ours = names.iter().any(|name| wanted.contains(&name.as_str()));
            if is_ours || wanted.is_empty() {
                stacks.insert(namespace.clone(), deployed::stack(survey, &namespace));
            }
        }
        if stacks.is_empty() {
            return Err(format!("there is no service {}", wanted.join(", ")));
        }
        let nodes = deployed::nodes(survey);
        Ok(stacks.into_values().map(|stack| (stack, nodes)).collect())
    }

    /// Asks the witnesses until DNS and the task list agree, or a few times.
    async fn see(&self, cluster: &Cluster, sources: &[Arc<dyn Source>]) -> Seen {
        let mut looks = 1;
        loop {
            let reports = sources.iter().map(|source| source.report());
            let reports = futures_util::future::join_all(reports).await;
            let of = |witness| {
                reports
                    .iter()
                    .find(|report| report.witness == witness)
                    .cloned()
            };
            let none = || {
                Report::unknown(
                    Witness::Dns,
                    meshworker_core::Grade::Failed("not asked".into()),
                )
            };
            let seen = Seen {
                name: cluster.name.clone(),
                dns_name: cluster.dns.names.join(", "),
                engine: cluster.engine.descriptor(),
                dns: of(Witness::Dns).unwrap_or_else(none),
                tasks: of(Witness::Docker),
            };
            if looks == LOOKS || super::checks::agree(&seen) {
                return seen;
            }
            looks += 1;
            tokio::time::sleep(self.pause).await;
        }
    }
}

fn overlays(survey: &Survey) -> Vec<Overlay> {
    survey
        .networks
        .iter()
        .filter_map(deployed::overlay)
        .collect()
}
