//! More nodes than the edition takes have met: the mesh is thinned out.
//!
//! Each node hears as many others as its edition allows and ignores whoever it
//! hears of later (`WARNING (hb): ignoring node: .. - exceeding maximum supported
//! cluster size 8`), and not all ignore the same one. So nine do not become eight
//! and one: recorded was a cluster of seven, and two nodes in none for as long as
//! the ninth was there. To clear its seeds is not enough, since a connection that
//! stands is kept; but a node leaves the mesh when its heartbeat protocol is
//! switched off, and comes back when it is switched on.
//!
//! Source: `as/src/fabric/hb.c` of 8.1.2 (`hb_channel_on_pulse`, `mesh_tip_clear`,
//! `as_hb_protocol_set`).

use std::net::SocketAddr;

use meshworker_core::{Reason, Refusal, Step};

use super::nodes::Node;
use super::plan::seed;
use super::request::Request;

/// So many seconds after its start a node that is in no cluster will be in none
/// by itself: it forms one of its own after 2 s.
pub(super) const STUCK_AFTER: u64 = 15;

/// Whether this node should have been in a cluster for long, and is in none.
pub(super) fn is_stuck(node: &Node<'_>) -> bool {
    let detail = &node.view.detail;
    (detail.key.is_none() || node.view.size == 0) && detail.uptime >= STUCK_AFTER
}

/// Members that hear each other, and become no cluster: the recorded cause is a
/// fabric section without an address. Each then publishes its address on the
/// host's bridge too, which another member has on the next host, and what they tell
/// each other over the fabric reaches the wrong ones (`received duplicate exchange
/// data`, for as long as that was watched on 8.1; for 13 s on 8.0).
pub(super) fn hear_but_do_not_agree(ours: &[Node<'_>]) -> Option<Refusal> {
    if ours.len() < 2 || !ours.iter().all(is_stuck) {
        return None;
    }
    Some(Refusal {
        what: format!("make one cluster of {} members", ours.len()),
        reason: Reason::Misconfigured(
            "they hear each other and none is in a cluster: give the fabric an address in the \
             members' configuration, network { fabric { address eth0, port 3001 } }, and deploy it"
                .into(),
        ),
        evidence: ours.iter().map(Node::says).collect(),
    })
}

/// Takes those that have no place out of the mesh, when some that have one are
/// kept out of the cluster.
pub(super) fn thin_out(
    taken_in: &[Node<'_>],
    left_out: &[Node<'_>],
    port: u16,
) -> Vec<Step<Request>> {
    let Some(stuck) = taken_in.iter().find(|node| is_stuck(node)) else {
        return Vec::new();
    };
    let steps = left_out.iter().map(|node| {
        let others = taken_in.iter().chain(left_out).map(Node::address);
        let others = others.filter(|other| *other != node.address());
        let seeds: Vec<SocketAddr> = others.map(|other| seed(other, port)).collect();
        Step::new(
            node.address(),
            Request::StandAside { seeds },
            vec![stuck.says(), node.says()],
        )
    });
    steps.collect()
}
