//! What a lab is for: taking a node off the network or its power away, and giving it back.

use std::process::Command;

use crate::node::Node;
use crate::{Engines, Host, LabError, Result, Swarm, Task, command};

impl Swarm {
    /// Pulls the cable of node `index`. Its engine and containers keep running, and its [`Docker`](crate::Docker) keeps working.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is switched off.
    pub fn cut(&self, index: usize) -> Result<()> {
        self.node(index)?.plug(false)
    }

    /// Plugs the cable of node `index` in again.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is switched off.
    pub fn heal(&self, index: usize) -> Result<()> {
        self.node(index)?.plug(true)
    }

    /// Takes the power of node `index` away: no process of it runs and its address is silent when this returns. Its
    /// data stays.
    ///
    /// # Errors
    ///
    /// When there is no such node, or something of it cannot be stopped.
    pub fn kill(&self, index: usize) -> Result<()> {
        self.node(index)?.kill()
    }

    /// Whether node `index` has power, reachable or not.
    pub fn has_power(&self, index: usize) -> bool {
        self.node(index).is_ok_and(Node::is_running)
    }

    /// Gives node `index` its power back, and returns when its engine answers.
    ///
    /// # Errors
    ///
    /// When there is no such node, it is running, or its engine does not start.
    pub fn restart(&self, index: usize) -> Result<()> {
        let node = self.node(index)?;
        if node.is_running() {
            return Err(LabError::Invalid(format!("node {index} is running")));
        }
        node.start()
    }

    /// Takes a task's container off every network, while it runs on: nothing that it sends is
    /// heard, and nothing reaches it.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn cut_container(&self, task: &Task) -> Result<()> {
        self.firewall(task, "--insert")
    }

    /// Gives it back what [`Swarm::cut_container`] took.
    ///
    /// # Errors
    ///
    /// When it does not run, or was not cut off.
    pub fn heal_container(&self, task: &Task) -> Result<()> {
        self.firewall(task, "--delete")
    }

    fn firewall(&self, task: &Task, change: &str) -> Result<()> {
        let missing = || LabError::Invalid(format!("no container on a node of this lab: {task}"));
        let node = self.index_of(&task.node_id).ok_or_else(missing)?;
        let container = task.container.as_deref().ok_or_else(missing)?;
        let pid = ["inspect", "--format", "{{.State.Pid}}", container];
        let pid = self.docker(node)?.run(pid)?;
        let engine = self.node(node)?.record()?.engine.number().to_string();
        for (chain, way) in [("INPUT", "--in-interface"), ("OUTPUT", "--out-interface")] {
            // A node numbers its processes by itself.
            let mut command = Command::new(Host::program("nsenter")?);
            command
                .args(["--target", &engine, "--mount", "--pid"])
                .args(["nsenter", "--target", pid.trim(), "--net"])
                .args(["iptables", "--wait", change, chain])
                .args(["!", way, "lo", "--jump", "DROP"]);
            command::run(&mut command)?;
        }
        Ok(())
    }

    /// Asks Swarm to move everything off node `index` (`drain`), or to use it again (`active`); returns at once.
    ///
    /// # Errors
    ///
    /// When there is no such node, or the manager refuses.
    pub fn set_availability(&self, index: usize, availability: &str) -> Result<()> {
        let id = self
            .node(index)?
            .record()?
            .node_id
            .ok_or_else(|| LabError::Invalid(format!("node {index} is in no swarm")))?;
        let manager = self.manager()?;
        manager
            .change(&["node", "update", "--availability", availability, &id])
            .map(drop)
    }

    /// The names of the network namespaces that the engine of node `index` keeps: one for each container, one for each
    /// overlay network.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is switched off.
    pub fn network_namespaces(&self, index: usize) -> Result<Vec<String>> {
        let engine = self.node(index)?.record()?.engine;
        let mounts = engine
            .mounts()
            .map_err(|error| LabError::Invalid(format!("node {index} has no mounts: {error}")))?;
        Ok(namespaces(&mounts))
    }
}

/// The names of mounted network namespaces, from the kernel's list of mounts.
fn namespaces(mounts: &str) -> Vec<String> {
    mounts
        .lines()
        .filter_map(|line| {
            // Fields before the dash: id, parent, device, root, mount point, options.
            let (place, kind) = line.split_once(" - ")?;
            let mut fields = place.split(' ').skip(3);
            let (root, point) = (fields.next()?, fields.next()?);
            let is_network = kind.starts_with("nsfs ") && root.starts_with("net:");
            is_network.then(|| point.rsplit('/').next().map(str::to_owned))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_network_namespaces_count() {
        let mounts = "\
            22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n\
            90 22 0:4 net:[4026532205] /run/docker/netns/1-abcdef rw shared:9 - nsfs nsfs rw\n\
            91 22 0:4 uts:[4026532206] /run/docker/uts/x rw - nsfs nsfs rw\n";
        assert_eq!(namespaces(mounts), ["1-abcdef"]);
    }
}
