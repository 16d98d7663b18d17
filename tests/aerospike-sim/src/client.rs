//! A small info client: for tests, and for a tools container (`aerospike-sim info`).

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::{error::Elapsed, timeout};

use crate::codec::{self, CodecError};

/// How long one round trip may take: longer than the slowest `sim-` command is tried.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Why a node's answer did not come.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No connection.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The connection failed, or what came was no frame.
    #[error("no proper answer")]
    Codec(#[from] CodecError),
    /// The node closed the connection instead of answering.
    #[error("the connection was closed without an answer")]
    Closed,
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout(#[from] Elapsed),
    /// The answer has not one line per command.
    #[error("the answer does not fit the request: {0:?}")]
    Unfitting(String),
}

/// A connection to a node's info port.
#[derive(Debug)]
pub struct InfoClient {
    stream: TcpStream,
}

impl InfoClient {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Connect`] and [`ClientError::Timeout`].
    pub async fn connect(address: impl ToSocketAddrs) -> Result<Self, ClientError> {
        let stream = timeout(ANSWER_WITHIN, TcpStream::connect(address))
            .await?
            .map_err(ClientError::Connect)?;
        stream.set_nodelay(true).map_err(ClientError::Connect)?;
        Ok(Self { stream })
    }

    /// Sends several commands in one round trip; the values come in the same order. Not cancel-safe.
    ///
    /// # Errors
    /// [`ClientError`]; the connection is then of no further use.
    pub async fn ask(&mut self, commands: &[&str]) -> Result<Vec<String>, ClientError> {
        let body: String = commands
            .iter()
            .map(|command| format!("{command}\n"))
            .collect();
        timeout(ANSWER_WITHIN, self.exchange(body.as_bytes()))
            .await?
            .and_then(|answer| {
                let values: Option<Vec<String>> = answer
                    .lines()
                    .zip(commands)
                    .map(|(line, command)| {
                        Some(line.strip_prefix(command)?.strip_prefix('\t')?.to_owned())
                    })
                    .collect();
                let fitting = values.filter(|values| values.len() == commands.len());
                fitting.ok_or(ClientError::Unfitting(answer))
            })
    }

    async fn exchange(&mut self, body: &[u8]) -> Result<String, ClientError> {
        self.stream
            .write_all(&codec::encode(body))
            .await
            .map_err(CodecError::Io)?;
        let answer = codec::read_body(&mut self.stream)
            .await?
            .ok_or(ClientError::Closed)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Asks one command over a connection of its own.
///
/// # Errors
/// [`ClientError`].
pub async fn info(address: impl ToSocketAddrs, command: &str) -> Result<String, ClientError> {
    let mut client = InfoClient::connect(address).await?;
    let mut values = client.ask(&[command]).await?;
    values.pop().ok_or(ClientError::Closed)
}
