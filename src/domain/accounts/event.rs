//! The events of accounts: somebody joined, a key came or ended, a profile was set, a role changed hands, or the clock was vouched for.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};
use crate::limits::ERASED_PURCHASES_MAX;

/// The tag of [`Registered`].
pub const REGISTERED: Tag = Tag { schema: 1, kind: 1 };

/// The tag of [`RoleGranted`].
pub const ROLE_GRANTED: Tag = Tag { schema: 1, kind: 2 };

/// The tag of [`RoleRevoked`].
pub const ROLE_REVOKED: Tag = Tag { schema: 1, kind: 3 };

/// The tag of [`KeyAdded`].
pub const KEY_ADDED: Tag = Tag { schema: 1, kind: 4 };

/// The tag of [`KeyEnded`].
pub const KEY_ENDED: Tag = Tag { schema: 1, kind: 5 };

/// The tag of [`KeyRotated`].
pub const KEY_ROTATED: Tag = Tag { schema: 1, kind: 6 };

/// The tag of [`CredentialSet`].
pub const CREDENTIAL_SET: Tag = Tag { schema: 1, kind: 7 };

/// The tag of [`ProfileSet`].
pub const PROFILE_SET: Tag = Tag { schema: 1, kind: 8 };

/// The tag of [`SecondFactorSet`].
pub const SECOND_FACTOR_SET: Tag = Tag { schema: 1, kind: 9 };

/// The tag of [`SecondFactorReset`].
pub const SECOND_FACTOR_RESET: Tag = Tag { schema: 1, kind: 10 };

/// The tag of [`Erased`].
pub const ERASED: Tag = Tag { schema: 1, kind: 11 };

/// The tag of [`ClockVouched`].
pub const CLOCK_VOUCHED: Tag = Tag { schema: 1, kind: 13 };

/// The events of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member joined.
    Registered(Registered),
    /// A member has the role of the command.
    RoleGranted(RoleGranted),
    /// A member has the role of the command no more.
    RoleRevoked(RoleRevoked),
    /// The key of the command is one of the author's.
    KeyAdded(KeyAdded),
    /// The key of the command has ended.
    KeyEnded(KeyEnded),
    /// One key of the command has ended, and the other one is one of the author's.
    KeyRotated(KeyRotated),
    /// The credential of the command is the author's.
    CredentialSet(CredentialSet),
    /// The profile of the command is the author's.
    ProfileSet(ProfileSet),
    /// The second factor of the command is the author's, or the author has none any more.
    SecondFactorSet(SecondFactorSet),
    /// The account of the command has no second factor any more.
    SecondFactorReset(SecondFactorReset),
    /// The account of the command is erased.
    Erased(Erased),
    /// The time of the command holds until block times are caught up.
    ClockVouched(ClockVouched),
}

/// The time of the command holds until block times are caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockVouched {
    /// The time by which this block is ahead of the time of the command, in whole milliseconds.
    pub ahead_ms: u64,
}

/// The member has the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGranted {
    /// The number of members who have the role now.
    pub holders: u64,
}

/// The member has the role no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRevoked {
    /// The number of members who have the role now.
    pub holders: u64,
}

/// The key is one of the author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAdded {
    /// The number of the author's keys that stand now.
    pub standing: u64,
}

/// The key has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnded {
    /// The number of the author's keys that stand now.
    pub standing: u64,
}

/// One key has ended, and another one stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRotated {
    /// The number of the author's keys that stand now.
    pub standing: u64,
}

/// The credential is the author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialSet {
    /// The index of the block with the credential before it.
    pub replaces: u64,
}

/// The profile is the author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileSet {
    /// The number of scopes that were ever opened on the ledger, by now.
    pub scopes: u64,
}

/// The second factor is the author's, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorSet {
    /// The index of the block with the factor that ends with this one; none if the author had none.
    pub replaces: Option<u64>,
}

/// The account has no second factor any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorReset {
    /// The index of the block with the factor that has ended.
    pub ends: u64,
}

/// The account is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The number of keys that ended with the block.
    pub keys: u64,
    /// The number of roles that ended with the block.
    pub roles: u64,
    /// The number of scopes whose keys are destroyed.
    pub scopes: u64,
    /// The number of other secrets that are destroyed: a password, a second factor, and the codes that stand in for that.
    pub secrets: u64,
    /// The purchases that are cancelled because they were not sent: the number of each, and the minor units that go back to the
    /// account.
    pub purchases: Vec<(u64, u64)>,
}

/// A member joined and has a number from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The new account.
    pub account: AccountId,
}

impl ClockVouched {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl RoleGranted {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl RoleRevoked {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl KeyAdded {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl KeyEnded {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl KeyRotated {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl CredentialSet {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl ProfileSet {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl SecondFactorSet {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = 1 + codec::U64_BYTES_MAX;
}

impl SecondFactorReset {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Erased {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize =
        (4 + 2 * ERASED_PURCHASES_MAX) * codec::U64_BYTES_MAX + codec::length_bytes(ERASED_PURCHASES_MAX);
}

impl Registered {
    /// The bytes of the longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            REGISTERED => Ok(Event::Registered(codec::strict(bytes)?)),
            ROLE_GRANTED => Ok(Event::RoleGranted(codec::strict(bytes)?)),
            ROLE_REVOKED => Ok(Event::RoleRevoked(codec::strict(bytes)?)),
            KEY_ADDED => Ok(Event::KeyAdded(codec::strict(bytes)?)),
            KEY_ENDED => Ok(Event::KeyEnded(codec::strict(bytes)?)),
            KEY_ROTATED => Ok(Event::KeyRotated(codec::strict(bytes)?)),
            CREDENTIAL_SET => Ok(Event::CredentialSet(codec::strict(bytes)?)),
            PROFILE_SET => Ok(Event::ProfileSet(codec::strict(bytes)?)),
            SECOND_FACTOR_SET => Ok(Event::SecondFactorSet(codec::strict(bytes)?)),
            SECOND_FACTOR_RESET => Ok(Event::SecondFactorReset(codec::strict(bytes)?)),
            ERASED => Ok(Event::Erased(codec::strict(bytes)?)),
            CLOCK_VOUCHED => Ok(Event::ClockVouched(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::Registered(registered) => (REGISTERED, codec::encode(registered)),
            Event::RoleGranted(granted) => (ROLE_GRANTED, codec::encode(granted)),
            Event::RoleRevoked(revoked) => (ROLE_REVOKED, codec::encode(revoked)),
            Event::KeyAdded(added) => (KEY_ADDED, codec::encode(added)),
            Event::KeyEnded(ended) => (KEY_ENDED, codec::encode(ended)),
            Event::KeyRotated(rotated) => (KEY_ROTATED, codec::encode(rotated)),
            Event::CredentialSet(set) => (CREDENTIAL_SET, codec::encode(set)),
            Event::ProfileSet(set) => (PROFILE_SET, codec::encode(set)),
            Event::SecondFactorSet(set) => (SECOND_FACTOR_SET, codec::encode(set)),
            Event::SecondFactorReset(reset) => (SECOND_FACTOR_RESET, codec::encode(reset)),
            Event::Erased(erased) => (ERASED, codec::encode(erased)),
            Event::ClockVouched(vouched) => (CLOCK_VOUCHED, codec::encode(vouched)),
        }
    }
}
