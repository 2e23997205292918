//! The keys that the signatures of a command are checked with: its author's, those of whoever endorses it, or the one that a
//! registration brings.

use super::Service;
use super::commands::refused;
use super::job::{CheckingKey, CommandCheck, EndorsementCheck};
use crate::chain::Message;
use crate::crypto::KeyId;
use crate::domain::{AccountId, Command, Endorser, Signer};
use crate::refusal;
use crate::wire::{Refusal, Reply};

impl Service {
    /// The signatures of others that a command has to carry, each with the key to check it with.
    pub(super) fn endorsement_checks(
        &mut self,
        message: &Message<'_>,
    ) -> Result<Vec<EndorsementCheck>, Box<Reply>> {
        if !message.header.tag.is_endorsed() {
            return Ok(Vec::new());
        }
        let Ok(command) = Command::decode(message.header.tag, message.body) else {
            return Err(Box::new(refused(refusal::MALFORMED_COMMAND, "the command does not decode")));
        };
        let endorsements =
            command.endorsements(message.header.ledger_id, message.header.account, message.header.command_id);
        let checks = endorsements.into_iter().map(|endorsement| {
            let key = match endorsement.by {
                Endorser::Of { account, key_id, unknown, .. } => match self.key_of(account, key_id) {
                    Some(key) => key,
                    None => return EndorsementCheck::Unknown(unknown),
                },
                Endorser::Itself(spki) => CheckingKey::Spki(spki.to_vec()),
            };
            let (signed, signature) = (endorsement.signed, endorsement.signature.to_vec());
            EndorsementCheck::Signature { key, signed, signature, refusal: endorsement.refusal }
        });
        Ok(checks.collect())
    }

    /// The key to check a command with: any of its author's, also one that ended, because whether it may still sign is for
    /// the rules to say; or the one that a registration brings.
    pub(super) fn checking_key(&mut self, message: &Message<'_>) -> Result<CheckingKey, Box<Reply>> {
        let header = &message.header;
        if header.account != AccountId::NONE {
            return self.key_of(header.account, header.key_id).ok_or_else(|| {
                let no_such_key = "the key that the command names is none of its author's keys";
                let refusal = Refusal::fail(refusal::NO_PERMISSION, no_such_key);
                // The account may have the key when a copy arrives.
                self.refusals.remember_copy(message, refusal.clone());
                Box::new(Reply::Refused(refusal))
            });
        }
        let command = Command::decode(header.tag, message.body).ok();
        match command.as_ref().map(Command::signer) {
            Some(Signer::Itself(spki)) => Ok(CheckingKey::Spki(spki.to_vec())),
            Some(Signer::Author) | None => {
                Err(Box::new(refused(refusal::MALFORMED_COMMAND, "the registration does not decode")))
            }
        }
    }

    /// A key of an account: ready for use if it was used lately, and otherwise as the bytes from which a helper makes the
    /// key ready.
    pub(super) fn key_of(&mut self, account: AccountId, key_id: KeyId) -> Option<CheckingKey> {
        let key = self.ledger.replica().state().key(account, &key_id)?;
        let ready = self.keys.get(&key_id).map(CheckingKey::Ready);
        Some(ready.unwrap_or_else(|| CheckingKey::Spki(key.spki.clone())))
    }

    /// Keeps the keys that a helper has made ready, if they are keys of members.
    pub(super) fn keep_keys(&mut self, check: &CommandCheck) {
        for key in check.ready_keys() {
            let key_id = key.key_id();
            if !self.keys.has(&key_id) && self.ledger.replica().state().owner_of_key(&key_id).is_some() {
                self.keys.keep(key.clone());
            }
        }
    }
}
