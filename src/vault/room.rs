//! Which places of a file are free: runs of neighbours, each named by its first place.

use std::collections::BTreeMap;

/// The free places of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// Length of each run of free places, by its first place. No two runs touch.
    runs: BTreeMap<u32, u32>,
}

impl Room {
    /// Whether so many neighbours are free.
    pub(super) fn has(&self, count: u32) -> bool {
        count == 0 || self.runs.values().any(|length| *length >= count)
    }

    /// Takes so many neighbours, the first that there are.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let (first, length) = self.runs.iter().find(|(_, length)| **length >= count)?;
        let (first, length) = (*first, *length);
        self.runs.remove(&first);
        if length > count {
            self.runs.insert(first + count, length - count);
        }
        Some(first)
    }

    /// Takes these very places; none of them is free afterwards.
    pub(super) fn take_at(&mut self, first: u32, count: u32) {
        let end = first.saturating_add(count);
        let touched: Vec<(u32, u32)> = self
            .runs
            .range(..end)
            .map(|(begin, length)| (*begin, *length))
            .filter(|(begin, length)| begin + length > first)
            .collect();
        for (begin, length) in touched {
            self.runs.remove(&begin);
            if begin < first {
                self.runs.insert(begin, first - begin);
            }
            if begin + length > end {
                self.runs.insert(end, begin + length - end);
            }
        }
    }

    /// Gives places back, which were taken.
    pub(super) fn give_back(&mut self, first: u32, count: u32) {
        if count == 0 {
            return;
        }
        let (mut first, mut count) = (first, count);
        if let Some((begin, length)) = self.runs.range(..first).next_back().map(|(at, length)| (*at, *length))
            && begin + length == first
        {
            self.runs.remove(&begin);
            (first, count) = (begin, length + count);
        }
        if let Some(length) = self.runs.remove(&(first + count)) {
            count += length;
        }
        self.runs.insert(first, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Held against a set of single places.
        #[test]
        fn free_places_are_what_was_given_and_not_taken(steps in proptest::collection::vec((0_u8..3, 0_u32..40, 1_u32..6), 1..60)) {
            let (mut room, mut free) = (Room::default(), BTreeSet::new());
            for (step, first, count) in steps {
                match step {
                    0 => {
                        // Places are given back only by whoever has them.
                        let taken: Vec<u32> = (first..first + count).filter(|at| !free.contains(at)).collect();
                        taken.iter().for_each(|at| room.give_back(*at, 1));
                        free.extend(taken);
                    }
                    1 => {
                        room.take_at(first, count);
                        free.retain(|at| !(first..first + count).contains(at));
                    }
                    _ => {
                        let is_free = |at: &u32| (*at..at + count).all(|at| free.contains(&at));
                        let expected = free.iter().copied().find(is_free);
                        prop_assert_eq!(room.has(count), expected.is_some());
                        prop_assert_eq!(room.take(count), expected);
                        free.retain(|at| !expected.is_some_and(|first| (first..first + count).contains(at)));
                    }
                }
                let listed: BTreeSet<u32> = room.runs.iter().flat_map(|(at, length)| *at..at + length).collect();
                prop_assert_eq!(&listed, &free);
            }
        }
    }
}
