//! Conversations that real programs had with the real router, replayed byte for byte.
//!
//! Ours answers the same, but for three things: members are in another order; the type that
//! newer routers give the last answer, and on which older members break, is the one that
//! all know; and who could take a suspicion for something else hears of none.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use meshworker_core::Moment;
use meshworker_gossip::{ConnectionId, Decoder, Effect, End, Limits, Router};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What each connection was sent, and how.
struct Replay {
    router: Router,
    decoders: BTreeMap<String, (ConnectionId, Decoder)>,
    sent: BTreeMap<ConnectionId, Vec<u8>>,
    closed: Vec<ConnectionId>,
}

impl Replay {
    /// Plays a conversation in pieces of so many bytes at the most.
    fn of(conversation: &str, piece: usize) -> Replay {
        let mut replay = Replay {
            router: Router::new(Limits::default()),
            decoders: BTreeMap::new(),
            sent: BTreeMap::new(),
            closed: Vec::new(),
        };
        for line in conversation.lines().filter(|line| !line.starts_with('#')) {
            let (who, what) = line.split_once(' ').unwrap();
            if what == "CONNECT" {
                let id = ConnectionId(replay.decoders.len() as u64);
                let before = replay.decoders.insert(who.into(), (id, Decoder::default()));
                assert!(before.is_none());
            } else if let Some(who) = who.strip_suffix('>') {
                if what == "FIN" {
                    let id = replay.decoders[who].0;
                    let effects = replay.router.ended(id, End::Lost);
                    replay.act(effects);
                } else {
                    for piece in hex(what).chunks(piece) {
                        replay.hear(who, piece);
                    }
                }
            }
        }
        replay
    }

    fn hear(&mut self, who: &str, bytes: &[u8]) {
        let (id, decoder) = self.decoders.get_mut(who).unwrap();
        let id = *id;
        decoder.buffer().extend_from_slice(bytes);
        let mut requests = Vec::new();
        loop {
            match decoder.next_request() {
                Ok(Some(request)) => requests.push((decoder.dialect().unwrap(), request)),
                Ok(None) => break,
                Err(_) => {
                    self.closed.push(id);
                    break;
                }
            }
        }
        for (dialect, request) in requests {
            let effects = self
                .router
                .hear(Moment::default(), HOME, id, dialect, request);
            self.act(effects);
        }
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(id, bytes) | Effect::Post(id, bytes) => {
                    self.sent.entry(id).or_default().extend_from_slice(&bytes);
                }
                Effect::Close(id, _) => self.closed.push(id),
                Effect::Tell(_) | Effect::Pass(..) => {}
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// What the real router sent on this connection.
fn captured(conversation: &str, who: &str) -> Vec<u8> {
    let prefix = format!("{who}< ");
    let lines = conversation
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix));
    let lines = lines.filter(|line| *line != "FIN");
    lines.flat_map(hex).collect()
}

/// Frames, or an old one's answers, with members in one order.
fn answers(stream: &[u8], framed: bool) -> Vec<Vec<u8>> {
    let mut rest = stream;
    let mut answers = Vec::new();
    while let Some(first) = rest.first() {
        let length = match (framed, first) {
            (true, 0xff) => 4,
            (true, _) => 4 + u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize,
            (false, 0x0e) => 1,
            (false, 0x10) => 9,
            // Each member of one letter at one address of four bytes.
            (false, _) => 2 + 36 * usize::from(rest[1]),
        };
        let (answer, after) = rest.split_at(length);
        rest = after;
        let mut answer = answer.to_vec();
        match framed {
            false if length % 36 == 2 => sort(&mut answer[2..], 36),
            // One kind of answer, whatever the router calls it.
            true if matches!(answer[4..], [3 | 7, ..]) => {
                answer[4] = 3;
                let begins = 8 + usize::from(answer[7]) + 5;
                let end = answer.len() - 5;
                let members = usize::from(answer[begins - 1]);
                let all = &mut answer[begins..end];
                if members > 0 && all.len() % members == 0 {
                    sort(all, all.len() / members);
                }
            }
            _ => {}
        }
        answers.push(answer);
    }
    answers
}

fn sort(all: &mut [u8], length: usize) {
    let mut members: Vec<Vec<u8>> = all.chunks(length).map(<[u8]>::to_vec).collect();
    members.sort();
    all.copy_from_slice(&members.concat());
}

/// What stands in a frame that newer and older members take for different things.
fn is_left_out(answer: &[u8]) -> bool {
    matches!(answer, [_, _, _, _, 6, ..] | [0xff, ..])
}

fn replayed(conversation: &str, framed: bool) {
    for piece in [usize::MAX, 1, 7] {
        let replay = Replay::of(conversation, piece);
        for (who, (id, _)) in &replay.decoders {
            let sent = replay.sent.get(id).cloned().unwrap_or_default();
            let mut expected = answers(&captured(conversation, who), framed);
            if framed {
                expected.retain(|answer| !is_left_out(answer));
            }
            assert_eq!(answers(&sent, framed), expected, "{who}, by {piece}");
        }
    }
}

#[test]
fn members_of_5_5_hear_what_their_own_router_says() {
    replayed(include_str!("conversations/5.5.6.txt"), true);
}

#[test]
fn members_of_4_2_hear_what_their_own_router_says() {
    replayed(include_str!("conversations/4.2.30.txt"), true);
}

#[test]
fn members_of_2_12_hear_what_their_own_router_says() {
    let conversation = include_str!("conversations/2.12.2.txt");
    replayed(conversation, false);
    // Not even the order differs by more than that: what is sent is as long.
    let replay = Replay::of(conversation, 1);
    assert_eq!(
        replay.sent[&ConnectionId(0)].len(),
        captured(conversation, "A1").len()
    );
    assert_eq!(
        replay.closed,
        [ConnectionId(1), ConnectionId(0)],
        "they said so"
    );
}

#[test]
fn all_groups_are_told_and_an_unknown_type_ends_the_connection() {
    let conversation = include_str!("conversations/direct.txt");
    replayed(conversation, true);
    let replay = Replay::of(conversation, usize::MAX);
    assert_eq!(replay.closed, [ConnectionId(1)]);
    // Whoever asks for all groups knows the type of the last answer.
    let sent = &replay.sent[&ConnectionId(1)];
    let kinds: Vec<u8> = raw_kinds(sent);
    assert_eq!(kinds, [5, 3, 3, 7, 3]);
}

fn raw_kinds(mut rest: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while rest.len() > 4 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        kinds.push(rest[4]);
        rest = &rest[4 + length..];
    }
    kinds
}
