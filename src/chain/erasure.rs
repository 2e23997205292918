//! An erasure note: the log key's word that what was sealed for an account is destroyed. Signed, its text is a C2SP signed note
//! (`crypto::note`); the key name of the signature line is the ledger's origin.

use std::fmt;

use base64ct::{Base64, Encoding as _};

use super::{Block, Message, block_hash};
use crate::crypto::note::{LogPublicKey, NoteError};
use crate::crypto::{Digest, LedgerId};
use crate::domain::{AccountId, Erasing, Happened};

/// What the log key signs: "block `block` erased this account, and so many secrets of it are destroyed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The ledger's name.
    pub origin: String,
    /// The ledger's id.
    pub ledger_id: LedgerId,
    /// The index of the block that erased the account.
    pub block: u64,
    /// The hash of that block.
    pub hash: Digest,
    /// The account.
    pub subject: AccountId,
    /// The number of secrets that the vault held of it, as the blocks say.
    pub destroyed: u64,
    /// The generation of the vault's header when the note was made: they were gone by then.
    pub vault: u64,
    /// The time of the block, as RFC 3339 writes it.
    pub time: String,
}

/// A note that is no erasure note of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotErasure {
    /// It is not signed by the ledger's log key.
    Note(NoteError),
    /// Its text is none of an erasure.
    Malformed,
    /// It is of another origin than the key's.
    OtherOrigin,
}

impl fmt::Display for NotErasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotErasure::Note(error) => error.fmt(f),
            NotErasure::Malformed => f.write_str("the text is not that of an erasure"),
            NotErasure::OtherOrigin => f.write_str("it is of another origin"),
        }
    }
}

impl std::error::Error for NotErasure {}

impl Erasure {
    /// What a note about a block of this ledger says, where the vault's header has this generation; none of a block that erases
    /// nobody.
    pub fn of_block(bytes: &[u8], origin: &str, ledger_id: LedgerId, vault: u64) -> Option<Erasure> {
        let block = Block::parse(bytes).ok()?;
        let message = Message::parse(block.message).ok()?;
        let happened = Happened::decode(message.header.tag, message.body, block.event).ok()?;
        let Erasing { account: subject, scopes, secrets, .. } = happened.erases()?;
        let destroyed = scopes.saturating_add(secrets);
        let (origin, hash, time) = (origin.to_owned(), block_hash(bytes), block.timestamp.to_string());
        Some(Erasure { origin, ledger_id, block: block.index, hash, subject, destroyed, vault, time })
    }

    /// The text to sign.
    pub fn text(&self) -> String {
        let Erasure { origin, ledger_id, block, hash, subject, destroyed, vault, time } = self;
        let [ledger_id, hash] = [&ledger_id.0, &hash.0].map(|bytes| Base64::encode_string(bytes));
        format!(
            "{origin}/erasure\nledgerd-erasure v1\nledger {ledger_id}\nblock {block} {hash}\nsubject {subject}\n\
             destroyed {destroyed}\nvault {vault}\ntime {time}\n"
        )
    }

    /// Reads a signed note: signature, text and origin.
    ///
    /// # Errors
    /// [`NotErasure`].
    pub fn of_note(note: &str, log_key: &LogPublicKey) -> Result<Erasure, NotErasure> {
        let text = log_key.verify_note(note).map_err(NotErasure::Note)?;
        let erasure = Erasure::parse(text).ok_or(NotErasure::Malformed)?;
        if erasure.origin == log_key.origin() { Ok(erasure) } else { Err(NotErasure::OtherOrigin) }
    }

    /// Reads the text. An erasure has one text.
    fn parse(text: &str) -> Option<Erasure> {
        let mut lines = text.lines();
        let origin = lines.next()?.strip_suffix("/erasure")?.to_owned();
        let _version = lines.next()?;
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let ledger_id = LedgerId(bytes_of(field("ledger")?)?);
        let (block, hash) = field("block")?.split_once(' ')?;
        let erasure = Erasure {
            origin,
            ledger_id,
            block: block.parse().ok()?,
            hash: Digest(bytes_of(hash)?),
            subject: AccountId(field("subject")?.parse().ok()?),
            destroyed: field("destroyed")?.parse().ok()?,
            vault: field("vault")?.parse().ok()?,
            time: field("time")?.to_owned(),
        };
        (erasure.text() == text).then_some(erasure)
    }
}

fn bytes_of(base64: &str) -> Option<[u8; 32]> {
    Base64::decode_vec(base64).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::note::LogKey;

    fn erasure() -> Erasure {
        Erasure {
            origin: "ledger.example/l".to_owned(),
            ledger_id: LedgerId([1; 32]),
            block: 7,
            hash: Digest([2; 32]),
            subject: AccountId(3),
            destroyed: 4,
            vault: 5,
            time: "2026-01-01T00:00:00.000000Z".to_owned(),
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_signed_and_no_other_text_is_one() {
        let key = LogKey::from_seed("ledger.example/l", &[9; 32]).unwrap();
        let note = key.sign_note(&erasure().text());
        assert_eq!(Erasure::of_note(&note, key.public()), Ok(erasure()));
        let bad = [
            erasure().text().replace("v1", "v2"),
            erasure().text().replace("block 7", "block 07"),
            erasure().text().replace("subject 3\n", ""),
            erasure().text().replace("vault 5", "vault +5"),
            erasure().text() + "more\n",
            erasure().text().replace("/erasure", ""),
        ];
        for text in bad {
            assert_eq!(
                Erasure::of_note(&key.sign_note(&text), key.public()),
                Err(NotErasure::Malformed),
                "{text}"
            );
        }
        let other = erasure().text().replace("ledger.example/l", "ledger.example/m");
        assert_eq!(Erasure::of_note(&key.sign_note(&other), key.public()), Err(NotErasure::OtherOrigin));
        let mallory = LogKey::from_seed("ledger.example/l", &[8; 32]).unwrap();
        let forged = mallory.sign_note(&erasure().text());
        assert!(matches!(Erasure::of_note(&forged, key.public()), Err(NotErasure::Note(_))));
    }
}
