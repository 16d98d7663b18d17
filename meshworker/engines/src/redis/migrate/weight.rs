//! How heavy keys are, and how heavy they may be.
//!
//! While a key moves its source serves nobody and its target nobody either, and
//! whoever is silent for the cluster's node time-out is held to be dead. So sizes
//! are asked before; whatever would take as long is not tried but named.

use std::time::Duration;

use meshworker_core::Unanswered;
use redis::Value;
use tokio::time::Instant;

use crate::redis::client::Lease;
use crate::redis::detail::field;
use crate::redis::heavy::{Heavy, Limit};
use crate::redis::wire::{excerpt, text};

/// What moves in a second, at the least: strings of 100 and of 300 MB went at 22 MB
/// a second on a machine with ten times the work that it can do, whole.
const PER_SECOND: u64 = 15_000_000;

/// What is made of many small parts takes this many times as long as a string
/// (hashes of a million fields, measured likewise).
const PARTS: u64 = 2;

/// One `MIGRATE` takes so many bytes or one key: a few hundredths of a second.
pub const AT_ONCE: u64 = 1_000_000;

/// The node time-out where it cannot be asked: that of the stack.
const NODE_TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time that one `MIGRATE` gets.
const SHORTEST: Duration = Duration::from_secs(1);

/// How many slots are open at once: a worker that dies leaves no more behind,
/// and empty slots still go in few round trips.
pub const OPEN_AT_ONCE: usize = 16;

/// The same where each waits for replicas.
const WAITING_AT_ONCE: usize = 2;

/// How long Valkey's `SETSLOT` waits for replicas, unless told otherwise:
/// <https://valkey.io/commands/cluster-setslot/>
const REPLICAS: Duration = Duration::from_secs(2);

/// What one move may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    node_timeout: Duration,
    /// How many bytes the target has left, where it is bounded and drops nothing.
    room: Option<u64>,
    /// Whether `SETSLOT` waits until all replicas have it, as Valkey's does: for two
    /// seconds each, and no script can wait.
    pub waits: bool,
}

impl Bounds {
    /// Asks both ends, which need not answer everything: their user may lack rights.
    ///
    /// # Errors
    ///
    /// One of them gave no answer at all.
    pub async fn ask(
        source: &mut Lease,
        target: &mut Lease,
        deadline: Instant,
    ) -> Result<Bounds, Unanswered> {
        let mut commands = redis::pipe();
        commands
            .cmd("CONFIG")
            .arg("GET")
            .arg("cluster-node-timeout");
        commands.cmd("INFO").arg("server");
        let told = source.exchange(&commands, deadline).await?;
        let millis = match told.first() {
            Some(Value::Array(pair)) => pair.get(1).and_then(text),
            _ => None,
        };
        let millis = millis.and_then(|millis| millis.parse().ok());
        let server = told.get(1).and_then(text).unwrap_or_default();
        let mut commands = redis::pipe();
        commands.cmd("INFO").arg("memory");
        let told = target.exchange(&commands, deadline).await?;
        let memory = told.first().and_then(text).unwrap_or_default();
        Ok(Bounds {
            node_timeout: millis.map_or(NODE_TIMEOUT, Duration::from_millis),
            room: room(&memory),
            waits: field(&server, "valkey_version").is_some(),
        })
    }

    /// How many slots are opened at once.
    pub fn slots_at_once(&self) -> usize {
        if self.waits {
            WAITING_AT_ONCE
        } else {
            OPEN_AT_ONCE
        }
    }

    /// When so many `SETSLOT` must be answered, in a request that ends at `deadline`:
    /// one that waits goes on at the server although nobody listens any more.
    pub fn slots_deadline(&self, slots: usize, deadline: Instant) -> Instant {
        if !self.waits {
            return deadline;
        }
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        deadline.max(Instant::now() + REPLICAS.saturating_mul(slots) + SHORTEST)
    }

    /// The heaviest key that is moved.
    fn heaviest(&self) -> u64 {
        let millis = u64::try_from(self.node_timeout.as_millis()).unwrap_or(u64::MAX);
        millis.saturating_mul(PER_SECOND / 1000)
    }

    /// How long the source may take for keys of this weight together.
    pub fn patience(&self, weight: u64) -> Duration {
        let millis = weight.saturating_mul(2) / (PER_SECOND / 1000);
        // A server with a short node time-out gets its second all the same: the
        // bound on weights keeps to that time, not the waiting for the answer.
        let most = self.node_timeout.max(SHORTEST);
        Duration::from_millis(millis).clamp(SHORTEST, most)
    }

    /// Why a key of this weight, in this slot, is not moved; none if it is.
    pub fn too_heavy(&self, slot: u16, key: &Value, weight: u64) -> Option<Heavy> {
        let millis = u64::try_from(self.node_timeout.as_millis()).unwrap_or(u64::MAX);
        let limit = Limit::NodeTimeout(millis);
        (weight > self.heaviest()).then(|| heavy(slot, key, weight, limit))
    }

