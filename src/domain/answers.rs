//! The shapes in which domains answer what is asked of them in `asked.rs`.

use std::fmt;

use super::{AccountId, Rejection, Rights};
use crate::crypto::KeyId;

/// Whose key signs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer<'a> {
    /// The key that its author's account has.
    Author,
    /// The key that stands in the command, as DER `SubjectPublicKeyInfo`: its author has no account yet.
    Itself(&'a [u8]),
}

/// A further signature that a command has to carry beside its author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement<'a> {
    /// Whose it is.
    pub by: Endorser<'a>,
    /// The signed bytes.
    pub signed: Vec<u8>,
    /// The signature.
    pub signature: &'a [u8],
    /// The stable name and the sentence of the refusal where the signature does not hold.
    pub refusal: (&'static str, &'static str),
}

/// Whose key an endorsement is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endorser<'a> {
    /// A key of a member.
    Of {
        /// The member.
        account: AccountId,
        /// Its key.
        key_id: KeyId,
        /// What the key has to be good for.
        needs: Rights,
        /// The refusal where the member has no such key, so that the signature cannot be checked.
        unknown: Rejection,
    },
    /// The key with this DER `SubjectPublicKeyInfo`, which stands in the command.
    Itself(&'a [u8]),
}

/// What a block did to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange<'a> {
    /// An account has it from this block on.
    Introduced {
        /// The account.
        account: AccountId,
        /// DER `SubjectPublicKeyInfo`.
        spki: &'a [u8],
        /// What it may sign.
        rights: Rights,
    },
    /// It signs nothing from this block on, for ever.
    Ended {
        /// The account.
        account: AccountId,
        /// The key.
        key_id: KeyId,
    },
}

/// Whose sessions, tickets and follows end with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndsSessions {
    /// All of an account, whichever key they were opened with.
    OfAccount(AccountId),
    /// Those that were opened with this key.
    OfKey(KeyId),
}

/// An account that a block brings into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Its number.
    pub account: AccountId,
    /// Its public name.
    pub handle: &'a str,
    /// DER `SubjectPublicKeyInfo` of its key.
    pub public_key: &'a [u8],
}

/// A sum that has to be the same however it is counted, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced {
    /// What all balances add up to, in minor units.
    pub sum: u128,
    /// What was issued, in minor units.
    pub issued: u64,
}

/// Why an account cannot be erased yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The stable machine name.
    pub name: &'static str,
    /// The sentence for people.
    pub sentence: &'static str,
}

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all balances add up to {} minor units, {} were issued", self.sum, self.issued)
    }
}
