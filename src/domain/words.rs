//! The words that all domains share: names of members and of commands, the numbers of types, and the context in which a
//! rule decides.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::crypto::{self, Digest, KeyId, LedgerId};
use crate::time::Timestamp;

/// The number of a member's account: 1, 2, … in order of registration. Account 0 is nobody's: it is the author of a
/// registration, whose member has no account yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u64);

impl AccountId {
    /// The account that is nobody's, which is the author of a registration.
    pub const NONE: AccountId = AccountId(0);
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a command: 128 random bits that its author chooses, so that a command which is sent again is recognised. An
/// id is shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub [u8; 16]);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<16>::new().format(&self.0))
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A domain: a room of rules with its own commands, events and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Domain {
    /// The domain of members, their keys and their roles.
    Accounts,
    /// The domain of orders to buy and to sell.
    Orders,
    /// The domain of money.
    Payments,
    /// The domain of the shop.
    Shop,
}

/// The numbers of kinds that each domain has. A number stays with its domain for ever.
const KINDS: [(Domain, RangeInclusive<u16>); 4] = [
    (Domain::Accounts, 1..=15),
    (Domain::Orders, 16..=31),
    (Domain::Payments, 32..=47),
    (Domain::Shop, 48..=79),
];

/// The type of a sequence of postcard bytes: `kind` names the command or the event, and `schema` the frozen version of its
/// fields. A new field means a new schema number, and neither number is ever used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// The version of the fields that this kind has, counted from 1.
    pub schema: u16,
    /// The number of the command or of the event. Kind 0 is genesis; every other kind belongs to a domain, see
    /// [`Tag::domain`].
    pub kind: u16,
}

impl Tag {
    /// The domain that the kind belongs to; none of a kind that this program does not know.
    pub fn domain(self) -> Option<Domain> {
        let known = KINDS.iter().find(|(_, kinds)| kinds.contains(&self.kind));
        known.map(|(domain, _)| *domain)
    }
}

/// The context of a command, which a rule may use beside the command itself: its author, its id, and the time and place
/// of the block that it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The id of the ledger that the command is for.
    pub ledger_id: LedgerId,
    /// The account of the author; [`AccountId::NONE`] in a registration.
    pub author: AccountId,
    /// The id of the key that signed the command.
    pub key_id: KeyId,
    /// The id that the author gave to the command.
    pub command_id: CommandId,
    /// The signed bytes of the command, which the documents call M.
    pub message: &'a [u8],
    /// The time that the block will carry.
    pub timestamp: Timestamp,
    /// The index that the block will carry.
    pub index: u64,
}

impl Context<'_> {
    /// The SHA3-256 digest of the signed bytes, which names exactly these bytes. The digest is computed when a rule asks
    /// for it, because a command may be large and most rules need no digest.
    pub fn message_digest(&self) -> Digest {
        crypto::sha3(&[self.message])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_at_most_one_domain_and_genesis_has_none() {
        for kind in 0..=u16::MAX {
            let owners = KINDS.iter().filter(|(_, kinds)| kinds.contains(&kind)).count();
            assert!(owners <= 1, "{kind}");
            assert_eq!(Tag { schema: 1, kind }.domain().is_some(), owners == 1);
        }
        assert_eq!(Tag { schema: 1, kind: 0 }.domain(), None);
    }
}
