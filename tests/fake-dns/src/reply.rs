//! From a question and a behaviour to the bytes of an answer.

use std::net::IpAddr;

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::zone::Zone;
use crate::{Behaviour, Tcp};

/// What Swarm's resolver gives.
const TTL_SECONDS: u32 = 600;

/// The most that a UDP answer may have without EDNS0.
const PLAIN_UDP_BYTES: usize = 512;

/// What becomes of a question.
pub(crate) enum Reply {
    Bytes(Vec<u8>),
    /// Nothing is sent, and a connection is closed.
    Close,
    /// Nothing is sent, and a connection stays open.
    Nothing,
}

/// The answer to `question`. Delays are the caller's business.
pub(crate) fn reply(
    question: &Message,
    behaviour: &Behaviour,
    zone: &mut Zone,
    over_tcp: bool,
) -> Result<Reply, ProtoError> {
    let Some(query) = question.queries.first() else {
        return code(question, ResponseCode::FormErr);
    };
    let (name, family) = (query.name(), query.query_type());
    match behaviour {
        Behaviour::Answer(addresses) => {
            let answers = records(name, family, addresses);
            message(question, answers, over_tcp, false)
        }
        Behaviour::Empty => code(question, ResponseCode::NoError),
        Behaviour::NxDomain => code(question, ResponseCode::NXDomain),
        Behaviour::ServFail => code(question, ResponseCode::ServFail),
        Behaviour::Refused => code(question, ResponseCode::Refused),
        Behaviour::Silent => Ok(Reply::Nothing),
        Behaviour::Garbage => {
            let answers = records(name, family, &[IpAddr::from([10, 255, 255, 1])]);
            let mut bytes = shape(question, answers, false).to_vec()?;
            bytes.truncate(bytes.len().saturating_sub(2));
            Ok(Reply::Bytes(bytes))
        }
        Behaviour::Truncated {
            addresses,
            shown,
            tcp,
        } => {
            let all = records(name, family, addresses);
            match (over_tcp, tcp) {
                (true, Tcp::Works) => message(question, all, true, false),
                (true, Tcp::Closes) => Ok(Reply::Close),
                (true, Tcp::Hangs) => Ok(Reply::Nothing),
                // A family without records has nothing to cut.
                _ if all.is_empty() => message(question, all, over_tcp, false),
                _ => {
                    let few = all.into_iter().take(*shown).collect();
                    message(question, few, over_tcp, true)
                }
            }
        }
        Behaviour::Partial { addresses, keep } => {
            let few = zone.dice.some(addresses, *keep);
            message(question, records(name, family, &few), over_tcp, false)
        }
        Behaviour::WithoutEdns { formerr, .. } if *formerr && question.edns.is_some() => {
            let mut plain = question.clone();
            plain.edns = None;
            code(&plain, ResponseCode::FormErr)
        }
        Behaviour::WithoutEdns { then, .. } => {
            let mut plain = question.clone();
            plain.edns = None;
            reply(&plain, then, zone, over_tcp)
        }
        Behaviour::Alias(target) | Behaviour::BareAlias(target) => {
            let Some(owner) = full(target) else {
                return code(question, ResponseCode::ServFail);
            };
            let mut answers = vec![Record::from_rdata(
                name.clone(),
                TTL_SECONDS,
                RData::CNAME(CNAME(owner.clone())),
            )];
            if let (Behaviour::Alias(_), Some(Behaviour::Answer(addresses))) =
                (behaviour, zone.peek(target))
            {
                answers.extend(records(&owner, family, addresses));
            }
            message(question, answers, over_tcp, false)
        }
        Behaviour::Foreign(other, addresses) => match full(other) {
            Some(owner) => {
                let answers = records(&owner, family, addresses);
                message(question, answers, over_tcp, false)
            }
            None => code(question, ResponseCode::ServFail),
        },
        Behaviour::Slow(_, then) => reply(question, then, zone, over_tcp),
        // Resolved by the zone before.
        Behaviour::PerFamily { .. } | Behaviour::Script(_) | Behaviour::Flapping(_) => {
            code(question, ResponseCode::ServFail)
        }
    }
}

/// The name as records have it; none when it is no name.
fn full(name: &str) -> Option<Name> {
    Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).ok()
}

fn records(owner: &Name, family: RecordType, addresses: &[IpAddr]) -> Vec<Record> {
    let data = addresses.iter().filter_map(|address| match address {
        IpAddr::V4(v4) if family == RecordType::A => Some(RData::A(A(*v4))),
        IpAddr::V6(v6) if family == RecordType::AAAA => Some(RData::AAAA(AAAA(*v6))),
        _ => None,
    });
    data.map(|data| Record::from_rdata(owner.clone(), TTL_SECONDS, data))
        .collect()
}

fn code(question: &Message, code: ResponseCode) -> Result<Reply, ProtoError> {
    let mut answer = shape(question, Vec::new(), false);
    answer.metadata.response_code = code;
    answer.to_vec().map(Reply::Bytes)
}

/// An answer that fits the transport: as many records as there is room for,
/// and the TC bit when that are not all.
fn message(
    question: &Message,
    mut answers: Vec<Record>,
    over_tcp: bool,
    mut cut: bool,
) -> Result<Reply, ProtoError> {
    let room = match &question.edns {
        _ if over_tcp => usize::from(u16::MAX),
        Some(edns) => usize::from(edns.max_payload()).max(PLAIN_UDP_BYTES),
        None => PLAIN_UDP_BYTES,
    };
    loop {
        let bytes = shape(question, answers.clone(), cut).to_vec()?;
        if bytes.len() <= room || answers.is_empty() {
            return Ok(Reply::Bytes(bytes));
        }
        answers.pop();
        cut = true;
    }
}

fn shape(question: &Message, answers: Vec<Record>, cut: bool) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.metadata.truncation = cut;
    answer.queries = question.queries.clone();
    answer.answers = answers;
    answer.edns = question.edns.as_ref().map(|_| Edns::new());
    answer
}
