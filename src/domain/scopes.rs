//! Scopes: what is private stands sealed in blocks, each text under the key of a scope, which lies beside the log and can
//! be destroyed. This file says which scopes there are; it sees neither keys nor texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AccountId, Context, Impossible};
use crate::crypto::sealed::{ScopeId, Sealed};
use crate::text;

/// The scope of the sealed fields of a command, as the command says it. The order of the variants is their number in the
/// encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScopeUse {
    /// The command opens a scope, and commits itself to the key of the scope
    /// ([`crate::crypto::sealed::ScopeKey::commitment`]).
    Open([u8; 32]),
    /// The command uses a scope that was opened before.
    In(ScopeId),
}

impl ScopeUse {
    /// The id of the scope that is used, given the context of the command.
    pub fn id(&self, context: &Context<'_>) -> ScopeId {
        match self {
            ScopeUse::Open(_) => {
                let Context { ledger_id, author, key_id, command_id, .. } = *context;
                ScopeId::opened_by(ledger_id, author.0, key_id, &command_id.0)
            }
            ScopeUse::In(scope) => *scope,
        }
    }
}

/// What a scope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ScopeKind {
    /// The name and the e-mail of a member.
    Subject,
    /// The texts of a purchase: where it goes, how it is traced.
    Purchase,
}

impl ScopeKind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            ScopeKind::Subject => "subject",
            ScopeKind::Purchase => "purchase",
        }
    }
}

/// A scope that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// What it holds.
    pub kind: ScopeKind,
    /// The account whose erasure destroys the scope's key.
    pub subject: AccountId,
    /// The number of what the scope belongs to, as its kind counts: of a subject's the account, of a purchase's the purchase.
    pub of: u64,
    /// The index of the block that opened it.
    pub from: u64,
    /// The index of the block that erased its subject, and with it the key of the scope.
    pub erased_at: Option<u64>,
}

impl Scope {
    /// The scope of a member's name and e-mail, opened by the block with this index.
    pub(super) fn of_member(subject: AccountId, from: u64) -> Scope {
        Scope::new(ScopeKind::Subject, subject, subject.0, from)
    }

    /// A scope that was opened by the block with this index.
    pub(super) fn new(kind: ScopeKind, subject: AccountId, of: u64, from: u64) -> Scope {
        Scope { kind, subject, of, from, erased_at: None }
    }
}

/// Every scope that was ever opened. Nobody can open a scope twice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Scopes {
    opened: BTreeMap<ScopeId, Scope>,
    /// The newest scope of everything that has one.
    newest: BTreeMap<(ScopeKind, u64), ScopeId>,
    /// The scopes of each subject.
    by_subject: BTreeMap<AccountId, Vec<ScopeId>>,
}

impl Scopes {
    /// A scope that was opened.
    pub fn get(&self, scope: &ScopeId) -> Option<&Scope> {
        self.opened.get(scope)
    }

    /// The scope that texts of this are sealed under now; none if none was opened yet.
    pub fn newest(&self, kind: ScopeKind, of: u64) -> Option<ScopeId> {
        self.newest.get(&(kind, of)).copied()
    }

