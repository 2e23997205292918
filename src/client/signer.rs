//! Signing commands.

use super::clock;
use crate::chain::{CommandId, Header};
use crate::codec;
use crate::crypto::{LedgerId, SigningKey, random};
use crate::domain::{AccountId, Command};
use crate::wire::{Request, Side, Submission};

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

/// A signed command, ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signed bytes, M.
    pub message: Vec<u8>,
    /// The signature over M.
    pub signature: Vec<u8>,
    /// What goes beside the command and stands in no block: the encoding of a [`Side`]. Empty where nothing does.
    pub side: Vec<u8>,
}

impl Signed {
    /// The request that submits the command.
    pub fn request(&self) -> Request<'_> {
        let submission = Submission { message: &self.message, signature: &self.signature };
        match self.side.as_slice() {
            [] => Request::Submit(submission),
            side => Request::SubmitWith { submission, side },
        }
    }

    /// The command with something beside it.
    pub fn with(self, side: &Side) -> Signed {
        Signed { side: codec::encode(side), ..self }
    }
}

impl Signer {
    /// Signs a command.
    pub fn sign(&self, id: CommandId, command: &Command) -> Signed {
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
        Signed { message, signature: signature.into_vec(), side: Vec::new() }
    }
}
