//! The identity of a node: a number made from its fabric port and its address.

use std::fmt;
use std::net::IpAddr;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A node's id: the fabric port followed by the MAC address with its bytes reversed.
///
/// The MAC is the one that Docker derives from an IPv4 address (`02:42:` and the four bytes), so the same address always
/// gives the same id, also after a restart in another container.
///
/// ```
/// use aerospike_sim::NodeId;
/// assert_eq!(NodeId::derive(3001, "10.0.1.5".parse().unwrap()).to_string(), "BB90501000A4202");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(u64);

impl NodeId {
    /// The id of the node that has this address and listens for its peers on this fabric port.
    #[must_use]
    pub fn derive(fabric_port: u16, address: IpAddr) -> Self {
        let [a, b, c, d] = match address {
            IpAddr::V4(v4) => v4.octets(),
            // Docker has no rule for these; the last four bytes are the ones that differ between neighbours.
            IpAddr::V6(v6) => {
                let bytes = v6.octets();
                [bytes[12], bytes[13], bytes[14], bytes[15]]
            }
        };
        let [high, low] = fabric_port.to_be_bytes();
        Self(u64::from_be_bytes([high, low, d, c, b, a, 0x42, 0x02]))
    }

    /// The bare number, for hashing.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

impl FromStr for NodeId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_ids_come_out() {
        for (address, id) in [
            ("10.0.1.5", "BB90501000A4202"),
            ("10.0.1.6", "BB90601000A4202"),
            ("10.0.1.7", "BB90701000A4202"),
        ] {
            let derived = NodeId::derive(0xBB9, address.parse().unwrap());
            assert_eq!(derived.to_string(), id);
            assert_eq!(id.parse::<NodeId>().unwrap(), derived);
        }
    }
}
