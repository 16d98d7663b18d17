//! Server-sent events: lines to messages. Pure.
//!
//! The format: <https://html.spec.whatwg.org/multipage/server-sent-events.html>,
//! section "Interpreting an event stream".

/// No event of a worker is larger; what is has no end.
const LONGEST: usize = 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its kind: `message` when the stream names none.
    pub event: String,
    /// The last id that the stream named.
    pub id: Option<String>,
    /// What it says.
    pub data: String,
}

/// The stream holds a message that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event has more than {LONGEST} bytes")]
pub struct TooLong;

/// Takes a stream in pieces of any size, and gives whole messages.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_return: bool,
    event: String,
    id: Option<String>,
    data: Option<String>,
}

impl Parser {
    /// The messages that this piece completes.
    ///
    /// # Errors
    ///
    /// One of them is too large.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut messages = Vec::new();
        for &byte in piece {
            let second = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                // The second half of one line's end.
                b'\n' if second => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    messages.extend(self.take(&String::from_utf8_lossy(&line)));
                }
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > LONGEST {
                return Err(TooLong);
            }
        }
        Ok(messages)
    }

    fn take(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Some(Message {
                data: self.data.take()?,
                id: self.id.clone(),
                event: if event.is_empty() {
                    "message".to_owned()
                } else {
                    event
                },
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event = value.to_owned(),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // A comment, how soon to come back, or what a later worker says.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: &str, id: Option<&str>, data: &str) -> Message {
        Message {
            event: event.into(),
            id: id.map(str::to_owned),
            data: data.into(),
        }
    }

    const STREAM: &str = ": hello\r\n\r\nevent: fact\nid: 7\ndata: {\"a\":1}\n\ndata:one\rdata: two\r\r\
                          event: lonely\n\nretry: 5\nid\ndata\n\ndata: cut off";

    #[test]
    fn the_pieces_of_a_stream_do_not_matter() {
        let expected = [
            message("fact", Some("7"), "{\"a\":1}"),
            message("message", Some("7"), "one\ntwo"),
            message("message", Some(""), ""),
        ];
        for size in 1..=STREAM.len() {
            let mut parser = Parser::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let messages: Vec<_> = pieces
                .flat_map(|piece| parser.feed(piece).unwrap())
                .collect();
            assert_eq!(messages, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let mut parser = Parser::default();
        let line = [b"data: ".to_vec(), vec![b'x'; 1000], b"\n".to_vec()].concat();
        let fed: Result<Vec<_>, _> = (0..1100).map(|_| parser.feed(&line)).collect();
        assert_eq!(fed, Err(TooLong));
    }
}
