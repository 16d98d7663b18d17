//! Ports as stack files write them.

use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What a service publishes: as many ports on both sides, or one inside for
/// any of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// On the node; none for any.
    pub published: Option<RangeInclusive<u16>>,
    /// In the container.
    pub target: RangeInclusive<u16>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, where numbers may be ranges.
///
/// Source: docker/go-connections, `nat.ParsePortSpec`.
pub fn parse(text: &str) -> Option<Ports> {
    let (before, target) = match text.rsplit_once(':') {
        Some((before, target)) => (Some(before), target),
        None => (None, text),
    };
    let (address, published) = match before.map(|before| before.rsplit_once(':')) {
        Some(Some((address, published))) => (address, published),
        Some(None) => ("", before.unwrap_or_default()),
        None => ("", ""),
    };
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
    let address = bare.unwrap_or(address);
    if !address.is_empty() && address.parse::<IpAddr>().is_err() {
        return None;
    }
    // What stands after a second slash nobody reads.
    let mut parts = target.split('/');
    let target = range(parts.next()?)?;
    let protocol = parts.next().filter(|name| !name.is_empty());
    let protocol = protocol.unwrap_or("tcp").to_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return None;
    }
    let published = match published {
        "" => None,
        published => Some(range(published)?),
    };
    let fits =
        |published: &RangeInclusive<u16>| target.len() == 1 || published.len() == target.len();
    published.as_ref().is_none_or(fits).then_some(Ports {
        published,
        target,
        protocol,
    })
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}
