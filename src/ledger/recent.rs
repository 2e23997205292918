//! The newest blocks, in memory: what was just written is what followers, and whoever asks for a receipt, want.

use std::collections::VecDeque;

/// Bytes of blocks that stay in memory.
const BYTES_MAX: usize = 8 << 20;

/// See the module. Nothing but a cache: what is not in it stands in the log.
#[derive(Debug, Default)]
pub(super) struct Recent {
    blocks: VecDeque<Box<[u8]>>,
    /// Index behind the newest.
    end: u64,
    bytes: usize,
}

impl Recent {
    /// Takes in a durable block.
    pub(super) fn push(&mut self, index: u64, block: &[u8]) {
        if index != self.end {
            (self.blocks, self.bytes) = (VecDeque::new(), 0);
        }
        self.blocks.push_back(block.into());
        self.bytes += block.len();
        self.end = index + 1;
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// The stored bytes of a block, if it is among the newest.
    pub(super) fn get(&self, index: u64) -> Option<&[u8]> {
        let from_end = self.end.checked_sub(index)?;
        let place = (self.blocks.len() as u64).checked_sub(from_end)?;
        self.blocks.get(usize::try_from(place).ok()?).map(|block| &**block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_blocks_are_found_until_newer_ones_take_their_room() {
        let mut recent = Recent::default();
        assert_eq!(recent.get(0), None);
        let block = vec![7; BYTES_MAX / 4];
        for index in 5..10 {
            recent.push(index, &block);
        }
        assert_eq!((recent.get(5), recent.get(10), recent.get(u64::MAX)), (None, None, None));
        assert!((6..10).all(|index| recent.get(index) == Some(&block[..])));
        recent.push(20, b"elsewhere");
        assert_eq!((recent.get(9), recent.get(20)), (None, Some(&b"elsewhere"[..])));
    }
}
