//! Members of a Redis Cluster at rest, which answer what a worker asks them then.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The port that members answer at.
pub const PORT: u16 = 6379;

/// What all members answer, and what they were asked.
#[derive(Debug, Default)]
pub struct Cluster {
    lines: Vec<String>,
    /// Whether they make a digest of what they would tell.
    pub digests: AtomicBool,
    /// How many requests came.
    pub requests: AtomicU64,
    /// How many bytes were answered.
    pub bytes: AtomicU64,
}

impl Cluster {
    /// As many masters as there are addresses, all slots among them; each listens.
    ///
    /// # Errors
    ///
    /// When an address is taken.
    pub async fn start(addresses: &[IpAddr]) -> Result<Arc<Cluster>> {
        let all = addresses.len();
        let lines = addresses.iter().enumerate().map(|(n, address)| {
            let (first, last) = (n * 16384 / all, (n + 1) * 16384 / all - 1);
            let place = format!("{address}:{PORT}@16379,redis.{n}.node");
            format!("{n:040x} {place} master - 0 1795247899590 {n} connected {first}-{last}\n")
        });
        let cluster = Arc::new(Cluster {
            lines: lines.collect(),
            ..Cluster::default()
        });
        for (number, address) in addresses.iter().enumerate() {
            let listener = TcpListener::bind((*address, PORT)).await;
            let listener = listener.with_context(|| format!("{address}"))?;
            let cluster = cluster.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(cluster.clone().serve(number, stream));
                }
            });
        }
        Ok(cluster)
    }

    /// Answers until the connection closes.
    async fn serve(self: Arc<Cluster>, number: usize, stream: TcpStream) -> Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let words = command(&mut stream).await?;
            let answer = self.answer(number, &words);
            self.bytes.fetch_add(answer.len() as u64, Ordering::Relaxed);
            stream.get_mut().write_all(answer.as_bytes()).await?;
            if stream.buffer().is_empty() {
                self.requests.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn answer(&self, number: usize, words: &[String]) -> String {
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["CLUSTER", "NODES"] => {
                let mut lines = self.lines.clone();
                if let Some(own) = lines.get_mut(number) {
                    *own = own.replace(" master ", " myself,master ");
                }
                bulk(&lines.concat())
            }
            ["CLUSTER", "INFO"] => bulk("cluster_state:ok\r\n"),
            ["INFO", ..] => bulk(&format!("redis_version:7.4.1\r\nrun_id:{number:040x}\r\n")),
            ["DBSIZE"] => ":0\r\n".into(),
            ["EVAL_RO" | "EVALSHA_RO", ..] if self.digests.load(Ordering::Relaxed) => {
                bulk(&format!("{number:040x} 0"))
            }
            ["EVAL_RO", ..] => "-NOPERM this user may not\r\n".into(),
            _ => "-ERR not played here\r\n".into(),
        }
    }
}

/// One command: a list of texts.
async fn command(stream: &mut BufReader<TcpStream>) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(stream, '*').await? {
        let mut word = vec![0; number(stream, '$').await? + 2];
        stream.read_exact(&mut word).await?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word)?);
    }
    Ok(words)
}

async fn number(stream: &mut BufReader<TcpStream>, kind: char) -> Result<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let digits = line.trim_end().strip_prefix(kind);
    Ok(digits.context("no command")?.parse()?)
}
