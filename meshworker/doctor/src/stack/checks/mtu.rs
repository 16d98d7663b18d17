//! How large a packet may be on an overlay.

use super::network::used;
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

/// What an Ethernet link carries where nobody has changed it.
const ETHERNET: usize = 1500;

/// The option of the overlay driver that says what the links between nodes carry:
/// the driver takes what VXLAN needs off that itself.
/// Source: moby, `libnetwork/drivers/overlay`, `maxMTU`.
const OPTION: &str = "com.docker.network.driver.mtu";

pub const CHECK: Check<Ground> = Check {
    name: "overlay-mtu",
    finds: "an overlay whose packets do not fit the links between the nodes",
    run: |ground| {
        let mut findings = Vec::new();
        for (name, network) in used(ground)? {
            let Some(option) = network.options.get(OPTION) else {
                continue;
            };
            let mtu: Option<usize> = option.value.trim().parse().ok();
            if mtu.is_some_and(|mtu| mtu <= ETHERNET) {
                continue;
            }
            let what = format!(
                "It takes the links between the nodes for such that carry {} bytes.",
                option.value
            );
            findings.push(
                Finding::new(Severity::Warning, format!("network {name}"), what)
                    .why("Where a link between nodes carries 1500 bytes, large packets vanish: small requests work, and data transfers hang.")
                    .instead(format!("{OPTION}: \"{ETHERNET}\", or what every link carries"))
                    .at(option.place.as_ref()),
            );
        }
        Ok(findings)
    },
};
