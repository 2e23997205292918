//! From a receipt to what it proves, or the first reason why it proves nothing.

use super::Receipt;
use super::keys::{Introduced, Keys, included, registered};
use super::verdict::{Author, Part, Proven, ReceiptError};
use crate::chain::checkpoint::{Checkpoint, NotCheckpoint};
use crate::chain::{Block, Genesis, Message, block_hash};
use crate::crypto::note::LogPublicKey;
use crate::crypto::{LedgerId, VerifyingKey};
use crate::domain::AccountId;

/// What the command of a block says, once it is known who signed it.
struct Signed {
    ledger_id: LedgerId,
    author: Option<(Author, VerifyingKey)>,
    introduces: Option<VerifyingKey>,
}

impl Receipt {
    /// Checks everything: the checkpoint's signature, the inclusion of all blocks, that the registration is
    /// the author's, how the key came to the author, and the author's signature.
    ///
    /// # Errors
    /// [`ReceiptError`], the first thing that does not hold.
    pub fn check(&self, log_key: &LogPublicKey) -> Result<Proven, ReceiptError> {
        let checkpoint = Checkpoint::of_note(&self.note, log_key).map_err(|error| match error {
            NotCheckpoint::Note(error) => ReceiptError::Note(error),
            NotCheckpoint::Malformed(_) | NotCheckpoint::OtherOrigin => ReceiptError::Checkpoint,
        })?;
        let block = included(Part::Block, &self.block, self.index, &self.inclusion, &checkpoint)?;
        let Signed { ledger_id, author, introduces } = if block.index == 0 {
            Signed { ledger_id: self.check_genesis(log_key)?, author: None, introduces: None }
        } else {
            self.check_author(&block, &checkpoint)?
        };
        let (author, key) = author.unzip();
        let (index, hash, timestamp) = (block.index, block_hash(&self.block), block.timestamp);
        Ok(Proven { index, hash, timestamp, author, key, introduces, ledger_id, checkpoint })
    }

    fn check_genesis(&self, log_key: &LogPublicKey) -> Result<LedgerId, ReceiptError> {
        if !self.keys.is_empty() {
            return Err(ReceiptError::Registration);
        }
        let (genesis, ledger_id) =
            Genesis::from_block(&self.block).map_err(|_| ReceiptError::Malformed(Part::Block))?;
        if genesis.log_key != *log_key.bytes() || genesis.origin != log_key.origin() {
            return Err(ReceiptError::OtherLedger);
        }
        Ok(ledger_id)
    }

    fn check_author(&self, block: &Block<'_>, checkpoint: &Checkpoint) -> Result<Signed, ReceiptError> {
        let message = Message::parse(block.message).map_err(|_| ReceiptError::Malformed(Part::Block))?;
        let header = message.header;
        if header.account != block.author {
            return Err(ReceiptError::OtherAuthor);
        }
        let (ledger_id, command_id) = (header.ledger_id, header.command_id);
        if block.author == AccountId::NONE {
            if !self.keys.is_empty() {
                return Err(ReceiptError::Registration);
            }
            let (author, Introduced { key, .. }) = registered(Part::Block, block)?;
            let author = Author { command_id, ..author };
            return Ok(Signed { ledger_id, author: Some((author, key.clone())), introduces: Some(key) });
        }
        let keys = Keys::of(&self.keys, block, ledger_id, checkpoint)?;
        let (author, key) = keys.signer(header.key_id)?;
        key.verify(&[block.message], block.signature).map_err(|_| ReceiptError::Signature(Part::Block))?;
        let introduces = keys.introduced(block, &message)?.map(|introduced| introduced.key);
        let author = Author { command_id, ..author };
        Ok(Signed { ledger_id, author: Some((author, key.clone())), introduces })
    }
}