    /// Why the target cannot take this much, with this key; none if it can. A key and
    /// what it is made from are there at the same time.
    pub fn too_full(&self, slot: u16, key: &Value, weight: u64, target: &str) -> Option<Heavy> {
        let left = self.room?;
        let limit = || Limit::Room {
            target: target.to_owned(),
            left,
        };
        (weight.saturating_mul(2) > left).then(|| heavy(slot, key, weight, limit()))
    }

    /// So much has arrived at the target.
    pub fn took(&mut self, weight: u64) {
        self.room = self.room.map(|room| room.saturating_sub(weight));
    }
}

fn heavy(slot: u16, key: &Value, bytes: u64, limit: Limit) -> Heavy {
    Heavy {
        slot,
        key: excerpt(&text(key).unwrap_or_default()),
        bytes,
        limit,
        due: false,
    }
}

/// What is left of `maxmemory`, by `INFO memory`; none where nothing bounds it,
/// or where old keys give way to new ones.
fn room(memory: &str) -> Option<u64> {
    let number = |name: &str| field(memory, name)?.parse::<u64>().ok();
    let most = number("maxmemory").filter(|most| *most > 0)?;
    let keeps = field(memory, "maxmemory_policy") == Some("noeviction");
    keeps.then(|| most.saturating_sub(number("used_memory").unwrap_or(0)))
}

/// The weight of each of these keys at the source, in the bytes of a string that
/// takes as long to move; 0 where it is not told or the key is gone.
///
/// # Errors
///
/// The source gave no answer.
pub async fn weigh(
    source: &mut Lease,
    keys: &[Value],
    deadline: Instant,
) -> Result<Vec<u64>, Unanswered> {
    let mut commands = redis::pipe();
    for key in keys.iter().filter_map(name) {
        // A sample of a hundred parts: exact for whatever is small.
        commands.cmd("MEMORY").arg("USAGE").arg(key);
        commands.arg("SAMPLES").arg(100);
    }
    let told = source.exchange(&commands, deadline).await?;
    let bytes = told.iter().map(|reply| match reply {
        Value::Int(bytes) => u64::try_from(*bytes).unwrap_or(0),
        _ => 0,
    });
    let mut weights: Vec<u64> = bytes.collect();
    let mut kinds = redis::pipe();
    let mut heavy = Vec::new();
    for (at, key) in keys.iter().filter_map(name).enumerate() {
        if weights.get(at).is_some_and(|bytes| *bytes > AT_ONCE) {
            kinds.cmd("TYPE").arg(key);
            heavy.push(at);
        }
    }
    if !heavy.is_empty() {
        let told = source.exchange(&kinds, deadline).await?;
        for (at, kind) in heavy.into_iter().zip(&told) {
            if text(kind).as_deref() != Some("string")
                && let Some(weight) = weights.get_mut(at)
            {
                *weight = weight.saturating_mul(PARTS);
            }
        }
    }
    Ok(weights)
}

fn name(key: &Value) -> Option<&[u8]> {
    match key {
        Value::BulkString(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(millis: u64, room: Option<u64>) -> Bounds {
        Bounds {
            node_timeout: Duration::from_millis(millis),
            room,
            waits: false,
        }
    }

    #[test]
    fn a_key_gets_time_by_its_size_and_never_more_than_the_cluster_waits() {
        let five = bounds(5000, None);
        let key = Value::BulkString(b"big".to_vec());
        assert_eq!(five.patience(100), Duration::from_secs(1));
        assert_eq!(five.patience(30_000_000), Duration::from_secs(4));
        assert_eq!(five.patience(u64::MAX), Duration::from_secs(5));
        assert_eq!(five.too_heavy(7, &key, 60_000_000), None);
        let why = five.too_heavy(7, &key, 300_000_000).unwrap().to_string();
        assert!(
            why.contains("key 'big' has 300 MB") && why.contains("5000 ms"),
            "{why}"
        );
        assert!(bounds(500, None).too_heavy(7, &key, 10_000_000).is_some());
    }

    #[tokio::test]
    async fn slots_that_wait_for_replicas_were_given_up_while_the_server_went_on() {
        let soon = Instant::now() + Duration::from_secs(1);
        let redis = bounds(5000, None);
        assert_eq!(redis.slots_deadline(16, soon), soon);
        let valkey = Bounds {
            waits: true,
            ..redis
        };
        let at_once = valkey.slots_at_once();
        assert!(at_once < redis.slots_at_once());
        let all = valkey.slots_deadline(at_once, soon) - soon;
        assert!(all >= Duration::from_secs(2) * (at_once as u32) - Duration::from_secs(1));
    }

    #[test]
    fn room_is_what_is_left_where_nothing_gives_way() {
        let told = "used_memory:40\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(room(told), Some(60));
        assert_eq!(room(&told.replace("noeviction", "allkeys-lru")), None);
        assert_eq!(room(&told.replace("maxmemory:100", "maxmemory:0")), None);
        assert_eq!(room(""), None);
        let mut bounds = bounds(5000, Some(60));
        let key = Value::BulkString(b"key".to_vec());
        assert_eq!(bounds.too_full(7, &key, 30, "a"), None);
        bounds.took(30);
        assert!(bounds.too_full(7, &key, 30, "a").is_some());
    }
}
