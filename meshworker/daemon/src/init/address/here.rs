//! The addresses of this container.

use std::net::IpAddr;

use if_addrs::IfAddr;

use super::Candidate;
use crate::init::subnet::Subnet;

/// Every address of this container.
///
/// # Errors
///
/// The system does not list them, in words.
pub(super) fn candidates() -> Result<Vec<Candidate>, String> {
    let interfaces = if_addrs::get_if_addrs()
        .map_err(|why| format!("address: the interfaces cannot be listed: {why}"))?;
    let gateways = gateways(&std::fs::read_to_string("/proc/net/route").unwrap_or_default());
    let candidates = interfaces.into_iter().map(|interface| {
        let prefix = match &interface.addr {
            IfAddr::V4(address) => address.prefixlen,
            IfAddr::V6(address) => address.prefixlen,
        };
        let address: IpAddr = interface.ip();
        Candidate {
            gateway: gateways.contains(&interface.name),
            // Swarm adds the address of a service with a virtual IP as a /32.
            shared: address.is_ipv4() && prefix == 32,
            subnet: Subnet::new(address, prefix),
            interface: interface.name,
            address,
        }
    });
    Ok(candidates.collect())
}

/// The interfaces that a default route leaves through. In a container without
/// one the list is empty.
fn gateways(routes: &str) -> Vec<String> {
    let routes = routes.lines().skip(1);
    let routes = routes.map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Destination and mask are 0.
    let default = routes
        .filter(|fields| fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000"));
    default
        .filter_map(|fields| fields.first().map(|name| (*name).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_default_route_makes_a_gateway() {
        let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth1\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(gateways(routes), ["eth1"]);
        assert!(gateways("").is_empty());
    }

    #[test]
    fn this_machine_has_loopback() {
        let candidates = candidates().unwrap();
        assert!(
            candidates.iter().any(|c| c.address.is_loopback()),
            "{candidates:?}"
        );
    }
}
