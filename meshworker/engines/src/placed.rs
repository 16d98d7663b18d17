//! Where a member is, as its program is to know it.

use std::net::IpAddr;

/// Where a member is, as its program is to know it.
pub struct Placed<'a> {
    /// The address of its container that the others reach.
    pub address: IpAddr,
    /// Where others reach it instead, where that is not an address of its container.
    pub external: Option<&'a External>,
    /// The variables that it is given anyway.
    pub given: &'a dyn Fn(&str) -> Option<String>,
}

/// Where others reach a member whose port is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// An address, or a name that the others can look up.
    pub host: String,
    /// The port there; none for the member's own.
    pub port: Option<u16>,
}
