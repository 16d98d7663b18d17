//! How many nodes a cluster can still take, and who comes first.

use std::collections::HashSet;

use meshworker_core::{Member, MemberId, Reason, Refusal, Situation, Unanswered};

use super::detail::{Detail, Edition};
use super::fragments::Fragment;
use super::nodes::Node;

/// So many seconds after its start a member whose slot lies above the limit is
/// left out, although the lower ones are not in sight yet: they start at the same
/// moment, and are told of a little later. Where they do not exist, because the
/// service has gaps, it is taken in then.
const LOWER_SLOTS_FIRST: u64 = 10;

/// How many more nodes the cluster can take.
///
/// Counts ids, not sizes: a fragment may have members that did not answer, and
/// during a merge both sides count the same ones. Wanted members that do not
/// answer yet have a place before all with a higher id, so that who stays out is
/// clear before the first tip: once nine have met, the server does not make them
/// eight and one.
pub(super) struct Room<'a> {
    limit: Option<(usize, Edition)>,
    /// How many members have a slot below 1.
    zeros: usize,
    taken: HashSet<&'a str>,
    /// In the order of their ids.
    silent: Vec<&'a Member>,
}

impl<'a> Room<'a> {
    /// The room in the cluster of these members.
    pub fn of(situation: &Situation<'a, Detail>, fragments: &[Fragment<'a>]) -> Room<'a> {
        let editions = fragments.iter().flatten().map(|n| n.view.detail.edition);
        let limits = editions.filter_map(|e| Some((e.max_nodes()?, e)));
        let limit = limits.min();
        let silent = situation.wanted().filter(|member| {
            let answer = situation.answers.get(&member.address);
            !matches!(
                answer,
                Some(Ok(_) | Err(Unanswered::Garbage(_) | Unanswered::Denied(_)))
            )
        });
        let members = situation.roster.members().iter();
        let zeros = members.filter(|member| matches!(member.id, MemberId::Slot { slot: 0, .. }));
        Room {
            zeros: zeros.count().min(1),
            silent: silent.filter(|_| limit.is_some()).collect(),
            limit,
            taken: HashSet::new(),
        }
    }

    /// Takes these nodes, and those that they see alive, in.
    pub fn admit(&mut self, fragment: &[Node<'a>]) {
        // Without a limit nothing is counted: a thousand lists are long.
        if self.limit.is_none() {
            return;
        }
        self.taken.extend(ids(fragment));
        let mut addresses = HashSet::new();
        for node in fragment {
            addresses.extend(node.view.alive().filter_map(|peer| peer.address));
        }
        self.silent
            .retain(|member| !addresses.contains(&member.address));
    }

    /// Why this fragment cannot join: one refusal for each of its nodes. One that
    /// was `asked` already has its place before those that do not answer.
    pub fn refuse(&self, fragment: &[Node<'a>], asked: bool) -> Option<Vec<Refusal>> {
        let (limit, edition) = self.limit?;
        let more: HashSet<&str> = ids(fragment)
            .filter(|id| !self.taken.contains(id))
            .collect();
        let first = fragment.first()?;
        let lower = self.silent.iter();
        let lower = lower.filter(|member| !asked && member.id < first.member.id);
        let fits = self.taken.len() + more.len() + lower.count() <= limit;
        if fits && (asked || !waits_for_lower_slots(first, limit - self.zeros)) {
            return None;
        }
        let refusals = fragment.iter().map(|node| Refusal {
            what: format!("join {}", node.address()),
            reason: Reason::LimitReached {
                limit,
                source: edition.to_string(),
            },
            evidence: vec![node.says()],
        });
        Some(refusals.collect())
    }
}

/// Whether this member has just started, and its slot says that there are others
/// enough.
fn waits_for_lower_slots(node: &Node<'_>, limit: usize) -> bool {
    let above = match node.member.id {
        MemberId::Slot { slot, .. } => usize::try_from(slot).map_or(true, |slot| slot > limit),
        MemberId::Address(_) => false,
    };
    above && node.view.size <= 1 && node.view.detail.uptime < LOWER_SLOTS_FIRST
}

fn ids<'a>(fragment: &[Node<'a>]) -> impl Iterator<Item = &'a str> {
    let peers = fragment.iter().flat_map(|node| node.view.alive());
    peers.map(|peer| peer.node.as_str())
}
