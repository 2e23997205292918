//! What an own block has to be, whoever hands it over: its author signed it, with a key that was one of the account's. Keys
//! that are not known yet are proven by the ledger, each once.

use std::collections::BTreeMap;

use super::receipts::fetch_key;
use crate::chain::{Block, Message};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _};
use crate::crypto::{KeyId, LedgerId, VerifyingKey};
use crate::domain::AccountId;

/// The keys of the member's account that were proven so far.
pub struct OwnBlocks {
    ledger_id: LedgerId,
    account: AccountId,
    keys: BTreeMap<KeyId, VerifyingKey>,
}

impl OwnBlocks {
    /// Those of a member, of whose keys the one of this session is known.
    pub fn of(member: &Member) -> OwnBlocks {
        let key = member.key().public().clone();
        let keys = BTreeMap::from([(key.key_id(), key)]);
        OwnBlocks { ledger_id: member.server().ledger_id, account: member.account_id(), keys }
    }

    /// Whose blocks they are.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Checks an own block as it came from the server: its author, and the author's signature.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] names what is wrong.
    pub fn check<'b>(&mut self, member: &mut Member, bytes: &'b [u8]) -> Result<Block<'b>, ClientError> {
        let bad = |index: Option<u64>, text: &str| {
            let which = index.map_or_else(|| "a block".to_owned(), |index| format!("block {index}"));
            ClientError::Integrity(format!("{which} from the server is refused: {text}"))
        };
        let block = Block::parse(bytes).map_err(|_| bad(None, "its bytes are not a block"))?;
        let index = Some(block.index);
        if block.author != self.account {
            return Err(bad(index, "it is of another author"));
        }
        let message = Message::parse(block.message).map_err(|_| bad(index, "it holds no signed command"))?;
        if message.header.ledger_id != self.ledger_id || message.header.account != self.account {
            return Err(bad(index, "its command was signed for another ledger or account"));
        }
        let key_id = message.header.key_id;
        let of_another = || bad(index, "the signature is not one of this account's keys");
        let key = match self.keys.get(&key_id) {
            Some(key) => key,
            None => match fetch_key(member, self.account, key_id) {
                Ok(proven) => self.keys.entry(key_id).or_insert(proven.key),
                Err(ClientError::Refused(_)) => return Err(of_another()),
                Err(error) => return Err(error),
            },
        };
        key.verify(&[block.message], block.signature).map_err(|_| of_another())?;
        Ok(block)
    }
}
