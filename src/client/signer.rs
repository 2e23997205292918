//! Signing commands.

use super::clock;
use crate::chain::{CommandId, Header};
use crate::crypto::{LedgerId, SigningKey, random};
use crate::domain::{AccountId, Command};

/// Signs commands of one account on one ledger.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// The account; none for a registration.
    pub account: AccountId,
    /// The account's key.
    pub key: SigningKey,
}

impl Signer {
    /// The signed bytes of a command, and the signature.
    pub fn sign(&self, id: CommandId, command: &Command) -> (Vec<u8>, Vec<u8>) {
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: self.ledger_id,
            account: self.account,
            key_id: self.key.public().key_id(),
            command_id: id,
            issued_at: clock::now().wall.millis(),
            tag,
        };
        let message = header.message(&body);
        let signature = self.key.sign(&mut random::os(), &[&message]);
        (message, signature.into_vec())
    }
}
