//! The newest blocks, in memory: what was just written is what followers, and whoever asks for a receipt, want.

use std::collections::VecDeque;

/// Bytes of blocks that stay in memory.
const BYTES_MAX: usize = 8 << 20;

/// What keeping a place for a block takes.
const ENTRY_BYTES: usize = size_of::<Option<Box<[u8]>>>();

/// Bytes of a block that is kept: a larger one costs more to copy than to read again.
const BLOCK_BYTES_MAX: usize = 16 << 10;

/// See the module. Nothing but a cache: what is not in it stands in the log.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// None for a block that is too large to be kept.
    blocks: VecDeque<Option<Box<[u8]>>>,
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
        let kept: Option<Box<[u8]>> = (block.len() <= BLOCK_BYTES_MAX).then(|| block.into());
        self.bytes += ENTRY_BYTES + kept.as_deref().map_or(0, <[u8]>::len);
        self.blocks.push_back(kept);
        self.end = index + 1;
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.bytes -= ENTRY_BYTES + oldest.map_or(0, |block| block.len());
        }
    }

    /// The stored bytes of a block, if it is among the newest.
    pub(super) fn get(&self, index: u64) -> Option<&[u8]> {
        let from_end = self.end.checked_sub(index)?;
        let place = (self.blocks.len() as u64).checked_sub(from_end)?;
        self.blocks.get(usize::try_from(place).ok()?)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_blocks_are_found_until_newer_ones_take_their_room() {
        let mut recent = Recent::default();
        assert_eq!(recent.get(0), None);
        let block = vec![7; BLOCK_BYTES_MAX];
        let fit = (BYTES_MAX / (ENTRY_BYTES + BLOCK_BYTES_MAX)) as u64;
        for index in 5..=fit + 5 {
            recent.push(index, &block);
        }
        assert_eq!((recent.get(5), recent.get(fit + 6), recent.get(u64::MAX)), (None, None, None));
        assert!((6..=fit + 5).all(|index| recent.get(index) == Some(&block[..])));
        recent.push(fit + 6, &vec![7; BLOCK_BYTES_MAX + 1]);
        assert_eq!((recent.get(fit + 6), recent.get(fit + 5)), (None, Some(&block[..])));
        recent.push(2 * fit, b"elsewhere");
        assert_eq!((recent.get(fit + 5), recent.get(2 * fit)), (None, Some(&b"elsewhere"[..])));
    }
}
