//! The network between a lab's nodes: one bridge, and for each node a network namespace with one cable to it.
//!
//! All names and addresses follow from one number, which the creation of the bridge reserves: two labs that start at
//! the same moment cannot get the same one.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::{LabError, Result};

/// The first two bytes of every lab's /24: rarely used by anyone, and outside the engines' own default pools
/// (172.16/12 for bridges, the low end of 10/8 for overlays).
const PREFIX: [u8; 2] = [10, 213];

/// How many labs fit beside each other.
const NUMBERS: u8 = 250;

/// The bridge has `.1`, the first node `.11`.
const FIRST_HOST: usize = 10;

/// The most nodes that fit into the /24 beside the bridge.
pub(crate) const MAX_NODES: usize = 200;

/// One lab's network. Only names: what exists is in the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    pub number: u8,
}

impl Network {
    /// Makes a bridge with a number that nobody else uses.
    pub(crate) fn reserve() -> Result<Self> {
        let used = run(Command::new("ip").args(["-o", "-4", "addr", "show"]))?;
        let start = u8::try_from(std::process::id() % u32::from(NUMBERS)).unwrap_or(0);
        let mut last = None;
        for offset in 0..NUMBERS {
            let network = Self {
                number: 1 + (start + offset) % NUMBERS,
            };
            let [a, b] = PREFIX;
            if used.contains(&format!(" {a}.{b}.{}.", network.number)) {
                continue;
            }
            match ip(&["link", "add", &network.bridge(), "type", "bridge"]) {
                Ok(()) => {
                    return network.open().map(|()| network).inspect_err(|_| {
                        // What cannot be used is not kept; why it cannot be is what counts.
                        let _ = network.remove(0);
                    });
                }
                Err(error) => last = Some(error),
            }
            if !network.interface(&network.bridge()).exists() {
                // Not a matter of the name: the next number would fail as well.
                break;
            }
        }
        Err(last.unwrap_or_else(|| {
            LabError::Invalid("every lab network is in use: run `cargo xtask lab sweep`".into())
        }))
    }

