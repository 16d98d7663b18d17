//! One connection to one node: commands out, replies in, within bounds.

use std::io;

use meshworker_core::{Told, plain_lines};
use redis::{Pipeline, Value, parse_redis_value};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::budget::{LONG, LONGEST_REPLY, Share};

/// The longest line that announces something or says a word, errors included.
const LONGEST_LINE: u64 = 4 << 10;

/// The longest list of nodes: twice what a thousand with long names and scattered slots
/// take.
const LONGEST_TABLE: u64 = 1 << 20;

/// A long text is read so many bytes at a time.
const PIECE: u64 = 16 << 10;

/// The longest piece of a node's words that is shown to anybody.
const LONGEST_SHOWN: usize = 320;

/// What a node may answer. Whoever answers more, or in another form, is cut off
/// before it has filled any memory.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// Words, as `OK`, and errors.
    Words,
    /// A digest; `CLUSTER NODES`, of a thousand nodes with long names and scattered
    /// slots less than 1 MB; `CLUSTER INFO`; `INFO`; and a number.
    View,
    /// Lists of keys as well, from whoever is one of us.
    Lists,
}

impl Expect {
    /// How many bytes the reply at this position may have.
    fn bytes(self, position: usize) -> u64 {
        match (self, position) {
            (Expect::Words, _) | (Expect::View, 0) => LONGEST_LINE,
            (Expect::View, 1) => LONGEST_TABLE,
            (Expect::View, _) => 64 << 10,
            (Expect::Lists, _) => LONGEST_REPLY,
        }
    }

    /// How many bytes all replies of one round trip may have.
    fn all(self) -> usize {
        match self {
            Expect::Words => 1 << 20,
            Expect::View => 2 << 20,
            Expect::Lists => LONG,
        }
    }

    /// How many parts a list may have; none where no list is expected.
    fn parts(self) -> Option<i64> {
        matches!(self, Expect::Lists).then_some(4096)
    }
}

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
    /// It took too long over a long reply, and others were waiting.
    #[error("a long reply that does not end, while others have some too")]
    GaveWay,
}

/// One connection to one node. After an error, or when a request was
/// cancelled, replies may still be on their way: it must be dropped then.
pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
}

impl Wire {
    /// Speaks over this stream.
    pub fn new(stream: Box<dyn Stream>) -> Wire {
        Wire {
            stream: BufReader::new(stream),
        }
    }

    /// Sends all commands at once and returns one reply for each, in order.
    /// A reply that is an error is a value here.
    ///
    /// # Errors
    ///
    /// The connection broke, or something else than Redis answered.
    pub async fn exchange(
        &mut self,
        commands: &Pipeline,
        expect: Expect,
    ) -> Result<Vec<Value>, WireError> {
        let sent = self.stream.write_all(&commands.get_packed_pipeline()).await;
        // A peer that closes early may still have said why.
        let flushed = match sent {
            Ok(()) => self.stream.flush().await,
            Err(error) => Err(error),
        };
        let share = Share::of(expect.all());
        let gives_way = share.gives_way();
        let replies = tokio::select! {
            biased;
            replies = self.replies(commands.len(), expect, share) => replies,
            () = gives_way.notified() => Err(WireError::GaveWay),
        };
        replies.map_err(|error| match error {
            WireError::Broken(error) => WireError::Broken(flushed.err().unwrap_or(error)),
            other => other,
        })
    }

    async fn replies(
        &mut self,
        count: usize,
        expect: Expect,
        mut share: Share,
    ) -> Result<Vec<Value>, WireError> {
        let mut replies = Vec::with_capacity(count);
        for position in 0..count {
            let most = expect.bytes(position).min(share.left() as u64);
            let (value, bytes) = self.reply(expect, most, &mut share).await?;
            share.next(bytes);
            replies.push(value);
        }
        Ok(replies)
    }

    /// One reply, and how many bytes it had: a word, an error, a number, a text, or a
    /// list of these.
    async fn reply(
        &mut self,
        expect: Expect,
        most: u64,
        share: &mut Share,
    ) -> Result<(Value, usize), WireError> {
        let mut reply = Vec::new();
        let parts = match self.part(&mut reply, most, share).await? {
            Part::Whole => 0,
            Part::List(parts) if expect.parts().is_some_and(|most| parts <= most) => parts,
            Part::List(parts) => {
                return Err(WireError::Foreign(format!("a list of {parts} values")));
            }
        };
        for _ in 0..parts {
            if let Part::List(_) = self.part(&mut reply, most, share).await? {
                return Err(WireError::Foreign("a list of lists".into()));
            }
        }
        let value = parse_redis_value(&reply);
        let value = value.map_err(|e| WireError::Foreign(excerpt(&e.to_string())))?;
        Ok((value, reply.len()))
    }

