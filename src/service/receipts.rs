//! Receipts: a block that the caller may read, the block that says whose key signed it, and the proofs of both under the
//! newest signed checkpoint.

use serde_bytes::ByteBuf;

use super::answers::work_of;
use super::proofs::NoProof;
use super::turns::PROOF_WORK;
use super::{ConnectionId, Service};
use crate::chain::Block;
use crate::domain::AccountId;
use crate::eventlog::LogError;
use crate::ledger::{ReadingCost, Unproven};
use crate::refusal;
use crate::wire::{Proofs, ReceiptOf, Refusal, Reply};

/// A block to be proven, and the block that says whose key signed it, if the block does not say so itself.
struct Wanted {
    index: u64,
    registered_at: Option<u64>,
}

impl Service {
    /// Answers a request for a receipt.
    pub(super) fn receipt(&mut self, id: ConnectionId, request: u32, account: AccountId, of: ReceiptOf) {
        self.sign_checkpoint();
        let none = match of {
            ReceiptOf::Block(_) | ReceiptOf::Command(_) => "there is no such block of yours",
            ReceiptOf::Registration(_) | ReceiptOf::RegistrationOfKey(_) => "there is no such member",
        };
        let proofs = self.wanted(account, of).map_err(NoProof::Log);
        let proofs = proofs.and_then(|found| found.map(|wanted| self.proofs(wanted)).transpose());
        self.hold_receipt(id, request, proofs, none);
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
                let bytes = proofs.block.len() as u64;
                self.work += PROOF_WORK + work_of(ReadingCost { blocks: 1, bytes, lines: 0 });
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

    /// None when there is no such durable block. Of somebody else's, a stranger learns no more than that.
    fn wanted(&self, account: AccountId, of: ReceiptOf) -> Result<Option<Wanted>, LogError> {
        let replica = self.ledger.replica();
        let state = replica.state();
        let durable = |index: &u64| *index < self.note.size();
        let index = match of {
            ReceiptOf::Block(index) => Some(index),
            ReceiptOf::Command(id) => replica.commands().of_member(account, id),
            ReceiptOf::Registration(of) => {
                let index = state.registered_at(of).filter(durable);
                return Ok(index.map(|index| Wanted { index, registered_at: None }));
            }
            ReceiptOf::RegistrationOfKey(key_id) => {
                let of = state.owner_of_key(&key_id);
                let index = of.and_then(|of| state.registered_at(of)).filter(durable);
                return Ok(index.map(|index| Wanted { index, registered_at: None }));
            }
        };
        // A block that is not the account's to read, and can be large, is not even read here. Block 0 is everybody's: it
        // is handed out with the server's key.
        let may_read = |index: &u64| *index == 0 || replica.past().may_read(account, *index);
        let Some(index) = index.filter(durable).filter(may_read) else { return Ok(None) };
        if index == 0 || state.registered_at(account) == Some(index) {
            return Ok(Some(Wanted { index, registered_at: None }));
        }
        let Some(bytes) = self.ledger.block(index)? else { return Ok(None) };
        let author = Block::parse(&bytes).map_or(AccountId::NONE, |block| block.author);
        Ok(Some(Wanted { index, registered_at: state.registered_at(author) }))
    }

    fn proofs(&mut self, wanted: Wanted) -> Result<Option<Proofs>, NoProof> {
        let size = self.note.size();
        let proven = |index| -> Result<Option<_>, NoProof> {
            let Some(bytes) = self.ledger.block(index)? else { return Ok(None) };
            match self.ledger.inclusion(index, size) {
                Ok(inclusion) => Ok(Some((ByteBuf::from(bytes), inclusion))),
                Err(Unproven::NoSuch) => Ok(None),
                Err(Unproven::Unavailable) => Err(NoProof::Unavailable),
            }
        };
        let Some((block, inclusion)) = proven(wanted.index)? else { return Ok(None) };
        let mut keys = Vec::new();
        if let Some(index) = wanted.registered_at {
            let Some(registration) = proven(index)? else { return Ok(None) };
            keys.push(registration);
        }
        let (_, note) = self.hand_out_note();
        Ok(Some(Proofs { block, inclusion, keys, note }))
    }
}
