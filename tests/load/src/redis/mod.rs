//! A small client of a Redis Cluster: every key at its slot's owner, redirects
//! followed, the map looked up anew whenever something breaks.

mod client;
mod slots;

pub(crate) use client::RedisClient;
