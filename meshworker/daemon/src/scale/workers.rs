//! Where the workers are.

use std::net::SocketAddr;

use crate::witness::{DnsOptions, InvalidName, Whereabouts};

/// Where the workers are: a DNS name, or an address in place of one.
pub struct Workers {
    place: Whereabouts,
    port: u16,
}

impl Workers {
    /// Those at all addresses of this name.
    ///
    /// # Errors
    ///
    /// It can be no name.
    pub fn new(name: &str, port: u16) -> Result<Workers, InvalidName> {
        let place = Whereabouts::new(name, DnsOptions::default())?;
        Ok(Workers { place, port })
    }

    /// Every worker's address.
    ///
    /// # Errors
    ///
    /// Why there is none, for people.
    pub async fn find(&self) -> Result<Vec<SocketAddr>, String> {
        let found = self.place.look().await;
        if found.addresses.is_empty() {
            return Err(format!("the workers' name: {}", found.why));
        }
        let addresses = found.addresses.into_iter();
        Ok(addresses
            .map(|address| SocketAddr::new(address, self.port))
            .collect())
    }
}
