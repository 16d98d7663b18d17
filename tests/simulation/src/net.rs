//! Who can reach whom.

/// So many swarm nodes carry the members.
pub const HOSTS: usize = 3;

/// Who can reach whom. Hosts are numbered from 0.
#[derive(Debug, Clone, Default)]
pub struct Net {
    /// Hosts that are cut off from everybody, and since when.
    pub cut: [Option<u64>; HOSTS],
    /// Hosts that are dead, and since when.
    pub dead: [Option<u64>; HOSTS],
    /// Hosts whose engine is dead, though the containers run on, and since when.
    pub headless: [Option<u64>; HOSTS],
    /// Hosts whose members do not reach those elsewhere, though workers do.
    pub apart: [bool; HOSTS],
    /// When each host was heard of again after it was not.
    pub back: [u64; HOSTS],
    /// For each worker, the hosts that it does not reach.
    pub hidden: [[bool; HOSTS]; 2],
}

impl Net {
    /// Whether members on these two hosts reach each other.
    pub fn members_reach(&self, a: usize, b: usize) -> bool {
        let alone = |host: usize| self.cut[host].is_some() || self.apart[host];
        a == b || !(alone(a) || alone(b))
    }

    /// Whether this worker and the members on this host reach each other.
    pub fn worker_reaches(&self, worker: usize, host: usize) -> bool {
        self.cut[host].is_none() && self.dead[host].is_none() && !self.hidden[worker][host]
    }

    /// Since when the swarm's managers have not heard of this host.
    pub fn silent_since(&self, host: usize) -> Option<u64> {
        [self.cut[host], self.dead[host], self.headless[host]]
            .into_iter()
            .flatten()
            .min()
    }
}
