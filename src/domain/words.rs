//! Words that all domains share: who, which command, which type, and what a rule may know beside a command.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::crypto::{self, Digest, KeyId, LedgerId};
use crate::time::Timestamp;

/// Names a member: 1, 2, … in order of registration. 0 stands for "none yet": the author of a registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u64);

impl AccountId {
    /// Nobody yet: the author of a registration.
    pub const NONE: AccountId = AccountId(0);
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a command: 128 random bits that its author chooses. Shown as 32 hexadecimal digits.
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
    /// Members, their keys and roles.
    Accounts,
    /// Orders to buy and to sell.
    Orders,
    /// Money.
    Payments,
}

/// The numbers of kinds that each domain has. A number stays with its domain for ever.
const KINDS: [(Domain, RangeInclusive<u16>); 3] =
    [(Domain::Accounts, 1..=15), (Domain::Orders, 16..=31), (Domain::Payments, 32..=47)];

/// Which type a sequence of postcard bytes is: `kind` names the command or event, `schema` its frozen version.
/// A new field is a new schema number; neither number is ever used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Version of the kind's fields, from 1.
    pub schema: u16,
    /// 0 is genesis; all others belong to a domain, see [`Tag::domain`].
    pub kind: u16,
}

impl Tag {
    /// The domain that the kind belongs to; none of a kind that this program does not know.
    pub fn domain(self) -> Option<Domain> {
        let known = KINDS.iter().find(|(_, kinds)| kinds.contains(&self.kind));
        known.map(|(domain, _)| *domain)
    }
}

/// What a rule may know beside the command itself: who asks, with which command, and when.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// The author; [`AccountId::NONE`] in a registration.
    pub author: AccountId,
    /// The key that signed the command.
    pub key_id: KeyId,
    /// The id that the author gave to the command.
    pub command_id: CommandId,
    /// M: the signed bytes of the command.
    pub message: &'a [u8],
    /// The time that the block will carry.
    pub timestamp: Timestamp,
    /// The index that the block will carry.
    pub index: u64,
}

impl Context<'_> {
    /// The digest of M, which names these very bytes: SHA3-256(M). It is computed when a rule asks for it, because a
    /// command may be large and most rules have no use for it.
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
