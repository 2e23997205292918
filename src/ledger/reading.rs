//! Reading the log for an answer, within the bounds of one page: what comes to its bound says where the next page begins.

use super::{Ledger, context_of};
use crate::chain::{Block, Message};
use crate::domain::{self, AccountId, Recorded};
use crate::eventlog::LogError;
use crate::limits::{PAGE_BLOCKS_READ_MAX, PAGE_BYTES_READ_MAX, PAGE_LINES_LOOKED_AT_MAX};

/// A page's reading of the log, and what it has cost.
pub struct Reading<'a> {
    ledger: &'a Ledger,
    cost: ReadingCost,
    failed: Option<LogError>,
}

/// What a page has read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadingCost {
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lines of an account's list that were looked at.
    pub lines: u64,
}

impl<'a> Reading<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Reading<'a> {
        Reading { ledger, cost: ReadingCost::default(), failed: None }
    }

    /// Whether the page ends here, whatever is in it.
    pub fn is_spent(&self) -> bool {
        let ReadingCost { blocks, bytes, lines } = self.cost;
        blocks >= PAGE_BLOCKS_READ_MAX || bytes >= PAGE_BYTES_READ_MAX || lines >= PAGE_LINES_LOOKED_AT_MAX
    }

    /// A line of an account's list is looked at.
    pub fn looks_at_line(&mut self) {
        self.cost.lines += 1;
    }

    /// The stored bytes of a durable block; none if there is no such block, or after the log could not be read.
    pub fn block(&mut self, index: u64) -> Option<Vec<u8>> {
        if self.failed.is_some() {
            return None;
        }
        match self.ledger.block(index) {
            Ok(bytes) => {
                self.cost.blocks += 1;
                self.cost.bytes += bytes.as_ref().map_or(0, Vec::len) as u64;
                bytes
            }
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }

    /// What it has cost, and why the log could not be read to the end of the page.
    pub fn end(self) -> (ReadingCost, Option<LogError>) {
        (self.cost, self.failed)
    }
}

impl domain::Past for Reading<'_> {
    fn money_of(
        &mut self,
        account: AccountId,
        from: u64,
        each: &mut dyn FnMut(&Recorded<'_>) -> bool,
    ) -> Option<u64> {
        let (lines, mut balance_before) = self.ledger.replica().past().of_from(account, from);
        for line in lines {
            if self.is_spent() {
                return Some(line.index());
            }
            self.looks_at_line();
            if line.moved_money() {
                // What is not durable yet belongs to a later answer.
                let bytes = self.block(line.index())?;
                let block = Block::parse(&bytes).ok()?;
                let message = Message::parse(block.message).ok()?;
                let recorded = Recorded {
                    context: context_of(&message, block.timestamp, block.index),
                    tag: message.header.tag,
                    body: message.body,
                    event: block.event,
                    balance_before,
                };
                if !each(&recorded) {
                    return None;
                }
            }
            balance_before = line.balance();
        }
        None
    }

    fn may_read(&self, account: AccountId, index: u64) -> bool {
        self.ledger.replica().past().may_read(account, index)
    }
}
