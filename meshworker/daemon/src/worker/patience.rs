//! How long to wait for a node that did not answer last time.

use meshworker_core::Place;
use std::collections::HashMap;
use std::time::Duration;

/// How long to wait for a node that has been silent so often in a row. One that was gets
/// a tenth of the time, so that a dead member does not slow the others down; every tenth
/// time it gets the whole time, in case that it is only slow.
pub fn wait_after(silences: u32, deadline: Duration) -> Duration {
    match silences % 10 {
        0 => deadline,
        _ => deadline / 10,
    }
}

/// How often in a row each node has been silent.
#[derive(Debug, Default)]
pub struct Patience {
    silent: HashMap<Place, u32>,
}

impl Patience {
    /// How long to wait for this node.
    pub fn with(&self, node: Place, deadline: Duration) -> Duration {
        wait_after(self.silences(node), deadline)
    }

    /// How often in a row this node has been silent.
    pub fn silences(&self, node: Place) -> u32 {
        self.silent.get(&node).copied().unwrap_or(0)
    }

    /// Notes whether each of the nodes that were asked stayed silent, keeps what is
    /// known of those whose turn it was not, and drops all others.
    pub fn note(
        &mut self,
        asked: impl Iterator<Item = (Place, bool)>,
        passed_over: impl IntoIterator<Item = Place>,
    ) {
        let before = std::mem::take(&mut self.silent);
        let times = |node: &Place| before.get(node).copied();
        let asked = asked
            .filter(|(_, silent)| *silent)
            .map(|(node, _)| (node, times(&node).unwrap_or(0) + 1));
        let passed_over = passed_over.into_iter();
        let kept = passed_over.filter_map(|node| Some((node, times(&node)?)));
        self.silent = asked.chain(kept).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_node_gets_little_time_and_now_and_then_all_of_it() {
        let node: Place = [127, 0, 0, 1].into();
        let full = Duration::from_secs(1);
        let mut patience = Patience::default();
        let waits: Vec<_> = (0..12)
            .map(|_| {
                let wait = patience.with(node, full);
                patience.note([(node, true)].into_iter(), []);
                wait.as_millis()
            })
            .collect();
        assert_eq!(
            waits,
            [1000, 100, 100, 100, 100, 100, 100, 100, 100, 100, 1000, 100]
        );
        patience.note([(node, false)].into_iter(), []);
        assert_eq!(patience.with(node, full), full);
    }

    #[test]
    fn whose_turn_it_was_not_is_no_newcomer_next_time() {
        let [asked, passed_over] = [1, 2].map(|n| Place::from([127, 0, 0, n]));
        let mut patience = Patience::default();
        patience.note([(asked, true), (passed_over, true)].into_iter(), []);
        patience.note([(asked, true)].into_iter(), [passed_over]);
        assert_eq!(patience.silences(asked), 2);
        assert_eq!(patience.silences(passed_over), 1);
        patience.note([(asked, true)].into_iter(), []);
        assert_eq!(patience.silences(passed_over), 0);
    }
}
