//! Which nodes of a world belong together.

use std::collections::BTreeMap;

/// Which nodes belong together: union-find.
pub(super) struct Groups(Vec<usize>);

impl Groups {
    pub fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    pub fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one] = other;
    }

    pub fn all(mut self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in 0..self.0.len() {
            let root = self.root(at);
            groups.entry(root).or_default().push(at);
        }
        groups.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_one_group() {
        let mut groups = Groups::new(5);
        groups.join(0, 3);
        groups.join(3, 4);
        let mut all = groups.all();
        all.sort();
        assert_eq!(all, [vec![0, 3, 4], vec![1], vec![2]]);
    }
}
