//! Aerospike, asked by its info protocol: the simulator, or the server that
//! `AEROSPIKE_IMAGE` names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;
use meshworker_lab::images::Tested;

use crate::{Cluster, Database, World};

/// Aerospike: simulated, or real where an image is named.
#[derive(Debug, Clone)]
pub struct Aerospike {
    stack: PathBuf,
    service: &'static str,
}

impl Default for Aerospike {
    /// That of the project's own stack.
    fn default() -> Self {
        Self::in_stack(World::stack("aerospike.yml"), "aerospikedb")
    }
}

impl Aerospike {
    /// That of another stack file.
    pub fn in_stack(stack: PathBuf, service: &'static str) -> Self {
        Self { stack, service }
    }

    /// Whether the server under test is the simulator, which alone holds
    /// records that the tests can count.
    pub fn is_simulated() -> bool {
        Tested::Aerospike.brought().is_none()
    }

    /// Asks these members, one after the other, and returns each one's answer: a line for each command, in their order.
    fn info(
        tools: &Tools<'_>,
        members: &[Ipv4Addr],
        commands: &[&str],
    ) -> Result<Vec<String>, String> {
        let list: Vec<String> = members.iter().map(ToString::to_string).collect();
        let script = format!(
            "for a in {}; do echo \"== $a\"; timeout 5 aerospike-sim info -h $a \"$@\"; done",
            list.join(" ")
        );
        let mut command = vec!["sh", "-ec", &script, "info"];
        command.extend(commands);
        let text = tools.exec(&command).map_err(|error| error.to_string())?;
        let answers = text
            .split("== ")
            .skip(1)
            .filter_map(|one| one.split_once('\n'));
        Ok(answers.map(|(_, answer)| answer.to_owned()).collect())
    }

    /// The number after `key=` in the answer.
    fn count(
        tools: &Tools<'_>,
        member: Ipv4Addr,
        command: &str,
        key: &str,
    ) -> Result<usize, String> {
        let said = Self::info(tools, &[member], &[command])?.concat();
        let number = said
            .split(';')
            .find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
        number
            .and_then(|number| number.parse().ok())
            .ok_or(said.clone())
    }
}

impl Database for Aerospike {
    fn name(&self) -> &'static str {
        "aerospike"
    }

    fn stack(&self) -> PathBuf {
        self.stack.clone()
    }

    fn service(&self) -> &'static str {
        self.service
    }

    fn env(&self) -> Vec<(String, String)> {
        let image = Tested::Aerospike.reference();
        vec![("AEROSPIKE_IMAGE".into(), image.into())]
    }

    fn keeps_data(&self) -> bool {
        false
    }

    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        let mut nodes = BTreeSet::new();
        let mut keys = BTreeSet::new();
        let mut remembered = BTreeSet::new();
        let all = Self::info(tools, members, &["node", "statistics", "services-alumni"])?;
        for (member, said) in members.iter().zip(all) {
            let mut lines = said.lines();
            let (Some(node), Some(statistics)) = (lines.next(), lines.next()) else {
                return Err(format!("{member} answers {said:?}"));
            };
            // The line of a member without alumni is empty.
            let alumni = lines.next().unwrap_or_default();
            let fields: BTreeMap<&str, &str> = statistics
                .split(';')
                .filter_map(|field| field.split_once('='))
                .collect();
            let field = |name: &str| fields.get(name).copied().unwrap_or("nothing");
            let size = field("cluster_size");
            if size != members.len().to_string() || field("cluster_integrity") != "true" {
                return Err(format!("{member} counts {size} of {}", members.len()));
            }
            nodes.insert(node.to_owned());
            keys.insert(field("cluster_key").to_owned());
            remembered.extend(
                alumni
                    .split(';')
                    .filter(|a| !a.is_empty())
                    .map(str::to_owned),
            );
        }
        if keys.len() != 1 || nodes.len() != members.len() {
            return Err(format!("keys {keys:?}, nodes {nodes:?}"));
        }
        let departed = remembered.into_iter().filter(|alumnus| {
            let host = alumnus
                .rsplit_once(':')
                .map_or(alumnus.as_str(), |(host, _)| host);
            !members.iter().any(|member| member.to_string() == host)
        });
        Ok(Cluster {
            nodes,
            departed: departed.collect(),
            masters: BTreeSet::new(),
        })
    }

    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String> {
        if !Self::is_simulated() {
            return Ok(());
        }
        let put = format!("sim-put-many:ns=test;prefix=key;from=1;to={count}");
        match Self::count(tools, member, &put, "written")? {
            written if written == count => Ok(()),
            written => Err(format!("{written} of {count} records were written")),
        }
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String> {
        if !Self::is_simulated() {
            return Ok(count);
        }
        let check = format!("sim-check-many:ns=test;prefix=key;from=1;to={count}");
        Self::count(tools, member, &check, "found")
    }
}
