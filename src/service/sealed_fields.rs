//! The sealed fields of a command on their way: the side that comes with it, the guards, and the key for the vault. The fields
//! are opened with the key that the command brings, if it opens the scope, and with the one in the vault otherwise.

use zeroize::Zeroizing;

use super::job::CommandCheck;
use super::sealed_check::{Opened, SealedCheck, Unopened};
use super::{ConnectionId, Service};
use crate::chain::{Message, SealedFault};
use crate::codec;
use crate::crypto::sealed::{ScopeId, ScopeKey};
use crate::domain::{AccountId, Command, Fact, Role, Scope, ScopeUse};
use crate::eventlog::LogError;
use crate::limits::SIDE_BYTES_MAX;
use crate::refusal;
use crate::time::Now;
use crate::wire::{Refusal, Reply, SCOPES_MAX, ScopeKeys, Side, SideCredential};

/// What came beside a command.
#[derive(Default)]
pub(super) struct Beside {
    /// What opens the sealed fields; none of a command without any.
    pub(super) sealed: Option<SealedCheck>,
    /// The credential; none of a command that brings none.
    pub(super) credential: Option<Box<SideCredential>>,
    /// The code of the second factor that the command brings; none of a command that brings none.
    pub(super) code: Option<Zeroizing<String>>,
}