    /// Reads one part onto the end of a reply that may have so many bytes.
    async fn part(
        &mut self,
        reply: &mut Vec<u8>,
        most: u64,
        share: &mut Share,
    ) -> Result<Part, WireError> {
        let begin = reply.len();
        let first = self.stream.fill_buf().await.map_err(WireError::Broken)?;
        let kind = *first.first().ok_or_else(closed)?;
        let mut line = (&mut self.stream).take(LONGEST_LINE);
        let read = line.read_until(b'\n', reply).await;
        read.map_err(WireError::Broken)?;
        let full = line.limit() == 0;
        let line = reply.get(begin..).unwrap_or_default();
        let foreign = || WireError::Foreign(excerpt(&String::from_utf8_lossy(line)));
        if !b"+-:$*".contains(&kind) || (full && !line.ends_with(b"\n")) {
            return Err(foreign());
        }
        if !line.ends_with(b"\n") {
            return Err(closed());
        }
        let number = || {
            let digits = std::str::from_utf8(line.get(1..)?).ok()?;
            digits.trim_end().parse::<i64>().ok().filter(|n| *n >= -1)
        };
        let length = match kind {
            b'*' => return number().map(Part::List).ok_or_else(foreign),
            b'$' => number().ok_or_else(foreign)?,
            _ => -1,
        };
        let Ok(length) = u64::try_from(length) else {
            return Ok(Part::Whole);
        };
        let so_far = reply.len() as u64;
        if so_far.saturating_add(length) > most.saturating_add(LONGEST_LINE) || length > most {
            let what = format!("a text of {length} bytes; allowed: {most}");
            return Err(WireError::Foreign(what));
        }
        let mut left = length + 2;
        while left > 0 {
            let piece = left.min(PIECE);
            let mut text = (&mut self.stream).take(piece);
            let read = text.read_to_end(reply).await.map_err(WireError::Broken)?;
            if (read as u64) < piece {
                return Err(closed());
            }
            left -= piece;
            share.cover(reply.len()).await;
        }
        Ok(Part::Whole)
    }
}

/// What a part of a reply turned out to be.
enum Part {
    Whole,
    /// A list; its parts follow.
    List(i64),
}

fn closed() -> WireError {
    WireError::Broken(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the connection was closed before the answer",
    ))
}

/// The beginning of a stranger's words, on one line.
pub fn excerpt(text: &str) -> String {
    Told::<LONGEST_SHOWN>::from(text.trim()).into_string()
}

/// The text of a reply, made harmless; none when it is not a text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(plain_lines(&String::from_utf8_lossy(bytes)).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => {
            Some(plain_lines(text).into_owned())
        }
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
        Wire::new(Box::new(ours))
            .exchange(&pipeline, Expect::Lists)
            .await
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
            .exchange(redis::pipe().cmd("PING"), Expect::Lists)
            .await;
        assert!(matches!(answer, Err(WireError::Foreign(_))), "{answer:?}");
        flood.await.unwrap();
    }

    /// How many bytes a node gets rid of that answers with this again and again,
    /// and what is said of it.
    async fn taken(beginning: &'static [u8], again: &'static [u8]) -> (usize, String) {
        const PIPE: usize = 1 << 10;
        let (ours, mut theirs) = tokio::io::duplex(PIPE);
        let flood = tokio::spawn(async move {
            let mut sent = 0;
            let mut next = beginning;
            while theirs.write_all(next).await.is_ok() {
                sent += next.len();
                next = again;
            }
            sent
        });
        let mut commands = redis::pipe();
        for _ in 0..4 {
            commands.cmd("PING");
        }
        let said = Wire::new(Box::new(ours))
            .exchange(&commands, Expect::View)
            .await;
        (flood.await.unwrap(), said.unwrap_err().to_string())
    }

    /// Each small value of a list took many times its size: two million of them
    /// filled the worker's memory.
    #[tokio::test]
    async fn small_values_in_large_replies_filled_the_memory() {
        let more = 64 << 10;
        for (beginning, again) in [
            (&b"*1900000\r\n"[..], &b":1\r\n"[..]),
            (b"*1\r\n", b"*1\r\n"),
            (b"%9\r\n", b"+a\r\n:1\r\n"),
            (b"~9\r\n", b":1\r\n"),
            (b"$9000000\r\n", b"xxxxxxxx"),
            (b"+", b"xxxxxxxx"),
            (b"-ERR ", b"xxxxxxxx"),
            (b":", b"11111111"),
        ] {
            let nodes = (0..5).map(|_| taken(beginning, again));
            for (bytes, said) in futures_util::future::join_all(nodes).await {
                assert!(bytes < more, "{bytes} bytes of {beginning:?}");
                assert!(said.len() < LONGEST_SHOWN + 100, "{said}");
            }
        }
        // Only the second reply, the table, may be long.
        let third = b"$2\r\nhi\r\n$2\r\nhi\r\n$100000\r\n";
        let (bytes, said) = taken(third, b"xxxxxxxx").await;
        assert!(bytes < more && said.contains("allowed: 65536"), "{said}");
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
