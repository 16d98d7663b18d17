//! What one worker says to another one, on the wire.

use bytes::{BufMut, Bytes, BytesMut};
use meshworker_core::is_harmful;
use meshworker_engines::outside::Words as Said;
use meshworker_group::{A_STATE, AN_ENTRY, GroupId, Hello, Letter, Ordered, StoreId, Told};
use serde::{Deserialize, Serialize};

/// The longest one, in bytes: a letter with all that a group has come to, for a store that
/// has nothing or too little. It is bounded; around it stands who votes.
pub(super) const LONGEST: usize = A_STATE + 64 * 1024;

/// One thing that one worker says to another one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Frame {
    /// What it says of itself.
    Hello(Hello),
    /// A letter of its group's log.
    Letter(Letter),
    /// An operator's order, for whoever leads; with a number of the asker's.
    Ask(u64, Ordered),
    /// Something has happened, which whoever leads cannot know.
    Tell(Told),
    /// The entry at which that order is in the log, or why it is not.
    Answer(u64, Result<u64, String>),
}

/// It is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it says what is not understood: {0}")]
pub(super) struct NotUnderstood(String);

/// A node's or a task's name is no longer, in bytes.
const A_NAME: usize = 256;

/// What may be in an entry and what stands around it, in bytes: all but letters is no longer.
const A_WORD: usize = AN_ENTRY + 4 * 1024;

/// A worker says of no more stores that they vote, or are not heard.
const STORES: usize = 64;

const LETTER: u8 = 1;
const WORDS: u8 = 2;

/// What is short, as JSON: a newer worker may say more than is understood here.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Words {
    Hello(Hello),
    Ask(u64, Ordered),
    Tell(Told),
    Answer(u64, Result<u64, String>),
}

impl Frame {
    /// As it goes over the wire, without its length.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn bytes(self) -> Result<Bytes, NotUnderstood> {
        let mut bytes = BytesMut::new();
        let words = match self {
            Frame::Letter(letter) => {
                bytes.put_u8(LETTER);
                for id in [letter.group.0, letter.from.0, letter.to.0] {
                    bytes.put_u64(id);
                }
                bytes.put_slice(&letter.message);
                return Ok(bytes.freeze());
            }
            Frame::Hello(hello) => Words::Hello(hello),
            Frame::Ask(number, order) => Words::Ask(number, order),
            Frame::Tell(told) => Words::Tell(told),
            Frame::Answer(number, answer) => Words::Answer(number, answer),
        };
        bytes.put_u8(WORDS);
        let json = serde_json::to_vec(&words).map_err(|why| NotUnderstood(why.to_string()))?;
        bytes.put_slice(&json);
        Ok(bytes.freeze())
    }

    /// What came over the wire.
    ///
    /// # Errors
    ///
    /// It is none of ours.
    pub(super) fn of(bytes: &[u8]) -> Result<Frame, NotUnderstood> {
        let unknown = |why: &dyn std::fmt::Display| NotUnderstood(why.to_string());
        match bytes {
            [LETTER, rest @ ..] => {
                let mut ids = rest.chunks_exact(8).filter_map(|id| id.try_into().ok());
                let mut id = || ids.next().map(u64::from_be_bytes);
                let (Some(group), Some(from), Some(to), Some(message)) =
                    (id(), id(), id(), rest.get(24..))
                else {
                    return Err(unknown(&"a letter of a few bytes"));
                };
                Ok(Frame::Letter(Letter {
                    group: GroupId(group),
                    from: StoreId(from),
                    to: StoreId(to),
                    message: message.to_vec(),
                }))
            }
            [WORDS, json @ ..] if json.len() > A_WORD => Err(unknown(&"too many words")),
            [WORDS, json @ ..] => {
                // What is said in it is not passed on.
                let place = |why: serde_json::Error| unknown(&format!("column {}", why.column()));
                let words = serde_json::from_slice(json).map_err(place)?;
                Ok(match words {
                    Words::Hello(hello) => {
                        let odd = |name: &String| name.len() > A_NAME || name.contains(is_harmful);
                        if odd(&hello.seat.task) || hello.seat.node.as_ref().is_some_and(odd) {
                            return Err(unknown(&"where it runs"));
                        }
                        if hello.voters.len().max(hello.unheard.len()) > STORES {
                            return Err(unknown(&"who is in its group"));
                        }
                        Frame::Hello(hello)
                    }
                    Words::Ask(number, order) => Frame::Ask(number, order),
                    Words::Tell(told) => Frame::Tell(told),
                    Words::Answer(number, answer) => Frame::Answer(number, answer),
                })
            }
            _ => Err(unknown(&"neither a letter nor words")),
        }
    }
}

/// What of it would be shown to people: for those who try what a stranger could say.
pub(crate) fn said(bytes: &[u8]) -> Said {
    match Frame::of(bytes) {
        Ok(Frame::Hello(hello)) => vec![hello.seat.to_string(), hello.seat.task],
        Ok(_) => Said::new(),
        Err(why) => vec![why.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use meshworker_group::{Order, Seat};

    use super::*;

    /// A hello of four megabytes was one of those of which a thousand could wait, and one of
    /// those that were kept.
    #[test]
    fn a_worker_says_of_so_many_stores_and_in_so_many_words() {
        let hello = |stores: u64| {
            let hello = Hello {
                store: StoreId(1),
                seat: Seat::default(),
                kept: true,
                group: None,
                leader: None,
                term: 0,
                last: 0,
                applied: 0,
                voters: (1..=stores).map(StoreId).collect(),
                heir_of: None,
                knows: 0,
                awake: 0,
                young: false,
                leaving: false,
                unheard: [].into(),
            };
            Frame::of(&Frame::Hello(hello).bytes().unwrap())
        };
        assert!(hello(64).is_ok());
        let why = NotUnderstood("who is in its group".into());
        assert_eq!(hello(65), Err(why));
        let mut words = vec![b' '; A_WORD + 2];
        words[0] = WORDS;
        let why = NotUnderstood("too many words".into());
        assert_eq!(Frame::of(&words), Err(why));
    }

    #[test]
    fn what_was_said_is_what_is_heard_and_what_is_cut_short_is_refused() {
        let letter = Frame::Letter(Letter {
            group: GroupId(1),
            from: StoreId(2),
            to: StoreId(3),
            message: vec![0, 255, 7],
        });
        let ask = Frame::Ask(
            7,
            Ordered {
                cluster: "db".into(),
                who: None,
                at_ms: 1,
                order: Order::Resume { member: None },
            },
        );
        let answer = Frame::Answer(7, Err("another one leads".into()));
        for frame in [letter, ask, answer] {
            let bytes = frame.clone().bytes().unwrap();
            assert_eq!(Frame::of(&bytes), Ok(frame));
            for short in 0..25.min(bytes.len() - 1) {
                assert!(Frame::of(&bytes[..short]).is_err(), "{short}");
            }
        }
    }
}
