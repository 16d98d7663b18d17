//! The choice among candidates. Pure.

use std::net::IpAddr;

use super::{Candidate, Wish};
use crate::config::IpFamily;

/// What the choice is made from besides the candidates.
pub(super) struct Given<'a> {
    pub(super) wish: &'a Wish,
    pub(super) family: IpFamily,
    /// Addresses of those that share the member's network; none while DNS was
    /// not asked.
    pub(super) resolved: Option<&'a Vec<IpAddr>>,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one; and why the others lost.
    Chosen {
        address: IpAddr,
        lost: Vec<(Candidate, String)>,
    },
    /// Only DNS can tell, and it has not told yet.
    AskDns(String),
    /// Waiting will not help.
    Never(String),
}

/// Chooses the one candidate that is left when each rule has struck out its own.
pub(super) fn choose(candidates: &[Candidate], given: &Given<'_>) -> Choice {
    let wish = given.wish;
    let mut field = Field {
        left: candidates.to_vec(),
        lost: Vec::new(),
    };
    if let Some(address) = wish.address {
        field.strike("another one was given", |c| c.address != address);
        return Choice::Chosen {
            address,
            lost: field.lost,
        };
    }
    field.strike("not of the IP family that was asked for", |c| {
        match given.family {
            IpFamily::Both => false,
            IpFamily::V4 => !c.address.is_ipv4(),
            IpFamily::V6 => !c.address.is_ipv6(),
        }
    });
    if let Some(subnet) = wish.subnet {
        let why = format!("outside {subnet}");
        field.strike(&why, |c| !subnet.contains(c.address));
        return field.only().unwrap_or_else(|why| {
            Choice::Never(format!(
                "address: found {why}; allowed: exactly one in subnet {subnet}"
            ))
        });
    }
    let named = [
        (
            "interface",
            &wish.interface,
            (|c| c.interface.clone()) as fn(&Candidate) -> String,
        ),
        ("address", &wish.pattern, |c| c.address.to_string()),
    ];
    let named = named.into_iter();
    let named = named.filter_map(|(what, pattern, of)| Some((what, pattern.as_ref()?, of)));
    let mut told = Vec::new();
    for (what, pattern, of) in named {
        told.push(format!("{what} {pattern}"));
        field.strike(&format!("not {what} {pattern}"), |c| {
            !pattern.matches(&of(c))
        });
    }
    if !told.is_empty() {
        field.strike_unless_all("link-local", is_link_local);
        field.strike_unless_all("shared by all replicas of a service", |c| c.shared);
        return field.only().unwrap_or_else(|why| {
            let told = told.join(" and ");
            Choice::Never(format!(
                "address: found {why}; allowed: exactly one with {told}"
            ))
        });
    }
    field.strike("loopback", |c| c.address.is_loopback());
    field.strike("link-local", is_link_local);
    field.strike_unless_all("shared by all replicas of a service", |c| c.shared);
    // A container's default route leaves through docker_gwbridge, which no
    // other node can reach.
    field.strike_unless_all("the way out of the swarm (docker_gwbridge)", |c| c.gateway);
    // Where several networks are left, or one is named, its neighbours tell
    // which it is.
    if wish.network.is_none() && field.left.len() <= 1 {
        return field.only().unwrap_or_else(|why| {
            Choice::Never(format!("address: found {why}; allowed: one that other containers reach, given by --address or MESHWORKER_ADDRESS"))
        });
    }
    let which = match &wish.network {
        Some(network) => format!("network {network}"),
        None => "workers and replicas".to_owned(),
    };
    if let Some(resolved) = given.resolved {
        let near = |c: &Candidate| {
            let same = |address: &IpAddr| {
                *address == c.address || c.subnet.is_some_and(|subnet| subnet.contains(*address))
            };
            resolved.iter().any(same)
        };
        let why = format!("not beside what DNS has for {which}");
        field.strike(&why, |c| !near(c));
        // A replica that is listed itself need not be guessed.
        field.strike_unless_all("another one of ours is in DNS", |c| {
            !resolved.contains(&c.address)
        });
    }
    // One that is left over is not enough: what was named must be found.
    let only = match given.resolved {
        Some(_) => field.only(),
        None => Err("nothing yet".to_owned()),
    };
    only.unwrap_or_else(|why| {
        Choice::AskDns(format!(
            "address: found {why}, by what DNS has for {which}; allowed: exactly one, given by --address, --subnet or --network, or MESHWORKER_ADDRESS, _SUBNET or _NETWORK"
        ))
    })
}