impl Service {
    /// What came beside a command, taken apart.
    ///
    /// # Errors
    /// Why the side is none for this command.
    pub(super) fn beside(&self, message: &Message<'_>, side: &[u8]) -> Result<Beside, &'static str> {
        let side = match side {
            [] => Side::default(),
            bytes if bytes.len() > SIDE_BYTES_MAX => return Err("what comes beside the command is too long"),
            bytes => codec::strict(bytes).map_err(|_| "what comes beside the command does not decode")?,
        };
        let unwanted_key = "the command has a key of a scope beside it that it does not need";
        let unwanted_credential = "the command has a password's data beside it that it does not need";
        let unwanted_code = "the command has a code beside it that it does not need";
        let tag = message.header.tag;
        if !tag.is_sealed() && !tag.may_bring_credential() && !tag.may_bring_second_factor() {
            return match side {
                Side { scope_key: Some(_), .. } => Err(unwanted_key),
                Side { credential: Some(_), .. } => Err(unwanted_credential),
                Side { code: Some(_), .. } => Err(unwanted_code),
                Side { scope_key: None, credential: None, code: None } => Ok(Beside::default()),
            };
        }
        let command = Command::decode(tag, message.body).map_err(|_| "the command does not decode")?;
        let credential = match (command.credential(), side.credential) {
            (Some(_), Some(credential)) => Some(Box::new(credential)),
            (None, None) => None,
            (Some(_), None) => {
                return Err("the password's data that the command commits itself to is missing");
            }
            (None, Some(_)) => return Err(unwanted_credential),
        };
        let brings_factor = command.second_factor().is_some_and(|set| !set.off);
        let code = match (brings_factor, side.code.map(Zeroizing::new)) {
            (true, None) => return Err("the code of the second factor that the command brings is missing"),
            (false, Some(_)) => return Err(unwanted_code),
            (_, code) => code,
        };
        let Some(part) = command.sealed() else {
            return if side.scope_key.is_some() {
                Err(unwanted_key)
            } else {
                Ok(Beside { sealed: None, credential, code })
            };
        };
        let scope = message.header.scope(&part.scope);
        let (opens, key) = match (part.scope, &side.scope_key) {
            (ScopeUse::Open(_), Some(key)) => (true, Some(ScopeKey::from_bytes(*key))),
            (ScopeUse::Open(_), None) => {
                return Err("the key of the scope that the command opens is missing");
            }
            (ScopeUse::In(_), Some(_)) => return Err(unwanted_key),
            // What cannot be read now, the guard reads again.
            (ScopeUse::In(_), None) => (false, self.scope_key(scope).ok().flatten()),
        };
        let sealed = Some(SealedCheck { scope, opens, key, opened: Err(Unopened::NoKey) });
        Ok(Beside { sealed, credential, code })
    }

    /// The key of an open scope.
    fn scope_key(&self, scope: ScopeId) -> Result<Option<ScopeKey>, LogError> {
        match self.ledger.replica().state().scopes.get(&scope) {
            Some(opened) => self.secrets.scope_key(opened.subject, scope),
            None => Ok(None),
        }
    }

    /// The answer to who asks for keys of scopes: a member may have those of its own, an agent those of purchases.
    pub(super) fn scope_keys(
        &mut self,
        (id, account): (ConnectionId, AccountId),
        scopes: &[ScopeId],
        now: Now,
    ) -> Reply {
        let state = self.ledger.replica().state();
        let found = scopes.iter().map(|scope| state.scopes.get(scope).copied());
        // An erased scope has no key, and is like one that was never there.
        let live = found.map(|scope| scope.filter(|scope| scope.erased_at.is_none()));
        let reads = live.map(|scope| scope.filter(|scope| state.reads_scope(account, scope)));
        let Some(opened) = reads.collect::<Option<Vec<Scope>>>().filter(|_| scopes.len() <= SCOPES_MAX)
        else {
            let sentence =
                format!("there is no such scope of yours, or more than {SCOPES_MAX} are asked for");
            return Reply::Refused(Refusal::fail(refusal::NO_SUCH_SCOPE, sentence));
        };
        let others = opened.iter().filter(|scope| scope.subject != account);
        let others: Vec<u64> = others.map(|scope| scope.of).collect();
        if !others.is_empty()
            && let Some(needed) = self.factor_for_question(id, (account, &[Role::Agent]), now)
        {
            return Reply::Refused(needed);
        }
        if !self.secrets.are_here() {
            return Reply::Refused(no_vault());
        }
        let mut keys = Vec::with_capacity(scopes.len());
        for (scope, opened) in scopes.iter().zip(&opened) {
            match self.secrets.scope_key(opened.subject, *scope) {
                Ok(Some(key)) => keys.push(*key.as_bytes()),
                Ok(None) => return Reply::Refused(key_missing(*scope)),
                Err(error) => return self.failed(error),
            }
        }
        others.into_iter().for_each(|purchase| self.note_purchase_key(account, purchase));
        Reply::ScopeKeys(ScopeKeys(keys))
    }

    /// The guards of sealed fields, asked directly before the rules. Gives the e-mail address in them, if one holds one. A command
    /// in a scope that nobody has opened is for the rules to refuse.
    ///
    /// # Errors
    /// The outer one is that of the vault, after which the process ends; the inner one the refusal.
    pub(super) fn guard_sealed(
        &mut self,
        check: &CommandCheck,
    ) -> Result<Result<Option<Zeroizing<String>>, Refusal>, LogError> {
        let Some(sealed) = &check.sealed else { return Ok(Ok(None)) };
        if !self.secrets.are_here() {
            return Ok(Err(no_vault()));
        }
        let e_mail = match self.opened_fields(check, sealed)? {
            Ok(e_mail) => e_mail,
            Err(Unopened::NoKey) if self.ledger.replica().state().scopes.get(&sealed.scope).is_none() => {
                return Ok(Ok(None));
            }
            Err(Unopened::NoKey) => return Ok(Err(key_missing(sealed.scope))),
            Err(Unopened::Fault(fault)) => return Ok(Err(not_accepted(fault))),
        };
        // Room first: nothing is decided whose secret could not be kept.
        if sealed.opens && !self.secrets.make_room()? {
            let sentence = "the disk is full: the vault has no room for the key that the command brings";
            return Ok(Err(Refusal::fail(refusal::DISK_FULL, sentence)));
        }
        Ok(Ok(e_mail))
    }

    /// What the sealed fields of a command hold. A scope may have been opened since the command came in, by one that was under way
    /// before it: then the fields are opened here.
    fn opened_fields(&self, check: &CommandCheck, sealed: &SealedCheck) -> Result<Opened, LogError> {
        if sealed.opened != Err(Unopened::NoKey) {
            return Ok(sealed.opened.clone());
        }
        let SealedCheck { scope, opens, .. } = *sealed;
        let key = self.scope_key(scope)?;
        let mut late = SealedCheck { scope, opens, key, opened: Err(Unopened::NoKey) };
        late.run(&check.message);
        Ok(late.opened)
    }

    /// Takes the key that an accepted command brings, for the vault, and notes what the vault loses by it.
    pub(super) fn take_brought(&mut self, check: &CommandCheck, erases: Option<AccountId>) {
        if let Some(account) = erases {
            self.secrets.erase(account);
        }
        let Some(SealedCheck { scope, opens: true, key: Some(key), .. }) = &check.sealed else { return };
        if let Some(opened) = self.ledger.replica().state().scopes.get(scope) {
            self.secrets.bring_scope_key(opened.subject, *scope, key);
        }
    }
}

fn not_accepted(fault: SealedFault) -> Refusal {
    match fault {
        SealedFault::OtherKey => Refusal::fail(
            refusal::SIDE_MISMATCH,
            "the key beside the command is not the one that the command has committed itself to",
        ),
        SealedFault::Broken(field) => Refusal::fail(
            refusal::SEAL_BROKEN,
            format!("sealed field {field} does not open with the key of its scope"),
        ),
        SealedFault::InvalidText(field, form) => {
            Refusal::fail(refusal::INVALID_TEXT, format!("sealed field {field}: {}", form.sentence()))
        }
    }
}

pub(super) fn no_vault() -> Refusal {
    let sentence = "the server serves without its vault: nobody's texts are opened or sealed";
    Refusal::fail(refusal::NO_VAULT, sentence)
}

pub(super) fn key_missing(scope: ScopeId) -> Refusal {
    let facts = vec![(Fact::Scope, scope.to_string().into())];
    Refusal {
        facts,
        ..Refusal::fail(refusal::KEY_MISSING, "the key of this scope is not in the server's vault")
    }
}