    /// Every scope, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&ScopeId, &Scope)> {
        self.opened.iter()
    }

    /// The scopes that nobody has erased.
    pub fn live(&self) -> impl Iterator<Item = (&ScopeId, &Scope)> {
        self.iter().filter(|(_, scope)| scope.erased_at.is_none())
    }

    /// How many scopes of a subject have a key.
    pub fn live_of(&self, subject: AccountId) -> u64 {
        let scopes = self.by_subject.get(&subject).into_iter().flatten();
        let live = scopes.filter_map(|scope| self.get(scope)).filter(|scope| scope.erased_at.is_none());
        live.count() as u64
    }

    /// How many scopes were opened.
    pub fn count(&self) -> u64 {
        self.opened.len() as u64
    }

    /// Whether a command uses the scope that it has to use: the newest one where there is one, and otherwise a scope that it
    /// opens itself.
    ///
    /// # Errors
    /// The right scope, or none where the command has to open one.
    pub(super) fn check_use(&self, used: &ScopeUse, kind: ScopeKind, of: u64) -> Result<(), Option<ScopeId>> {
        let newest = self.newest(kind, of);
        let is_right = match used {
            ScopeUse::Open(_) => newest.is_none(),
            ScopeUse::In(scope) => newest == Some(*scope),
        };
        if is_right { Ok(()) } else { Err(newest) }
    }

    /// Notes a scope that a block opened.
    ///
    /// # Errors
    /// [`Impossible::Twice`].
    pub(super) fn open(&mut self, id: ScopeId, scope: Scope) -> Result<(), Impossible> {
        let others = self.opened.insert(id, scope);
        self.newest.insert((scope.kind, scope.of), id);
        self.by_subject.entry(scope.subject).or_default().push(id);
        Impossible::unless(others.is_none(), Impossible::Twice("a scope"))
    }

    /// Erases the scopes of a subject: nothing is sealed in them any more. Gives how many there were.
    pub(super) fn erase(&mut self, subject: AccountId, index: u64) -> u64 {
        let mut erased = 0;
        for id in self.by_subject.get(&subject).into_iter().flatten() {
            if let Some(scope) = self.opened.get_mut(id).filter(|scope| scope.erased_at.is_none()) {
                scope.erased_at = Some(index);
                self.newest.remove(&(scope.kind, scope.of));
                erased += 1;
            }
        }
        erased
    }
}

/// A sealed text of a command, with its scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedText {
    /// The scope.
    pub scope: ScopeUse,
    /// The text.
    pub text: Sealed,
}

/// The sealed fields of a command, with their scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPart<'a> {
    /// The scope.
    pub scope: ScopeUse,
    /// The fields, in the order of the encoding.
    pub fields: Vec<SealedField<'a>>,
}

/// One sealed field of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedField<'a> {
    /// The number of the field among the sealed ones of the command, from 0.
    pub number: u16,
    /// The sealed text.
    pub sealed: &'a Sealed,
    /// The form that the text has to have.
    pub form: TextForm,
}

/// The form of a text, which nobody can check who cannot open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// Any text that may be kept.
    Free,
    /// The name of a person: something that can be seen, on one line.
    Name,
    /// An e-mail address, as this ledger takes them.
    EMail,
}

/// The fewest and the most bytes of an e-mail address.
const E_MAIL_BYTES: std::ops::RangeInclusive<usize> = 3..=254;

impl TextForm {
    /// Whether an opened text has the form. An e-mail address has 3 to 254 printable ASCII characters without blanks, one
    /// of them an `@` that is neither the first nor the last.
    pub fn fits(self, text: &str) -> bool {
        match self {
            TextForm::Free => true,
            TextForm::Name => !text.trim().is_empty() && text::first_hidden(text).is_none(),
            TextForm::EMail => {
                let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                E_MAIL_BYTES.contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
                    && text.matches('@').count() == 1
                    && inside.contains('@')
            }
        }
    }

    /// What is wrong with a text that does not have the form.
    pub fn sentence(self) -> &'static str {
        match self {
            TextForm::Free => "a text is UTF-8 in the form NFC, without control characters but line feeds",
            TextForm::Name => {
                "a name is on one line, holds something that can be seen, and nothing that nobody can see"
            }
            TextForm::EMail => {
                "an e-mail address has 3 to 254 printable ASCII characters, with one @ among those inside"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_seen_and_stands_on_one_line() {
        for good in ["Ada", "Zoë Ng", "李", " x "] {
            assert!(TextForm::Name.fits(good), "{good}");
        }
        for bad in ["", "   ", "\u{200b}", "a\u{202e}b", "two\nlines"] {
            assert!(!TextForm::Name.fits(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_e_mail_address_has_one_at_sign_inside_and_printable_ascii_only() {
        let most = format!("{}@{}", "a".repeat(126), "b".repeat(127));
        for good in ["a@b", "ada.lovelace+x@example.org", &most] {
            assert!(TextForm::EMail.fits(good), "{good}");
        }
        let long = format!("{most}c");
        for bad in
            ["", "@", "a@", "@b", "ab", "a b@c", "a@b@c", "@a@b", "zoë@c.d", "a@b\n", "a\u{7f}@b", &long]
        {
            assert!(!TextForm::EMail.fits(bad), "{bad:?}");
            assert!(TextForm::Free.fits(bad));
        }
    }
}
