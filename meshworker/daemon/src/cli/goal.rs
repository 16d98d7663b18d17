//! What an order is to bring about, and how far it has come. Pure.

use crate::status::{ClusterStatus, MemberState};

/// Sees in a status how far an order has come.
#[derive(Debug)]
pub enum Goal {
    /// So many members; there were so many at the start.
    Replicas {
        /// How many.
        goal: u64,
        /// How many there were; none before the first look.
        start: Option<u64>,
    },
    /// This member holds nothing, or is gone.
    Drained(String),
}

impl Goal {
    /// How far it has come, and whether that is all.
    pub fn look(&mut self, status: &ClusterStatus) -> (u64, u64, bool) {
        match self {
            Goal::Replicas { goal, start } => {
                let there = status.members.iter();
                let there = there.filter(|member| member.state != MemberState::Unknown);
                let placed = status.members.iter();
                let placed = placed.filter(|member| member.state.has_its_place());
                let (there, joined) = (there.count() as u64, placed.count() as u64);
                let start = *start.get_or_insert(there);
                let (done, total) = if start > *goal {
                    (start.saturating_sub(there), start - *goal)
                } else {
                    (joined.saturating_sub(start), *goal - start)
                };
                let reached = there == *goal
                    && joined == *goal
                    && status.one
                    && status.leavers.is_empty()
                    // The task list is ahead of the members.
                    && status.witnesses.iter().all(|w| w.desired.is_none_or(|d| d as u64 == *goal));
                (done.min(total), total, reached)
            }
            Goal::Drained(member) => {
                let gone = status
                    .members
                    .iter()
                    .all(|other| other.id != *member || other.state == MemberState::Unknown);
                let free = status.leavers.iter();
                let free = free
                    .filter(|leaver| leaver.released)
                    .any(|leaver| leaver.member == *member);
                let reached = gone || free;
                (u64::from(reached), 1, reached)
            }
        }
    }

    /// What is told at the end.
    pub fn reached(&self, status: &ClusterStatus) -> String {
        match self {
            Goal::Replicas { .. } => format!("{}: {}", status.name, status.unity),
            Goal::Drained(member) => {
                if status.members.iter().any(|other| other.id == *member) {
                    return format!("{member} holds nothing alone, and may stop");
                }
                format!("{member} is gone")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{LeaverStatus, MemberStatus, Mode, PassStatus, PlanStatus};

    fn member(slot: u64, state: MemberState) -> MemberStatus {
        MemberStatus {
            id: format!("db.{slot}"),
            address: format!("10.0.0.{slot}"),
            node: None,
            node_name: None,
            task: None,
            part: None,
            state,
            state_since: None,
            standing: "wanted".into(),
            held: None,
            sightings: Vec::new(),
            view: None,
            unanswered: None,
        }
    }

    fn leaver(slot: u64, released: bool) -> LeaverStatus {
        LeaverStatus {
            member: format!("db.{slot}"),
            address: format!("10.0.0.{slot}"),
            node: "n".into(),
            going: "gone for good".into(),
            place: 1,
            left: None,
            unit: None,
            estimate_seconds: None,
            released,
            waits_for: None,
        }
    }

    /// A cluster that is one when all of these have joined.
    fn seen(states: &[MemberState], leavers: Vec<LeaverStatus>) -> ClusterStatus {
        let members = (1..).zip(states).map(|(slot, state)| member(slot, *state));
        ClusterStatus {
            turned_away: Vec::new(),
            name: "db".into(),
            engine: "redis".into(),
            one: states.iter().all(|state| *state != MemberState::Joining),
            unity: "as said".into(),
            settled: true,
            mode: Mode::default(),
            pass: PassStatus {
                number: 1,
                time: String::new(),
                took_seconds: 0.0,
                views: 0,
                steps: 0,
                pace: "calm".into(),
            },
            witnesses: Vec::new(),
            members: members.collect(),
            departed: Vec::new(),
            plan: PlanStatus::default(),
            leavers,
        }
    }

    use MemberState::{Joined, Joining, Leaving, Silent, Unknown};

    #[test]
    fn growing_counts_who_is_in() {
        let mut goal = Goal::Replicas {
            goal: 3,
            start: None,
        };
        assert_eq!(goal.look(&seen(&[Joined], vec![])), (0, 2, false));
        assert_eq!(goal.look(&seen(&[Joined, Joined], vec![])), (1, 2, false));
        assert_eq!(
            goal.look(&seen(&[Joined, Joined, Joining], vec![])),
            (1, 2, false)
        );
        assert_eq!(
            goal.look(&seen(&[Joined, Joined, Joined, Unknown], vec![])),
            (2, 2, true)
        );
    }

    #[test]
    fn shrinking_counts_who_is_gone() {
        let mut goal = Goal::Replicas {
            goal: 1,
            start: None,
        };
        let leaving = seen(&[Joined, Joined, Leaving], vec![leaver(3, false)]);
        assert_eq!(goal.look(&leaving), (0, 2, false));
        assert_eq!(goal.look(&seen(&[Joined, Silent], vec![])), (1, 2, false));
        assert_eq!(
            goal.look(&seen(&[Joined], vec![leaver(2, true)])),
            (2, 2, false)
        );
        assert_eq!(goal.look(&seen(&[Joined], vec![])), (2, 2, true));
    }

    #[test]
    fn drained_is_who_may_stop_or_is_gone() {
        let mut goal = Goal::Drained("db.2".into());
        let two = [Joined, Leaving];
        assert_eq!(goal.look(&seen(&two, vec![])), (0, 1, false));
        assert_eq!(
            goal.look(&seen(&two, vec![leaver(2, false)])),
            (0, 1, false)
        );
        assert_eq!(goal.look(&seen(&two, vec![leaver(1, true)])), (0, 1, false));
        assert_eq!(goal.look(&seen(&two, vec![leaver(2, true)])), (1, 1, true));
        assert_eq!(goal.look(&seen(&[Joined], vec![])), (1, 1, true));
        assert_eq!(goal.look(&seen(&[Joined, Unknown], vec![])), (1, 1, true));
    }
}
