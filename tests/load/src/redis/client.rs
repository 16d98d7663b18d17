//! The client itself.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, ServerErrorKind, Value,
};

use super::slots::{SlotMap, slot_of};
use crate::Seed;
use crate::client::Setback;
use crate::seed::resolve;

/// Where clients are served.
const PORT: u16 = 6379;
/// A member that does not take a connection in this time is asked no more.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// A member that does not answer in this time is asked no more.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// More redirects in a row than any move of a slot causes.
const MAX_REDIRECTS: usize = 5;

/// A client with one connection to each member that it needed.
pub(crate) struct RedisClient {
    seeds: Vec<Seed>,
    password: Option<String>,
    slots: Option<SlotMap>,
    /// What a redirect said after the map was read.
    moved: HashMap<u16, SocketAddr>,
    /// The members of the last map, in case their name goes.
    known: BTreeSet<SocketAddr>,
    connections: HashMap<SocketAddr, MultiplexedConnection>,
}

impl RedisClient {
    /// A client without connections.
    pub fn new(seeds: Vec<Seed>, password: Option<String>) -> Self {
        Self {
            seeds,
            password,
            slots: None,
            moved: HashMap::new(),
            known: BTreeSet::new(),
            connections: HashMap::new(),
        }
    }

    /// One attempt to write; the slot's master acknowledges.
    pub async fn put(&mut self, key: &str, value: &str) -> Result<(), Setback> {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(value);
        match self.attempt(key, &set).await? {
            Value::Okay => Ok(()),
            other => Err(format!("{other:?} is no acknowledgement")),
        }
    }

    /// One attempt to read, from the slot's master.
    pub async fn get(&mut self, key: &str) -> Result<Option<String>, Setback> {
        let mut get = redis::cmd("GET");
        get.arg(key);
        match self.attempt(key, &get).await? {
            Value::Nil => Ok(None),
            Value::BulkString(value) => Ok(Some(String::from_utf8_lossy(&value).into_owned())),
            other => Err(format!("{other:?} is no value")),
        }
    }

    /// Sends a command to the owner of the key's slot, wherever it is by now.
    async fn attempt(&mut self, key: &str, command: &Cmd) -> Result<Value, Setback> {
        let slot = slot_of(key);
        let mut member = self.owner(slot).await?;
        let mut asking = false;
        for _ in 0..=MAX_REDIRECTS {
            let error = match self.send(member, command, asking).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match (redirect(&error, member), error.kind()) {
                (Some(to), ErrorKind::Server(ServerErrorKind::Ask)) => {
                    (member, asking) = (to, true);
                }
                (Some(to), _) => {
                    self.moved.insert(slot, to);
                    (member, asking) = (to, false);
                }
                (None, ErrorKind::Server(ServerErrorKind::TryAgain)) => {
                    return Err(error.to_string());
                }
                (None, kind) => {
                    // Whatever else there is to say, the map is in doubt, and
                    // a connection that failed is in an unknown state.
                    if !matches!(kind, ErrorKind::Server(_)) {
                        self.connections.remove(&member);
                    }
                    self.slots = None;
                    return Err(format!("{member}: {error}"));
                }
            }
        }
        self.slots = None;
        Err(format!("slot {slot} is sent around in a circle"))
    }

    async fn send(
        &mut self,
        member: SocketAddr,
        command: &Cmd,
        asking: bool,
    ) -> Result<Value, RedisError> {
        let mut connection = match self.connections.get(&member) {
            Some(connection) => connection.clone(),
            None => {
                let fresh = connect(member, self.password.as_deref()).await?;
                self.connections.insert(member, fresh.clone());
                fresh
            }
        };
        if !asking {
            return command.query_async(&mut connection).await;
        }
        let mut both = redis::pipe();
        both.cmd("ASKING").ignore().add_command(command.clone());
        let (value,): (Value,) = both.query_async(&mut connection).await?;
        Ok(value)
    }

    /// The owner of a slot, by the map and the redirects since.
    async fn owner(&mut self, slot: u16) -> Result<SocketAddr, Setback> {
        let map = match self.slots.take() {
            Some(map) => map,
            None => self.look().await?,
        };
        let owner = self.moved.get(&slot).copied().or_else(|| map.owner(slot));
        self.slots = Some(map);
        owner.ok_or_else(|| {
            self.slots = None;
            format!("slot {slot} has no owner")
        })
    }

    /// Asks all members for the map: the one that most of them draw, if it is
    /// full. One that has just started, or was cut off, draws another.
    async fn look(&mut self) -> Result<SlotMap, Setback> {
        self.moved.clear();
        let mut candidates: BTreeSet<SocketAddr> =
            resolve(&self.seeds, PORT).await.into_iter().collect();
        candidates.append(&mut self.known);
        let total = candidates.len();
        let password = self.password.as_deref();
        let mut asked: FuturesUnordered<_> = candidates
            .iter()
            .map(|member| ask_slots(*member, password))
            .collect();
        let mut maps: Vec<(usize, SlotMap)> = Vec::new();
        let mut why = "nobody is known".to_owned();
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(map) if map.is_full() => match maps.iter_mut().find(|(_, m)| *m == map) {
                    Some((votes, _)) => *votes += 1,
                    None => maps.push((1, map)),
                },
                Ok(_) => why = "a member knows no owner of some slots".to_owned(),
                Err(error) => why = error.to_string(),
            }
            // No need to wait for those that are gone.
            if maps.iter().any(|(votes, _)| votes * 2 > total) {
                break;
            }
        }
        drop(asked);
        let best = maps.into_iter().max_by_key(|(votes, _)| *votes);
        let Some((_, map)) = best else {
            self.known = candidates;
            return Err(format!("no map of all slots from {total} members: {why}"));
        };
        self.known = map.owners().collect();
        self.connections
            .retain(|member, _| self.known.contains(member));
        Ok(map)
    }
}

async fn ask_slots(member: SocketAddr, password: Option<&str>) -> Result<SlotMap, RedisError> {
    let mut connection = connect(member, password).await?;
    let mut command = redis::cmd("CLUSTER");
    let reply: Value = command.arg("SLOTS").query_async(&mut connection).await?;
    SlotMap::read(&reply, member)
        .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "not a map of slots")))
}

async fn connect(
    member: SocketAddr,
    password: Option<&str>,
) -> Result<MultiplexedConnection, RedisError> {
    let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    let address = ConnectionAddr::Tcp(member.ip().to_string(), member.port());
    let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(settings);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    Client::open(info)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Where an error sends us.
fn redirect(error: &RedisError, from: SocketAddr) -> Option<SocketAddr> {
    let (place, _) = error.redirect_node()?;
    let (host, port) = place.rsplit_once(':')?;
    let host = match host {
        "" => from.ip(),
        host => host.parse().ok()?,
    };
    Some(SocketAddr::new(host, port.parse().ok()?))
}
