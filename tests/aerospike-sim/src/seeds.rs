//! The seeds of a node: addresses that it was told to connect to, by `tip` or by its configuration.
//!
//! A seed stays until `tip-clear`, whether anybody answers there or not.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How many seeds a node keeps: many times the largest cluster, and a bound for somebody who tips in a loop.
const MAX_SEEDS: usize = 4096;
/// The longest `tip-clear` list that the real server reads.
const MAX_CLEAR_LIST: usize = 3000;

/// An address to connect to: a name or an IP address, and the heartbeat port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Seed {
    host: String,
    port: u16,
}

impl Seed {
    /// A seed; an IP address is brought into its usual form, so that the same address is the same seed.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let host = bare
            .parse::<IpAddr>()
            .map_or_else(|_| bare.to_owned(), |address| address.to_string());
        Self { host, port }
    }

    /// The name or address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The heartbeat port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, when it is one and not a name.
    #[must_use]
    pub fn literal(&self) -> Option<SocketAddr> {
        self.host
            .parse()
            .ok()
            .map(|address| SocketAddr::new(address, self.port))
    }

    /// One item of a `tip-clear` list: `host:port`, an IPv6 address in brackets.
    fn parse(item: &str) -> Option<Self> {
        let (host, port) = item.rsplit_once(':')?;
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
            return None;
        }
        Some(Self::new(host, port.parse().ok()?))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What a `tip-clear` did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cleared {
    pub cleared: usize,
    pub not_found: usize,
}

/// All seeds of a node, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Seeds(Vec<Seed>);

impl Seeds {
    /// Adds a seed. `false` when it is there already, or there is no room.
    pub fn add(&mut self, seed: Seed) -> bool {
        if self.0.contains(&seed) {
            return false;
        }
        let room = self.0.len() < MAX_SEEDS;
        if room {
            self.0.push(seed);
        }
        room
    }

    /// Removes the seeds of a `tip-clear` list. Nothing after the first item that is no `host:port` is looked at.
    pub fn clear_list(&mut self, list: &str) -> Cleared {
        let mut done = Cleared {
            cleared: 0,
            not_found: 0,
        };
        if list.len() > MAX_CLEAR_LIST {
            return done;
        }
        for seed in list.split(',').map_while(Seed::parse) {
            match self.0.iter().position(|known| *known == seed) {
                Some(at) => {
                    self.0.remove(at);
                    done.cleared += 1;
                }
                None => done.not_found += 1,
            }
        }
        done
    }

    /// Removes every seed.
    pub fn clear_all(&mut self) -> Cleared {
        let cleared = self.0.len();
        self.0.clear();
        Cleared {
            cleared,
            not_found: 0,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Seed> {
        self.0.iter()
    }

    pub fn contains(&self, seed: &Seed) -> bool {
        self.0.contains(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(list: &[(&str, u16)]) -> Seeds {
        let mut seeds = Seeds::default();
        for (host, port) in list {
            seeds.add(Seed::new(host, *port));
        }
        seeds
    }

    #[test]
    fn lists_clear_what_they_name() {
        let mut all = seeds(&[
            ("10.0.1.2", 3002),
            ("fe80::1", 3002),
            ("peer", 3002),
            ("10.0.1.9", 3002),
        ]);
        let done = all.clear_list("10.0.1.2:3002,[fe80:0::1]:3002,peer:3002,10.0.1.3:3002");
        assert_eq!(
            done,
            Cleared {
                cleared: 3,
                not_found: 1
            }
        );
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.1.9:3002"]
        );
    }

    #[test]
    fn an_item_without_port_ends_the_list() {
        let mut all = seeds(&[("10.0.1.2", 3002)]);
        for list in [
            "10.0.1.2",
            "",
            "10.0.1.2,10.0.1.2:3002",
            "fe80::1:3002",
            ":3002",
            "10.0.1.2:x",
        ] {
            assert_eq!(
                all.clear_list(list),
                Cleared {
                    cleared: 0,
                    not_found: 0
                },
                "{list}"
            );
        }
        assert_eq!(
            all.clear_list(&format!("10.0.1.2:3002,{}", "x".repeat(3000)))
                .cleared,
            0
        );
        assert_eq!(all.iter().count(), 1);
    }

    #[test]
    fn the_same_address_is_the_same_seed() {
        let mut once = seeds(&[("10.0.1.2", 3002)]);
        assert!(!once.add(Seed::new("10.0.1.2", 3002)));
        let all = seeds(&[
            ("10.0.1.2", 3002),
            ("10.0.1.2", 3002),
            ("::1", 1),
            ("[0::1]", 1),
        ]);
        assert_eq!(all.iter().count(), 2);
    }

    #[test]
    fn the_number_of_seeds_is_bounded() {
        let mut all = Seeds::default();
        for port in 0..MAX_SEEDS {
            assert!(all.add(Seed::new("10.0.0.1", port as u16)));
        }
        assert!(!all.add(Seed::new("10.0.0.2", 1)));
    }
}
