//! Chooses the node's own address among those of the host.
//!
//! In a Swarm container the overlay network is usually `eth0` and the bridge to the outside `eth1`, but a service with published
//! ports has the ingress network too, and several networks come in no promised order. So: name the subnet or the interface where
//! it matters.

use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// Why no address could be chosen. The text names what there was.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no {wanted} among the host's addresses: {candidates}")]
pub struct NoAddress {
    wanted: String,
    candidates: String,
}

/// A range of addresses, `10.0.1.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subnet {
    network: IpAddr,
    prefix: u32,
}

impl Subnet {
    fn contains(&self, address: IpAddr) -> bool {
        let (network, candidate, bits) = match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(candidate)) => (
                u128::from(network.to_bits()),
                u128::from(candidate.to_bits()),
                32,
            ),
            (IpAddr::V6(network), IpAddr::V6(candidate)) => {
                (network.to_bits(), candidate.to_bits(), 128)
            }
            _ => return false,
        };
        (network ^ candidate)
            .checked_shr(bits - self.prefix)
            .unwrap_or(0)
            == 0
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(network, prefix)| {
            let (network, prefix): (IpAddr, u32) = (network.parse().ok()?, prefix.parse().ok()?);
            let most = if network.is_ipv4() { 32 } else { 128 };
            (prefix <= most).then_some(Self { network, prefix })
        });
        parsed.ok_or_else(|| format!("subnet '{text}': expected ADDRESS/PREFIX, like 10.0.1.0/24"))
    }
}

/// How the own address is to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The address of this network.
    InSubnet(Subnet),
    /// The address of this interface.
    OfInterface(String),
    /// `eth0`, else the first that is not the loopback, else the loopback.
    Usual,
}

/// The host's addresses with the names of their interfaces, in the system's order.
///
/// # Errors
/// The system's error.
pub fn host_addresses() -> std::io::Result<Vec<(String, IpAddr)>> {
    Ok(if_addrs::get_if_addrs()?
        .into_iter()
        .map(|found| (found.name.clone(), found.ip()))
        .collect())
}

/// Chooses one of these addresses; IPv4 before IPv6.
///
/// # Errors
/// [`NoAddress`] when none fits.
pub fn choose(choice: &Choice, host: &[(String, IpAddr)]) -> Result<IpAddr, NoAddress> {
    let rank = |(name, address): &(String, IpAddr)| {
        (address.is_loopback(), name != "eth0", address.is_ipv6())
    };
    let fits = |(name, address): &(String, IpAddr)| match choice {
        Choice::InSubnet(subnet) => subnet.contains(*address),
        Choice::OfInterface(wanted) => name == wanted,
        Choice::Usual => true,
    };
    let best = host
        .iter()
        .filter(|candidate| fits(candidate))
        .min_by_key(|candidate| rank(candidate));
    best.map(|(_, address)| *address).ok_or_else(|| NoAddress {
        wanted: match choice {
            Choice::InSubnet(subnet) => format!("address in {}/{}", subnet.network, subnet.prefix),
            Choice::OfInterface(name) => format!("interface {name}"),
            Choice::Usual => "address".to_owned(),
        },
        candidates: host
            .iter()
            .map(|(name, address)| format!("{name} {address}"))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Vec<(String, IpAddr)> {
        [
            ("lo", "127.0.0.1"),
            ("eth1", "172.18.0.3"),
            ("eth0", "10.0.1.5"),
            ("eth2", "10.0.2.7"),
        ]
        .map(|(name, address)| (name.to_owned(), address.parse().unwrap()))
        .to_vec()
    }

    #[test]
    fn the_wanted_address_is_chosen() {
        let subnet = |text: &str| Choice::InSubnet(text.parse().unwrap());
        for (choice, address) in [
            (Choice::Usual, "10.0.1.5"),
            (subnet("10.0.2.0/24"), "10.0.2.7"),
            (subnet("0.0.0.0/0"), "10.0.1.5"),
            (Choice::OfInterface("eth1".into()), "172.18.0.3"),
        ] {
            assert_eq!(choose(&choice, &container()).unwrap().to_string(), address);
        }
    }

    #[test]
    fn nothing_fitting_is_told_with_the_candidates() {
        let error = choose(
            &Choice::InSubnet("10.9.0.0/16".parse().unwrap()),
            &container(),
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no address in 10.9.0.0/16 among"),
            "{error}"
        );
        assert!(error.to_string().contains("eth2 10.0.2.7"), "{error}");
        for wrong in ["10.0.1.0", "10.0.1.0/33", "x/8", ""] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }
}