    fn open(self) -> Result<()> {
        let routes = run(Command::new("ip").args(["-4", "route", "show"]))?;
        if let Some(route) = strangers_route(&routes) {
            return Err(LabError::Invalid(format!(
                "this machine has a network where labs would be: found the route `{route}`; \
                 allowed: none into {}.{}.0.0/16",
                PREFIX[0], PREFIX[1]
            )));
        }
        lead_nowhere()?;
        let (bridge, address) = (self.bridge(), format!("{}/24", self.gateway()));
        ip(&["addr", "add", &address, "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        // An engine on the host sets the policy of FORWARD to DROP, and that also drops frames between the ports of
        // a bridge where the kernel passes them through iptables.
        self.rule("-I")
    }

    /// The cable and the namespace of a node.
    pub(crate) fn attach(self, index: usize) -> Result<()> {
        let (namespace, cable) = (self.namespace(index), self.cable(index));
        let address = format!("{}/24", self.address(index));
        ip(&["netns", "add", &namespace])?;
        ip(&[
            "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
        ])?;
        ip(&["link", "set", &cable, "master", &self.bridge(), "up"])?;
        ip(&["-n", &namespace, "addr", "add", &address, "dev", "eth0"])?;
        ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
        ip(&["-n", &namespace, "link", "set", "eth0", "up"])
    }

    /// Removes a node's cable and namespace, as far as they exist.
    pub(crate) fn detach(self, index: usize) -> Result<()> {
        let (namespace, cable) = (self.namespace(index), self.cable(index));
        // The cable first: deleting a namespace takes its interfaces away only some time later.
        if self.interface(&cable).exists() {
            ip(&["link", "del", &cable])?;
        }
        if namespace_path(&namespace).exists() {
            ip(&["netns", "del", &namespace])?;
        }
        Ok(())
    }

    /// Pulls a node's cable or plugs it in.
    pub(crate) fn plug(self, index: usize, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        ip(&["link", "set", &self.cable(index), state])
    }

    /// Whether the node's cable is there and plugged in.
    pub(crate) fn is_plugged(self, index: usize) -> bool {
        let flags = self.interface(&self.cable(index)).join("flags");
        std::fs::read_to_string(flags)
            .ok()
            .and_then(|text| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok())
            .is_some_and(|flags| flags & 1 == 1)
    }

    /// Removes everything that is left of the network.
    pub(crate) fn remove(self, nodes: usize) -> Result<()> {
        for index in 1..=nodes {
            self.detach(index)?;
        }
        // It may be gone already, and then there is nothing to do.
        let _ = self.rule("-D");
        if self.interface(&self.bridge()).exists() {
            ip(&["link", "del", &self.bridge()])?;
        }
        Ok(())
    }

    /// The address of the bridge, with which the host itself takes part.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        let [a, b] = PREFIX;
        Ipv4Addr::new(a, b, self.number, 1)
    }

    /// The address of a node, counted from 1.
    pub(crate) fn address(self, index: usize) -> Ipv4Addr {
        let [a, b] = PREFIX;
        let host = u8::try_from(FIRST_HOST + index.min(MAX_NODES)).unwrap_or(u8::MAX);
        Ipv4Addr::new(a, b, self.number, host)
    }

    /// The network namespace of a node.
    pub(crate) fn namespace(self, index: usize) -> String {
        format!("mwl{}n{index}", self.number)
    }

    /// The name of the lab's control group, of which each node's is a child.
    pub(crate) fn control_group(self) -> String {
        self.bridge()
    }

    fn bridge(self) -> String {
        format!("mwl{}", self.number)
    }

    fn cable(self, index: usize) -> String {
        format!("mwl{}v{index}", self.number)
    }

    fn interface(self, name: &str) -> PathBuf {
        Path::new("/sys/class/net").join(name)
    }

    fn rule(self, action: &str) -> Result<()> {
        let bridge = self.bridge();
        run(Command::new("iptables").args([
            "-w", "10", action, "FORWARD", "-i", &bridge, "-o", &bridge, "-j", "ACCEPT",
        ]))
        .map(drop)
    }
}

/// A route of this machine that leads to addresses of labs, and is of no lab: there are real machines behind it.
fn strangers_route(routes: &str) -> Option<&str> {
    let [a, b] = PREFIX;
    let own = [" dev mwl".to_owned(), "unreachable ".to_owned()];
    let into = format!("{a}.{b}.");
    let mut routes = routes.lines().map(str::trim);
    routes.find(|route| {
        let is_own = own.iter().any(|mark| route.contains(mark));
        route.starts_with(&into) && !is_own
    })
}

/// The addresses of all labs lead nowhere, unless there is a lab that has them: whoever still speaks to one that is gone
/// would otherwise reach a stranger by the machine's default route. It stays when the labs are gone.
fn lead_nowhere() -> Result<()> {
    let [a, b] = PREFIX;
    ip(&[
        "route",
        "replace",
        "unreachable",
        &format!("{a}.{b}.0.0/16"),
    ])
}

/// Where `ip netns` keeps a namespace.
pub(crate) fn namespace_path(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(Command::new("ip").args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_an_interface_name_and_addresses_into_the_subnet() {
        let network = Network { number: NUMBERS };
        assert!(network.cable(MAX_NODES).len() <= 15);
        assert_eq!(network.address(1), Ipv4Addr::new(10, 213, 250, 11));
        assert_eq!(network.address(MAX_NODES), Ipv4Addr::new(10, 213, 250, 210));
        assert_eq!(network.gateway(), Ipv4Addr::new(10, 213, 250, 1));
    }

    #[test]
    fn where_real_machines_may_be_there_is_no_lab() {
        let own = "default via 10.0.0.1 dev eth0\n10.0.0.0/8 dev eth0 scope link\n\
                   unreachable 10.213.0.0/16\n10.213.7.0/24 dev mwl7 scope link\n";
        assert_eq!(strangers_route(own), None);
        let vpn = "10.213.40.0/22 via 10.8.0.1 dev tun0";
        assert_eq!(strangers_route(&format!("{own}{vpn}\n")), Some(vpn));
    }
}
