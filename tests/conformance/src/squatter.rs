//! Somebody at an address who is no node.

use meshworker_core::Place;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How somebody who is no node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes connections and never says a word.
    Silent,
    /// Answers with bytes that mean nothing.
    Garbage,
    /// Answers like a web server.
    Web,
    /// Hangs up at once.
    Hangup,
    /// Says a little, and then nothing more.
    Half,
}

/// Somebody at an address who is no node. Leaves when dropped.
#[derive(Debug)]
pub struct Squatter {
    /// Where.
    pub address: Place,
    task: JoinHandle<()>,
}

impl Squatter {
    /// Sits down at this address and port.
    pub async fn at(address: Place, port: u16, manner: Manner) -> Squatter {
        let listener = TcpListener::bind(address.socket(port))
            .await
            .unwrap_or_else(|error| panic!("{address}:{port}: {error}"));
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut question = [0; 64];
                let _ = match manner {
                    Manner::Silent => Ok(()),
                    Manner::Hangup => continue,
                    Manner::Garbage => stream.write_all(&[0x17, 0xfe, 0, 0xff, b'\n']).await,
                    Manner::Half => stream.write_all(b"$100\r\nhal").await,
                    Manner::Web => {
                        let _ = stream.read(&mut question).await;
                        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
                    }
                };
                held.push(stream);
            }
        });
        Squatter { address, task }
    }
}

impl Drop for Squatter {
    fn drop(&mut self) {
        self.task.abort();
    }
}
