//! One connection to one node: commands out, replies in, within bounds.

use std::io;

use combine::parser::combinator::AnySendSyncPartialState;
use combine::stream::{Decoder, PointerOffset};
use redis::{Pipeline, Value, parse_redis_value_async};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// More than the largest reply that is asked for: `CLUSTER NODES` of a
/// thousand nodes with scattered slots has about 1 MB. A stranger that never
/// ends its answer is cut off here.
const LONGEST_REPLY: u64 = 8 << 20;

/// What bytes travel over: plain or encrypted.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection broke.
    #[error("{0}")]
    Broken(#[source] io::Error),
    /// What came is not Redis' protocol.
    #[error("not Redis' protocol: {0}")]
    Foreign(String),
}

/// One connection to one node. After an error, or when a request was
/// cancelled, replies may still be on their way: it must be dropped then.
pub struct Wire {
    stream: Box<dyn Stream>,
    decoder: Decoder<AnySendSyncPartialState, PointerOffset<[u8]>>,
}

impl Wire {
    /// Speaks over this stream.
    pub fn new(stream: Box<dyn Stream>) -> Wire {
        Wire {
            stream,
            decoder: Decoder::new(),
        }
    }

    /// Sends all commands at once and returns one reply for each, in order.
    /// A reply that is an error is a value here.
    ///
    /// # Errors
    ///
    /// The connection broke, or something else than Redis answered.
    pub async fn exchange(&mut self, commands: &Pipeline) -> Result<Vec<Value>, WireError> {
        let sent = self.stream.write_all(&commands.get_packed_pipeline()).await;
        // A peer that closes early may still have said why.
        let flushed = match sent {
            Ok(()) => self.stream.flush().await,
            Err(error) => Err(error),
        };
        let mut replies = Vec::with_capacity(commands.len());
        for _ in 0..commands.len() {
            let mut bounded = (&mut self.stream).take(LONGEST_REPLY);
            let reply = parse_redis_value_async(&mut self.decoder, &mut bounded).await;
            match reply {
                Ok(value) => replies.push(value),
                Err(_) if bounded.limit() == 0 => {
                    let what = format!("a reply of more than {LONGEST_REPLY} bytes");
                    return Err(WireError::Foreign(what));
                }
                Err(error) if error.is_io_error() => {
                    let broken = flushed.err().unwrap_or_else(|| io_error(&error));
                    return Err(WireError::Broken(broken));
                }
                Err(error) => return Err(WireError::Foreign(excerpt(&error.to_string()))),
            }
        }
        Ok(replies)
    }
}

fn io_error(error: &redis::RedisError) -> io::Error {
    if error.is_connection_dropped() {
        io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection was closed before the answer",
        )
    } else {
        io::Error::other(error.to_string())
    }
}

/// The beginning of a stranger's words, on one line.
pub fn excerpt(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = plain.take(160).collect();
    short.trim().to_owned()
}

/// The text of a reply; none when it is not a text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".into()),
        _ => None,
    }
}

/// The words of a reply that is an error, such as `ERR Unknown node`.
pub fn refusal(value: &Value) -> Option<String> {
    match value {
        Value::ServerError(error) => Some(excerpt(&format!(
            "{} {}",
            error.code(),
            error.details().unwrap_or_default()
        ))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(reply: &[u8], commands: usize) -> Result<Vec<Value>, WireError> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        theirs.write_all(reply).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut pipeline = redis::pipe();
        for _ in 0..commands {
            pipeline.cmd("PING");
        }
        Wire::new(Box::new(ours)).exchange(&pipeline).await
    }

    #[tokio::test]
    async fn replies_come_in_order_and_errors_are_values() {
        let replies = answered(b"+OK\r\n-ERR no\r\n$2\r\nhi\r\n:7\r\n", 4)
            .await
            .unwrap();
        assert_eq!(replies[0], Value::Okay);
        assert_eq!(refusal(&replies[1]).as_deref(), Some("ERR no"));
        assert_eq!(text(&replies[2]).as_deref(), Some("hi"));
        assert_eq!(replies[3], Value::Int(7));
    }

    #[tokio::test]
    async fn strangers_and_broken_connections_are_told_apart() {
        for foreign in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            b"\x16\x03\x01\x00\xff",
        ] {
            let answer = answered(foreign, 1).await;
            assert!(matches!(answer, Err(WireError::Foreign(_))), "{answer:?}");
        }
        for broken in [&b""[..], b"$9\r\nhal", b"+OK"] {
            let answer = answered(broken, 1).await;
            assert!(matches!(answer, Err(WireError::Broken(_))), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let flood = tokio::spawn(async move {
            let _ = theirs.write_all(b"$99999999999\r\n").await;
            while theirs.write_all(&[b'x'; 1 << 16]).await.is_ok() {}
        });
        let answer = Wire::new(Box::new(ours))
            .exchange(redis::pipe().cmd("PING"))
            .await;
        assert!(matches!(answer, Err(WireError::Foreign(_))), "{answer:?}");
        flood.await.unwrap();
    }

    #[tokio::test]
    async fn huge_lengths_take_no_memory() {
        for lie in [
            &b"*99999999999\r\n"[..],
            b"%9999999999\r\n",
            b"$-7\r\n*-9\r\n",
        ] {
            let _ = answered(lie, 2).await;
        }
    }
}
