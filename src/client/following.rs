//! Following a ledger: blocks as they become durable, each proven before it is handed on. A subscription that lost its
//! connection goes on behind the last block that it handed on, so that nothing comes twice and nothing is missing.

use std::time::Duration;

use serde_bytes::ByteBuf;

use super::ClientError;
use super::link::{Member, Reopen};
use super::proofs::{OwnBlocks, prove_included};
use crate::chain::{Block, LeafHash};
use crate::domain::Notice;
use crate::refusal;
use crate::time::Monotonic;
use crate::wire::{Followed, Followings, Push, Reply, Request};

/// What a follower hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// Blocks, in order: their stored bytes, each checked and proven to be in the tree of a checkpoint. There may be none:
    /// all that there is has been handed on.
    Blocks(Vec<ByteBuf>),
    /// News that stand in no block which the follower may read.
    Notice(Notice),
}

/// A member who follows.
pub struct Subscription<'a> {
    member: &'a mut Member,
    own_blocks: OwnBlocks,
    of: Followed,
    /// The request that is followed under.
    request: u32,
    /// All that there is for this follower before this index was handed on.
    next: u64,
}

impl<'a> Subscription<'a> {
    /// Follows blocks with an index of at least `from`.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone.
    pub fn begin(member: &'a mut Member, from: u64, of: Followed) -> Result<Subscription<'a>, ClientError> {
        let own_blocks = OwnBlocks::of(member);
        let request = member.connection().follow(&Request::Follow { from, of })?;
        Ok(Subscription { member, own_blocks, of, request, next: from })
    }

    /// All that there is for this follower before this index was handed on.
    pub fn next_index(&self) -> u64 {
        self.next
    }

    /// Waits for the next that there is to hear; none when the deadline comes first.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone, after which [`Subscription::resume`] goes on;
    /// [`ClientError::Integrity`] when what the server sends does not hold.
    pub fn hear(&mut self, deadline: Option<Monotonic>) -> Result<Option<Heard>, ClientError> {
        loop {
            let reply = self.member.connection().wait_followed(self.request, deadline)?;
            match reply {
                None => return Ok(None),
                Some(Reply::Push(Push::Blocks(page))) => return self.take(page).map(Some),
                Some(Reply::Push(Push::Notice(notice))) => return Ok(Some(Heard::Notice(notice))),
                Some(Reply::Refused(needed)) if needed.name == refusal::SECOND_FACTOR_NEEDED => {
                    self.member.give_code(needed)?;
                    self.follow()?;
                }
                Some(Reply::Refused(refusal)) => return Err(ClientError::Refused(refusal)),
                // News of a newer server: nothing that this program could do anything with.
                Some(Reply::Push(_)) => {}
                Some(_) => return Err(ClientError::other_answer()),
            }
        }
    }

    /// Goes on over a new connection.
    ///
    /// # Errors
    /// As for [`Reopen::reopen`].
    pub fn resume(&mut self, patience: Duration) -> Result<(), ClientError> {
        self.member.reopen(patience)?;
        self.follow()
    }

    /// Follows from where this one is.
    fn follow(&mut self) -> Result<(), ClientError> {
        let follow = Request::Follow { from: self.next, of: self.of };
        self.request = self.member.connection().follow(&follow)?;
        Ok(())
    }

    fn take(&mut self, page: Followings) -> Result<Heard, ClientError> {
        let Followings { blocks, next } = page;
        let mut leaves = Vec::with_capacity(blocks.len());
        let mut least = self.next;
        for bytes in &blocks {
            let index = self.check(bytes)?;
            if index < least {
                return Err(refused(index, "it came before, or out of order"));
            }
            least = index + 1;
            leaves.push((index, LeafHash::of_block(bytes)));
        }
        if next < least {
            return Err(ClientError::Integrity("the server's pushes do not go on".to_owned()));
        }
        prove_included(self.member, &leaves)?;
        self.next = next;
        Ok(Heard::Blocks(blocks))
    }

    /// Checks a block for itself: one of the member's own has to hold the member's signature.
    fn check(&mut self, bytes: &[u8]) -> Result<u64, ClientError> {
        let block = Block::parse(bytes).map_err(|error| {
            ClientError::Integrity(format!("a block from the server is refused: {error}"))
        })?;
        if block.author == self.own_blocks.account() && block.index > 0 {
            self.own_blocks.check(self.member, bytes)?;
        } else if self.of == Followed::Own {
            return Err(refused(block.index, "it is of another author"));
        }
        Ok(block.index)
    }
}

fn refused(index: u64, why: &str) -> ClientError {
    ClientError::Integrity(format!("block {index} from the server is refused: {why}"))
}
