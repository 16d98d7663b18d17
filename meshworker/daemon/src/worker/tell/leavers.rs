//! Who comes to the leave queue, is let go, and goes.

use std::collections::BTreeMap;

use meshworker_core::{Gate, Leaver, MemberId, Place, Planner, Standing};

use crate::board::Fact;
use crate::status::EventKind;
use crate::worker::Pass;

/// Tells each change of the leave queue once. Why somebody is held is a
/// refusal, and told as such.
#[derive(Debug, Default)]
pub struct Leavers {
    /// Who was in the queue, and whether it had been let go.
    queue: BTreeMap<(MemberId, Place), bool>,
}

/// How somebody left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    GoneAlone,
    Stays,
    IsSpare,
}

impl Leavers {
    /// What is new in this pass.
    pub fn tell<P: Planner>(&mut self, pass: &Pass<P>) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut queue = BTreeMap::new();
        for leaver in &pass.plan.leavers {
            let who = (leaver.member.clone(), leaver.address);
            let before = self.queue.remove(&who);
            let granted = leaver.release.is_granted();
            if before.is_none() {
                let Leaver {
                    member,
                    address,
                    going,
                    place,
                    ..
                } = leaver;
                let text = format!("{member} at {address} wants to leave: {going}; place {place}");
                facts.push(fact(&leaver.member, "wants_to_leave", text));
            }
            if before.is_none()
                && !leaver.patient
                && let Some(closed) = leaver.release.closed()
                && !matches!(closed.gate, Gate::Settled | Gate::Authority)
            {
                let text = format!(
                    "{} stops within seconds, and that is not safe: {}; shrink with \
                     `meshworker scale`, or run members under `meshworker init`",
                    leaver.member, closed.seen
                );
                facts.push(fact(&leaver.member, &closed.kind(), text).warning());
            }
            if granted && before != Some(true) {
                let text = format!("{} at {} was let go", leaver.member, leaver.address);
                facts.push(fact(&leaver.member, "let_go", text));
            }
            // One that was let go may see a gate close behind it.
            queue.insert(who, granted || before == Some(true));
        }
        let left = std::mem::replace(&mut self.queue, queue);
        if left.is_empty() {
            return facts;
        }
        let roster = &pass.roster;
        for ((member, address), let_go) in left {
            let standing = roster.at(address).map(|member| member.standing());
            let (reason, what) = match end(standing, let_go) {
                End::Gone => ("gone", "is gone"),
                End::GoneAlone => (
                    "gone_alone",
                    "is gone, or silent, without having been let go",
                ),
                End::Stays => ("stays", "does not leave after all"),
                End::IsSpare => ("spare", "is a spare now"),
            };
            facts.push(fact(
                &member,
                reason,
                format!("{member} at {address} {what}"),
            ));
        }
        facts
    }
}

fn fact(member: &MemberId, reason: &str, text: String) -> Fact {
    Fact::new(EventKind::Leave, text)
        .about(member)
        .because(reason)
}

fn end(standing: Option<Standing>, let_go: bool) -> End {
    match (standing, let_go) {
        (Some(Standing::Wanted), _) => End::Stays,
        (Some(Standing::Spare), _) => End::IsSpare,
        (_, true) => End::Gone,
        (_, false) => End::GoneAlone,
    }
}
