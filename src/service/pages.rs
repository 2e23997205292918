//! Answers in pages: what one of them reads has a bound, as what it sends has. A page that came to its bound says where
//! the next one begins, and may be empty: the caller asks from there.

use serde_bytes::ByteBuf;

use super::{ConnectionId, Service};
use crate::domain::AccountId;
use crate::eventlog::LogError;
use crate::limits::{PAGE_BLOCKS_READ_MAX, PAGE_BYTES_READ_MAX};
use crate::wire::{COPY_PAGE_BYTES_MAX, CopyPage, Reply};

/// Bytes that are read, decoded, sealed and sent in about a microsecond.
const BYTES_PER_WORK: u64 = 512;

/// What finding and reading a block takes, whatever its size.
const BLOCK_WORK: u64 = 4;

/// What one answer has read from the log.
#[derive(Debug, Default)]
pub(super) struct Reading {
    blocks: u64,
    bytes: u64,
}

impl Reading {
    /// A block of so many bytes was read.
    pub(super) fn add(&mut self, bytes: usize) {
        self.blocks += 1;
        self.bytes += bytes as u64;
    }

    /// Whether the page ends here, whatever is in it.
    pub(super) fn is_spent(&self) -> bool {
        self.blocks >= PAGE_BLOCKS_READ_MAX || self.bytes >= PAGE_BYTES_READ_MAX
    }

    /// What it cost the loop.
    pub(super) fn work(&self) -> u64 {
        self.blocks * BLOCK_WORK + self.bytes / BYTES_PER_WORK
    }
}

impl Service {
    /// One page of the caller's own blocks.
    pub(super) fn copy(&mut self, id: ConnectionId, request: u32, account: AccountId, from: u64, limit: u64) {
        let mut reading = Reading::default();
        match self.copy_page(account, from, limit.max(1), &mut reading) {
            Ok(page) => self.hold_durable(id, request, Reply::CopyPage(page)),
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
        self.work += reading.work();
    }

    fn copy_page(
        &self,
        account: AccountId,
        from: u64,
        limit: u64,
        reading: &mut Reading,
    ) -> Result<CopyPage, LogError> {
        let mut page = CopyPage { blocks: Vec::new(), next: None };
        let mut bytes = 0;
        for index in self.ledger.own_indexes(account, from) {
            page.next = Some(index);
            if page.blocks.len() as u64 >= limit || reading.is_spent() {
                return Ok(page);
            }
            let Some(block) = self.ledger.block(index)? else { return Ok(page) };
            reading.add(block.len());
            bytes += block.len();
            if bytes > COPY_PAGE_BYTES_MAX && !page.blocks.is_empty() {
                return Ok(page);
            }
            page.blocks.push(ByteBuf::from(block));
        }
        page.next = None;
        Ok(page)
    }
}
