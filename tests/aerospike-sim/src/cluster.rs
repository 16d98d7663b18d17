//! A formed cluster: its key, its members, and who owns which partition.
//!
//! A cluster never changes; another membership is another cluster with another key.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::texts::Texts;
use crate::{Member, NodeId};

/// Into how many partitions a namespace is cut, as in the real server.
pub const PARTITIONS: u16 = 4096;

/// How deep the list of owners of a partition is computed: more copies than anybody asks for, and a bound for large clusters.
const SUCCESSION_DEPTH: usize = 32;

/// The number that tells one formed cluster from every other: twelve hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterKey(u64);

impl ClusterKey {
    /// A key that no other cluster has: members alone would give a cluster that comes back its old key.
    fn fresh(members: &[Member]) -> Self {
        static FORMED: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        let nonce = hash::pair(
            nanos ^ u64::from(std::process::id()),
            FORMED.fetch_add(1, Ordering::Relaxed),
        );
        let sum = members.iter().fold(nonce, |sum, member| {
            hash::pair(sum, member.id.number() ^ member.incarnation)
        });
        // The highest of the 48 bits is set, so that there are always twelve digits.
        Self((sum & 0x7FFF_FFFF_FFFF) | 0x8000_0000_0000)
    }
}

impl fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

/// A formed cluster.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cluster {
    key: ClusterKey,
    members: Vec<Member>,
    #[serde(skip)]
    successions: OnceLock<Vec<Vec<u16>>>,
    #[serde(skip)]
    texts: OnceLock<Texts>,
}

impl Cluster {
    /// Forms a cluster with a new key. `members` must not be empty.
    #[must_use]
    pub(crate) fn form(mut members: Vec<Member>) -> Self {
        members.sort_by_key(|member| member.id);
        Self {
            key: ClusterKey::fresh(&members),
            members,
            successions: OnceLock::new(),
            texts: OnceLock::new(),
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> ClusterKey {
        self.key
    }

    /// Its members by ascending id.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many members it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// The member that decides who belongs to it: the highest id.
    #[must_use]
    pub fn principal(&self) -> Option<NodeId> {
        self.members.last().map(|member| member.id)
    }

    /// The member with this id.
    #[must_use]
    pub fn member(&self, id: NodeId) -> Option<&Member> {
        let at = self
            .members
            .binary_search_by_key(&id, |member| member.id)
            .ok()?;
        self.members.get(at)
    }

    /// The lists of its members as text.
    pub(crate) fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| Texts::of(&self.members))
    }

    /// Whether this run of the node is a member.
    #[must_use]
    pub fn has(&self, member: &Member) -> bool {
        self.member(member.id)
            .is_some_and(|known| known.same_run(member))
    }

    /// The owners of a partition, the master first: as many as there are copies to keep.
    pub(crate) fn owners(&self, partition: u16, copies: usize) -> impl Iterator<Item = &Member> {
        let table = self.successions.get_or_init(|| {
            (0..PARTITIONS)
                .map(|partition| self.rank(partition))
                .collect()
        });
        let order: &[u16] = table.get(usize::from(partition)).map_or(&[], Vec::as_slice);
        order
            .iter()
            .take(copies.max(1))
            .filter_map(|at| self.members.get(usize::from(*at)))
    }

    /// Rendezvous hashing: each member draws a number for the partition, the highest wins. Quiesced members come last.
    fn rank(&self, partition: u16) -> Vec<u16> {
        let mut drawn: Vec<(bool, u64, u16)> = (0_u16..)
            .zip(&self.members)
            .map(|(at, member)| {
                (
                    !member.quiesced,
                    hash::pair(u64::from(partition), member.id.number()),
                    at,
                )
            })
            .collect();
        drawn.sort_unstable_by(|a, b| b.cmp(a));
        drawn
            .into_iter()
            .take(SUCCESSION_DEPTH)
            .map(|(_, _, at)| at)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn member(last: u8) -> Member {
        let address = std::net::IpAddr::from([10, 0, 1, last]);
        Member {
            id: NodeId::derive(3001, address),
            incarnation: 1,
            address,
            service_port: 3000,
            heartbeat_port: 3002,
            fabric_port: 3001,
            quiesced: false,
        }
    }

    #[test]
    fn a_key_has_twelve_digits_and_never_returns() {
        let keys: BTreeSet<String> = (0..1000)
            .map(|_| Cluster::form(vec![member(5), member(6)]).key().to_string())
            .collect();
        assert_eq!(keys.len(), 1000);
        assert!(
            keys.iter()
                .all(|key| key.len() == 12 && key.chars().all(|digit| digit.is_ascii_hexdigit()))
        );
    }

    #[test]
    fn two_of_five_own_both_copies_of_a_tenth() {
        let cluster = Cluster::form((1..=5).map(member).collect());
        let gone = [member(1).id, member(4).id];
        let lost = (0..PARTITIONS)
            .filter(|p| cluster.owners(*p, 2).all(|owner| gone.contains(&owner.id)))
            .count();
        assert!(
            (330..=490).contains(&lost),
            "{lost} of 4096 partitions had both copies on the two"
        );
    }

    #[test]
    fn a_newcomer_takes_its_share_and_moves_nothing_else() {
        let four = Cluster::form((1..=4).map(member).collect());
        let five = Cluster::form((1..=5).map(member).collect());
        for partition in 0..PARTITIONS {
            let before: Vec<NodeId> = four.owners(partition, 2).map(|owner| owner.id).collect();
            let after: Vec<NodeId> = five.owners(partition, 2).map(|owner| owner.id).collect();
            assert!(before.iter().filter(|id| !after.contains(id)).count() <= 1);
        }
    }

    #[test]
    fn a_quiesced_member_owns_only_what_nobody_else_can() {
        let quiesced = Member {
            quiesced: true,
            ..member(2)
        };
        let three = Cluster::form(vec![member(1), quiesced, member(3)]);
        assert!((0..PARTITIONS).all(|p| three.owners(p, 2).all(|owner| owner.id != quiesced.id)));
        let two = Cluster::form(vec![member(1), quiesced]);
        assert!((0..PARTITIONS).all(|p| two.owners(p, 2).count() == 2));
    }
}
