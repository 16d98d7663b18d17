//! The worker's end: whoever comes in has shown that it knows the token.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::Ticketer;
use tokio_rustls::rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tracing::{info, warn};

use super::authority::Role;
use super::{Among, Authority, Unusable, provider};
use crate::token_file::{Token, TokenFile, TokenFileError};
use crate::turned_away::Register;

/// Lets in whoever knows a token of this file. It is read at each use, so that
/// another token takes effect at once, for those who came before as well: what
/// they were given to come back with is worthless then.
#[derive(Debug)]
pub struct Door {
    file: TokenFile,
    among: Among,
    made: Mutex<Option<Made>>,
    /// Whether it could not be used last time: that is told once.
    closed: AtomicBool,
    /// Who did not prove it.
    unproved: Arc<Register>,
}

struct Made {
    of: Vec<Token>,
    config: Arc<ServerConfig>,
}

impl Door {
    /// A door of a worker's for members, who know the tokens in this file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds what cannot be a token.
    pub fn of(file: TokenFile) -> Result<Door, TokenFileError> {
        file.read()?;
        Ok(Door {
            file,
            among: Among::Members,
            made: Mutex::default(),
            closed: AtomicBool::new(false),
            unproved: Arc::default(),
        })
    }

    /// The same, for other workers.
    pub fn among_workers(self) -> Door {
        Door {
            among: Among::Workers,
            ..self
        }
    }

    /// What takes a connection in; none while the file cannot be used.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        let config = self.config();
        let was_closed = self.closed.swap(config.is_err(), Ordering::Relaxed);
        match &config {
            Err(why) if !was_closed => warn!("token-file: {why}: nobody is let in"),
            Ok(_) if was_closed => info!("token-file: it can be read again"),
            _ => {}
        }
        config.ok().map(TlsAcceptor::from)
    }

    /// Who did not prove that it knows a token.
    pub fn unproved(&self) -> Arc<Register> {
        Arc::clone(&self.unproved)
    }

    /// Notes that somebody did not prove that it knows a token.
    pub fn refused(&self, peer: IpAddr, why: &dyn std::fmt::Display) {
        let why = why.to_string();
        // Whoever comes again each second is told of once.
        if self.unproved.note(&peer.to_string(), &why) {
            warn!(%peer, "it does not prove that it knows the token of token-file: {why}");
        }
    }

    fn config(&self) -> Result<Arc<ServerConfig>, String> {
        let tokens = self.file.read().map_err(|why| why.to_string())?;
        // What is kept is replaced as a whole.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref().filter(|made| made.of == tokens) {
            return Ok(Arc::clone(&made.config));
        }
        let config = config(&tokens, self.among).map_err(|why| why.to_string())?;
        *made = Some(Made {
            of: tokens,
            config: Arc::clone(&config),
        });
        Ok(config)
    }
}

/// What a worker answers members with that knows these tokens.
///
/// # Errors
///
/// No certificate can be made.
pub fn server_config(tokens: &[Token]) -> Result<Arc<ServerConfig>, Unusable> {
    config(tokens, Among::Members)
}

fn config(tokens: &[Token], among: Among) -> Result<Arc<ServerConfig>, Unusable> {
    let unusable = |why: &dyn std::fmt::Display| Unusable::new(why);
    let mut roots = RootCertStore::empty();
    let mut shown = BTreeMap::new();
    for token in tokens {
        let authority = Authority::of(token, among)?;
        authority.trusted_by(&mut roots)?;
        let identity = authority.identity(Role::Answers)?;
        let key = CertifiedKey::from_der(identity.chain, identity.key, &provider());
        let key = key.map_err(|why| unusable(&why))?;
        shown.insert(authority.name().to_owned(), Arc::new(key));
    }
    let members = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let members = members.build().map_err(|why| unusable(&why))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|why| unusable(&why))?
        .with_client_cert_verifier(members)
        .with_cert_resolver(Arc::new(Shown(shown)));
    // Who comes each second need not prove all of it each time. Nothing is kept
    // here for that, and nothing is sent before the handshake is over.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new().map_err(|why| unusable(&why))?;
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// Shows the certificate of the token that the other side means.
#[derive(Debug)]
struct Shown(BTreeMap<String, Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.get(hello.server_name()?).cloned()
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Made(of {} tokens)", self.of.len())
    }
}
