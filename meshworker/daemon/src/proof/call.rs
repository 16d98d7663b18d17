//! The member's end: whoever answers has shown that it knows the token.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::authority::Role;
use super::{Among, Authority, Unusable, provider};
use crate::token_file::{Token, TokenFile, TokenFileError};

/// So many lines are kept. More than a service has replicas, as a rule.
const LINES: usize = 1024;

/// Why nobody answers who has proved that it knows the token.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// There is no token.
    #[error("token-file: {0}")]
    File(#[from] TokenFileError),
    /// No certificate can be made.
    #[error(transparent)]
    Own(#[from] Unusable),
    /// Nobody listens there, or hangs up.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// Whoever is there does not know the token.
    #[error("it does not prove that it knows the token, so nothing that it says counts: {0}")]
    Other(String),
    /// Whoever is there does not take ours.
    #[error("our token is refused; it must stand in the worker's token-file too")]
    Refused,
}

/// Calls workers, with the tokens of a file. The file is read at each call, so
/// that another token takes effect at once.
pub struct Call {
    file: TokenFile,
    among: Among,
    /// Where the calls come from: the worker hears a member from its own address.
    from: Option<IpAddr>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    of: Vec<Token>,
    /// By the worker: one worker cannot take up what another one began.
    lines: BTreeMap<SocketAddr, Line>,
}

/// The ways to one worker, by token; the one that worked last comes first.
#[derive(Clone)]
struct Line(Vec<Way>);

#[derive(Clone)]
struct Way {
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Call {
    /// Calls as a member with the tokens of this file, from this address where that is possible.
    pub fn new(file: TokenFile, from: Option<IpAddr>) -> Call {
        Call {
            file,
            among: Among::Members,
            from,
            kept: Mutex::default(),
        }
    }

    /// The same, as another worker.
    pub fn among_workers(self) -> Call {
        Call {
            among: Among::Workers,
            ..self
        }
    }

    /// A connection to the worker at this address. May be cancelled.
    ///
    /// # Errors
    ///
    /// Nobody is there who knows a token of ours.
    pub async fn connect(&self, worker: SocketAddr) -> Result<TlsStream<TcpStream>, Unproved> {
        let Line(ways) = self.line(worker)?;
        let mut refused = Unproved::Refused;
        for (turn, way) in ways.into_iter().enumerate() {
            let stream = self.reach(worker).await?;
            match way.tls.connect(way.name, stream).await {
                Ok(stream) => {
                    self.prefer(worker, turn);
                    return Ok(stream);
                }
                Err(why) => refused = unproved(why),
            }
            if !matches!(refused, Unproved::Refused) {
                return Err(refused);
            }
        }
        Err(refused)
    }

    fn line(&self, worker: SocketAddr) -> Result<Line, Unproved> {
        let tokens = self.file.read()?;
        let mut kept = self.lock();
        if kept.of != tokens || kept.lines.len() >= LINES {
            *kept = Kept {
                of: tokens,
                lines: BTreeMap::new(),
            };
        }
        if let Some(line) = kept.lines.get(&worker) {
            return Ok(line.clone());
        }
        let ways = kept.of.iter().map(|token| way(token, self.among));
        let ways = ways.collect::<Result<_, _>>()?;
        let line = Line(ways);
        kept.lines.insert(worker, line.clone());
        Ok(line)
    }

    fn prefer(&self, worker: SocketAddr, turn: usize) {
        if let Some(Line(ways)) = self.lock().lines.get_mut(&worker) {
            // The tokens may have changed meanwhile.
            if turn > 0 && turn < ways.len() {
                ways.swap(0, turn);
            }
        }
    }

    /// From the own address where there is a way from it, else from any.
    async fn reach(&self, worker: SocketAddr) -> io::Result<TcpStream> {
        if let Some(from) = self.from
            && let Ok(stream) = reach_from(from, worker).await
        {
            return Ok(stream);
        }
        TcpStream::connect(worker).await
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each change is whole in itself: nothing can be half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?}, from {:?})", self.file, self.from)
    }
}

async fn reach_from(from: IpAddr, worker: SocketAddr) -> io::Result<TcpStream> {
    let socket = match worker {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind((from, 0).into())?;
    socket.connect(worker).await
}

fn way(token: &Token, among: Among) -> Result<Way, Unusable> {
    let authority = Authority::of(token, among)?;
    Ok(Way {
        name: authority.server_name()?,
        tls: TlsConnector::from(client_config(&authority)?),
    })
}

fn client_config(authority: &Authority) -> Result<Arc<ClientConfig>, Unusable> {
    let unusable = |why: rustls::Error| Unusable::new(&why);
    let mut roots = RootCertStore::empty();
    authority.trusted_by(&mut roots)?;
    let identity = authority.identity(Role::Calls)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_root_certificates(roots)
        .with_client_auth_cert(identity.chain, identity.key)
        .map_err(unusable)?;
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

/// Why a handshake failed.
pub(crate) fn unproved(why: io::Error) -> Unproved {
    let tls = why.get_ref().and_then(|why| why.downcast_ref());
    match tls {
        Some(rustls::Error::AlertReceived(_)) => Unproved::Refused,
        Some(other) => Unproved::Other(other.to_string()),
        None => Unproved::Connection(why),
    }
}
