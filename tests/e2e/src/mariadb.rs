//! MariaDB, asked by its own client.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;
use meshworker_lab::images::Tested;

use crate::{Cluster, Database, World};

/// MariaDB, the real one: Debian's, or the server that `MARIADB_IMAGE` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mariadb;

impl Mariadb {
    /// Runs a script in the tools container, whose `mariadb` writes by way of the proxy.
    ///
    /// # Errors
    ///
    /// What it said.
    pub fn script(tools: &Tools<'_>, script: &str) -> Result<String, String> {
        let done = tools.exec(&["sh", "-c", script]);
        done.map_err(|error| error.to_string())
    }

    /// What each of these members says of itself.
    ///
    /// # Errors
    ///
    /// One does not answer.
    pub fn said(tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Vec<Said>, String> {
        let list: Vec<String> = members.iter().map(ToString::to_string).collect();
        let script = format!(
            "for a in {}; do echo \"== $a\"; ask=\"timeout 6 mariadb -h $a --connect-timeout=3\"
             $ask -N -e 'SELECT @@server_id, @@read_only' 2>&1
             $ask -e 'SHOW ALL SLAVES STATUS\\G' 2>&1; done; true",
            list.join(" ")
        );
        let text = Self::script(tools, &script)?;
        let said: Option<Vec<Said>> = text.split("== ").skip(1).map(Said::parse).collect();
        said.ok_or(text)
    }
}

/// What one member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Where it is.
    pub address: Ipv4Addr,
    /// Its number.
    pub id: String,
    /// Whether it takes writes.
    pub writable: bool,
    /// Whether it copies from somebody, and applies that.
    pub follows: bool,
}

impl Said {
    fn parse(text: &str) -> Option<Said> {
        let mut lines = text.lines();
        let address = lines.next()?.parse().ok()?;
        let (id, read_only) = lines.next()?.split_once('\t')?;
        let runs = |thread: &str| text.contains(&format!("Slave_{thread}_Running: Yes"));
        Some(Said {
            address,
            id: id.to_owned(),
            writable: read_only == "0",
            follows: runs("IO") && runs("SQL"),
        })
    }
}

impl Database for Mariadb {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn stack(&self) -> PathBuf {
        World::stack("mariadb.yml")
    }

    fn service(&self) -> &'static str {
        "mariadb"
    }

    fn env(&self) -> Vec<(String, String)> {
        let image = Tested::Mariadb.reference();
        vec![("MARIADB_IMAGE".into(), image.into())]
    }

    fn keeps_data(&self) -> bool {
        true
    }

    /// One of these takes writes, and all others follow.
    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        let said = Self::said(tools, members)?;
        let writable = said.iter().filter(|one| one.writable).count();
        let in_place = said.iter().all(|one| one.writable != one.follows);
        let nodes: BTreeSet<String> = said.iter().map(|one| one.id.clone()).collect();
        if writable != 1 || !in_place || nodes.len() != members.len() {
            return Err(format!("{said:?}"));
        }
        Ok(Cluster {
            nodes,
            departed: BTreeSet::new(),
            masters: BTreeSet::new(),
        })
    }

    /// By way of the proxy, whoever is primary.
    fn write(&self, tools: &Tools<'_>, _: Ipv4Addr, count: usize) -> Result<(), String> {
        let script = format!(
            "{{ echo 'CREATE DATABASE IF NOT EXISTS e2e; CREATE TABLE IF NOT EXISTS e2e.kept (n INT PRIMARY KEY);'; \
             for i in $(seq {count}); do echo \"REPLACE INTO e2e.kept VALUES ($i);\"; done; }} | mariadb"
        );
        Self::script(tools, &script).map(drop)
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String> {
        let ask = format!("SELECT COUNT(*) FROM e2e.kept WHERE n <= {count}");
        let found = Self::script(tools, &format!("mariadb -h {member} -N -e '{ask}'"))?;
        found.trim().parse().map_err(|_| found)
    }
}
