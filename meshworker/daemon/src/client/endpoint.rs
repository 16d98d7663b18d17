//! Where workers are: what `--api` names.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use meshworker_core::Told;

/// The port of the API when none is named.
pub const PORT: u16 = 4748;

/// One place where workers answer: a name, which stands for all its
/// addresses, or one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) secure: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A name, or an address in place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

/// A text that names no place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "found '{0}'; allowed: http://HOST:PORT, https://HOST:PORT or HOST:PORT, several with commas"
)]
pub struct InvalidEndpoint(String);

impl Endpoint {
    /// Every place in a list with commas.
    ///
    /// # Errors
    ///
    /// One of them cannot be a place, or there is none.
    pub fn list(text: &str) -> Result<Vec<Endpoint>, InvalidEndpoint> {
        let parts = text.split(',').map(str::trim);
        let list: Vec<Endpoint> = parts
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if list.is_empty() {
            return Err(invalid(text));
        }
        Ok(list)
    }

    /// Whether connections are encrypted.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// The same place by one of its addresses, for people.
    pub(super) fn at(&self, address: IpAddr) -> Endpoint {
        Endpoint {
            host: Host::Address(address),
            ..self.clone()
        }
    }
}

/// A text that names no place, as much of it as is shown.
fn invalid(text: &str) -> InvalidEndpoint {
    InvalidEndpoint(Told::<300>::from(text).into_string())
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, InvalidEndpoint> {
        let invalid = || invalid(text);
        let (secure, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(invalid()),
            None => (false, text),
        };
        let (host, port) = split(rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(invalid)?;
        let port = match port {
            None => PORT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(invalid)?,
        };
        Ok(Endpoint { secure, host, port })
    }
}

/// A host and what stands behind its colon.
fn split(text: &str) -> Option<(Host, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            port => Some(port?),
        };
        return Some((Host::Address(address.into()), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if let Ok(address) = host.parse() {
        return Some((Host::Address(address), port));
    }
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = !host.is_empty() && host.len() < 254 && host.chars().all(of_a_name);
    name.then(|| (Host::Name(host.to_owned()), port))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let endpoint: Endpoint = text.parse().unwrap();
        endpoint.to_string()
    }

    #[test]
    fn a_place_is_written_with_or_without_scheme_and_port() {
        assert_eq!(read("http://a_b.c:1"), "http://a_b.c:1");
        assert_eq!(read("https://10.0.0.1:2/"), "https://10.0.0.1:2");
        assert_eq!(read("tasks.meshworker"), "http://tasks.meshworker:4748");
        assert_eq!(read("[::1]:3"), "http://[::1]:3");
        assert_eq!(read("https://[::1]"), "https://[::1]:4748");
        let list = Endpoint::list("a:1, b:2,").unwrap();
        assert_eq!(list, ["a:1".parse().unwrap(), "b:2".parse().unwrap()]);
    }

    #[test]
    fn what_is_no_place_is_named() {
        let wrong = [
            "",
            "ftp://a:1",
            "a:0",
            "a:70000",
            "a:b",
            "http://",
            "a/b:1",
            "user@a:1",
            "::1",
            "[::1",
            "[::1]x",
            "a b:1",
            "a?x:1",
            ":1",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Endpoint>(), Err(InvalidEndpoint(text.into())));
        }
        assert!(Endpoint::list(" , ").is_err());
        assert!(Endpoint::list("a:1,b:0").is_err());
    }
}
