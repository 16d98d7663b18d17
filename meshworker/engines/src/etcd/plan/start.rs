//! With which arguments a member is started.

use std::net::SocketAddr;

use meshworker_core::{Member, Start};

use super::Rules;
use crate::Own;
use crate::etcd::detail::Listed;

/// A member that is to be started: its slot, and the number by which the others know it,
/// which stays with its data wherever that comes.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub member: &'a Member,
    pub slot: u64,
    pub number: u64,
}

/// Its name, and where clients reach it: the rest is in its data directory.
pub fn as_before(rules: &Rules, who: Known<'_>) -> Start {
    let clients = who.member.address.socket(rules.service_port);
    of(who.slot, who.number, rules.scheme, clients)
}

/// The same, of a member that starts without asking anybody.
pub fn unasked(own: &Own) -> Start {
    let clients = SocketAddr::new(own.address, own.port);
    of(own.slot, own.known_as, scheme(own.tls), clients)
}

/// How clients speak to members.
pub fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

fn of(slot: u64, number: u64, scheme: &str, clients: SocketAddr) -> Start {
    Start {
        arguments: vec![
            format!("--name={}", name(number)),
            format!("--advertise-client-urls={scheme}://{clients}"),
        ],
        known_as: (number != slot).then_some(number),
        ..Start::default()
    }
}

/// To join those who are listed. The numbers and the peer URLs must be the same as in the
/// list at that moment; the names of the others are free, so that two of one name do no
/// harm.
pub fn joining(rules: &Rules, who: Known<'_>, listed: &[Listed]) -> Start {
    let own = rules.peer_url(who.number);
    let all = listed.iter().flat_map(|one| {
        let own = one.peer_urls.contains(&own);
        let name = if own {
            name(who.number)
        } else {
            one.id.clone()
        };
        one.peer_urls.iter().map(move |url| format!("{name}={url}"))
    });
    let all: Vec<String> = all.collect();
    let state = "--initial-cluster-state=existing".to_owned();
    with(rules, who, &all.join(","), &[state])
}

/// To begin a cluster, alone.
pub fn alone(rules: &Rules, who: Known<'_>, token: &str) -> Start {
    let all = format!("{}={}", name(who.number), rules.peer_url(who.number));
    let state = "--initial-cluster-state=new".to_owned();
    let token = format!("--initial-cluster-token={token}");
    with(rules, who, &all, &[state, token])
}

fn with(rules: &Rules, who: Known<'_>, all: &str, more: &[String]) -> Start {
    let mut start = as_before(rules, who);
    start.arguments.extend([
        format!(
            "--initial-advertise-peer-urls={}",
            rules.peer_url(who.number)
        ),
        format!("--initial-cluster={all}"),
    ]);
    start.arguments.extend_from_slice(more);
    start
}

/// The name of the member of this number.
pub fn name(number: u64) -> String {
    format!("etcd-{number}")
}
