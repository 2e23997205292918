//! Refusals remembered: once an author was told *refused*, a copy of the same command that is still under way
//! on another connection must not succeed. A restart ends every connection that could carry such a copy, so
//! memory is enough.

use std::collections::{BTreeMap, VecDeque};

use crate::chain::{CommandId, Message};
use crate::crypto::{Digest, KeyId, sha3};
use crate::domain::AccountId;
use crate::wire::Refusal;

type Key = (AccountId, KeyId, CommandId);

/// The newest refusals, by command.
#[derive(Debug)]
pub(super) struct Refusals {
    most: usize,
    by_command: BTreeMap<Key, (Digest, Refusal)>,
    oldest_first: VecDeque<Key>,
}

impl Refusals {
    pub(super) fn new(most: usize) -> Refusals {
        Refusals { most, by_command: BTreeMap::new(), oldest_first: VecDeque::new() }
    }

    /// The refusal that this very request got before; another request under the same id is another matter.
    pub(super) fn get(&self, message: &Message<'_>) -> Option<&Refusal> {
        let (request, refusal) = self.by_command.get(&key(message))?;
        (*request == request_digest(message)).then_some(refusal)
    }

    /// Forgets all: they were decided on a state that is no more.
    pub(super) fn clear(&mut self) {
        self.by_command.clear();
        self.oldest_first.clear();
    }

    pub(super) fn remember(&mut self, message: &Message<'_>, refusal: Refusal) {
        let key = key(message);
        if self.by_command.insert(key, (request_digest(message), refusal)).is_none() {
            self.oldest_first.push_back(key);
        }
        if self.oldest_first.len() > self.most
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_command.remove(&oldest);
        }
    }
}

fn key(message: &Message<'_>) -> Key {
    (message.header.account, message.header.key_id, message.header.command_id)
}

/// All of a request but its `issued_at`: what makes two copies the same.
fn request_digest(message: &Message<'_>) -> Digest {
    let header = &message.header;
    sha3(&[
        &header.ledger_id.0,
        &header.tag.schema.to_be_bytes(),
        &header.tag.kind.to_be_bytes(),
        message.body,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Header;
    use crate::crypto::LedgerId;
    use crate::domain::Tag;

    fn message(id: u8, issued_at: u64, body: &[u8]) -> Vec<u8> {
        let header = Header {
            ledger_id: LedgerId([1; 32]),
            account: AccountId(7),
            key_id: KeyId([2; 32]),
            command_id: CommandId([id; 16]),
            issued_at,
            tag: Tag { schema: 1, kind: 16 },
        };
        header.message(body)
    }

    #[test]
    fn a_refusal_is_repeated_to_copies_and_the_oldest_are_forgotten() {
        let mut refusals = Refusals::new(2);
        for id in 1..=3 {
            let bytes = message(id, 5, b"x");
            refusals.remember(&Message::parse(&bytes).unwrap(), Refusal::fail("no_orders", id));
        }
        let known = |bytes: &[u8]| refusals.get(&Message::parse(bytes).unwrap()).map(|r| r.message.clone());
        assert_eq!(known(&message(1, 5, b"x")), None, "the oldest of three is forgotten");
        assert_eq!(known(&message(2, 5, b"x")), Some("2".into()));
        assert_eq!(known(&message(3, 99, b"x")), Some("3".into()), "a copy made at another time");
        assert_eq!(known(&message(3, 5, b"y")), None, "another request under the same id");
    }
}
