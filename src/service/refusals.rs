//! The refusals that are remembered: once an author was told *refused*, a copy of the same command that is still under way
//! on another connection must not succeed.
//!
//! A cache: no rule reads it, and it may be lost. A restart ends every connection that could carry such a copy, so memory is
//! enough.

use std::collections::BTreeMap;

use super::holdings::Holdings;
use crate::chain::{CommandId, Message};
use crate::crypto::{Digest, KeyId, sha3};
use crate::domain::AccountId;
use crate::wire::Refusal;

/// The author of a command: a member, or the holder of the key of a registration.
type Author = (AccountId, KeyId);

type Key = (AccountId, KeyId, CommandId);

#[derive(Debug)]
struct Entry {
    request: Digest,
    /// The time at which the refused copy was issued, if no other copy is refused.
    issued_at: Option<u64>,
    refusal: Refusal,
    /// The place of the refusal in the order in which refusals were remembered.
    number: u64,
}

/// The newest refusals of everybody, by command. Each author has a share: who has most forgets its own oldest.
#[derive(Debug)]
pub(super) struct Refusals {
    most: usize,
    most_of_one: usize,
    by_command: BTreeMap<Key, Entry>,
    /// The remembered commands of each author, the oldest first.
    by_author: Holdings<Author, (u64, CommandId)>,
    next_number: u64,
}

impl Refusals {
    pub(super) fn new(most: usize, most_of_one: usize) -> Refusals {
        Refusals {
            most,
            most_of_one,
            by_command: BTreeMap::new(),
            by_author: Holdings::default(),
            next_number: 0,
        }
    }

    /// The refusal that this command got before; another request under the same id is another matter.
    pub(super) fn get(&self, message: &Message<'_>) -> Option<&Refusal> {
        let entry = self.by_command.get(&key(message))?;
        let same_copy = entry.issued_at.is_none_or(|issued_at| issued_at == message.header.issued_at);
        (same_copy && entry.request == request_digest(message)).then_some(&entry.refusal)
    }

    /// Remembers that a rule refused a command. The refusal holds for every copy, whenever it is issued.
    pub(super) fn remember(&mut self, message: &Message<'_>, refusal: Refusal) {
        self.insert(key(message), request_digest(message), None, refusal);
    }

    /// Remembers that a command came at the wrong time. The refusal holds for the copies of the same `issued_at`; a command
    /// that is issued anew may find another answer.
    pub(super) fn remember_copy(&mut self, message: &Message<'_>, refusal: Refusal) {
        self.insert(key(message), request_digest(message), Some(message.header.issued_at), refusal);
    }

    fn insert(&mut self, key: Key, request: Digest, issued_at: Option<u64>, refusal: Refusal) {
        self.forget(key);
        let author = author(key);
        if self.by_author.count(author) >= self.most_of_one {
            self.forget_oldest(author);
        } else if self.by_author.len() >= self.most
            && let Some(largest) = self.by_author.largest()
        {
            self.forget_oldest(largest);
        }
        let number = self.next_number;
        self.next_number += 1;
        self.by_author.insert(author, (number, key.2));
        self.by_command.insert(key, Entry { request, issued_at, refusal, number });
    }

    fn forget(&mut self, key: Key) {
        if let Some(entry) = self.by_command.remove(&key) {
            self.by_author.remove(author(key), (entry.number, key.2));
        }
    }

    fn forget_oldest(&mut self, author: Author) {
        let oldest = self.by_author.of(author).next();
        if let Some((_, command)) = oldest {
            self.forget((author.0, author.1, command));
        }
    }
}

fn author((account, key_id, _): Key) -> Author {
    (account, key_id)
}

fn key(message: &Message<'_>) -> Key {
    let header = &message.header;
    // A member may have several keys, and is one author all the same.
    let key_id = if header.account == AccountId::NONE { header.key_id } else { KeyId::default() };
    (header.account, key_id, header.command_id)
}

