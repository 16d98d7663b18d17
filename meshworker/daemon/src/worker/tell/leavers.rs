//! Who comes to the leave queue, is let go, and goes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::{MemberId, Planner, Release, ReleaseGate, Standing};
use tracing::{info, warn};

use crate::worker::Pass;

/// Tells each change of the leave queue once. Why somebody is held is a
/// refusal, and told as such.
#[derive(Debug, Default)]
pub struct Leavers {
    /// Who was in the queue, and whether it had been let go.
    queue: BTreeMap<(MemberId, IpAddr), bool>,
}

/// How somebody left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    GoneAlone,
    Stays,
}

impl Leavers {
    /// Tells what is new in this pass.
    pub fn tell<P: Planner>(&mut self, cluster: &str, pass: &Pass<P>) {
        let mut queue = BTreeMap::new();
        for leaver in &pass.plan.leavers {
            let who = (leaver.member.clone(), leaver.address);
            let before = self.queue.remove(&who);
            let granted = leaver.release.is_granted();
            if before.is_none() {
                info!(
                    cluster,
                    member = %leaver.member,
                    address = %leaver.address,
                    going = %leaver.going,
                    place = leaver.place,
                    "wants to leave"
                );
            }
            if before.is_none()
                && !leaver.patient
                && let Release::Held { gate, seen } = &leaver.release
                && *gate != ReleaseGate::Settled
            {
                warn!(
                    cluster,
                    member = %leaver.member,
                    gate = gate.kind(),
                    "{} stops within seconds, and that is not safe: {seen}; shrink with \
                     `meshworker scale`, or run members under `meshworker init`",
                    leaver.member
                );
            }
            if granted && before != Some(true) {
                info!(cluster, member = %leaver.member, address = %leaver.address, "let go");
            }
            // One that was let go may see a gate close behind it.
            queue.insert(who, granted || before == Some(true));
        }
        let left = std::mem::replace(&mut self.queue, queue);
        if left.is_empty() {
            return;
        }
        let roster = pass.roster();
        for ((member, address), let_go) in left {
            let standing = roster.at(address).map(|member| member.standing());
            match end(standing, let_go) {
                End::Gone => info!(cluster, %member, %address, "gone"),
                End::GoneAlone => {
                    info!(cluster, %member, %address, "gone, or silent, without having been let go");
                }
                End::Stays => info!(cluster, %member, %address, "does not leave after all"),
            }
        }
    }
}

fn end(standing: Option<Standing>, let_go: bool) -> End {
    match (standing, let_go) {
        (Some(Standing::Wanted), _) => End::Stays,
        (_, true) => End::Gone,
        (_, false) => End::GoneAlone,
    }
}
