//! Reads `aerospike.conf`: nested blocks of `name value...` lines. Lines that mean nothing to a simulator are passed over.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::Seed;

/// What a simulator takes from a configuration file; `None` where the file is silent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfFile {
    /// `service { cluster-name }`.
    pub cluster_name: Option<String>,
    /// `network { service { address } }`: an address, an interface, or `any`.
    pub address: Option<String>,
    /// `network { service { port } }`.
    pub service_port: Option<u16>,
    /// `network { fabric { port } }`.
    pub fabric_port: Option<u16>,
    /// `network { fabric { address } }`: the first one; a real server publishes all of its addresses without it.
    pub fabric_address: Option<String>,
    /// `network { heartbeat { port } }`.
    pub heartbeat_port: Option<u16>,
    /// `network { heartbeat { interval } }`.
    pub interval: Option<Duration>,
    /// `network { heartbeat { timeout } }`.
    pub timeout: Option<u32>,
    /// `network { heartbeat { mesh-seed-address-port } }`, any number of them.
    pub seeds: Vec<Seed>,
    /// `namespace NAME { replication-factor }`.
    pub namespaces: Vec<(String, Option<usize>)>,
    /// `namespace NAME { storage-engine device { file } }`.
    pub files: Vec<(String, PathBuf)>,
}

/// What is wrong with a configuration file.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {problem}")]
pub struct ConfError {
    /// The line, counted from one.
    pub line: usize,
    /// The problem.
    pub problem: String,
}

