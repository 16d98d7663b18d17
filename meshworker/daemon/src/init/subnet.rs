//! A range of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses, such as `10.0.1.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    base: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// The subnet of this address; `prefix` is at most the address's length.
    pub fn new(base: IpAddr, prefix: u8) -> Option<Subnet> {
        let length = if base.is_ipv4() { 32 } else { 128 };
        (prefix <= length).then_some(Subnet { base, prefix })
    }

    /// Whether this address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix));
                let mask = mask.unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix));
                let mask = mask.unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = ();

    fn from_str(text: &str) -> Result<Subnet, ()> {
        let (base, prefix) = text.split_once('/').ok_or(())?;
        let base = base.parse().map_err(|_| ())?;
        Subnet::new(base, prefix.parse().map_err(|_| ())?).ok_or(())
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_counts() {
        let contains = |subnet: &str, address: &str| {
            let subnet: Subnet = subnet.parse().unwrap();
            subnet.contains(address.parse().unwrap())
        };
        assert!(contains("10.0.1.7/24", "10.0.1.200"));
        assert!(!contains("10.0.1.0/24", "10.0.2.1"));
        assert!(contains("0.0.0.0/0", "10.0.2.1"));
        assert!(!contains("10.0.1.1/32", "10.0.1.2"));
        assert!(contains("fd00::/64", "fd00::5"));
        assert!(!contains("fd00::/64", "10.0.0.1"));
    }

    #[test]
    fn what_is_no_subnet_is_refused() {
        for text in ["10.0.1.0", "10.0.1.0/33", "x/8", "10.0.1.0/", "fd00::/129"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }
}
