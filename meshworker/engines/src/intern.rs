//! One copy of equal lists.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Hands out one shared copy of equal lists, for as long as somebody holds it.
///
/// A thousand members that each list a thousand peers would fill a hundred
/// megabytes; the lists are equal, so they take one.
#[derive(Debug)]
pub struct Interner<T> {
    lists: Mutex<HashMap<u64, Weak<[T]>>>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner {
            lists: Mutex::new(HashMap::new()),
        }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// The shared copy of this list.
    pub fn share(&self, list: Vec<T>) -> Arc<[T]> {
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        let hash = hasher.finish();
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = lists.get(&hash).and_then(Weak::upgrade)
            && *shared == *list
        {
            return shared;
        }
        lists.retain(|_, list| list.strong_count() > 0);
        let shared: Arc<[T]> = list.into();
        lists.insert(hash, Arc::downgrade(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_are_one_and_forgotten_with_their_last_holder() {
        let interner = Interner::default();
        let first = interner.share(vec![1, 2]);
        assert!(Arc::ptr_eq(&first, &interner.share(vec![1, 2])));
        assert!(!Arc::ptr_eq(&first, &interner.share(vec![1, 3])));
        drop(first);
        interner.share(vec![4]);
        assert_eq!(interner.lists.lock().unwrap().len(), 1);
    }
}
