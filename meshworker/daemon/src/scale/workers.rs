//! Where the workers are.

use std::net::{IpAddr, SocketAddr};

use crate::witness::{DnsOptions, DnsSource, InvalidName, Source};

/// Where the workers are: a DNS name, or an address in place of one.
pub struct Workers {
    name: Name,
    port: u16,
}

enum Name {
    Literal(IpAddr),
    Dns(Box<DnsSource>),
}

impl Workers {
    /// Those at all addresses of this name.
    ///
    /// # Errors
    ///
    /// It can be no name.
    pub fn new(name: &str, port: u16) -> Result<Workers, InvalidName> {
        let name = match name.parse() {
            Ok(address) => Name::Literal(address),
            Err(_) => Name::Dns(Box::new(DnsSource::new(name, DnsOptions::default())?)),
        };
        Ok(Workers { name, port })
    }

    /// Every worker's address.
    ///
    /// # Errors
    ///
    /// Why there is none, for people.
    pub async fn find(&self) -> Result<Vec<SocketAddr>, String> {
        let source = match &self.name {
            Name::Literal(address) => return Ok(vec![SocketAddr::new(*address, self.port)]),
            Name::Dns(source) => source,
        };
        let report = source.report().await;
        let found = report.sightings.iter();
        let found: Vec<SocketAddr> = found
            .map(|sighting| SocketAddr::new(sighting.address, self.port))
            .collect();
        if found.is_empty() {
            return Err(format!("the workers' name: {}", report.grade));
        }
        Ok(found)
    }
}
