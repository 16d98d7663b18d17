//! How long to wait for a node that did not answer last time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// A node that stayed silent gets a tenth of the time, so that a dead member
/// does not slow the others down; every tenth time it gets the whole time, in
/// case that it is only slow.
#[derive(Debug, Default)]
pub struct Patience {
    silent: HashMap<IpAddr, u32>,
}

impl Patience {
    /// How long to wait for this node.
    pub fn with(&self, node: IpAddr, deadline: Duration) -> Duration {
        match self.silent.get(&node) {
            Some(times) if times % 10 != 0 => deadline / 10,
            _ => deadline,
        }
    }

    /// How often in a row this node has been silent.
    pub fn silences(&self, node: IpAddr) -> u32 {
        self.silent.get(&node).copied().unwrap_or(0)
    }

    /// Notes whether each of the nodes that were asked stayed silent, and
    /// drops all others.
    pub fn note(&mut self, asked: impl Iterator<Item = (IpAddr, bool)>) {
        let before = std::mem::take(&mut self.silent);
        self.silent = asked
            .filter(|(_, silent)| *silent)
            .map(|(node, _)| (node, before.get(&node).map_or(1, |times| times + 1)))
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_node_gets_little_time_and_now_and_then_all_of_it() {
        let node: IpAddr = [127, 0, 0, 1].into();
        let full = Duration::from_secs(1);
        let mut patience = Patience::default();
        let waits: Vec<_> = (0..12)
            .map(|_| {
                let wait = patience.with(node, full);
                patience.note([(node, true)].into_iter());
                wait.as_millis()
            })
            .collect();
        assert_eq!(
            waits,
            [1000, 100, 100, 100, 100, 100, 100, 100, 100, 100, 1000, 100]
        );
        patience.note([(node, false)].into_iter());
        assert_eq!(patience.with(node, full), full);
    }
}
