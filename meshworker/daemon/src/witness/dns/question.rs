//! One question to name servers: UDP with EDNS0, TCP for what was cut.
//!
//! hickory's own resolver is not used for this part, only its transports: it
//! keeps answers in a cache for as long as their TTL says, it hides what a cut
//! answer did list, and it reports a cut answer whose rest could not be
//! fetched as a failed connection.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::{MAX_RECEIVE_BUFFER_SIZE, UdpClientStream};
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use meshworker_core::Grade;
use tokio::time::{Instant, timeout_at};

use super::heard::Heard;

/// How many answers that are only an alias are followed. Two is already unusual.
const ALIASES: usize = 8;

/// How often a question is sent over UDP: once more, because one lost packet
/// must not cost a whole pass.
const SENDINGS: u8 = 2;

/// When it is sent again: later than any resolver on the same machine takes.
const SEND_AGAIN: Duration = Duration::from_millis(500);

/// The most that an answer over UDP may have: what hickory receives, about 250
/// addresses. Larger than the customary 1232, because the container's resolver is
/// reached over loopback, where nothing is fragmented.
const UDP_BYTES: u16 = MAX_RECEIVE_BUFFER_SIZE as u16;

/// What the answers to both questions, for IPv4 and for IPv6, take at the most, in bytes:
/// a record is twelve bytes or more, of an answer of 65 535 over TCP, and names the longest
/// name by two of them (RFC 1035, sections 4.1.4 and 4.2.2).
pub(crate) const ANSWERS: usize = 2 * (65_535 / 12) * (size_of::<Record>() + 2 * 255);

/// Asks the servers in turn until one gives an answer that can be relied on.
///
/// Each gets an equal share of the time that is left. When none does, the
/// failure that lists the most addresses is returned, the first of equals.
pub(super) async fn ask(
    servers: &[SocketAddr],
    name: &Name,
    family: RecordType,
    until: Instant,
) -> Heard {
    let mut failure: Option<Heard> = None;
    for (position, server) in servers.iter().enumerate() {
        let now = Instant::now();
        let servers_left = (servers.len() - position) as u32;
        let share = until.saturating_duration_since(now) / servers_left;
        let heard = ask_one(*server, name, family, now + share).await;
        if matches!(heard.grade, Grade::Answer | Grade::Empty | Grade::NxDomain) {
            return heard;
        }
        match &failure {
            Some(kept) if kept.addresses.len() >= heard.addresses.len() => {}
            _ => failure = Some(heard),
        }
    }
    failure.unwrap_or_else(|| Heard::nobody(Grade::Failed("no name server is known".into())))
}

/// Asks one server, and follows aliases that it does not follow itself, within
/// the name's own domain. Whoever is elsewhere is a stranger: Swarm has no aliases,
/// and a name server that knows everything answers so to what Swarm does not know.
async fn ask_one(server: SocketAddr, name: &Name, family: RecordType, until: Instant) -> Heard {
    let mut name = name.clone();
    for _ in 0..ALIASES {
        let response = match exchange(server, &name, family, until).await {
            Ok(response) => response,
            Err(grade) => return Heard::nobody(grade),
        };
        let (owner, addresses) = follow(&response, &name);
        let grade = match response.metadata.response_code {
            ResponseCode::NoError if owner.base_name() != name.base_name() => {
                let why = format!("{name} is an alias of {owner}, which is elsewhere");
                return Heard::nobody(Grade::Failed(why));
            }
            ResponseCode::NoError if response.metadata.truncation => Grade::Truncated,
            ResponseCode::NoError if !addresses.is_empty() => Grade::Answer,
            ResponseCode::NoError if owner != name => {
                name = owner;
                continue;
            }
            ResponseCode::NoError => Grade::Empty,
            ResponseCode::NXDomain => Grade::NxDomain,
            ResponseCode::ServFail => Grade::ServFail,
            ResponseCode::Refused => Grade::Refused,
            other => Grade::Failed(format!("{server} answered {other}")),
        };
        return Heard { grade, addresses };
    }
    Heard::nobody(Grade::Failed(format!(
        "more than {ALIASES} aliases in a row"
    )))
}

/// One question and its answer: over UDP, and over TCP when that one is cut or
/// cannot be read. An answer that is still cut at the end is returned as it is.
async fn exchange(
    server: SocketAddr,
    name: &Name,
    family: RecordType,
    until: Instant,
) -> Result<Message, Grade> {
    let mut edns = true;
    let mut response = over_udp(server, request(name, family, edns), until).await;
    if let Ok(old) = &response
        && old.metadata.response_code == ResponseCode::FormErr
    {
        // A server from before EDNS0.
        edns = false;
        response = over_udp(server, request(name, family, edns), until).await;
    }
    let again = || over_tcp(server, request(name, family, edns), until);
    match response {
        Ok(whole) if !whole.metadata.truncation => Ok(whole),
        Ok(cut) => Ok(again().await.unwrap_or(cut)),
        // Perhaps longer than what was asked for, and cut by the socket.
        Err(why @ NetError::Proto(_)) => again().await.map_err(|_| grade(server, &why)),
        Err(why) => Err(grade(server, &why)),
    }
}

fn grade(server: SocketAddr, why: &NetError) -> Grade {
    match why {
        NetError::Timeout => Grade::Timeout,
        why => Grade::Failed(format!("{server}: {why}")),
    }
}

fn request(name: &Name, family: RecordType, edns: bool) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.use_edns = edns;
    options.edns_payload_len = UDP_BYTES;
    // A resolver that compares names byte by byte would not know them in
    // another case.
    options.case_randomization = false;
    options.retry_interval = SEND_AGAIN;
    DnsRequest::from_query(Query::query(name.clone(), family), options)
}

async fn over_udp(
    server: SocketAddr,
    request: DnsRequest,
    until: Instant,
) -> Result<Message, NetError> {
    let left = until.saturating_duration_since(Instant::now());
    let mut client = UdpClientStream::builder(server, TokioRuntimeProvider::new())
        .with_timeout(Some(left))
        .with_max_retries(SENDINGS)
        .build();
    let answer = timeout_at(until, client.send_message(request).first_answer()).await;
    Ok(answer.map_err(|_| NetError::Timeout)??.into_message())
}

async fn over_tcp(
    server: SocketAddr,
    request: DnsRequest,
    until: Instant,
) -> Result<Message, NetError> {
    // The provider owns the task that reads the connection, and ends it when it
    // goes out of scope.
    let provider = TokioRuntimeProvider::new();
    let left = until.saturating_duration_since(Instant::now());
    let conversation = async {
        let connecting = TcpClientStream::exchange(server, None, left, None, provider.clone());
        connecting.await?.send(request).first_answer().await
    };
    let answer = timeout_at(until, conversation).await;
    Ok(answer.map_err(|_| NetError::Timeout)??.into_message())
}

/// The name at the end of the aliases, and its addresses. Records of other
/// names are nobody's answer.
pub(super) fn follow(response: &Message, asked: &Name) -> (Name, BTreeSet<std::net::IpAddr>) {
    let mut owner = asked;
    for _ in 0..ALIASES {
        let alias = response
            .answers
            .iter()
            .find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == *owner => Some(&target.0),
                _ => None,
            });
        match alias {
            Some(target) => owner = target,
            None => break,
        }
    }
    let own = response
        .answers
        .iter()
        .filter(|record| record.name == *owner);
    let addresses = own.filter_map(|record| record.data.ip_addr());
    (
        owner.clone(),
        // An IPv4 address in IPv6 clothes is the same member.
        addresses.map(|address| address.to_canonical()).collect(),
    )
}
