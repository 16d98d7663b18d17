//! The sockets: questions in, replies out.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::counts::Counters;
use crate::reply::{Reply, reply};
use crate::zone::Zone;
use crate::{Behaviour, Counts};

/// How often another port is tried when the UDP port that belongs to a free TCP
/// port is taken: more than a few times in a row means that something else is wrong.
const PORT_ATTEMPTS: usize = 20;

/// A name server that misbehaves on demand. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeDns {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Held for its drop, which ends the tasks and with them the sockets.
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    zone: Mutex<Zone>,
    counters: Counters,
}

impl FakeDns {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port can be had over both UDP and TCP.
    pub async fn start() -> io::Result<FakeDns> {
        FakeDns::start_at((Ipv4Addr::LOCALHOST, 0).into(), 1).await
    }

    /// Starts at this address, port 0 for a free one, and draws from this seed.
    ///
    /// # Errors
    ///
    /// When the address cannot be had over both UDP and TCP.
    pub async fn start_at(address: SocketAddr, seed: u64) -> io::Result<FakeDns> {
        let (tcp, udp) = bind(address).await?;
        let address = tcp.local_addr()?;
        let shared = Arc::new(Shared {
            zone: Mutex::new(Zone::new(seed)),
            counters: Counters::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(Arc::new(udp), shared.clone()));
        tasks.spawn(serve_tcp(tcp, shared.clone()));
        Ok(FakeDns {
            address,
            shared,
            _tasks: tasks,
        })
    }

    /// Where it listens, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says from now on what it answers to questions about `name`. Case and a
    /// final dot do not matter. Scripts start anew. Names that were never set do
    /// not exist.
    pub fn set(&self, name: &str, behaviour: Behaviour) {
        self.shared.zone().set(name, behaviour);
    }

    /// How often it was asked so far.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }
}

impl Shared {
    fn zone(&self) -> std::sync::MutexGuard<'_, Zone> {
        // The zone is plain data: a test that panicked while it held the lock
        // leaves nothing half done.
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do about a question, and how much later; nothing for bytes that
    /// are no question.
    fn answer(&self, bytes: &[u8], over_tcp: bool) -> Option<(Duration, Reply)> {
        let question = Message::from_vec(bytes).ok()?;
        let query = question.queries.first()?;
        self.counters.count(over_tcp, question.edns.is_some());
        let mut zone = self.zone();
        let behaviour = zone.next(query.name(), query.query_type(), over_tcp);
        let delay = delay(&behaviour);
        let reply = reply(&question, &behaviour, &mut zone, over_tcp).ok()?;
        Some((delay, reply))
    }
}

fn delay(behaviour: &Behaviour) -> Duration {
    match behaviour {
        Behaviour::Slow(delay, then) => *delay + self::delay(then),
        Behaviour::WithoutEdns { then, .. } => self::delay(then),
        _ => Duration::ZERO,
    }
}

async fn bind(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut attempts = 1;
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(_) if address.port() == 0 && attempts < PORT_ATTEMPTS => attempts += 1,
            Err(taken) => return Err(taken),
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut pending = JoinSet::new();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        while pending.try_join_next().is_some() {}
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let Some((delay, Reply::Bytes(bytes))) = shared.answer(&buffer[..length], false) else {
            continue;
        };
        let socket = socket.clone();
        pending.spawn(async move {
            tokio::time::sleep(delay).await;
            // Whoever asked may be gone by now.
            let _ = socket.send_to(&bytes, from).await;
        });
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let shared = shared.clone();
        connections.spawn(async move {
            // A connection that breaks is the client's affair.
            let _ = converse(stream, &shared).await;
        });
    }
}

/// Questions of one connection, one after the other, until either side closes.
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await?;
        match shared.answer(&question, true) {
            Some((delay, Reply::Bytes(bytes))) => {
                tokio::time::sleep(delay).await;
                let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
                stream.write_u16(length).await?;
                stream.write_all(&bytes).await?;
            }
            Some((_, Reply::Nothing)) => {}
            Some((_, Reply::Close)) | None => return Ok(()),
        }
    }
}
