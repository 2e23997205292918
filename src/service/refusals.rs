//! Refusals remembered: once an author was told *refused*, a copy of the same command that is still under way
//! on another connection must not succeed. A restart ends every connection that could carry such a copy, so
//! memory is enough.

use std::collections::{BTreeMap, VecDeque};

use crate::chain::{CommandId, Message};
use crate::crypto::{Digest, KeyId, sha3};
use crate::domain::AccountId;
use crate::wire::Refusal;

type Key = (AccountId, KeyId, CommandId);

#[derive(Debug)]
struct Entry {
    request: Digest,
    /// When this very copy was issued, if only it is refused.
    issued_at: Option<u64>,
    refusal: Refusal,
}

/// The newest refusals, by command.
#[derive(Debug)]
pub(super) struct Refusals {
    most: usize,
    by_command: BTreeMap<Key, Entry>,
    oldest_first: VecDeque<Key>,
    /// Refused by a rule since the last commit, and when their copies were issued.
    undecided: Vec<(Key, u64)>,
}

impl Refusals {
    pub(super) fn new(most: usize) -> Refusals {
        Refusals { most, by_command: BTreeMap::new(), oldest_first: VecDeque::new(), undecided: Vec::new() }
    }

    /// The refusal that this command got before; another request under the same id is another matter.
    pub(super) fn get(&self, message: &Message<'_>) -> Option<&Refusal> {
        let entry = self.by_command.get(&key(message))?;
        let same_copy = entry.issued_at.is_none_or(|issued_at| issued_at == message.header.issued_at);
        (same_copy && entry.request == request_digest(message)).then_some(&entry.refusal)
    }

    /// A rule refused it: so it stays, whenever it is issued.
    pub(super) fn remember(&mut self, message: &Message<'_>, refusal: Refusal) {
        self.undecided.push((key(message), message.header.issued_at));
        self.insert(message, None, refusal);
    }

    /// It came at the wrong time. Whoever issues it anew may find another answer, but none of the copies on
    /// their way does.
    pub(super) fn remember_copy(&mut self, message: &Message<'_>, refusal: Refusal) {
        self.insert(message, Some(message.header.issued_at), refusal);
    }

    fn insert(&mut self, message: &Message<'_>, issued_at: Option<u64>, refusal: Refusal) {
        let key = key(message);
        let entry = Entry { request: request_digest(message), issued_at, refusal };
        if self.by_command.insert(key, entry).is_none() {
            self.oldest_first.push_back(key);
        }
        if self.oldest_first.len() > self.most
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_command.remove(&oldest);
        }
    }

    /// What the rules refused was refused on a state that is durable now.
    pub(super) fn committed(&mut self) {
        self.undecided.clear();
    }

    /// What the rules refused since the last commit was refused on a state that is no more; its authors are
    /// told this instead.
    pub(super) fn take_back(&mut self, refusal: &Refusal) {
        for (key, issued_at) in std::mem::take(&mut self.undecided) {
            if let Some(entry) = self.by_command.get_mut(&key) {
                entry.issued_at = Some(issued_at);
                entry.refusal = refusal.clone();
            }
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

    #[test]
    fn what_came_at_the_wrong_time_is_refused_as_a_copy_and_may_be_issued_anew() {
        let mut refusals = Refusals::new(9);
        let (late, ruled) = (message(1, 5, b"x"), message(2, 5, b"x"));
        refusals.remember_copy(&Message::parse(&late).unwrap(), Refusal::fail("late", "late"));
        refusals.remember(&Message::parse(&ruled).unwrap(), Refusal::fail("no_orders", "no"));
        refusals.take_back(&Refusal::fail("disk_full", "full"));
        let known = |refusals: &Refusals, bytes: &[u8]| {
            refusals.get(&Message::parse(bytes).unwrap()).map(|r| r.name.clone())
        };
        assert_eq!(known(&refusals, &late), Some("late".into()));
        assert_eq!(known(&refusals, &message(1, 6, b"x")), None);
        assert_eq!(known(&refusals, &ruled), Some("disk_full".into()));
        assert_eq!(known(&refusals, &message(2, 6, b"x")), None, "the rules have not spoken");
        refusals.remember(&Message::parse(&ruled).unwrap(), Refusal::fail("no_orders", "no"));
        refusals.committed();
        refusals.take_back(&Refusal::fail("disk_full", "full"));
        assert_eq!(known(&refusals, &message(2, 6, b"x")), Some("no_orders".into()));
    }
}
