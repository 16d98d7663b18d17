//! Who can reach whom.

/// So many swarm nodes carry the members at the most.
pub const HOSTS: usize = 4;

/// Who can reach whom. Hosts are numbered from 0.
#[derive(Debug, Clone, Default)]
pub struct Net {
    /// How many there are.
    pub hosts: usize,
    /// Hosts that are cut off from everybody, and since when.
    pub cut: [Option<u64>; HOSTS],
    /// Hosts that are dead, and since when.
    pub dead: [Option<u64>; HOSTS],
    /// Hosts whose engine is dead, though the containers run on, and since when.
    pub headless: [Option<u64>; HOSTS],
    /// Hosts beyond a cut through the members' network, and since when. The workers, and
    /// the name server that they ask, are on this side; the managers reach both.
    pub beyond: [Option<u64>; HOSTS],
    /// Hosts whose members do not reach those elsewhere, though workers do.
    pub apart: [bool; HOSTS],
    /// When each host was heard of again after it was not.
    pub back: [u64; HOSTS],
    /// For each worker, the hosts that it does not reach.
    pub hidden: [[bool; HOSTS]; 2],
}

impl Net {
    /// Everybody reaches everybody on so many hosts.
    pub fn of(hosts: usize) -> Net {
        Net {
            hosts,
            ..Net::default()
        }
    }

    /// Whether members on these two hosts reach each other.
    pub fn members_reach(&self, a: usize, b: usize) -> bool {
        let alone = |host: usize| self.cut[host].is_some() || self.apart[host];
        let beyond = |host: usize| self.beyond[host].is_some();
        a == b || !(alone(a) || alone(b)) && beyond(a) == beyond(b)
    }

    /// Whether this worker and the members on this host reach each other.
    pub fn worker_reaches(&self, worker: usize, host: usize) -> bool {
        let cut = self.cut[host].or(self.dead[host]).or(self.beyond[host]);
        cut.is_none() && !self.hidden[worker][host]
    }

    /// Since when the swarm's managers have not heard of this host.
    pub fn silent_since(&self, host: usize) -> Option<u64> {
        [self.cut[host], self.dead[host], self.headless[host]]
            .into_iter()
            .flatten()
            .min()
    }

    /// Since when the name server that workers ask has not heard of this host.
    pub fn lost_since(&self, host: usize) -> Option<u64> {
        let since = [self.silent_since(host), self.beyond[host]];
        since.into_iter().flatten().min()
    }
}