impl ConfFile {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// [`ConfError`] for blocks that do not match and for values of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        let mut conf = Self::default();
        let mut blocks: Vec<Vec<&str>> = Vec::new();
        let mut last = 0;
        for (line, content) in (1..).zip(text.lines()) {
            last = line;
            let content = content.split('#').next().unwrap_or("");
            let mut words: Vec<&str> = content.split_whitespace().collect();
            let problem = |problem: String| ConfError { line, problem };
            match words.as_slice() {
                [] => {}
                ["}"] => {
                    blocks
                        .pop()
                        .ok_or_else(|| problem("'}' closes nothing".to_owned()))?;
                }
                [.., "{"] => {
                    words.pop();
                    if words.is_empty() {
                        return Err(problem("'{' without a name before it".to_owned()));
                    }
                    blocks.push(words);
                    conf.open(&blocks).map_err(problem)?;
                }
                words if words.iter().any(|word| word.contains(['{', '}'])) => {
                    return Err(problem(
                        "'{' must end its line and '}' stand alone on one".to_owned(),
                    ));
                }
                [name, values @ ..] => conf.set(&blocks, name, values).map_err(problem)?,
            }
        }
        match blocks.last() {
            None => Ok(conf),
            Some(block) => Err(ConfError {
                line: last,
                problem: format!("'{}' is never closed", block.join(" ")),
            }),
        }
    }

    fn open(&mut self, blocks: &[Vec<&str>]) -> Result<(), String> {
        if let [block] = blocks
            && block.first() == Some(&"namespace")
        {
            let [_, name] = block.as_slice() else {
                return Err("'namespace' needs one name".to_owned());
            };
            self.namespaces.push(((*name).to_owned(), None));
        }
        Ok(())
    }

    fn set(&mut self, blocks: &[Vec<&str>], name: &str, values: &[&str]) -> Result<(), String> {
        let path: Vec<&str> = blocks
            .iter()
            .filter_map(|block| block.first().copied())
            .chain([name])
            .collect();
        let one = || match values {
            [value] => Ok(*value),
            _ => Err(format!("'{name}' needs one value")),
        };
        match path.as_slice() {
            ["service", "cluster-name"] => self.cluster_name = Some(one()?.to_owned()),
            ["network", "service", "address"] => self.address = Some(one()?.to_owned()),
            ["network", "service", "port"] => self.service_port = Some(port(name, one()?)?),
            ["network", "fabric", "port"] => self.fabric_port = Some(port(name, one()?)?),
            ["network", "fabric", "address"] => {
                self.fabric_address.get_or_insert(one()?.to_owned());
            }
            ["network", "heartbeat", "port"] => self.heartbeat_port = Some(port(name, one()?)?),
            ["network", "heartbeat", "mode"] if one()? != "mesh" => {
                return Err(format!(
                    "heartbeat mode '{}': only 'mesh' works on an overlay network",
                    one()?
                ));
            }
            ["network", "heartbeat", "interval"] => {
                self.interval = Some(Duration::from_millis(number(name, one()?, 50, 10_000)?));
            }
            ["network", "heartbeat", "timeout"] => {
                self.timeout = Some(number(name, one()?, 3, 1_000)? as u32);
            }
            ["network", "heartbeat", "mesh-seed-address-port"] => {
                let [host, seed_port] = values else {
                    return Err(format!("'{name}' needs a host and a port"));
                };
                self.seeds.push(Seed::new(host, port(name, seed_port)?));
            }
            ["namespace", "storage-engine", "file"] => {
                if let Some((namespace, _)) = self.namespaces.last() {
                    self.files.push((namespace.clone(), one()?.into()));
                }
            }
            ["namespace", "replication-factor"] => {
                let copies = number(name, one()?, 1, 256)? as usize;
                if let Some((_, slot)) = self.namespaces.last_mut() {
                    *slot = Some(copies);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn port(name: &str, value: &str) -> Result<u16, String> {
    Ok(number(name, value, 1, u64::from(u16::MAX))? as u16)
}

fn number(name: &str, value: &str, least: u64, most: u64) -> Result<u64, String> {
    match value.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!(
            "'{name} {value}': expected a number from {least} to {most}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = "
# an example as it is deployed
service {
    proto-fd-max 15000
    cluster-name mesh-it   # the name
}
logging {
    console {
        context any info
    }
}
network {
    service {
        address any
        port 3000
    }
    heartbeat {
        mode mesh
        port 3002
        mesh-seed-address-port 10.0.1.6 3002
        mesh-seed-address-port tasks.db 3012
        interval 150
        timeout 10
    }
    fabric {
        port 3001
    }
}
namespace test {
    replication-factor 2
    storage-engine memory {
        data-size 1G
    }
}
namespace cache {
    default-ttl 0
    storage-engine device {
        file cache.dat
        filesize 4G
    }
}
";

    #[test]
    fn a_real_file_is_understood() {
        let conf = ConfFile::parse(REAL).unwrap();
        let expected = ConfFile {
            cluster_name: Some("mesh-it".into()),
            address: Some("any".into()),
            service_port: Some(3000),
            fabric_port: Some(3001),
            fabric_address: None,
            heartbeat_port: Some(3002),
            interval: Some(Duration::from_millis(150)),
            timeout: Some(10),
            seeds: vec![Seed::new("10.0.1.6", 3002), Seed::new("tasks.db", 3012)],
            namespaces: vec![("test".into(), Some(2)), ("cache".into(), None)],
            files: vec![("cache".into(), "cache.dat".into())],
        };
        assert_eq!(conf, expected);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, message) in [
            ("service {\n", "line 1: 'service' is never closed"),
            ("\n}\n", "line 2: '}' closes nothing"),
            ("{\n}", "line 1: '{' without a name before it"),
            (
                "service { cluster-name x }",
                "line 1: '{' must end its line and '}' stand alone on one",
            ),
            ("namespace {\n}", "line 1: 'namespace' needs one name"),
            (
                "service {\ncluster-name\n}",
                "line 2: 'cluster-name' needs one value",
            ),
            (
                "network {\nservice {\nport 0\n}\n}",
                "line 3: 'port 0': expected a number from 1 to 65535",
            ),
            (
                "network {\nheartbeat {\nmode multicast\n}\n}",
                "line 3: heartbeat mode 'multicast': only 'mesh' works on an overlay network",
            ),
            (
                "network {\nheartbeat {\nmesh-seed-address-port db\n}\n}",
                "line 3: 'mesh-seed-address-port' needs a host and a port",
            ),
        ] {
            assert_eq!(ConfFile::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(ConfFile::parse("# nothing\n").unwrap(), ConfFile::default());
    }
}
