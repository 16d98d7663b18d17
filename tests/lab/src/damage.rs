//! What a lab is for: taking a node off the network or its power away, and giving it back.

use crate::node::Node;
use crate::{Engines, LabError, Result, Swarm};

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
