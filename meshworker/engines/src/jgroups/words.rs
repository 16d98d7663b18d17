//! Words that members, routers and tables have in common.

use std::net::{IpAddr, SocketAddr};

use meshworker_core::Place;
use meshworker_gossip::Address;

use super::PORT;

/// Whether this is a UUID as Java writes it.
pub fn is_uuid(text: &str) -> bool {
    let dash = |position: usize| matches!(position, 8 | 13 | 18 | 23);
    let mut letters = text.chars().enumerate();
    text.len() == 36
        && letters.all(|(at, letter)| match dash(at) {
            true => letter == '-',
            false => letter.is_ascii_hexdigit(),
        })
}

/// The last colon parts the port, also from an IPv6 address without brackets.
pub fn socket(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.trim().rsplit_once(':')?;
    let ip = ip.trim_start_matches('[').trim_end_matches(']');
    let ip = ip.split('%').next().unwrap_or_default();
    let ip: IpAddr = ip.parse().ok()?;
    Some(SocketAddr::new(ip.to_canonical(), port.parse().ok()?))
}

/// Where the others reach a member, if it says so.
pub fn place(at: &Address) -> Option<Place> {
    match at {
        Address::Ip(at) => Some(Place::new(at.ip?.to_canonical(), at.port, PORT)),
        _ => None,
    }
}
