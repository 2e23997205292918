//! One's own blocks, page by page, and those that concern one if they are wanted. A page is believed only as a whole: every
//! block of one's own is signed by a key of one's own and none before it was left out, and each stands where it says it does
//! under the audited checkpoint. Whether all came that only concern one, the server alone knows.

use serde_bytes::ByteBuf;

use super::included::prove_included;
use super::own_blocks::OwnBlocks;
use crate::chain::{Block, LeafHash, block_hash};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen, question};
use crate::crypto::Digest;

/// Blocks asked for at once; the server cuts a page by its bytes as well.
const PAGE_BLOCKS: u64 = 4_096;

/// A walk over the blocks that the member may read.
pub struct Copying<'a> {
    member: &'a mut Member,
    own_blocks: OwnBlocks,
    /// The smallest index that was asked for.
    from: u64,
    /// Where the next page begins; none after the last.
    next: Option<u64>,
    /// How many blocks may still come.
    left: u64,
    /// Whether blocks of others that concern the member come as well.
    concerning: bool,
    /// Index and hash of the block before.
    previous: Option<(u64, Digest)>,
    /// Index and hash of the member's own block before.
    own: Option<(u64, Digest)>,
    /// The newest block that the server ever acknowledged or proved, and whether it came by.
    newest: Option<(u64, Digest)>,
}

impl<'a> Copying<'a> {
    /// Starts at the first own block with an index of at least `from`, or the first that concerns the member, if those are
    /// wanted as well; ends after `limit` blocks.
    ///
    /// # Errors
    /// [`ClientError`] when the home directory cannot be read.
    pub fn start(
        member: &'a mut Member,
        from: u64,
        limit: u64,
        concerning: bool,
    ) -> Result<Copying<'a>, ClientError> {
        let own_blocks = OwnBlocks::of(member);
        let newest = member.recall_newest()?.filter(|(index, _)| *index >= from);
        let (next, left) = (Some(from), limit);
        Ok(Copying { member, own_blocks, from, next, left, concerning, previous: None, own: None, newest })
    }

    /// The next page of stored bytes, every block checked; none after the last.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] names the block and what is wrong with it.
    pub fn next_page(&mut self) -> Result<Option<Vec<ByteBuf>>, ClientError> {
        let limit = self.left.min(PAGE_BLOCKS);
        let Some(from) = self.next.filter(|_| limit > 0) else { return Ok(None) };
        let page = self.member.ask(&question::Copy { from, limit, concerning: self.concerning })?;
        let count = page.blocks.len() as u64;
        if count > limit {
            return Err(ClientError::Integrity("the server's page holds more than was asked for".to_owned()));
        }
        let mut leaves = Vec::with_capacity(page.blocks.len());
        for bytes in &page.blocks {
            leaves.push((self.check(bytes)?, LeafHash::of_block(bytes)));
        }
        prove_included(self.member, &leaves)?;
        self.left -= count;
        self.next = page.next;
        match self.next {
            Some(next)
                if next <= from && count == 0
                    || self.previous.is_some_and(|(previous, _)| next <= previous) =>
            {
                Err(ClientError::Integrity("the server's pages do not go on".to_owned()))
            }
            Some(_) => Ok(Some(page.blocks)),
            None => self.nothing_withheld().map(|()| Some(page.blocks)),
        }
    }

    /// Checks a block for itself and against the one before; gives its index.
    fn check(&mut self, bytes: &[u8]) -> Result<u64, ClientError> {
        let malformed =
            |_| ClientError::Integrity("a block from the server is refused: it is none".to_owned());
        let block = Block::parse(bytes).map_err(malformed)?;
        let bad = |text: &str| {
            ClientError::Integrity(format!("block {} from the server is refused: {text}", block.index))
        };
        let hash = block_hash(bytes);
        let is_own = block.author == self.own_blocks.account() || !self.concerning;
        if is_own {
            self.own_blocks.check(self.member, bytes)?;
        }
        if self.previous.map_or(block.index < self.from, |(previous, _)| block.index <= previous) {
            return Err(bad("it is out of order"));
        }
        // Each block names its author's block before it: one that was left out shows here.
        let nothing_left_out = match self.own {
            Some((own, _)) => block.author_previous == Some(own),
            None => block.author_previous.is_none_or(|index| index < self.from),
        };
        if is_own && !nothing_left_out {
            return Err(bad("a block of this account before it was left out"));
        }
        if self
            .previous
            .is_some_and(|(previous, before)| block.index == previous + 1 && block.previous_hash != before)
        {
            return Err(bad("it does not follow the block before it"));
        }
        if is_own && self.newest.is_some_and(|(index, receipt)| index == block.index && receipt != hash) {
            return Err(bad("the server once acknowledged or proved another block with this index"));
        }
        self.previous = Some((block.index, hash));
        if is_own {
            self.own = self.previous;
        }
        Ok(block.index)
    }

    /// After the last page: the newest block that the server once acknowledged or proved has to have come by.
    fn nothing_withheld(&self) -> Result<(), ClientError> {
        let last = self.own.map(|(index, _)| index);
        match self.newest {
            Some((newest, _)) if last.is_none_or(|last| last < newest) => Err(ClientError::Integrity(
                format!("the server withholds block {newest}, which it acknowledged or proved"),
            )),
            _ => Ok(()),
        }
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        if let Some((index, hash)) = self.own {
            self.member.note_receipt(index, hash);
        }
    }
}
