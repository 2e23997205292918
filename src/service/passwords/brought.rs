//! The credential that comes beside a command: whether it is the one that the command has committed itself to, whose e-mail it
//! belongs to, and whether that is free.

use zeroize::Zeroizing;

use super::{email_taken, no_passwords};
use crate::chain::{Block, Message};
use crate::crypto::sealed::Sealed;
use crate::domain::CredentialAt;
use crate::domain::{AccountId, Command, TextForm};
use crate::eventlog::LogError;
use crate::password::{Blob, Credential, OPAQUE_NUMBER, Stretch, normalised_e_mail};
use crate::refusal;
use crate::service::Service;
use crate::service::job::CommandCheck;
use crate::service::sealed_fields::{key_missing, no_vault};
use crate::wire::{Refusal, SideCredential, put_together};

/// A credential on its way into the vault.
pub(in crate::service) struct BroughtCredential {
    /// What the e-mail is called in the vault.
    pub(in crate::service) name: [u8; 16],
    pub(in crate::service) credential: Credential,
}

impl Service {
    /// The guards of a password, asked directly before the rules: whether the e-mail is free, and whether what came beside the
    /// command is what the command says. `e_mail` is the address in the command's sealed fields, if one holds one. Gives the
    /// credential that the command brings.
    ///
    /// # Errors
    /// The outer one is that of the log, after which the process ends; the inner one the refusal.
    pub(in crate::service) fn guard_credential(
        &mut self,
        check: &CommandCheck,
        command: &Command,
        author: AccountId,
        e_mail: Option<Zeroizing<String>>,
    ) -> Result<Result<Option<BroughtCredential>, Refusal>, LogError> {
        let part = command.credential();
        let name = match (self.secrets.login_keys(), &e_mail) {
            (Some(keys), Some(e_mail)) => Some(keys.index.vault_name(e_mail)),
            _ => None,
        };
        if name.is_some_and(|name| self.secrets.owner_of_e_mail(&name).is_some_and(|owner| owner != author)) {
            return Ok(Err(email_taken()));
        }
        let Some(part) = part else {
            // Who logs in with an e-mail needs a new registration for another one.
            let logs_in_with = self.secrets.e_mail_name_of(author);
            let other = name.is_some_and(|name| logs_in_with.is_some_and(|known| known != name));
            return Ok(if other { Err(credential_needed()) } else { Ok(None) });
        };
        let Some(beside) = &check.credential else { return Ok(Ok(None)) };
        if !self.secrets.are_here() {
            return Ok(Err(no_vault()));
        }
        let Some(keys) = self.secrets.login_keys().cloned() else { return Ok(Err(no_passwords())) };
        let state = self.ledger.replica().state();
        // Without a key that roams the rules refuse the command.
        let key_id = part.key_id.or_else(|| state.roaming_key(author));
        let Some(key_id) = key_id else { return Ok(Ok(None)) };
        let credential =
            credential_of(beside).map(|made| Credential { key_id, epoch: part.commit.epoch, ..made });
        let ledger_id = self.ledger.ledger_id();
        let fits = |credential: &Credential| {
            credential.opaque == OPAQUE_NUMBER
                && credential.stretch == keys.opaque.stretch
                && credential.commit(ledger_id, &keys.opaque.server_key) == part.commit.commit
        };
        let Some(credential) = credential.filter(fits) else { return Ok(Err(side_mismatch())) };
        let name = match name {
            Some(name) => name,
            None => match self.own_e_mail(author)? {
                Ok(Some(e_mail)) => keys.index.vault_name(&e_mail),
                // Without a profile the rules refuse the command.
                Ok(None) => return Ok(Ok(None)),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        if self.secrets.owner_of_e_mail(&name).is_some_and(|owner| owner != author) {
            return Ok(Err(email_taken()));
        }
        if !self.secrets.make_room()? {
            let sentence = "the disk is full: the vault has no room for the password that the command brings";
            return Ok(Err(Refusal::fail(refusal::DISK_FULL, sentence)));
        }
        Ok(Ok(Some(BroughtCredential { name, credential })))
    }

    /// Takes the credential that an accepted command brings, for the vault, and notes whose password has changed by it: the
    /// author's, whose password before the command is given.
    pub(in crate::service) fn take_credential(
        &mut self,
        check: &CommandCheck,
        brought: Option<BroughtCredential>,
        (author, before): (AccountId, Option<CredentialAt>),
    ) {
        let state = self.ledger.replica().state();
        if let Some(brought) = &brought
            && let Some(account) = state.owner_of_key(&brought.credential.key_id)
        {
            self.secrets.bring_credential(account, brought);
            self.secrets.unsettle(account);
            let registration = self.door.connections.get_mut(&check.connection);
            if let Some(charge) = registration.and_then(|connection| connection.registration.take()) {
                self.throttle.give_back(&charge);
            }
        } else if state.credential(author) != before {
            self.secrets.unsettle(author);
        }
    }

    /// The e-mail that an account has said last, as it is compared; none of an account without a profile.
    fn own_e_mail(&self, account: AccountId) -> Result<Result<Option<Zeroizing<String>>, Refusal>, LogError> {
        let state = self.ledger.replica().state();
        let Some(profile_at) = state.profile_at(account) else { return Ok(Ok(None)) };
        let block = self.ledger.accepted_block(profile_at)?.unwrap_or_default();
        let opened = Block::parse(&block).ok().and_then(|block| {
            let message = Message::parse(block.message).ok()?;
            let command = Command::decode(message.header.tag, message.body).ok()?;
            let part = command.sealed()?;
            let scope = message.header.scope(&part.scope);
            let field = part.fields.iter().find(|field| field.form == TextForm::EMail)?;
            let (number, sealed): (u16, &Sealed) = (field.number, field.sealed);
            let key = match self.secrets.scope_key(account, scope) {
                Ok(Some(key)) => key,
                Ok(None) => return Some(Ok(Err(key_missing(scope)))),
                Err(error) => return Some(Err(error)),
            };
            let text = key
                .leaf(&message.header.command_id.0, number)
                .open(&message.header.place(scope, number), sealed)
                .ok()?;
            Some(Ok(Ok(Some(Zeroizing::new(normalised_e_mail(&text))))))
        });
        let unread =
            || Refusal::fail(refusal::SEAL_BROKEN, "the e-mail address of the account cannot be read");
        opened.unwrap_or_else(|| Ok(Err(unread())))
    }
}

/// What came beside a command, without what only the command says; none if it is no credential.
fn credential_of(beside: &SideCredential) -> Option<Credential> {
    let SideCredential { opaque, m_kib, t, p, record, blob } = beside;
    let blob = Blob::from_bytes(blob.to_vec()).ok()?;
    let stretch = Stretch { m_kib: *m_kib, t: *t, p: *p };
    let (key_id, record) = (crate::crypto::KeyId::default(), put_together(record));
    Some(Credential { key_id, epoch: 0, opaque: *opaque, stretch, record, blob })
}

fn side_mismatch() -> Refusal {
    let sentence = "the password's data beside the command is not what the command has committed itself to";
    Refusal::fail(refusal::SIDE_MISMATCH, sentence)
}

fn credential_needed() -> Refusal {
    let sentence = "another e-mail address needs the password to be registered anew with it";
    Refusal::fail(refusal::CREDENTIAL_NEEDED, sentence)
}
