//! The shapes in which domains answer what is asked of them in `asked.rs`.

use std::fmt;

use super::{AccountId, CredentialCommit, Custody, Place, Rejection, Rights, Role};
use crate::crypto::KeyId;

/// The key that signs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer<'a> {
    /// One of the keys of its author's account.
    Author,
    /// The key that stands in the command, as DER `SubjectPublicKeyInfo`: its author has no account yet.
    Itself(&'a [u8]),
}

/// A further signature that a command has to carry beside its author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement<'a> {
    /// The key that has to have signed.
    pub by: Endorser<'a>,
    /// The signed bytes.
    pub signed: Vec<u8>,
    /// The signature.
    pub signature: &'a [u8],
    /// The stable name and the sentence of the refusal where the signature does not hold.
    pub refusal: (&'static str, &'static str),
}

/// The key that an endorsement is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endorser<'a> {
    /// A key of a member.
    Of {
        /// The account of the member.
        account: AccountId,
        /// The id of the member's key.
        key_id: KeyId,
        /// The rights that the key must have.
        needs: Rights,
        /// The refusal where the member never had such a key, so that the signature cannot be checked.
        unknown: Rejection,
    },
    /// The key with this DER `SubjectPublicKeyInfo`, which stands in the command.
    Itself(&'a [u8]),
}

/// What a block did to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange<'a> {
    /// The key belongs to an account, and may sign from this block on.
    Introduced {
        /// The account.
        account: AccountId,
        /// DER `SubjectPublicKeyInfo`.
        spki: &'a [u8],
        /// What the key may sign.
        rights: Rights,
        /// The place of its private half, by its owner's word.
        custody: Custody,
    },
    /// The account was erased: all of its keys have ended, for ever.
    AllEnded {
        /// The account.
        account: AccountId,
    },
    /// The key has ended: from this block on it signs nothing, for ever.
    Ended {
        /// The account.
        account: AccountId,
        /// The key.
        key_id: KeyId,
    },
}

/// The sessions that a command ends, with their tickets and follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndsSessions {
    /// All sessions of an account, whichever key they were opened with.
    OfAccount(AccountId),
    /// The sessions that were opened with this key.
    OfKey(KeyId),
    /// All sessions of the author but the one over which the command came.
    OthersOfAuthor,
}

/// The role by virtue of which the author of a command acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleUse {
    /// The role.
    pub role: Role,
    /// Whether the command needs a second factor even of an operator who has none.
    pub weighty: bool,
}

/// The credential that a command brings: it comes beside the command, which holds its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialPart {
    /// The roaming key that it fetches; none where that is the one which the author has.
    pub key_id: Option<KeyId>,
    /// What the command says of it.
    pub commit: CredentialCommit,
}

/// An account that a block brings into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The number of the account.
    pub account: AccountId,
    /// The public name of the member.
    pub handle: &'a str,
    /// The first key of the account, as DER `SubjectPublicKeyInfo`.
    pub public_key: &'a [u8],
}

/// The erasure of an account, as its block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing<'a> {
    /// The account.
    pub account: AccountId,
    /// The number of scopes whose keys are destroyed.
    pub scopes: u64,
    /// The number of other secrets of the account that are destroyed.
    pub secrets: u64,
    /// The purchases of the account that are cancelled, by number, each with the minor units that go back to it.
    pub purchases: &'a [(u64, u64)],
}

/// Two sides of a sum that do not agree, although they must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbalanced {
    /// Money was made or lost.
    Money {
        /// The sum of all balances and of all money that is held, in minor units.
        sum: u128,
        /// The money that was ever issued, in minor units.
        issued: u64,
    },
    /// A domain holds more or less money under a number than it counts.
    Held {
        /// The place of the money.
        place: Place,
        /// The money that is there, in minor units.
        held: u64,
        /// The money that the domain counts, in minor units.
        counted: u64,
    },
    /// Units of an item of the shop were made or lost.
    Stock(Uncounted),
}

/// The units of an item of the shop that are there and those that were counted on another way, which differ although they
/// must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncounted {
    /// The number of the item.
    pub item: u64,
    /// Which of its units.
    pub of: Units,
    /// Units in its buckets.
    pub there: u128,
    /// Units that came in, or that stand in purchases.
    pub counted: u128,
}

/// Units of an item that are counted on two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// All that ever came in.
    All,
    /// Those that are paid for and were not sent.
    Allocated,
    /// Those that were sent.
    Out,
}

impl fmt::Display for Uncounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Uncounted { item, of, there, counted } = self;
        match of {
            Units::All => write!(f, "{counted} units of item {item} came in, and {there} are in its buckets"),
            Units::Allocated => write!(
                f,
                "purchases wait for {counted} units of item {item}, and {there} are set aside for them"
            ),
            Units::Out => write!(f, "{counted} units of item {item} were sent, and {there} count as sent"),
        }
    }
}

/// The reason for which an account cannot be erased yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The refusal that names it.
    pub rejection: Rejection,
    /// Whether an operator may erase the account all the same.
    pub lifted_by_force: bool,
}

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unbalanced::Money { sum, issued } => {
                write!(f, "all balances add up to {sum} minor units, {issued} were issued")
            }
            Unbalanced::Held { place, held, counted } => {
                write!(f, "{place} is {held} minor units, and {counted} are counted")
            }
            Unbalanced::Stock(uncounted) => uncounted.fmt(f),
        }
    }
}
