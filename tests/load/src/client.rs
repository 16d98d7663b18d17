//! One client of the database: one attempt at a time, redirects followed.

use crate::aerospike::AerospikeClient;
use crate::redis::RedisClient;
use crate::{DatabaseKind, Options};

/// Why an attempt came to nothing, in words. Whether a write was done all the
/// same is unknown: the same attempt is made again.
pub(crate) type Setback = String;

/// A client with connections of its own.
pub(crate) enum Client {
    /// Of a Redis Cluster.
    Redis(RedisClient),
    /// Of simulated Aerospike nodes.
    Aerospike(AerospikeClient),
}

impl Client {
    /// A client without connections.
    pub fn new(options: &Options) -> Self {
        match options.database {
            DatabaseKind::Redis => Self::Redis(RedisClient::new(
                options.seeds.clone(),
                options.password.clone(),
            )),
            DatabaseKind::Aerospike => Self::Aerospike(AerospikeClient::new(
                options.seeds.clone(),
                options.namespace.clone(),
            )),
        }
    }

    /// Writes; `Ok` is the database's acknowledgement.
    pub async fn put(&mut self, key: &str, value: &str) -> Result<(), Setback> {
        match self {
            Self::Redis(redis) => redis.put(key, value).await,
            Self::Aerospike(aerospike) => aerospike.put(key, value).await,
        }
    }

    /// Reads; `None` is the database's word that there is no such record.
    pub async fn get(&mut self, key: &str) -> Result<Option<String>, Setback> {
        match self {
            Self::Redis(redis) => redis.get(key).await,
            Self::Aerospike(aerospike) => aerospike.get(key).await,
        }
    }
}
