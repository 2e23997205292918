//! Who holds how much of what there is a limited number of, and who holds most: that is who gives some back when it
//! runs out.

use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug)]
pub(super) struct Holdings<K, T> {
    by_owner: BTreeMap<K, BTreeSet<T>>,
    sizes: BTreeSet<(usize, K)>,
    length: usize,
}

impl<K, T> Default for Holdings<K, T> {
    fn default() -> Holdings<K, T> {
        Holdings { by_owner: BTreeMap::new(), sizes: BTreeSet::new(), length: 0 }
    }
}

impl<K: Copy + Ord, T: Copy + Ord> Holdings<K, T> {
    /// What all hold together.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// What one owner holds, in order.
    pub(super) fn of(&self, owner: K) -> impl Iterator<Item = T> + '_ {
        self.by_owner.get(&owner).into_iter().flatten().copied()
    }

    /// How much one owner holds.
    pub(super) fn count(&self, owner: K) -> usize {
        self.by_owner.get(&owner).map_or(0, BTreeSet::len)
    }

    /// Who holds most.
    pub(super) fn largest(&self) -> Option<K> {
        self.sizes.last().map(|(_, owner)| *owner)
    }

    pub(super) fn insert(&mut self, owner: K, thing: T) {
        let held = self.by_owner.entry(owner).or_default();
        let before = held.len();
        if held.insert(thing) {
            self.sizes.remove(&(before, owner));
            self.sizes.insert((before + 1, owner));
            self.length += 1;
        }
    }

    pub(super) fn remove(&mut self, owner: K, thing: T) {
        let Some(held) = self.by_owner.get_mut(&owner) else { return };
        let before = held.len();
        if !held.remove(&thing) {
            return;
        }
        self.length -= 1;
        self.sizes.remove(&(before, owner));
        if held.is_empty() {
            self.by_owner.remove(&owner);
        } else {
            self.sizes.insert((before - 1, owner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_known_after_every_change_and_nothing_is_kept_of_who_holds_nothing() {
        let mut holdings = Holdings::default();
        for (owner, thing) in [(1, 10), (1, 11), (2, 20), (1, 11), (2, 21), (2, 22)] {
            holdings.insert(owner, thing);
        }
        assert_eq!((holdings.len(), holdings.largest(), holdings.count(1)), (5, Some(2), 2));
        assert!(holdings.of(2).eq([20, 21, 22]) && holdings.of(3).next().is_none());
        holdings.remove(2, 21);
        holdings.remove(2, 22);
        holdings.remove(2, 22);
        assert_eq!((holdings.len(), holdings.largest()), (3, Some(1)));
        for thing in [10, 11, 20] {
            (1..=2).for_each(|owner| holdings.remove(owner, thing));
        }
        assert_eq!((holdings.len(), holdings.largest()), (0, None));
        assert!(holdings.by_owner.is_empty() && holdings.sizes.is_empty());
    }
}
