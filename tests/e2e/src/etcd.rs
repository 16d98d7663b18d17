//! etcd, asked by etcdctl.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;
use meshworker_lab::images::Tested;

use crate::{Cluster, Database, World};

/// etcd, the real one: Debian's, or the server that `ETCD_IMAGE` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Etcd;

impl Etcd {
    /// Runs a script of etcdctl calls in the tools container.
    ///
    /// # Errors
    ///
    /// What it said.
    pub fn script(tools: &Tools<'_>, script: &str) -> Result<String, String> {
        let done = tools.exec(&["sh", "-c", script]);
        done.map_err(|error| error.to_string())
    }
}

impl Database for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn stack(&self) -> PathBuf {
        World::stack("etcd.yml")
    }

    fn service(&self) -> &'static str {
        "etcd"
    }

    fn env(&self) -> Vec<(String, String)> {
        vec![("ETCD_IMAGE".into(), Tested::Etcd.reference().into())]
    }

    fn keeps_data(&self) -> bool {
        true
    }

    /// All of these addresses, spares among them, say the same: who the voters are.
    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        let list: Vec<String> = members.iter().map(ToString::to_string).collect();
        let script = format!(
            "for a in {}; do echo \"== $a\"; e=\"timeout 6 env ETCDCTL_ENDPOINTS=http://$a:2379 etcdctl\"; \
             $e endpoint health 2>&1; $e member list 2>&1; done; true",
            list.join(" ")
        );
        let text = Self::script(tools, &script)?;
        let said: Vec<Result<BTreeSet<String>, String>> =
            text.split("== ").skip(1).map(voters).collect();
        let said: Result<Vec<BTreeSet<String>>, String> = said.into_iter().collect();
        let said = said.map_err(|why| format!("{why}\n{text}"))?;
        let mut all = said.iter();
        let first = all.next().cloned().unwrap_or_default();
        if said.len() != members.len() || all.any(|other| *other != first) {
            return Err(format!("they say different things\n{text}"));
        }
        Ok(Cluster {
            nodes: first,
            departed: BTreeSet::new(),
            masters: BTreeSet::new(),
        })
    }

    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String> {
        let script = format!(
            "for i in $(seq {count}); do ETCDCTL_ENDPOINTS=http://{member}:2379 etcdctl put key:$i value:$i; done | grep -c '^OK$'"
        );
        let written = Self::script(tools, &script)?;
        if written.trim() == count.to_string() {
            return Ok(());
        }
        Err(format!("{written} of {count} records were written"))
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String> {
        let script = format!(
            "ETCDCTL_ENDPOINTS=http://{member}:2379 etcdctl get --prefix key: | grep -c '^value:' || true; : {count}"
        );
        let found = Self::script(tools, &script)?;
        found.trim().parse().map_err(|_| found)
    }
}

/// The voters by the word of whoever answered here, all of them started.
fn voters(text: &str) -> Result<BTreeSet<String>, String> {
    if !text.contains("is healthy") {
        return Err("one is not healthy".to_owned());
    }
    let mut voters = BTreeSet::new();
    for line in text.lines() {
        // Id, status, name, peers' URLs, clients' URLs, whether it is a learner.
        let fields: Vec<&str> = line.split(", ").collect();
        match fields.as_slice() {
            [id, "started", _, _, _, "false"] => voters.insert((*id).to_owned()),
            [_, status, _, _, _, learner] => {
                return Err(format!("a member is {status}, learner: {learner}"));
            }
            _ => continue,
        };
    }
    Ok(voters)
}
