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
    /// started is one of its own, and knows no records.
    async fn connect(&mut self) -> Result<InfoClient, Setback> {
        let found = resolve(&self.seeds, PORT).await;
        if !found.is_empty() {
            self.known = found;
        }
        let mut asked: FuturesUnordered<_> = self.known.iter().copied().map(look).collect();
        let candidates = asked.len();
        let (mut answers, mut best) = (0, None);
        while let Some(answer) = asked.next().await {
            let Some((size, client)) = answer else {
                continue;
            };
            answers += 1;
            if best.as_ref().is_none_or(|(largest, _)| size > *largest) {
                best = Some((size, client));
            }
            // Enough to be sure, without waiting for those that are gone.
            let largest = best.as_ref().map_or(0, |(largest, _)| *largest);
            if answers * 2 > candidates && largest * 2 > candidates {
                break;
            }
        }
        best.map(|(_, client)| client)
            .ok_or_else(|| format!("none of {candidates} nodes answers"))
    }
}

/// The size of the cluster that a node is in, with the connection to it.
async fn look(address: SocketAddr) -> Option<(usize, InfoClient)> {
    let asked = async {
        let mut client = InfoClient::connect(address).await.ok()?;
        let said = client.ask(&["statistics"]).await.ok()?;
        let size = said
            .first()?
            .split(';')
            .find_map(|item| item.strip_prefix("cluster_size="))?;
        Some((size.parse().ok()?, client))
    };
    timeout(LOOK_WITHIN, asked).await.ok().flatten()
}
