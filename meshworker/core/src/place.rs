//! Where a node answers.

use std::fmt;
use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a node answers: what tells several on one machine apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its address on the network that it shares with the worker.
    pub address: IpAddr,
    /// Its port, where that is not the cluster's own: a name server tells addresses alone,
    /// and one place is one value.
    pub port: Option<u16>,
}

impl Place {
    /// The place of whoever answers here; `usual` is the cluster's own port.
    ///
    /// ```
    /// use meshworker_core::Place;
    ///
    /// let [one, other] = [6379, 6380].map(|port| Place::new([10, 0, 0, 1], port, 6379));
    /// assert_eq!(one, Place::from([10, 0, 0, 1]));
    /// assert_eq!((one.to_string(), other.to_string()), ("10.0.0.1".into(), "10.0.0.1:6380".into()));
    /// ```
    pub fn new(address: impl Into<IpAddr>, port: u16, usual: u16) -> Place {
        Place {
            address: address.into(),
            port: (port != usual).then_some(port),
        }
    }

    /// Whoever answers at this address, at the cluster's own port.
    pub const fn at(address: IpAddr) -> Place {
        Place {
            address,
            port: None,
        }
    }

    /// The port there, in a cluster whose own is `usual`.
    pub fn port(self, usual: u16) -> u16 {
        self.port.unwrap_or(usual)
    }

    /// What is dialled, in a cluster whose own port is `usual`.
    pub fn socket(self, usual: u16) -> SocketAddr {
        SocketAddr::new(self.address, self.port(usual))
    }
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Place {
        Place::at(address)
    }
}

impl From<[u8; 4]> for Place {
    fn from(address: [u8; 4]) -> Place {
        Place::from(IpAddr::from(address))
    }
}

impl FromStr for Place {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Place, AddrParseError> {
        text.parse::<IpAddr>().map(Place::from).or_else(|_| {
            let socket: SocketAddr = text.parse()?;
            Ok(Place {
                address: socket.ip(),
                port: Some(socket.port()),
            })
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.address.fmt(f),
            Some(port) => SocketAddr::new(self.address, port).fmt(f),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Place, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
