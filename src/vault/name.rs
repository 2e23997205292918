//! What the entries of a vault are called, and the keys under which all of them lie.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::LedgerId;

/// What an entry is. The numbers stand in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// The key of a scope.
    ScopeKey = 1,
    /// The secret of a second factor.
    SecondFactor = 2,
    /// The leaves that are left of a scope whose key was destroyed.
    Leaves = 3,
    /// What a log-in by e-mail and password needs.
    Credential = 4,
    /// Hashes of the spare codes that stand in for a second factor.
    SpareCodes = 5,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] =
        [Kind::ScopeKey, Kind::SecondFactor, Kind::Leaves, Kind::Credential, Kind::SpareCodes];

    pub(super) fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// The name of an entry. An entry is found by its whole name, never by its scope alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// What it is.
    pub kind: Kind,
    /// Number of the account whose erasure destroys it.
    pub subject: u64,
    /// The scope; of a second factor and its codes the generation, of a credential the index of its e-mail.
    pub scope: [u8; 16],
}

impl Name {
    /// What the bytes of an entry are bound to, but for the number of the key that they are under.
    pub(super) fn associated(&self, ledger_id: LedgerId, rest: &[&[u8]]) -> Vec<u8> {
        let mut out = ledger_id.0.to_vec();
        out.push(self.kind as u8);
        out.extend_from_slice(&self.subject.to_be_bytes());
        out.extend_from_slice(&self.scope);
        rest.iter().for_each(|part| out.extend_from_slice(part));
        out
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of account {} {}", self.kind, self.subject, const_hex::encode(self.scope))
    }
}

/// A key that wraps the entries of a vault. KEKs are numbered from 1; there are two only while the vault goes over from one
/// to the next. It wipes itself.
#[derive(Clone)]
pub struct Kek {
    /// Its number.
    pub number: u32,
    /// The key.
    pub key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kek({}, [redacted])", self.number)
    }
}

/// The keys of a vault: the newest, under which everything is put, and the one before it while the vault goes over from that
/// one to the newest.
#[derive(Clone, Debug)]
pub struct Keks {
    newest: Kek,
    before: Option<Kek>,
}

impl From<Kek> for Keks {
    fn from(newest: Kek) -> Keks {
        Keks { newest, before: None }
    }
}

impl Keks {
    /// The key for what is written.
    pub fn newest(&self) -> &Kek {
        &self.newest
    }

    /// The key from which the vault is on its way to the newest.
    pub fn before(&self) -> Option<&Kek> {
        self.before.as_ref()
    }

    /// The keys of a vault that goes over from the newest of these to the next.
    pub fn followed_by(self, next: Kek) -> Keks {
        Keks { newest: next, before: Some(self.newest) }
    }

    /// The key with this number.
    pub fn get(&self, number: u32) -> Option<&Kek> {
        [Some(&self.newest), self.before.as_ref()].into_iter().flatten().find(|kek| kek.number == number)
    }
}
