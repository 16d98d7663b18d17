//! What members announce themselves to.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Failed;
use crate::announce::{self, Registry, State};
use crate::http::Server;
use crate::proof::Door;
use crate::token_file::TokenFile;
use crate::turned_away::Register;
use crate::witness::{DnsOptions, Whereabouts};

/// Where to listen for members, and to whom.
pub struct Listen {
    /// Where.
    pub address: SocketAddr,
    /// To whoever proves here that it knows the token.
    pub door: Door,
    /// The tokens that members have.
    pub token_file: TokenFile,
}

/// A listening server for members, and what they said.
pub struct Listening {
    /// The server.
    pub server: Server,
    /// What members said.
    pub registry: Arc<Registry>,
    /// Who did not prove that it knows a token.
    pub unproved: Arc<Register>,
    /// The tokens that members have.
    pub token_file: TokenFile,
}

impl Listen {
    /// Listens as one of the workers at this name, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at, or the name can be none.
    pub async fn bind(self, workers: &str) -> Result<Listening, Failed> {
        let workers = Whereabouts::new(workers, DnsOptions::default())
            .map_err(|why| Failed::Input(format!("workers: found '{workers}': {why}")))?;
        let registry = Registry::among(workers);
        let state = State {
            registry: Arc::clone(&registry),
        };
        let server = Server::bind(self.address, announce::router(state), "announcements").await;
        let server =
            server.map_err(|error| Failed::Goal(format!("listen: {}: {error}", self.address)))?;
        let unproved = self.door.unproved();
        let server = server.with_proof(Arc::new(self.door));
        Ok(Listening {
            unproved,
            server,
            registry,
            token_file: self.token_file,
        })
    }
}
