//! The bounds of what the worker may do, with the reason beside each number.

use std::time::Duration;

use serde::Serialize;

/// The bounds of what the worker may do to one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// At most one member is forgotten in this time, so that a mistake costs
    /// one member, not the cluster.
    pub removal_window: Duration,
    /// For this long all witnesses must have agreed, without a break, that a
    /// member is gone. Longer than the 6.6 s that Swarm takes to notice a dead
    /// node's records, so that a wave of news has passed.
    pub removal_hold: Duration,
    /// When most members vanished at once, nothing is forgotten for this long:
    /// that is a fault of the network or the operator more often than a wish.
    pub mass_vanish_hold: Duration,
    /// For this long a database must have been at rest, without a break, before
    /// a member is let go: a cluster that has just lost one agrees on that
    /// first, and begins to move data a moment later.
    pub leave_hold: Duration,
    /// For this long a member that was let go keeps the others waiting although
    /// it does not go.
    pub release_patience: Duration,
    /// For this long a worker that has just started deals nothing out, where no task list
    /// names whoever is there: longer than the pause between two announcements, with one or
    /// two that got lost.
    pub first_words: Duration,
    /// For this long after a member answers first, or again, its supervisor may not have
    /// been heard: longer than the pause between two announcements, with one that got lost.
    pub first_hearing: Duration,
    /// Whoever held data that nobody else has may come back within this time, before
    /// it is told that it is lost: longer than a container takes to start again.
    pub loss_patience: Duration,
    /// An address that a name server alone lists, where nobody ever answered and
    /// that no database knows, is waited for so long: longer than a database takes
    /// to open its port. A service that had a virtual address leaves it there.
    pub unheard_patience: Duration,
    /// After one member has taken a primary's place, for so long no other one takes the next
    /// one's: what has killed two of them would kill the third.
    pub succession_pause: Duration,
    /// And no more than three within this time.
    pub succession_window: Duration,
    /// A freed address is watched for this long: another service may get it,
    /// and name servers may list it for the old one. Docker keeps deleted
    /// records for 30 minutes.
    pub quarantine: Duration,
    /// A watched address that only a name server lists must have answered as a
    /// member for this long before it is joined again.
    pub quarantine_hold: Duration,
    /// A request whose effect does not show is repeated after this time, then
    /// after ever longer ones. Longer than the 1.5 s that an Aerospike cluster
    /// takes to agree on a new member.
    pub retry_first: Duration,
    /// The longest pause between two repetitions.
    pub retry_most: Duration,
    /// The lowest number that a replica has: Swarm counts from 1, a StatefulSet from 0.
    pub first_slot: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            removal_window: Duration::from_secs(5),
            removal_hold: Duration::from_secs(10),
            mass_vanish_hold: Duration::from_secs(600),
            leave_hold: Duration::from_secs(2),
            release_patience: Duration::from_secs(30),
            first_words: Duration::from_secs(3),
            first_hearing: Duration::from_secs(10),
            loss_patience: Duration::from_secs(30),
            unheard_patience: Duration::from_secs(60),
            succession_pause: Duration::from_secs(60),
            succession_window: Duration::from_secs(3600),
            quarantine: Duration::from_secs(1800),
            quarantine_hold: Duration::from_secs(5),
            retry_first: Duration::from_secs(2),
            retry_most: Duration::from_secs(30),
            first_slot: 1,
        }
    }
}
