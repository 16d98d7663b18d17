//! A member's configuration file, as far as a mistake in it can be told before it
//! runs: `aerospike.conf`, or 8.1's YAML (`asd --experimental`).
//!
//! Both are read into the same: the path of each value. Only block style is read
//! of YAML; what is not understood says nothing.

use meshworker_core::Told;

use crate::{Configured, Mistake};

/// The server's default of `replication-factor`.
/// Source: Aerospike's configuration reference.
const DEFAULT_FACTOR: usize = 2;

/// The deepest nesting that is followed: twice what a server knows.
const DEEPEST: usize = 16;

/// The blocks and values of one file, each under its path.
#[derive(Debug, Default)]
pub(super) struct Conf {
    /// `network/fabric/port` and `3001`; a block has no value. A namespace's name
    /// is part of the path.
    items: Vec<(String, Option<String>)>,
}

impl Conf {
    /// Reads the text of a configuration file, of whichever format.
    pub fn read(text: &str) -> Conf {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let lines: Vec<&str> = lines
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        if lines.iter().any(|line| line.ends_with('{')) {
            Conf::braces(&lines)
        } else {
            Conf::yaml(&lines)
        }
    }

    fn braces(lines: &[&str]) -> Conf {
        let mut conf = Conf::default();
        let mut path: Vec<String> = Vec::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["}"] => {
                    path.pop();
                }
                ["namespace", name, "{"] if path.is_empty() => {
                    path.push(format!("namespaces/{name}"));
                    conf.items.push((path.join("/"), None));
                }
                [name, .., "{"] if path.len() < DEEPEST => {
                    path.push((*name).to_owned());
                    conf.items.push((path.join("/"), None));
                }
                [name, values @ ..] => {
                    let at = path.iter().map(String::as_str).chain([*name]);
                    let at: Vec<&str> = at.collect();
                    conf.items.push((at.join("/"), Some(values.join(" "))));
                }
                [] => {}
            }
        }
        conf
    }

    fn yaml(lines: &[&str]) -> Conf {
        let mut conf = Conf::default();
        // The keys that enclose a line, each with its indentation.
        let mut path: Vec<(usize, &str)> = Vec::new();
        for line in lines {
            let bare = line.trim_start();
            let indent = line.len() - bare.len();
            let Some((key, value)) = bare.split_once(':') else {
                // An item of a list is a value of the key above.
                if let Some(item) = bare.strip_prefix("- ") {
                    let at: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
                    conf.items
                        .push((at.join("/"), Some(plain(item).to_owned())));
                }
                continue;
            };
            path.retain(|(outer, _)| *outer < indent);
            if path.len() >= DEEPEST {
                continue;
            }
            path.push((indent, plain(key)));
            let at: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
            let value = plain(value);
            let value = (!value.is_empty()).then(|| value.to_owned());
            conf.items.push((at.join("/"), value));
        }
        conf
    }

    fn value(&self, path: &str) -> Option<&str> {
        let mut items = self.items.iter().rev();
        items.find_map(|(at, value)| (at == path).then_some(value.as_deref()?))
    }

    fn has(&self, path: &str) -> bool {
        self.items.iter().any(|(at, _)| at == path)
    }

    /// The replication factor of each namespace.
    pub fn factors(&self) -> Vec<(String, usize)> {
        let namespaces = self.items.iter().filter_map(|(at, _)| {
            let name = at.strip_prefix("namespaces/")?;
            (!name.contains('/')).then_some((at, name))
        });
        let factors = namespaces.map(|(at, name)| {
            let said = self.value(&format!("{at}/replication-factor"));
            let said = said.and_then(|said| said.parse().ok());
            (name.to_owned(), said.unwrap_or(DEFAULT_FACTOR))
        });
        factors.collect()
    }

    /// Whether members with this file publish all their addresses for each other's
    /// data, also those that repeat from node to node.
    fn publishes_all(&self) -> bool {
        let given = ["address", "addresses", "tls-address", "tls-addresses"];
        let mut given = given.iter().map(|name| format!("network/fabric/{name}"));
        let narrow = |at: &String| {
            let said = self.value(at);
            said.is_some_and(|said| !matches!(said, "any" | "[any]" | "0.0.0.0" | "[]"))
        };
        self.has("network") && !given.any(|at| narrow(&at))
    }
}

/// Whether somebody fills this in later, so that it says nothing yet.
fn is_filled_in(text: &str) -> bool {
    text.contains(['$', '{'])
}

/// A YAML scalar without its quotes.
fn plain(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// The mistakes in the members' configuration files.
pub(super) fn mistakes(configured: &Configured<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for conf in configured.files.iter().map(|text| Conf::read(text)) {
        if conf.publishes_all() {
            mistakes.push(Mistake {
                what: "The fabric section of the members' configuration names no address.".into(),
                why: "Each member then publishes its address on docker_gwbridge too, which another member \
                      has on the next node: 8.1 never forms a cluster, and 8.0 takes a quarter of a minute.",
                instead: "network {\n    fabric {\n        address eth0\n        port 3001\n    }\n}".into(),
            });
        }
        let own = conf.value("service/cluster-name");
        if let (Some(wanted), true) = (configured.cluster_name, conf.has("network"))
            && own != Some(wanted)
            && !own.is_some_and(is_filled_in)
        {
            let own = own.map_or("no cluster-name".into(), |own| {
                format!("cluster-name '{}'", Told::<100>::from(own))
            });
            mistakes.push(Mistake {
                what: format!("The members' configuration has {own}, and the worker's is '{wanted}'."),
                why: "The worker takes nodes of another name for another cluster's, and joins none of them.",
                instead: format!("service {{\n    cluster-name {wanted}\n}}"),
            });
        }
    }
    mistakes
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
