//! A simulated Aerospike server: enough of one to operate a cluster against, in a container or hundreds in one process.
//!
//! It speaks the info protocol with the replies and delays that were recorded from a real server, forms real clusters over a
//! heartbeat mesh of its own, keeps records with a replication factor so that losses can be counted, and misbehaves on demand.
//!
//! ```no_run
//! use aerospike_sim::{NodeOptions, SimNode, info};
//!
//! # async fn example() -> anyhow::Result<()> {
//! let one = SimNode::start(NodeOptions::at("127.0.5.1".parse()?)).await?;
//! let other = SimNode::start(NodeOptions::at("127.0.5.2".parse()?)).await?;
//! info(one.service(), &format!("tip:host={};port=3002", other.heartbeat().ip())).await?;
//! # Ok(())
//! # }
//! ```

mod accept;
mod address;
pub mod cli;
mod client;
mod cluster;
pub mod codec;
mod command;
mod conf_file;
mod counters;
mod data;
mod edition;
mod fabric;
mod frame;
mod hash;
mod member;
mod mesh;
mod misbehaviour;
mod node;
mod node_id;
mod options;
mod replies;
mod seeds;
mod service;
mod sim_node;
mod state;
pub mod testing;
mod texts;
mod world;

pub use client::{ClientError, InfoClient, info};
pub use cluster::{Cluster, ClusterKey, PARTITIONS};
pub use conf_file::{ConfError, ConfFile};
pub use counters::Counts;
pub use edition::Edition;
pub use member::Member;
pub use misbehaviour::Misbehaviour;
pub use node_id::NodeId;
pub use options::NodeOptions;
pub use seeds::Seed;
pub use sim_node::{SimNode, StartError};
pub use world::{World, WorldOptions};
