//! The lists of nodes in a reply, and which of a node's addresses counts.

use std::net::IpAddr;

use meshworker_core::Place;

use super::view::{LONGEST_ID, MOST_NODES};

/// One node of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its id.
    pub node: &'a str,
    addresses: &'a str,
}

impl<'a> Entry<'a> {
    /// Its addresses; names among them are left out.
    pub fn addresses(self) -> impl Iterator<Item = Place> + use<'a> {
        addresses(self.addresses)
    }
}

/// The nodes of a `peers-clear-std`, `alumni-clear-std` or the like:
/// `GENERATION,PORT,[[NODE,TLS-NAME,[ADDRESS,...]],...]`. Ends at the first
/// entry that is not of this form, with an error in its place.
pub(super) fn entries(list: &str) -> impl Iterator<Item = Result<Entry<'_>, Odd>> {
    let inner = list.splitn(3, ',').nth(2).and_then(unwrapped);
    let mut rest = inner.ok_or(Odd);
    let mut count = 0;
    std::iter::from_fn(move || {
        let text = match rest {
            Ok("") => return None,
            Ok(text) => text,
            Err(Odd) => {
                rest = Ok("");
                return Some(Err(Odd));
            }
        };
        let entry = closing(text).and_then(|end| {
            let (first, after) = text.split_at(end + 1);
            rest = match after.strip_prefix(',') {
                Some(next) if !next.is_empty() => Ok(next),
                None if after.is_empty() => Ok(""),
                _ => Err(Odd),
            };
            let (node, described) = unwrapped(first)?.split_once(',')?;
            let (_tls_name, listed) = described.split_once(',')?;
            let addresses = unwrapped(listed)?;
            count += 1;
            let sane = node.len() <= LONGEST_ID && count <= MOST_NODES;
            sane.then_some(Entry { node, addresses })
        });
        if entry.is_none() {
            rest = Ok("");
        }
        Some(entry.ok_or(Odd))
    })
}

/// A list of nodes is not of the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the list of nodes is not of the form GENERATION,PORT,[[NODE,TLS,[ADDRESS]]], \
     with at most {MOST_NODES} nodes and {LONGEST_ID} bytes in an id"
)]
pub(super) struct Odd;

/// What stands between the outermost brackets.
fn unwrapped(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// Where the bracket closes that opens at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            // Nothing opened: it does not begin with a bracket.
            return (byte == b']').then_some(position);
        }
    }
    None
}

/// The addresses of a list such as `10.0.1.5:3000,[fd00::5]:3000` or
/// `10.0.1.5:3000;10.0.1.6:3000`; names among them are left out.
pub(super) fn addresses(list: &str) -> impl Iterator<Item = Place> {
    list.split([',', ';']).filter_map(|item| {
        if let Some(bracketed) = item.strip_prefix('[') {
            return address(bracketed.split_once(']')?.0);
        }
        address(item).or_else(|| address(item.rsplit_once(':')?.0))
    })
}

fn address(text: &str) -> Option<Place> {
    text.parse::<IpAddr>().ok().map(Place::from)
}

/// The address that lies nearest to `to`: the one with which it shares the most
/// leading bits, and of equals the lowest.
///
/// A container on an overlay network also has an address on its host's bridge
/// and names both. That other one is good on its own host only, and somebody
/// else's on the next; the one in the network through which the members are
/// reached is the one that counts.
pub(super) fn nearest(to: Place, addresses: impl Iterator<Item = Place>) -> Option<Place> {
    addresses.min_by_key(|address| {
        (
            std::cmp::Reverse(shared_bits(to.address, address.address)),
            *address,
        )
    })
}

fn shared_bits(a: IpAddr, b: IpAddr) -> Option<u32> {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        // Of another family: behind every one of the same.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(list: &str) -> Result<Vec<(&str, Vec<Place>)>, Odd> {
        entries(list)
            .map(|entry| entry.map(|entry| (entry.node, entry.addresses().collect())))
            .collect()
    }

    fn ip(text: &str) -> Place {
        text.parse().unwrap()
    }

    #[test]
    fn recorded_lists_are_read() {
        assert_eq!(read("0,3000,[]"), Ok(vec![]));
        assert_eq!(
            read("4,3000,[[BB90601000A4202,,[10.0.1.6]],[BB90701000A4202,,[10.0.1.7]]]"),
            Ok(vec![
                ("BB90601000A4202", vec![ip("10.0.1.6")]),
                ("BB90701000A4202", vec![ip("10.0.1.7")]),
            ])
        );
    }

    #[test]
    fn several_addresses_ports_names_and_ipv6_are_read() {
        assert_eq!(
            read(
                "4,3000,[[A,tls.name,[10.0.1.6:3010,172.18.0.3,[fd00::6],[fd00::7]:3000,db-1:3000]]]"
            ),
            Ok(vec![(
                "A",
                vec![
                    ip("10.0.1.6"),
                    ip("172.18.0.3"),
                    ip("fd00::6"),
                    ip("fd00::7")
                ]
            )])
        );
    }

    #[test]
    fn odd_lists_are_errors() {
        for list in [
            "",
            "4,3000",
            "4,3000,",
            "4,3000,[",
            "4,3000,[x]",
            "4,3000,[[A]]",
            "4,3000,[[A,,10.0.1.6]]",
            "4,3000,[[A,,[10.0.1.6]],]",
            "4,3000,[[A,,[10.0.1.6]]x]",
            "4,3000,[[A,,[10.0.1.6]]",
            "4,3000,]]]",
            "4,3000,[]]",
        ] {
            assert_eq!(read(list), Err(Odd), "{list}");
        }
    }

    #[test]
    fn the_address_in_the_common_network_counts() {
        let listed = "172.18.0.3:3000,10.0.1.6:3000,10.0.2.6:3000";
        assert_eq!(
            nearest(ip("10.0.1.5"), addresses(listed)),
            Some(ip("10.0.1.6"))
        );
        assert_eq!(
            nearest(ip("fd00::5"), addresses("10.0.1.6:3000,[fd00::6]:3000")),
            Some(ip("fd00::6"))
        );
        assert_eq!(nearest(ip("10.0.1.5"), addresses("db-1:3000")), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_run_for_ever(inner in "[0A,;:\\[\\]]{0,30}", framed: bool) {
            let list = if framed { format!("4,3000,[{inner}]") } else { inner };
            prop_assert!(entries(&list).take(100).count() < 100);
            let _ = addresses(&list).count();
        }
    }
}
