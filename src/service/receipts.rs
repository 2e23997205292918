//! Receipts: a block of the caller's, the registration that says who the caller is, and the proofs of both under
//! the newest signed checkpoint.

use serde_bytes::ByteBuf;

use super::{ConnectionId, Service};
use crate::chain::Block;
use crate::domain::AccountId;
use crate::eventlog::LogError;
use crate::wire::{Proofs, ReceiptOf, Refusal, Reply};

impl Service {
    /// Answers a request for a receipt.
    pub(super) fn receipt(&mut self, id: ConnectionId, request: u32, account: AccountId, of: ReceiptOf) {
        match self.proofs(account, of) {
            Ok(Some(reply)) => self.hold(id, request, reply),
            Ok(None) => {
                let text = "there is no such block of yours";
                self.hold(id, request, Reply::Refused(Refusal::fail("no_such_block", text)));
            }
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    /// None when there is no such durable block. Of somebody else's, a stranger learns no more than that.
    fn proofs(&self, account: AccountId, of: ReceiptOf) -> Result<Option<Reply>, LogError> {
        let (size, note) = &self.checkpoint_note;
        let replica = self.ledger.replica();
        let registered_at = replica.state().accounts.get(account).map(|account| account.registered_at);
        let index = match of {
            ReceiptOf::Block(index) => Some(index),
            ReceiptOf::Command(id) => replica.commands().of_member(account, id),
        };
        let Some(index) = index.filter(|index| index < size) else { return Ok(None) };
        let Some(bytes) = self.ledger.block(index)? else { return Ok(None) };
        let author = Block::parse(&bytes).map(|block| block.author);
        // Block 0 is everybody's: it is handed out with the server's key.
        let registration = match author {
            Ok(author) if author == account => registered_at,
            _ if index == 0 || registered_at == Some(index) => None,
            _ => return Ok(None),
        };
        let registration = registration.map(|at| Ok((at, self.ledger.block(at)?))).transpose()?;
        let proofs = || {
            Some(Proofs {
                block: ByteBuf::from(bytes),
                inclusion: self.ledger.inclusion(index, *size).ok()?,
                registration: match registration {
                    Some((at, bytes)) => {
                        Some((ByteBuf::from(bytes?), self.ledger.inclusion(at, *size).ok()?))
                    }
                    None => None,
                },
                note: note.clone(),
            })
        };
        Ok(proofs().map(Reply::Receipt))
    }
}
