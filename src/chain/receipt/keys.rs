//! How the key that signed a block came to its author: from the registration, over keys that introduced one another.

use super::KeyBlock;
use super::verdict::{Author, Part, ReceiptError};
use crate::chain::checkpoint::Checkpoint;
use crate::chain::tree::LeafHash;
use crate::chain::{Block, Inclusion, Message};
use crate::crypto::{KeyId, KeyKind, LedgerId, VerifyingKey};
use crate::domain::{AccountId, Custody, Endorser, Happened, KeyChange, Rights};

/// A key that a block introduced, which has signed that it is to be a key of the block's author.
pub(super) struct Introduced {
    pub(super) key: VerifyingKey,
    rights: Rights,
    custody: Custody,
    /// The key in whose place it stands, which the same block ended.
    ends: Option<KeyId>,
}

/// The keys that a receipt shows of its author, in the order in which they came.
pub(super) struct Keys {
    author: Author,
    keys: Vec<Introduced>,
}

impl Keys {
    /// Checks the key blocks of a receipt for `block`.
    pub(super) fn of(
        blocks: &[KeyBlock],
        block: &Block<'_>,
        ledger_id: LedgerId,
        checkpoint: &Checkpoint,
    ) -> Result<Keys, ReceiptError> {
        let (first, later) = blocks.split_first().ok_or(ReceiptError::Registration)?;
        let (registration, header) = placed(Part::Registration, first, checkpoint)?;
        let (author, introduced) = registered(Part::Registration, &registration)?;
        if header.header.ledger_id != ledger_id {
            return Err(ReceiptError::OtherLedger);
        }
        if author.account != block.author || registration.index >= block.index {
            return Err(ReceiptError::OtherAuthor);
        }
        let mut keys = Keys { author, keys: vec![introduced] };
        let mut newest = registration.index;
        for key_block in later {
            let (at, message) = placed(Part::Key, key_block, checkpoint)?;
            if at.index <= newest || at.index >= block.index {
                return Err(ReceiptError::KeyChain("its blocks are not in the order of the log"));
            }
            newest = at.index;
            keys.follow(&at, &message, ledger_id)?;
        }
        Ok(keys)
    }

    /// Takes in the key of a further block, if a key that was shown before could introduce it.
    fn follow(
        &mut self,
        block: &Block<'_>,
        message: &Message<'_>,
        ledger_id: LedgerId,
    ) -> Result<(), ReceiptError> {
        let header = &message.header;
        if header.ledger_id != ledger_id {
            return Err(ReceiptError::OtherLedger);
        }
        if block.author != self.author.account || header.account != block.author {
            return Err(ReceiptError::OtherAuthor);
        }
        let by = self.known(header.key_id);
        let by = by.ok_or(ReceiptError::KeyChain("a key was introduced by one that is not shown"))?;
        if self.has_ended(header.key_id) {
            return Err(ReceiptError::KeyChain("a key was introduced by one that had ended"));
        }
        if by.rights != Rights::Full {
            return Err(ReceiptError::KeyChain("a key was introduced by one that may only act"));
        }
        by.key.verify(&[block.message], block.signature).map_err(|_| ReceiptError::Signature(Part::Key))?;
        let introduced = self.introduced(block, message)?;
        self.keys.push(introduced.ok_or(ReceiptError::KeyChain("one of its blocks introduces no key"))?);
        Ok(())
    }

    fn known(&self, key_id: KeyId) -> Option<&Introduced> {
        self.keys.iter().find(|known| known.key.key_id() == key_id)
    }

    /// Whether one of the blocks that were shown ended a key. What other blocks ended is the ledger's word.
    fn has_ended(&self, key_id: KeyId) -> bool {
        self.keys.iter().any(|known| known.ends == Some(key_id))
    }

