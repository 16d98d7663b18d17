//! With which arguments a member is started.

use std::net::SocketAddr;

use meshworker_core::{Member, Start};

use super::Rules;
use crate::Own;
use crate::etcd::PORT;
use crate::etcd::detail::Listed;

/// Its name, and where clients reach it: the rest is in its data directory.
pub fn as_before(rules: &Rules, member: &Member, slot: u64) -> Start {
    of(
        slot,
        rules.scheme,
        member.address.socket(rules.service_port),
    )
}

/// The same, of a member that starts without asking anybody.
pub fn unasked(own: &Own) -> Start {
    of(own.slot, "http", SocketAddr::new(own.address, PORT))
}

fn of(slot: u64, scheme: &str, clients: SocketAddr) -> Start {
    Start {
        arguments: vec![
            format!("--name={}", name(slot)),
            format!("--advertise-client-urls={scheme}://{clients}"),
        ],
        ..Start::default()
    }
}

/// To join those who are listed. The numbers and the peer URLs must be the same as in the
/// list at that moment; the names of the others are free, so that two of one name do no
/// harm.
pub fn joining(rules: &Rules, member: &Member, slot: u64, listed: &[Listed]) -> Start {
    let own = rules.peer_url(slot);
    let all = listed.iter().flat_map(|one| {
        let own = one.peer_urls.contains(&own);
        let name = if own { name(slot) } else { one.id.clone() };
        one.peer_urls.iter().map(move |url| format!("{name}={url}"))
    });
    let all: Vec<String> = all.collect();
    with(
        rules,
        member,
        slot,
        &all.join(","),
        &["--initial-cluster-state=existing".into()],
    )
}

/// To begin a cluster, alone.
pub fn alone(rules: &Rules, member: &Member, slot: u64, token: &str) -> Start {
    let all = format!("{}={}", name(slot), rules.peer_url(slot));
    let state = "--initial-cluster-state=new".to_owned();
    let token = format!("--initial-cluster-token={token}");
    with(rules, member, slot, &all, &[state, token])
}

fn with(rules: &Rules, member: &Member, slot: u64, all: &str, more: &[String]) -> Start {
    let mut start = as_before(rules, member, slot);
    start.arguments.extend([
        format!("--initial-advertise-peer-urls={}", rules.peer_url(slot)),
        format!("--initial-cluster={all}"),
    ]);
    start.arguments.extend_from_slice(more);
    start
}

/// The name of the member of this slot.
pub fn name(slot: u64) -> String {
    format!("etcd-{slot}")
}
