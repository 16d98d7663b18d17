//! How much of what nodes say is kept of one look.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use meshworker_core::{Answer, Peer, Unanswered};

/// So many entries of lists of nodes are kept of one look; equal lists are one. A
/// thousand members that agree take a thousand, and a hundred that all disagree ten
/// thousand.
const ENTRIES: usize = 16_384;

/// The lists that one look keeps.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: usize,
    lists: HashSet<(usize, usize)>,
}

impl Memory {
    /// The answer, if there is room for its list of nodes.
    pub(super) fn within<D>(&self, answer: Answer<D>) -> Answer<D> {
        let view = answer?;
        let list: &Arc<[Peer]> = &view.peers;
        let own = (list.as_ptr().addr(), list.len());
        // Each change is whole when the lock is given back.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.lists.contains(&own) {
            if kept.entries + list.len() > ENTRIES {
                let (found, left) = (list.len(), ENTRIES - kept.entries);
                let what = format!("a list of {found} nodes; allowed: {left} more in this look");
                return Err(Unanswered::Garbage(what));
            }
            kept.entries += list.len();
            kept.lists.insert(own);
        }
        Ok(view)
    }
}

#[cfg(test)]
mod tests {
    use meshworker_core::View;

    use super::*;

    fn answer(list: &Arc<[Peer]>) -> Answer<()> {
        Ok(View {
            node: "a".into(),
            cluster_name: None,
            size: 1,
            peers: Arc::clone(list),
            working: None,
            detail: (),
        })
    }

    fn list(entries: usize) -> Arc<[Peer]> {
        let peer = |number: usize| Peer {
            node: number.to_string(),
            address: None,
            alive: true,
        };
        (0..entries).map(peer).collect()
    }

    /// Each of many nodes that lied had as much memory as one that did not.
    #[test]
    fn what_all_nodes_of_a_look_list_had_no_bound() {
        let memory = Memory::default();
        let (long, short) = (list(8_000), list(3));
        // A thousand that agree take no more than one.
        for _ in 0..1_000 {
            assert!(memory.within(answer(&long)).is_ok());
        }
        let others: Vec<Arc<[Peer]>> = (0..10).map(|_| list(8_000)).collect();
        let kept = others
            .iter()
            .filter(|list| memory.within(answer(list)).is_ok());
        assert_eq!(kept.count(), 1);
        let refused = memory.within(answer(&list(8_000))).unwrap_err().to_string();
        assert!(
            refused.contains("a list of 8000 nodes; allowed: 384 more"),
            "{refused}"
        );
        assert!(memory.within(answer(&short)).is_ok());
        assert!(memory.within(answer(&long)).is_ok());
    }
}