    /// The key that a block behind those that were shown introduces, if it introduces one. A key comes once, and ends for ever.
    pub(super) fn introduced(
        &self,
        block: &Block<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Introduced>, ReceiptError> {
        let introduced = introduced(block, message)?;
        let key_id = introduced.as_ref().map(|new| new.key.key_id());
        if key_id.is_some_and(|key_id| self.known(key_id).is_some() || self.has_ended(key_id)) {
            return Err(ReceiptError::KeyChain("a key was introduced that had come before, or ended"));
        }
        Ok(introduced)
    }

    /// The author, and the key that was shown last, which has to be the one that is named.
    pub(super) fn signer(&self, key_id: KeyId) -> Result<(Author, &VerifyingKey), ReceiptError> {
        match self.keys.last() {
            Some(_) if self.has_ended(key_id) => Err(ReceiptError::KeyChain("the key that signed had ended")),
            Some(last) if last.key.key_id() == key_id => {
                Ok((Author { key_id, custody: last.custody, ..self.author.clone() }, &last.key))
            }
            Some(_) if self.keys.len() == 1 => Err(ReceiptError::OtherAuthor),
            _ => {
                Err(ReceiptError::KeyChain("its last block introduces another key than the one that signed"))
            }
        }
    }
}

/// A block that is where it is said to be.
pub(super) fn included<'a>(
    part: Part,
    bytes: &'a [u8],
    index: u64,
    inclusion: &Inclusion,
    checkpoint: &Checkpoint,
) -> Result<Block<'a>, ReceiptError> {
    let block = Block::parse(bytes).map_err(|_| ReceiptError::Malformed(part))?;
    if block.index != index {
        return Err(ReceiptError::Index { receipt: index, block: block.index });
    }
    inclusion
        .check(checkpoint.size, checkpoint.root, index, LeafHash::of_block(bytes))
        .map_err(|_| ReceiptError::NotIncluded(part))?;
    Ok(block)
}

/// A key block in its place in the tree, with its command.
fn placed<'a>(
    part: Part,
    key_block: &'a KeyBlock,
    checkpoint: &Checkpoint,
) -> Result<(Block<'a>, Message<'a>), ReceiptError> {
    let malformed = ReceiptError::Malformed(part);
    let bytes = &key_block.block;
    let index = Block::parse(bytes).map_err(|_| malformed.clone())?.index;
    let block = included(part, bytes, index, &key_block.inclusion, checkpoint)?;
    let message = Message::parse(block.message).map_err(|_| malformed)?;
    Ok((block, message))
}

/// The account that a registration made, and its key, with which the registration itself is signed.
pub(super) fn registered(part: Part, block: &Block<'_>) -> Result<(Author, Introduced), ReceiptError> {
    let message = Message::parse(block.message).map_err(|_| ReceiptError::Malformed(part))?;
    let header = message.header;
    let Ok(happened) = Happened::decode(header.tag, message.body, block.event) else {
        return Err(ReceiptError::Registration);
    };
    let opened = happened.opens().ok_or(ReceiptError::Registration)?;
    let key = VerifyingKey::from_spki(opened.public_key).map_err(|_| ReceiptError::Key)?;
    // The key that an account begins with is of RSA.
    if key.kind() != KeyKind::Rsa3072 {
        return Err(ReceiptError::Key);
    }
    if block.author != AccountId::NONE || header.account != block.author || key.key_id() != header.key_id {
        return Err(ReceiptError::OtherAuthor);
    }
    key.verify(&[block.message], block.signature).map_err(|_| ReceiptError::Signature(part))?;
    let (account, handle) = (opened.account, opened.handle.to_owned());
    let (key_id, command_id) = (key.key_id(), header.command_id);
    let mut custody = Custody::File;
    happened.visit_keys(block.author, &mut |change| {
        if let KeyChange::Introduced { custody: said, .. } = change {
            custody = said;
        }
    });
    let author = Author { account, handle, key_id, custody, command_id };
    Ok((author, Introduced { key, rights: Rights::Full, custody, ends: None }))
}

/// The key that a block introduces, if it introduces one, once the key's own proof holds.
fn introduced(block: &Block<'_>, message: &Message<'_>) -> Result<Option<Introduced>, ReceiptError> {
    let header = &message.header;
    // A block of a kind that this program does not know is in the ledger all the same.
    let Ok(happened) = Happened::decode(header.tag, message.body, block.event) else { return Ok(None) };
    // A registration opens an account and gives no key to one that there is: its key has signed no proof for that.
    if happened.opens().is_some() {
        return Ok(None);
    }
    let (mut introduced, mut ends) = (None, None);
    let mut usable = Ok(());
    happened.visit_keys(block.author, &mut |change| match change {
        KeyChange::Introduced { spki, rights, custody, .. } => match VerifyingKey::from_spki(spki) {
            Ok(key) => introduced = Some(Introduced { key, rights, custody, ends }),
            Err(_) => usable = Err(ReceiptError::Key),
        },
        // The key that ends is visited before the one that stands in its place.
        KeyChange::Ended { key_id, .. } => ends = Some(key_id),
        KeyChange::AllEnded { .. } => {}
    });
    usable?;
    for endorsement in happened.command().endorsements(header.ledger_id, header.account, header.command_id) {
        if let (Endorser::Itself(_), Some(Introduced { key, .. })) = (&endorsement.by, &introduced) {
            key.verify(&[&endorsement.signed], endorsement.signature)
                .map_err(|_| ReceiptError::KeyChain("a new key has not signed its proof"))?;
        }
    }
    Ok(introduced)
}
