//! One's own blocks, page by page. A page is believed only as a whole: every block is one's own, signed by one's
//! own key, stands where it says it does under the audited checkpoint, and none before it was left out.

use serde_bytes::ByteBuf;

use super::own_blocks::check_own_block;
use crate::chain::Inclusion;
use crate::chain::{LeafHash, block_hash};
use crate::client::link::{self, Member, Reopen, question};
use crate::client::{ClientError, Signer};
use crate::crypto::Digest;
use crate::wire::INCLUSIONS_MAX;

/// Blocks asked for at once; the server cuts a page by its bytes as well.
const PAGE_BLOCKS: u64 = 4_096;

/// A walk over the member's own blocks.
pub struct Copying<'a> {
    member: &'a mut Member,
    signer: Signer,
    /// The smallest index that was asked for.
    from: u64,
    /// Where the next page begins; none after the last.
    next: Option<u64>,
    /// How many blocks may still come.
    left: u64,
    /// Index and hash of the block before.
    previous: Option<(u64, Digest)>,
    /// The newest block that the server ever gave a receipt of, and whether it came by.
    newest: Option<(u64, Digest)>,
}

impl<'a> Copying<'a> {
    /// Starts at the first own block with an index of at least `from`; ends after `limit` blocks.
    ///
    /// # Errors
    /// [`ClientError`] when the home directory cannot be read.
    pub fn start(member: &'a mut Member, from: u64, limit: u64) -> Result<Copying<'a>, ClientError> {
        let ledger_id = member.server().ledger_id;
        let signer = Signer { ledger_id, account: member.account_id(), key: member.key().clone() };
        let newest = link::recall(member.home(), ledger_id)?.filter(|(index, _)| *index >= from);
        Ok(Copying { member, signer, from, next: Some(from), left: limit, previous: None, newest })
    }

    /// The next page of stored bytes, every block checked; none after the last.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] names the block and what is wrong with it.
    pub fn next_page(&mut self) -> Result<Option<Vec<ByteBuf>>, ClientError> {
        let limit = self.left.min(PAGE_BLOCKS);
        let Some(from) = self.next.filter(|_| limit > 0) else { return Ok(None) };
        let page = self.member.ask(&question::Copy { from, limit, concerning: false })?;
        let count = page.blocks.len() as u64;
        if count > limit {
            return Err(ClientError::Integrity("the server's page holds more than was asked for".to_owned()));
        }
        let mut leaves = Vec::with_capacity(page.blocks.len());
        for bytes in &page.blocks {
            leaves.push((self.check(bytes)?, LeafHash::of_block(bytes)));
        }
        self.prove(&leaves)?;
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
        let block = check_own_block(bytes, &self.signer)?;
        let bad = |text: &str| {
            ClientError::Integrity(format!("block {} from the server is refused: {text}", block.index))
        };
        // Each block names its author's block before it: one that was left out shows here.
        let (in_order, nothing_left_out) = match self.previous {
            Some((previous, _)) => (block.index > previous, block.author_previous == Some(previous)),
            None => (block.index >= self.from, block.author_previous.is_none_or(|index| index < self.from)),
        };
        if !in_order {
            return Err(bad("it is out of order"));
        }
        if !nothing_left_out {
            return Err(bad("a block of this account before it was left out"));
        }
        if let Some((previous, hash)) = self.previous
            && block.index == previous + 1
            && block.previous_hash != hash
        {
            return Err(bad("it does not follow the block before it"));
        }
        let hash = block_hash(bytes);
        if self.newest.is_some_and(|(index, receipt)| index == block.index && receipt != hash) {
            return Err(bad("the server once gave a receipt of another block with this index"));
        }
        self.previous = Some((block.index, hash));
        Ok(block.index)
    }

    /// Has the server prove that the blocks are in the tree of the audited checkpoint, which moves on first
    /// where a block is newer.
    fn prove(&mut self, leaves: &[(u64, LeafHash)]) -> Result<(), ClientError> {
        let Some((last, _)) = leaves.last() else { return Ok(()) };
        let mut checkpoint = self.member.checkpoint()?;
        if checkpoint.size <= *last {
            checkpoint = self.member.newest_checkpoint()?;
        }
        let pages = leaves.chunks(INCLUSIONS_MAX);
        let questions: Vec<question::AreIncluded> = pages
            .map(|page| {
                let indexes = page.iter().map(|(index, _)| *index).collect();
                question::AreIncluded { indexes, size: checkpoint.size }
            })
            .collect();
        let refused = |index: u64| {
            ClientError::Integrity(format!(
                "block {index} from the server is refused: it is not in the tree of the checkpoint over {} blocks",
                checkpoint.size
            ))
        };
        let answers = match self.member.connection().ask_all(&questions) {
            Err(ClientError::Refused(_)) => return Err(refused(*last)),
            other => other?,
        };
        let proofs: Vec<Inclusion> = answers.into_iter().flatten().collect();
        if proofs.len() != leaves.len() {
            return Err(ClientError::other_answer());
        }
        for ((index, leaf), proof) in leaves.iter().zip(proofs) {
            proof.check(checkpoint.size, checkpoint.root, *index, *leaf).map_err(|_| refused(*index))?;
        }
        Ok(())
    }

    /// After the last page: the newest block that the server once gave a receipt of has to have come by.
    fn nothing_withheld(&self) -> Result<(), ClientError> {
        let last = self.previous.map(|(index, _)| index);
        match self.newest {
            Some((newest, _)) if last.is_none_or(|last| last < newest) => Err(ClientError::Integrity(
                format!("the server withholds block {newest}, of which it gave a receipt"),
            )),
            _ => Ok(()),
        }
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        if let Some((index, hash)) = self.previous {
            self.member.note_receipt(index, hash);
        }
    }
}
