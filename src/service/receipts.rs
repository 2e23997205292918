//! Receipts: a block of the caller's, or one that concerns the caller, the registration that says who the caller is, and the proofs of both under
//! the newest signed checkpoint.

use serde_bytes::ByteBuf;

use super::pages::Reading;
use super::proofs::NoProof;
use super::turns::PROOF_WORK;
use super::{ConnectionId, Service};
use crate::chain::Block;
use crate::domain::AccountId;
use crate::eventlog::LogError;
use crate::ledger::Unproven;
use crate::wire::{Proofs, ReceiptOf, Refusal, Reply};

/// A block to be proven, and the block that says who its author is, if it does not say so itself.
struct Wanted {
    index: u64,
    registered_at: Option<u64>,
}

impl Service {
    /// Answers a request for a receipt.
    pub(super) fn receipt(&mut self, id: ConnectionId, request: u32, account: AccountId, of: ReceiptOf) {
        self.sign_checkpoint();
        let proofs = self.own_block(account, of).map_err(NoProof::Log);
        let proofs = proofs.and_then(|found| found.map(|wanted| self.proofs(wanted)).transpose());
        self.hold_receipt(id, request, proofs, "there is no such block of yours");
    }

    /// Answers a request for a member's registration, which everybody may see: it says whose key is whose.
    pub(super) fn registration(&mut self, id: ConnectionId, request: u32, of: Option<AccountId>) {
        self.sign_checkpoint();
        let index = of.and_then(|of| self.ledger.replica().state().registered_at(of));
        let index = index.filter(|index| *index < self.note.size());
        let proofs = index.map(|index| self.proofs(Wanted { index, registered_at: None })).transpose();
        self.hold_receipt(id, request, proofs, "there is no such member");
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
                let mut reading = Reading::default();
                reading.add(proofs.block.len());
                self.work += PROOF_WORK + reading.work();
                self.hold_durable(id, request, Reply::Receipt(proofs));
            }
            Ok(None) => self.hold_durable(id, request, Reply::Refused(Refusal::fail("no_such_block", none))),
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
    fn own_block(&self, account: AccountId, of: ReceiptOf) -> Result<Option<Wanted>, LogError> {
        let replica = self.ledger.replica();
        let state = replica.state();
        let registered_at = |account| state.registered_at(account);
        let index = match of {
            ReceiptOf::Block(index) => Some(index),
            ReceiptOf::Command(id) => replica.commands().of_member(account, id),
            ReceiptOf::Cheque { payer, cheque_id } => state.ended_at(payer, cheque_id),
        };
        let Some(index) = index.filter(|index| *index < self.note.size()) else { return Ok(None) };
        // A block that is not the account's to read, and can be large, is not even read here.
        let may_read = index == 0 || replica.past().concerns(account, index);
        if matches!(of, ReceiptOf::Block(_)) && !may_read {
            return Ok(None);
        }
        let Some(bytes) = self.ledger.block(index)? else { return Ok(None) };
        let author = Block::parse(&bytes).map_or(AccountId::NONE, |block| block.author);
        // Block 0 is everybody's: it is handed out with the server's key. What became of a cheque is for its payer
        // to see, though the block is the payee's; and whoever a block concerns may prove it.
        let registered_at = match of {
            _ if index == 0 || registered_at(account) == Some(index) => None,
            ReceiptOf::Cheque { payer, .. } if payer == account => registered_at(author),
            _ if author == account || may_read => registered_at(author),
            _ => return Ok(None),
        };
        Ok(Some(Wanted { index, registered_at }))
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
        let registration = match wanted.registered_at {
            Some(index) => match proven(index)? {
                Some(registration) => Some(registration),
                None => return Ok(None),
            },
            None => None,
        };
        let (_, note) = self.hand_out_note();
        Ok(Some(Proofs { block, inclusion, registration, note }))
    }
}
