//! Receipts: a block that the caller may read, the blocks that say whose key signed it, and the proofs of all under the
//! newest signed checkpoint.

use serde_bytes::ByteBuf;

use super::answers::work_of;
use super::proofs::NoProof;
use super::turns::PROOF_WORK;
use super::{ConnectionId, Service};
use crate::chain::{Block, Inclusion, Message};
use crate::crypto::KeyId;
use crate::domain::{AccountId, Role};
use crate::ledger::{ReadingCost, Unproven};
use crate::limits::KEYS_EVER_MAX;
use crate::refusal;
use crate::time::Now;
use crate::wire::{Proofs, ReceiptOf, Refusal, Reply};

impl Service {
    /// Answers a request for a receipt.
    pub(super) fn receipt(
        &mut self,
        (id, request): (ConnectionId, u32),
        account: AccountId,
        of: ReceiptOf,
        now: Now,
    ) {
        self.sign_checkpoint();
        let none = match of {
            ReceiptOf::Block(_) | ReceiptOf::Command(_) => "there is no such block of yours",
            ReceiptOf::Registration(_) | ReceiptOf::Key(_) => "there is no such member",
        };
        let index = match (self.wanted(account, of), of) {
            (None, ReceiptOf::Block(index)) if self.reads_as_agent(account, index) => {
                if let Some(needed) = self.factor_for_question(id, (account, &[Role::Agent]), now) {
                    return self.hold_durable(id, request, Reply::Refused(needed));
                }
                Some(index)
            }
            (index, _) => index,
        };
        let proofs = index.map(|index| self.proofs(index)).transpose();
        self.hold_receipt(id, request, proofs, none);
    }

    /// Whether a durable block is of a kind that agents read, whomever it concerns, and the account is an agent: it opens addresses
    /// from proven blocks. Nobody else is given proofs of others' blocks.
    fn reads_as_agent(&mut self, account: AccountId, index: u64) -> bool {
        let is_agent = self.ledger.replica().state().has_role(account, Role::Agent);
        let may_be = is_agent && index < self.note.size();
        // What cannot be read is told when it is read for the proof.
        let Some(block) = may_be.then(|| self.ledger.block(index)) else { return false };
        block.map_or(true, |block| block.is_some_and(|block| agents_read(&block)))
    }

    fn hold_receipt(
        &mut self,
        id: ConnectionId,
        request: u32,
        proofs: Result<Option<Option<Proofs>>, NoProof>,
        none: &str,
    ) {
        self.work += PROOF_WORK;
        match proofs.map(Option::flatten) {
            Ok(Some(proofs)) => {
                let keys = proofs.keys.iter().map(|(block, _)| block.len() as u64);
                let blocks = 1 + proofs.keys.len() as u64;
                let bytes = proofs.block.len() as u64 + keys.sum::<u64>();
                self.work += PROOF_WORK * blocks + work_of(ReadingCost { blocks, bytes, lines: 0 });
                self.hold_durable(id, request, Reply::Receipt(proofs));
            }
            Ok(None) => {
                let refusal = Refusal::fail(refusal::NO_SUCH_BLOCK, none);
                self.hold_durable(id, request, Reply::Refused(refusal));
            }
            Err(NoProof::Unavailable) => {
                let refusal = self.unavailable();
                self.hold_durable(id, request, Reply::Refused(refusal));
            }
            Err(NoProof::Log(error)) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    /// The index of the block; none when there is no such durable block. Of somebody else's, a stranger learns no more than
    /// that.
    fn wanted(&self, account: AccountId, of: ReceiptOf) -> Option<u64> {
        let replica = self.ledger.replica();
        let state = replica.state();
        let durable = |index: &u64| *index < self.note.size();
        let index = match of {
            ReceiptOf::Block(index) => Some(index),
            ReceiptOf::Command(id) => replica.commands().of_member(account, id),
            // Whose key is whose, everybody may know.
            ReceiptOf::Registration(of) => return state.registered_at(of).filter(durable),
            ReceiptOf::Key(key_id) => {
                let of = state.owner_of_key(&key_id);
                let key = of.and_then(|of| state.key(of, &key_id));
                return key.map(|key| key.added_at).filter(durable);
            }
        };
        // A block that is not the account's to read, and can be large, is not even read here. Block 0 is everybody's: it
        // is handed out with the server's key.
        let may_read = |index: &u64| *index == 0 || replica.past().may_read(account, *index);
        index.filter(durable).filter(may_read)
    }

    fn proofs(&mut self, index: u64) -> Result<Option<Proofs>, NoProof> {
        let size = self.note.size();
        let Some((block, inclusion)) = self.proven(index, size)? else { return Ok(None) };
        // From the key that signed the block back to the registration: each was introduced by a block that another signed.
        let mut keys = Vec::new();
        let mut signed = signer_of(&block);
        while let Some((author, key_id)) = signed.filter(|(author, _)| *author != AccountId::NONE) {
            let added_at = self.ledger.replica().state().key(author, &key_id).map(|key| key.added_at);
            let Some(added_at) = added_at.filter(|_| keys.len() < KEYS_EVER_MAX) else { return Ok(None) };
            let Some(key_block) = self.proven(added_at, size)? else { return Ok(None) };
            signed = signer_of(&key_block.0);
            keys.push(key_block);
        }
        keys.reverse();
        let (_, note) = self.hand_out_note();
        Ok(Some(Proofs { block, inclusion, keys, note }))
    }

    /// A block, and that it is in the tree of this size.
    pub(super) fn proven(&mut self, index: u64, size: u64) -> Result<Option<(ByteBuf, Inclusion)>, NoProof> {
        let Some(bytes) = self.ledger.block(index)? else { return Ok(None) };
        match self.ledger.inclusion(index, size) {
            Ok(inclusion) => Ok(Some((ByteBuf::from(bytes), inclusion))),
            Err(Unproven::NoSuch) => Ok(None),
            Err(Unproven::Unavailable) => Err(NoProof::Unavailable),
        }
    }
}

/// Whether a block is of a kind that agents read.
fn agents_read(block: &[u8]) -> bool {
    let message = Block::parse(block).ok().and_then(|block| Message::parse(block.message).ok());
    message.is_some_and(|message| message.header.tag.readers().contains(&Role::Agent))
}

/// The author of a block and the key that signed it; none of genesis.
fn signer_of(block: &[u8]) -> Option<(AccountId, KeyId)> {
    let block = Block::parse(block).ok()?;
    let message = Message::parse(block.message).ok()?;
    Some((block.author, message.header.key_id))
}
