//! A client of simulated Aerospike nodes: any node of the largest cluster takes
//! reads and writes for all.

use std::net::SocketAddr;
use std::time::Duration;

use aerospike_sim::InfoClient;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use crate::Seed;
use crate::client::Setback;
use crate::seed::resolve;

/// Where clients are served.
const PORT: u16 = 3000;
/// How long the node itself tries, in milliseconds: short, so that another
/// node is asked soon.
const TRIES_MS: u32 = 800;
/// How long an answer may take, the node's own tries included.
const ANSWER_WITHIN: Duration = Duration::from_millis(2500);
/// How long a node may take to say in which cluster it is.
const LOOK_WITHIN: Duration = Duration::from_millis(700);

/// A client with one connection.
pub(crate) struct AerospikeClient {
    seeds: Vec<Seed>,
    namespace: String,
    /// All nodes when they were last looked for, in case their names go.
    known: Vec<SocketAddr>,
    connection: Option<InfoClient>,
}

impl AerospikeClient {
    /// A client without a connection.
    pub fn new(seeds: Vec<Seed>, namespace: String) -> Self {
        Self {
            seeds,
            namespace,
            known: Vec::new(),
            connection: None,
        }
    }

    /// One attempt to write; the node acknowledges when all owners have it.
    pub async fn put(&mut self, key: &str, value: &str) -> Result<(), Setback> {
        let namespace = &self.namespace;
        let command =
            format!("sim-put:ns={namespace};key={key};value={value};timeout-ms={TRIES_MS}");
        match self.ask(&command).await?.as_str() {
            "ok" => Ok(()),
            other => Err(self.refused(other)),
        }
    }

    /// One attempt to read.
    pub async fn get(&mut self, key: &str) -> Result<Option<String>, Setback> {
        let namespace = &self.namespace;
        let command = format!("sim-get:ns={namespace};key={key};timeout-ms={TRIES_MS}");
        match self.ask(&command).await? {
            missing if missing.starts_with("ERROR:2:") => Ok(None),
            error if error.starts_with("ERROR:") => Err(self.refused(&error)),
            value => Ok(Some(value)),
        }
    }

    /// What this node cannot do, another one may.
    fn refused(&mut self, why: &str) -> Setback {
        self.connection = None;
        why.to_owned()
    }

    async fn ask(&mut self, command: &str) -> Result<String, Setback> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        match timeout(ANSWER_WITHIN, connection.ask(&[command])).await {
            Ok(Ok(mut values)) => {
                // It is kept only here: after anything else it is in an unknown state.
                self.connection = Some(connection);
                values.pop().ok_or_else(|| "an empty answer".to_owned())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    /// A connection to a node of the largest cluster. A node that has just
    /// started is one of its own, and knows no records: while others are
    /// silent, only a cluster of most nodes is sure to be the largest.
    async fn connect(&mut self) -> Result<InfoClient, Setback> {
        let found = resolve(&self.seeds, PORT).await;
        if !found.is_empty() {
            self.known = found;
        }
        let mut asked: FuturesUnordered<_> = self.known.iter().copied().map(look).collect();
        let candidates = asked.len();
        let (mut answers, mut silent, mut best) = (0, 0, None);
        let mut largest = 0;
        while let Some(look) = asked.next().await {
            match look {
                Look::Nobody => continue,
                Look::Silence => silent += 1,
                Look::Member(size, client) => {
                    answers += 1;
                    if size > largest {
                        (largest, best) = (size, Some(client));
                    }
                }
            }
            // Enough to be sure, without waiting for those that are gone.
            if answers * 2 > candidates && largest * 2 > candidates {
                break;
            }
        }
        match best {
            None => Err(format!("none of {candidates} nodes answers")),
            Some(_) if silent > 0 && largest * 2 <= candidates => Err(format!(
                "{silent} of {candidates} nodes are silent, and the others are a cluster of {largest}"
            )),
            Some(client) => Ok(client),
        }
    }
}

/// What a node says of the cluster that it is in.
enum Look {
    /// Its size, with the connection to the node.
    Member(usize, InfoClient),
    /// Nobody is there.
    Nobody,
    /// No answer in time.
    Silence,
}

async fn look(address: SocketAddr) -> Look {
    let asked = async {
        let mut client = InfoClient::connect(address).await.ok()?;
        let said = client.ask(&["statistics"]).await.ok()?;
        let size = said
            .first()?
            .split(';')
            .find_map(|item| item.strip_prefix("cluster_size="))?;
        Some(Look::Member(size.parse().ok()?, client))
    };
    match timeout(LOOK_WITHIN, asked).await {
        Ok(Some(member)) => member,
        Ok(None) => Look::Nobody,
        Err(_) => Look::Silence,
    }
}

#[cfg(test)]
mod tests {
    use aerospike_sim::testing::{Loopback, PATIENCE, wait_for};
    use aerospike_sim::{Misbehaviour, NodeOptions, SimNode, info};

    use super::*;

    /// On a busy machine the members may be slower than one that has just
    /// started: it was taken for the cluster, and knew none of the records.
    #[tokio::test]
    async fn a_newcomer_that_was_quicker_than_the_cluster_was_read_from() {
        let loopback = Loopback::claim().unwrap();
        let mut nodes = Vec::new();
        for number in 0..3 {
            let options = NodeOptions {
                first_round: Duration::from_millis(300),
                ..NodeOptions::at(loopback.address(number))
            };
            nodes.push(SimNode::start(options).await.unwrap());
        }
        let alone = async || info(nodes[0].service(), "statistics").await.unwrap();
        let is_alone = |said: &String| said.contains("cluster_size=1;");
        wait_for("a cluster of one", PATIENCE, alone, is_alone)
            .await
            .unwrap();
        let seeds = nodes.iter().map(|node| node.service().ip().to_string());
        let seeds = seeds.map(|seed| seed.parse().unwrap()).collect();
        let mut client = AerospikeClient::new(seeds, "test".into());
        nodes[1].misbehave(Misbehaviour::Silent);
        nodes[2].misbehave(Misbehaviour::Silent);
        // A busy machine may make the third seem silent, too.
        let refused = |read: &Result<Option<String>, Setback>| matches!(read, Err(why) if why.contains("2 of 3 nodes are silent"));
        let read = async || client.get("key:1").await;
        let read = wait_for("a refusal", PATIENCE, read, refused).await;
        assert!(read.unwrap().is_err());
        // Those that are gone are no reason to wait.
        nodes.truncate(1);
        let connected = async || client.connect().await.is_ok();
        wait_for("a connection", PATIENCE, connected, |done| *done)
            .await
            .unwrap();
    }
}
