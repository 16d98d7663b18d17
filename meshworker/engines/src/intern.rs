//! One copy of equal lists, and not too many of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use meshworker_core::{Peer, Place, Unanswered};

/// Hands out one shared copy of equal lists, for as long as somebody holds it.
///
/// A thousand members that each list a thousand peers would fill a hundred
/// megabytes; the lists are equal, so they take one. Those that are not have a budget
/// of bytes, of which each takes at most a quarter of what is left: a few that make up
/// long ones leave room for the others.
#[derive(Debug)]
pub struct Interner<T> {
    most: usize,
    lists: Mutex<HashMap<u64, Kept<T>>>,
}

/// A list, for as long as somebody holds it, and its weight.
type Kept<T> = (Weak<[T]>, usize);

/// What has a size.
pub trait Weigh {
    /// How many bytes it takes in all.
    fn weight(&self) -> usize;
}

impl Weigh for Place {
    fn weight(&self) -> usize {
        size_of::<Place>()
    }
}

impl Weigh for Peer {
    fn weight(&self) -> usize {
        size_of::<Peer>() + self.node.len()
    }
}

/// What a list takes besides its entries.
const A_LIST: usize = 64;

/// There is no room for a list beside those that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a list of {entries} entries, {found} bytes; allowed: {allowed}, beside all that nodes list"
)]
pub struct NoRoom {
    entries: usize,
    found: usize,
    allowed: usize,
}

impl From<NoRoom> for Unanswered {
    fn from(no_room: NoRoom) -> Unanswered {
        Unanswered::Garbage(no_room.to_string())
    }
}

impl<T: Hash + Eq + Weigh> Interner<T> {
    /// Keeps at most so many bytes of lists.
    pub fn new(most: usize) -> Interner<T> {
        Interner {
            most,
            lists: Mutex::default(),
        }
    }

    /// The shared copy of this list.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    pub fn share(&self, list: Vec<T>) -> Result<Arc<[T]>, NoRoom> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = lists.hasher().hash_one(&list);
        if let Some((shared, _)) = lists.get(&hash)
            && let Some(shared) = shared.upgrade()
            && *shared == *list
        {
            return Ok(shared);
        }
        lists.retain(|_, (list, _)| list.strong_count() > 0);
        let kept: usize = lists.values().map(|(_, weight)| weight).sum();
        let weight = A_LIST + list.iter().map(Weigh::weight).sum::<usize>();
        let allowed = self.most.saturating_sub(kept) / 4;
        if weight > allowed {
            return Err(NoRoom {
                entries: list.len(),
                found: weight,
                allowed,
            });
        }
        let shared: Arc<[T]> = list.into();
        lists.insert(hash, (Arc::downgrade(&shared), weight));
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for u32 {
        fn weight(&self) -> usize {
            4
        }
    }

    #[test]
    fn equal_lists_are_one_and_forgotten_with_their_last_holder() {
        let interner = Interner::new(1 << 20);
        let share = |list: &[u32]| interner.share(list.to_vec()).unwrap();
        let first = share(&[1, 2]);
        assert!(Arc::ptr_eq(&first, &share(&[1, 2])));
        assert!(!Arc::ptr_eq(&first, &share(&[1, 3])));
        drop(first);
        share(&[4]);
        assert_eq!(interner.lists.lock().unwrap().len(), 1);
    }

    /// Each of many nodes that lied had as much memory as one that did not.
    #[test]
    fn what_all_nodes_list_had_no_bound() {
        let most = 1 << 20;
        let interner = Interner::new(most);
        let share = |first: u32, entries: u32| interner.share((first..first + entries).collect());
        let honest = share(0, 1_000).unwrap();
        let made_up: Vec<_> = (1..200_u32)
            .flat_map(|liar| share(liar * 100_000, 60_000 / liar))
            .collect();
        let kept: usize = made_up.iter().map(|list| list.len() * 4).sum();
        assert!(made_up.len() > 3 && kept < most, "{kept} bytes");
        let refused = share(7, 60_000).unwrap_err().to_string();
        assert!(
            refused.contains("60000 entries, 240064 bytes; allowed: "),
            "{refused}"
        );
        // Those who agree are heard, and small ones, and all again when the liars are gone.
        assert!(Arc::ptr_eq(&honest, &share(0, 1_000).unwrap()));
        assert!(share(9, 3).is_ok());
        drop(made_up);
        assert!(share(7, 60_000).is_ok());
    }
}
