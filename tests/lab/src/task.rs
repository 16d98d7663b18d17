//! One task of a Swarm service, as the manager sees it.

use std::net::Ipv4Addr;

use serde::Deserialize;

/// The states that nothing follows: <https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/>.
const ENDED: [&str; 6] = [
    "complete", "failed", "shutdown", "rejected", "orphaned", "remove",
];

/// A task: one run of one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The task's id; a replica that is started again gets another.
    pub id: String,
    /// The replica's number, from 1; 0 for global services.
    pub slot: u64,
    /// The id of the node that it was given to; empty while it waits for one.
    pub node_id: String,
    /// Its container, once there is one.
    pub container: Option<String>,
    /// Its addresses on overlay networks, in the networks' order.
    pub addresses: Vec<Ipv4Addr>,
    /// What it does: `pending`, `starting`, `running`, `failed`, ...
    pub state: String,
    /// What it is meant to do: `running`, `shutdown`, `remove`.
    pub desired: String,
    /// Why it does not run, in Docker's words; empty when there is nothing to say.
    pub error: String,
}

impl Task {
    /// Whether it runs and is meant to.
    pub fn is_running(&self) -> bool {
        self.state == "running" && self.desired == "running"
    }

    /// Whether it is over: no container of it runs any more, and none will.
    pub fn has_ended(&self) -> bool {
        ENDED.contains(&self.state.as_str())
    }

    /// Its first overlay address.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.addresses.first().copied()
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "slot {} {}/{}", self.slot, self.state, self.desired)?;
        for address in &self.addresses {
            write!(f, " {address}")?;
        }
        if !self.error.is_empty() {
            write!(f, " ({})", self.error)?;
        }
        Ok(())
    }
}

/// What `docker inspect` prints of a task, as far as it matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RawTask {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    slot: u64,
    #[serde(default, rename = "NodeID")]
    node_id: String,
    status: RawStatus,
    desired_state: String,
    #[serde(default)]
    networks_attachments: Option<Vec<RawAttachment>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawStatus {
    state: String,
    #[serde(default)]
    err: String,
    container_status: Option<RawContainer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawContainer {
    #[serde(default, rename = "ContainerID")]
    container_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAttachment {
    #[serde(default)]
    addresses: Option<Vec<String>>,
}

impl From<RawTask> for Task {
    fn from(raw: RawTask) -> Self {
        let addresses = raw
            .networks_attachments
            .into_iter()
            .flatten()
            .filter_map(|attachment| attachment.addresses)
            .flatten()
            // Each comes with the length of its subnet's prefix.
            .filter_map(|address| address.split('/').next()?.parse().ok())
            .collect();
        Self {
            id: raw.id,
            slot: raw.slot,
            node_id: raw.node_id,
            container: raw
                .status
                .container_status
                .map(|container| container.container_id)
                .filter(|id| !id.is_empty()),
            addresses,
            state: raw.status.state,
            desired: raw.desired_state,
            error: raw.status.err,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_and_a_waiting_task_are_read() {
        let text = r#"[
            {"ID": "t1", "Slot": 2, "NodeID": "n1", "DesiredState": "running", "Spec": {},
             "Status": {"State": "running", "ContainerStatus": {"ContainerID": "c1", "PID": 7}},
             "NetworksAttachments": [{"Network": {}, "Addresses": ["10.0.1.5/24"]}]},
            {"ID": "t2", "Slot": 3, "DesiredState": "running",
             "Status": {"State": "pending", "Err": "no suitable node"}}]"#;
        let tasks: Vec<Task> = serde_json::from_str::<Vec<RawTask>>(text)
            .unwrap()
            .into_iter()
            .map(Task::from)
            .collect();
        assert!(tasks[0].is_running());
        assert_eq!(tasks[0].address(), Some(Ipv4Addr::new(10, 0, 1, 5)));
        assert_eq!(tasks[0].container.as_deref(), Some("c1"));
        assert_eq!(
            (tasks[1].container.as_ref(), tasks[1].address()),
            (None, None)
        );
        assert_eq!(
            tasks[1].to_string(),
            "slot 3 pending/running (no suitable node)"
        );
    }
}