fn is_link_local(candidate: &Candidate) -> bool {
    match candidate.address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

struct Field {
    left: Vec<Candidate>,
    lost: Vec<(Candidate, String)>,
}

impl Field {
    fn strike(&mut self, why: &str, out: impl Fn(&Candidate) -> bool) {
        let (struck, left) = self.left.drain(..).partition(|c| out(c));
        self.left = left;
        let struck: Vec<Candidate> = struck;
        self.lost
            .extend(struck.into_iter().map(|c| (c, why.to_owned())));
    }

    /// The same, unless nobody would be left.
    fn strike_unless_all(&mut self, why: &str, out: impl Fn(&Candidate) -> bool) {
        if !self.left.iter().all(&out) {
            self.strike(why, out);
        }
    }

    /// The one that is left, or what is there instead.
    fn only(&self) -> Result<Choice, String> {
        match self.left.as_slice() {
            [one] => Ok(Choice::Chosen {
                address: one.address,
                lost: self.lost.clone(),
            }),
            [] => {
                let lost = self.lost.iter();
                let lost = lost.map(|(c, why)| format!("{} on {}: {why}", c.address, c.interface));
                let lost: Vec<_> = lost.collect();
                Err(format!("no address ({})", lost.join(", ")))
            }
            several => {
                let left = several.iter();
                let left = left.map(|c| format!("{} on {}", c.address, c.interface));
                Err(left.collect::<Vec<_>>().join(" and "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(interface: &str, cidr: &str) -> Candidate {
        let (address, prefix) = cidr.split_once('/').unwrap();
        Candidate {
            interface: interface.into(),
            address: address.parse().unwrap(),
            subnet: Some(cidr.parse().unwrap()),
            gateway: false,
            shared: prefix == "32",
        }
    }

    /// A container on two overlays.
    fn container() -> Vec<Candidate> {
        vec![
            candidate("lo", "127.0.0.1/8"),
            Candidate {
                gateway: true,
                ..candidate("eth1", "172.18.0.3/16")
            },
            candidate("eth0", "10.0.1.5/24"),
            candidate("eth0", "10.0.1.2/32"),
            candidate("eth2", "10.0.2.9/24"),
        ]
    }

    fn chosen(candidates: &[Candidate], wish: Wish, resolved: Option<&[&str]>) -> String {
        let resolved: Option<Vec<IpAddr>> =
            resolved.map(|all| all.iter().map(|a| a.parse().unwrap()).collect());
        let given = Given {
            wish: &wish,
            family: IpFamily::Both,
            resolved: resolved.as_ref(),
        };
        match choose(candidates, &given) {
            Choice::Chosen { address, lost } => {
                assert_eq!(lost.len(), candidates.len() - 1, "each loser has a reason");
                address.to_string()
            }
            Choice::AskDns(why) => format!("ask: {why}"),
            Choice::Never(why) => why,
        }
    }

    #[test]
    fn the_one_that_other_containers_reach_is_taken() {
        let one = &container()[..4];
        assert_eq!(chosen(one, Wish::default(), None), "10.0.1.5");
        // Without a swarm the default route's interface is all there is.
        let plain = &container()[..2];
        assert_eq!(chosen(plain, Wish::default(), None), "172.18.0.3");
    }

    #[test]
    fn among_several_the_subnet_decides() {
        let wish = |subnet: &str| Wish {
            subnet: Some(subnet.parse().unwrap()),
            ..Wish::default()
        };
        assert_eq!(chosen(&container(), wish("10.0.2.0/24"), None), "10.0.2.9");
        let none = chosen(&container(), wish("10.9.0.0/24"), None);
        assert!(
            none.starts_with("address: found no address (127.0.0.1 on lo: outside 10.9.0.0/24, "),
            "{none}"
        );
        let two = chosen(&container(), wish("10.0.0.0/8"), None);
        assert!(
            two.starts_with("address: found 10.0.1.5 on eth0 and 10.0.1.2 on eth0 and"),
            "{two}"
        );
    }

    #[test]
    fn among_several_dns_decides() {
        let open = chosen(&container(), Wish::default(), None);
        assert!(open.starts_with("ask: "), "{open}");
        assert_eq!(
            chosen(&container(), Wish::default(), Some(&["10.0.2.77"])),
            "10.0.2.9"
        );
        let empty = chosen(&container(), Wish::default(), Some(&[]));
        assert!(
            empty.starts_with("ask: address: found no address"),
            "{empty}"
        );
        // Both networks have neighbours; the own record settles it.
        assert_eq!(
            chosen(
                &container(),
                Wish::default(),
                Some(&["10.0.2.77", "10.0.1.5"])
            ),
            "10.0.1.5"
        );
    }

    #[test]
    fn a_named_network_is_always_asked_for() {
        let wish = Wish {
            network: Some("db_net".into()),
            ..Wish::default()
        };
        let one = &container()[..4];
        let unasked = chosen(one, wish.clone(), None);
        assert!(unasked.starts_with("ask: "), "{unasked}");
        let open = chosen(one, wish.clone(), Some(&["10.0.9.1"]));
        assert!(
            open.contains("by what DNS has for network db_net"),
            "{open}"
        );
        assert_eq!(chosen(&container(), wish, Some(&["10.0.2.3"])), "10.0.2.9");
    }

    #[test]
    fn an_interface_or_a_pattern_leaves_one() {
        let pattern = |text| super::super::Pattern::parse(text);
        let on = |interface| Wish {
            interface: pattern(interface),
            ..Wish::default()
        };
        let like = |text| Wish {
            pattern: pattern(text),
            ..Wish::default()
        };
        assert_eq!(chosen(&container(), on("eth2"), None), "10.0.2.9");
        // What all replicas share is nobody's own.
        assert_eq!(chosen(&container(), on("eth0"), None), "10.0.1.5");
        assert_eq!(chosen(&container(), like("10.0.2.*"), None), "10.0.2.9");
        // Whoever says so has it, on the way out or not.
        assert_eq!(chosen(&container(), on("lo"), None), "127.0.0.1");
        let many = chosen(&container(), like("10.*"), None);
        assert_eq!(
            many,
            "address: found 10.0.1.5 on eth0 and 10.0.2.9 on eth2; allowed: exactly one with address 10.*"
        );
        let none = chosen(&container(), on("ens*"), None);
        assert!(
            none.contains("172.18.0.3 on eth1: not interface ens*"),
            "{none}"
        );
    }

    #[test]
    fn an_explicit_address_wins() {
        let wish = Wish {
            address: Some("10.0.1.5".parse().unwrap()),
            subnet: Some("10.0.2.0/24".parse().unwrap()),
            ..Wish::default()
        };
        assert_eq!(chosen(&container(), wish, None), "10.0.1.5");
    }

    #[test]
    fn only_loopback_is_no_address() {
        let line = chosen(&container()[..1], Wish::default(), None);
        assert!(
            line.starts_with("address: found no address (127.0.0.1 on lo: loopback); allowed: "),
            "{line}"
        );
    }
}
