//! Redis Cluster, asked by redis-cli.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;
use meshworker_lab::images::Tested;

use crate::{Cluster, Database, World};

/// Redis Cluster, the real one: Debian's, or the server that `REDIS_IMAGE` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redis;

/// Lets redis-cli log in without a password among its arguments.
const LOGIN: &str = "export REDISCLI_AUTH=$(cat /run/secrets/redis-password)";

impl Redis {
    /// Runs a script of redis-cli calls in the tools container.
    fn script(tools: &Tools<'_>, script: &str) -> Result<String, String> {
        let script = format!("{LOGIN}; {script}");
        tools
            .exec(&["sh", "-c", &script])
            .map_err(|error| error.to_string())
    }
}

/// What one member says.
#[derive(Debug, Default)]
struct Said {
    info: BTreeMap<String, String>,
    /// Id, and flags.
    nodes: BTreeMap<String, String>,
    myself: String,
}

impl Database for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn stack(&self) -> PathBuf {
        World::stack("redis.yml")
    }

    fn service(&self) -> &'static str {
        "redis"
    }

    fn env(&self) -> Vec<(String, String)> {
        vec![("REDIS_IMAGE".into(), Tested::Redis.reference().into())]
    }

    fn keeps_data(&self) -> bool {
        true
    }

    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        let list: Vec<String> = members.iter().map(ToString::to_string).collect();
        let questions = r"CLUSTER INFO\nINFO replication\nCLUSTER NODES\n";
        let script = format!(
            "for a in {}; do echo \"== $a\"; printf '{questions}' | timeout 6 redis-cli -h $a; done; true",
            list.join(" ")
        );
        let text = Self::script(tools, &script)?;
        let said: Vec<Said> = text.split("== ").skip(1).map(parse).collect();
        let cluster = judge(&said, members.len()).map_err(|why| format!("{why}\n{text}"))?;
        let is_master = |said: &Said| said.info.get("role").is_some_and(|role| role == "master");
        let masters = members.iter().zip(&said);
        let masters = masters.filter(|(_, said)| is_master(said));
        Ok(Cluster {
            masters: masters.map(|(member, _)| *member).collect(),
            ..cluster
        })
    }

    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String> {
        let script = format!(
            "for i in $(seq {count}); do echo \"SET key:$i value:$i\"; done | redis-cli -c -h {member} | grep -c '^OK$'"
        );
        let written = Self::script(tools, &script)?;
        if written.trim() == count.to_string() {
            return Ok(());
        }
        Err(format!("{written} of {count} records were written"))
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String> {
        let script = format!(
            "for i in $(seq {count}); do echo \"GET key:$i\"; done | redis-cli -c -h {member} | grep -c '^value:' || true"
        );
        let found = Self::script(tools, &script)?;
        found.trim().parse().map_err(|_| found)
    }
}

fn parse(text: &str) -> Said {
    let mut said = Said::default();
    for line in text.lines().skip(1).map(str::trim) {
        let fields: Vec<&str> = line.split(' ').collect();
        match fields.as_slice() {
            [id, _, flags, ..] if id.len() == 40 => {
                if flags.contains("myself") {
                    said.myself = (*id).into();
                }
                said.nodes.insert((*id).into(), (*flags).into());
            }
            _ => {
                if let Some((key, value)) = line.split_once(':') {
                    said.info.insert(key.into(), value.into());
                }
            }
        }
    }
    said
}

fn judge(said: &[Said], count: usize) -> Result<Cluster, String> {
    let nodes: BTreeSet<String> = said.iter().map(|said| said.myself.clone()).collect();
    if said.len() != count || nodes.len() != count || nodes.contains("") {
        return Err(format!("{} of {count} members answer", nodes.len()));
    }
    let mut departed = BTreeSet::new();
    for member in said {
        for (key, wanted) in [("cluster_state", "ok"), ("cluster_slots_ok", "16384")] {
            let found = member.info.get(key).map(String::as_str);
            if found != Some(wanted) {
                return Err(format!("{}: {key} is {found:?}", member.myself));
            }
        }
        // A master's `info` has no such line.
        let link = member.info.get("master_link_status");
        if link.is_some_and(|link| link != "up") {
            return Err(format!("{}: its master's link is {link:?}", member.myself));
        }
        if let Some(stranger) = nodes.iter().find(|node| !member.nodes.contains_key(*node)) {
            return Err(format!("{} does not know {stranger}", member.myself));
        }
        for (node, flags) in &member.nodes {
            if !nodes.contains(node) {
                departed.insert(node.clone());
            } else if flags.contains("fail") || flags.contains("handshake") {
                return Err(format!("{} says of {node}: {flags}", member.myself));
            }
        }
    }
    Ok(Cluster {
        nodes,
        departed,
        masters: BTreeSet::new(),
    })
}
