//! A queue in which everybody waits behind their own: one of each in turn, so that who floods it waits behind itself.

use std::collections::{BTreeMap, VecDeque};

/// See the module.
pub(super) struct FairQueue<K, T> {
    /// Whoever stands in `turns` has a queue here, which may have become empty meanwhile.
    by_key: BTreeMap<K, VecDeque<T>>,
    turns: VecDeque<K>,
    length: usize,
}

impl<K, T> Default for FairQueue<K, T> {
    fn default() -> FairQueue<K, T> {
        FairQueue { by_key: BTreeMap::new(), turns: VecDeque::new(), length: 0 }
    }
}

impl<K: Copy + Ord, T> FairQueue<K, T> {
    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn push(&mut self, key: K, item: T) {
        let turns = &mut self.turns;
        let queue = self.by_key.entry(key).or_insert_with(|| {
            turns.push_back(key);
            VecDeque::new()
        });
        queue.push_back(item);
        self.length += 1;
    }

    /// The oldest of whoever's turn it is.
    pub(super) fn pop(&mut self) -> Option<(K, T)> {
        while let Some(key) = self.turns.pop_front() {
            let Some(queue) = self.by_key.get_mut(&key) else { continue };
            let item = queue.pop_front();
            if queue.is_empty() {
                self.by_key.remove(&key);
            } else {
                self.turns.push_back(key);
            }
            if let Some(item) = item {
                self.length -= 1;
                return Some((key, item));
            }
        }
        None
    }

    /// Keeps of one's own what is wanted; how many were not.
    pub(super) fn retain(&mut self, key: K, wanted: impl FnMut(&T) -> bool) -> usize {
        let Some(queue) = self.by_key.get_mut(&key) else { return 0 };
        let before = queue.len();
        queue.retain(wanted);
        let removed = before - queue.len();
        self.length -= removed;
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(queue: &mut FairQueue<u8, u32>) -> Vec<(u8, u32)> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn who_has_much_waiting_waits_behind_itself() {
        let mut queue = FairQueue::default();
        (0..4).for_each(|item| queue.push(1, item));
        queue.push(2, 10);
        queue.push(3, 20);
        queue.push(2, 11);
        assert_eq!(queue.len(), 7);
        assert_eq!(drained(&mut queue), [(1, 0), (2, 10), (3, 20), (1, 1), (2, 11), (1, 2), (1, 3)]);
        assert!(queue.is_empty() && queue.by_key.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn who_leaves_and_comes_back_gains_no_turn() {
        let mut queue = FairQueue::default();
        for round in 0..5 {
            queue.push(1, round);
            assert_eq!(queue.retain(1, |_| false), 1);
        }
        (0..3).for_each(|item| queue.push(1, item));
        (0..3).for_each(|item| queue.push(2, item));
        assert_eq!(drained(&mut queue), [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]);
        queue.push(1, 9);
        assert_eq!((queue.retain(1, |_| false), queue.retain(3, |_| false)), (1, 0));
        assert_eq!((queue.len(), queue.pop()), (0, None));
        assert!(queue.by_key.is_empty() && queue.turns.is_empty());
    }
}
