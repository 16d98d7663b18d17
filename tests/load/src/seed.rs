//! Where to begin: a name or an address, asked anew whenever nobody is known.

use std::net::SocketAddr;

use tokio::net::lookup_host;

/// `HOST` or `HOST:PORT`; with IPv6, `[ADDRESS]:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    host: String,
    port: Option<u16>,
}

impl std::str::FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = match text.rsplit_once(':') {
            // A bare IPv6 address has colons too.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = match port.map(str::parse::<u16>) {
            Some(Err(_) | Ok(0)) => {
                return Err(format!("the port in `{text}` is not one from 1 to 65535"));
            }
            Some(Ok(port)) => Some(port),
            None => None,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(format!("`{text}` is not HOST or HOST:PORT"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// All addresses that these names have now; a name that has none adds none.
pub(crate) async fn resolve(seeds: &[Seed], port: u16) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for seed in seeds {
        if let Ok(found) = lookup_host((seed.host.as_str(), seed.port.unwrap_or(port))).await {
            all.extend(found);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<u16>), String> {
        text.parse::<Seed>().map(|seed| (seed.host, seed.port))
    }

    #[test]
    fn names_and_addresses_with_and_without_ports() {
        assert_eq!(read("redis"), Ok(("redis".into(), None)));
        assert_eq!(read("redis:7000"), Ok(("redis".into(), Some(7000))));
        assert_eq!(read("[::1]:7000"), Ok(("::1".into(), Some(7000))));
        assert_eq!(read("::1"), Ok(("::1".into(), None)));
        for bad in ["", ":7", "a:b", "a:0", "a:70000", "a b"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
