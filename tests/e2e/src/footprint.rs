//! What a deployed stack has on the nodes besides what its label shows.

use std::collections::BTreeSet;

use meshworker_lab::{Engines, Swarm};

use crate::Deployment;

/// Of a network's id, at least so much is in the name of its namespaces.
const SHORT_ID: usize = 9;

/// A container's namespace and its volumes.
const LOOK: &str = "sandbox {{.NetworkSettings.SandboxKey}}
{{range .Mounts}}{{if eq .Type \"volume\"}}volume {{.Name}}
{{end}}{{end}}";

/// Namespaces, networks and undeclared volumes of a stack, with their nodes.
#[derive(Debug, Default)]
pub struct Footprint {
    namespaces: BTreeSet<(usize, String)>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<(usize, String)>,
    stack: String,
}

impl Footprint {
    /// That of a stack as it runs now.
    pub fn of(deployment: &Deployment<'_>) -> Self {
        let mut footprint = Footprint {
            stack: deployment.stack().name().to_owned(),
            ..Footprint::default()
        };
        let label = format!("label=com.docker.stack.namespace={}", footprint.stack);
        let swarm = deployment.swarm;
        let manager = swarm.manager().expect("a manager answers");
        let list = ["network", "ls", "-q", "--no-trunc", "--filter", &label];
        footprint.networks = manager
            .lines(&list)
            .expect("networks can be listed")
            .into_iter()
            .collect();
        for node in 1..=swarm.size() {
            let engine = swarm.docker(node).expect("the node is there");
            let list = ["ps", "-q", "--no-trunc", "--filter", &label];
            for container in engine.lines(&list).expect("containers can be listed") {
                let question = ["inspect", "--format", LOOK, &container];
                // One that ended since the list was made has nothing to add.
                for line in engine.lines(&question).unwrap_or_default() {
                    let sandbox = line.strip_prefix("sandbox ");
                    if let Some(name) = sandbox.and_then(|path| path.rsplit('/').next()) {
                        footprint.namespaces.insert((node, name.to_owned()));
                    }
                    // Declared ones are the stack's, or all stacks', by name, and stay.
                    let declared = format!("{}_", footprint.stack);
                    if let Some(volume) = line.strip_prefix("volume ")
                        && !volume.starts_with(&declared)
                        && !volume.starts_with("meshworker-")
                    {
                        footprint.volumes.insert((node, volume.to_owned()));
                    }
                }
            }
        }
        footprint
    }

    /// How many namespaces of containers, and how many networks, were seen.
    pub fn size(&self) -> (usize, usize) {
        (self.namespaces.len(), self.networks.len())
    }

    /// What of it is still there.
    pub fn left(&self, swarm: &Swarm) -> Vec<String> {
        let mut left = Vec::new();
        for node in 1..=swarm.size() {
            let engine = swarm.docker(node).expect("the node is there");
            let names = swarm.network_namespaces(node);
            for name in names.expect("namespaces can be listed") {
                // A network's is called after it: a number or `lb`, and its id.
                let of_network = self.networks.iter().any(|id| {
                    let short = id.get(..SHORT_ID).unwrap_or(id);
                    name.contains(short)
                });
                if of_network || self.namespaces.contains(&(node, name.clone())) {
                    left.push(format!("node {node}: namespace {name}"));
                }
            }
            let list = ["network", "ls", "-q", "--no-trunc"];
            let networks = engine.lines(&list).expect("networks can be listed");
            let ours = networks.iter().filter(|id| self.networks.contains(*id));
            left.extend(ours.map(|id| format!("node {node}: network {id}")));
            let volumes = engine.lines(&["volume", "ls", "-q"]);
            for volume in volumes.expect("volumes can be listed") {
                if self.volumes.contains(&(node, volume.clone())) {
                    left.push(format!("node {node}: volume {volume}"));
                }
            }
        }
        left
    }
}
