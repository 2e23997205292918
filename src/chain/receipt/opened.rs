//! A sealed text in a block, opened by whoever was shown its leaf.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::chain::{Block, Message};
use crate::crypto::sealed::{Leaf, SealError};
use crate::domain::Command;

/// The leaf of one sealed field, as it is shown to somebody: `FIELD:HEX`, the number of the field and 64 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct ShownLeaf {
    /// The number of the field in its command, from 0.
    pub field: u16,
    /// The leaf.
    pub leaf: Leaf,
}

impl fmt::Display for ShownLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.field, const_hex::encode(self.leaf.as_bytes()))
    }
}

impl FromStr for ShownLeaf {
    type Err = String;

    fn from_str(text: &str) -> Result<ShownLeaf, String> {
        let parsed = text.split_once(':').and_then(|(field, hex)| {
            let leaf: [u8; 32] = const_hex::decode(hex).ok()?.try_into().ok()?;
            Some(ShownLeaf { field: field.parse().ok()?, leaf: Leaf::from_bytes(leaf) })
        });
        parsed.ok_or_else(|| "expected FIELD:HEX, such as 0:5f…, with 64 hexadecimal digits".to_owned())
    }
}

/// Why a leaf opens nothing in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// The block has no such sealed field.
    NoSuchField,
    /// The field does not open with this leaf.
    Seal(SealError),
}

impl Unopened {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Unopened::NoSuchField => "no_such_field",
            Unopened::Seal(_) => "seal_broken",
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unopened::NoSuchField => f.write_str("the block has no sealed field of this number"),
            Unopened::Seal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unopened {}

/// Opens a sealed field of a block. The text is the only one that the author can have sealed there.
///
/// # Errors
/// [`Unopened`].
pub fn open_with_leaf(block: &[u8], shown: &ShownLeaf) -> Result<Zeroizing<String>, Unopened> {
    let block = Block::parse(block).map_err(|_| Unopened::NoSuchField)?;
    let message = Message::parse(block.message).map_err(|_| Unopened::NoSuchField)?;
    let header = &message.header;
    let command = Command::decode(header.tag, message.body).map_err(|_| Unopened::NoSuchField)?;
    let part = command.sealed().ok_or(Unopened::NoSuchField)?;
    let field = part.fields.iter().find(|field| field.number == shown.field).ok_or(Unopened::NoSuchField)?;
    let place = header.place(header.scope(&part.scope), shown.field);
    shown.leaf.open(&place, field.sealed).map_err(Unopened::Seal)
}