/// All of a request but its `issued_at`: what makes two copies the same.
fn request_digest(message: &Message<'_>) -> Digest {
    let header = &message.header;
    sha3(&[
        &header.ledger_id.0,
        &header.key_id.0,
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
    use crate::refusal;

    fn message(id: u8, issued_at: u64, body: &[u8]) -> Vec<u8> {
        message_of(7, id, issued_at, body)
    }

    fn message_of(account: u64, id: u8, issued_at: u64, body: &[u8]) -> Vec<u8> {
        let header = Header {
            ledger_id: LedgerId([1; 32]),
            account: AccountId(account),
            key_id: KeyId([2; 32]),
            command_id: CommandId([id; 16]),
            issued_at,
            tag: Tag { schema: 1, kind: 16 },
        };
        header.message(body)
    }

    #[test]
    fn a_refusal_is_repeated_to_copies_and_the_oldest_are_forgotten() {
        let mut refusals = Refusals::new(9, 2);
        for id in 1..=3 {
            let bytes = message(id, 5, b"x");
            refusals.remember(&Message::parse(&bytes).unwrap(), Refusal::fail(refusal::NO_ORDERS, id));
        }
        let known = |bytes: &[u8]| refusals.get(&Message::parse(bytes).unwrap()).map(|r| r.message.clone());
        assert_eq!(known(&message(1, 5, b"x")), None, "the oldest of three is forgotten");
        assert_eq!(known(&message(2, 5, b"x")), Some("2".into()));
        assert_eq!(known(&message(3, 99, b"x")), Some("3".into()), "a copy made at another time");
        assert_eq!(known(&message(3, 5, b"y")), None, "another request under the same id");
    }

    #[test]
    fn what_came_at_the_wrong_time_is_refused_as_a_copy_and_may_be_issued_anew() {
        let mut refusals = Refusals::new(9, 9);
        let (late, ruled) = (message(1, 5, b"x"), message(2, 5, b"x"));
        refusals.remember_copy(&Message::parse(&late).unwrap(), Refusal::fail("late", "late"));
        refusals.remember(&Message::parse(&ruled).unwrap(), Refusal::fail(refusal::NO_ORDERS, "no"));
        let known = |refusals: &Refusals, bytes: &[u8]| {
            refusals.get(&Message::parse(bytes).unwrap()).map(|r| r.name.clone())
        };
        assert_eq!(known(&refusals, &late), Some("late".into()));
        assert_eq!(known(&refusals, &message(1, 6, b"x")), None);
        assert_eq!(known(&refusals, &message(2, 6, b"x")), Some("no_orders".into()));
    }

    #[test]
    fn who_has_many_refusals_forgets_its_own_and_nobody_elses() {
        let mut refusals = Refusals::new(6, 4);
        let refuse = |refusals: &mut Refusals, account, id| {
            let bytes = message_of(account, id, 5, b"x");
            refusals.remember_copy(&Message::parse(&bytes).unwrap(), Refusal::fail("late", id));
        };
        let known = |refusals: &Refusals, account| -> Vec<u8> {
            let is_known = |id: &u8| {
                let bytes = message_of(account, *id, 5, b"x");
                refusals.get(&Message::parse(&bytes).unwrap()).is_some()
            };
            (0..=u8::MAX).filter(is_known).collect()
        };
        (1..=2).for_each(|id| refuse(&mut refusals, 1, id));
        (0..=u8::MAX).for_each(|id| refuse(&mut refusals, 2, id));
        assert_eq!((known(&refusals, 1), known(&refusals, 2)), (vec![1, 2], vec![252, 253, 254, 255]));
        // All places are taken: who has most makes room for whoever comes.
        (1..=2).for_each(|id| refuse(&mut refusals, 3, id));
        assert_eq!((known(&refusals, 1), known(&refusals, 2)), (vec![1, 2], vec![254, 255]));
        // The same command again takes no second place.
        (0..9).for_each(|_| refuse(&mut refusals, 3, 1));
        assert_eq!((known(&refusals, 3), refusals.by_author.len()), (vec![1, 2], 6));
        assert_eq!(refusals.by_command.len(), 6);
    }
}
