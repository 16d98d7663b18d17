//! What the worker says of the cluster: `meshworker status`, asked in the tools container.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::{Result, bail};
use meshworker_lab::{Task, Tools};
use serde::Deserialize;

/// What of `meshworker status --json` tells that an act is over.
#[derive(Debug, Deserialize)]
pub struct Status {
    one: bool,
    settled: bool,
    unity: String,
    members: Vec<Member>,
    departed: Vec<serde_json::Value>,
    leavers: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Member {
    address: Ipv4Addr,
    state: String,
}

impl Status {
    /// Asks now.
    pub fn ask(tools: &Tools<'_>) -> Result<Self> {
        let output = tools.ask(&["meshworker", "status", "--json"])?;
        // One that is no single cluster yet is answered all the same, with another exit code.
        let clusters: Vec<Self> = serde_json::from_str(&output.stdout).unwrap_or_default();
        match clusters.into_iter().next() {
            Some(cluster) => Ok(cluster),
            None => bail!("no status yet: {}", output.stderr.trim()),
        }
    }

    /// Whether the running tasks are one cluster whose data is in its place, and nobody else is known.
    pub fn is_one_of(&self, tasks: &[Task]) -> bool {
        let running: BTreeSet<_> = tasks.iter().flat_map(|task| &task.addresses).collect();
        let joined =
            |member: &Member| member.state == "joined" && running.contains(&member.address);
        self.one
            && self.settled
            && self.departed.is_empty()
            && self.leavers.is_empty()
            && self.members.len() == tasks.len()
            && self.members.iter().all(joined)
    }

    /// One line that says how far it is.
    pub fn progress(&self) -> String {
        let mut parts = vec![self.unity.clone()];
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        let is_new = |member: &&Member| matches!(member.state.as_str(), "joining" | "waiting");
        add(
            self.members.iter().filter(is_new).count(),
            "on their way in",
        );
        add(self.leavers.len(), "on their way out");
        add(self.departed.len(), "not forgotten yet");
        if !self.settled {
            parts.push("data still moves".into());
        }
        parts.join(", ")
    }
}

/// The heading and the table of `meshworker status`, without what happened lately.
pub fn table(tools: &Tools<'_>) -> Result<String> {
    let said = tools.ask(&["meshworker", "status"])?.stdout;
    let parts: Vec<&str> = said.split("\n\n").take(2).collect();
    Ok(parts.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(address: [u8; 4]) -> Task {
        Task {
            id: String::new(),
            slot: 1,
            node_id: String::new(),
            container: None,
            addresses: vec![address.into()],
            state: "running".into(),
            desired: "running".into(),
            error: String::new(),
        }
    }

    #[test]
    fn it_is_over_when_those_that_run_are_those_that_joined() {
        let told = |settled: bool, second: &str, leavers: &str| -> Status {
            let text = format!(
                r#"{{"one": true, "settled": {settled}, "unity": "one cluster of 2 members", "departed": [],
                "members": [{{"address": "10.0.1.2", "state": "joined"}},
                            {{"address": "10.0.1.3", "state": "{second}"}}], "leavers": {leavers}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let (first, second, other) = ([10, 0, 1, 2], [10, 0, 1, 3], [10, 0, 1, 4]);
        let joined = told(true, "joined", "[]");
        assert!(joined.is_one_of(&[task(first), task(second)]));
        assert!(!joined.is_one_of(&[task(first)]), "one more than run");
        assert!(
            !joined.is_one_of(&[task(first), task(other)]),
            "the worker has not seen the successor yet"
        );
        assert_eq!(joined.progress(), "one cluster of 2 members");
        let moves = told(false, "joining", "[]");
        assert!(!moves.is_one_of(&[task(first), task(second)]));
        assert_eq!(
            moves.progress(),
            "one cluster of 2 members, 1 on their way in, data still moves"
        );
        let leaves = told(true, "leaving", "[{}]");
        assert!(!leaves.is_one_of(&[task(first), task(second)]));
        assert_eq!(
            leaves.progress(),
            "one cluster of 2 members, 1 on their way out"
        );
    }
}
