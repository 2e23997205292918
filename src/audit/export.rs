//! Hands out every block of a directory, for `ledgerctl export`. The frames are checked as in an audit, the
//! blocks' meaning is not: whoever wants to know whether it holds asks for an audit.

use super::AuditError;
use super::findings::Place;
use super::scan::{Bounds, Visitor, scan};
use crate::chain::{Block, Message, block_hash};
use crate::crypto::Digest;
use crate::domain::Command;
use crate::eventlog::Storage;
use crate::wire::Finding;

/// What came of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Blocks handed out.
    pub blocks: u64,
    /// The damage that ended it early.
    pub damage: Option<Finding>,
    /// A torn tail that was never acknowledged, and the like.
    pub warnings: Vec<Finding>,
}

/// Hands the stored bytes and the hash of every block that the anchor knows to be durable to `visit`, in order,
/// and stops where damage is met, or where `visit` wants no more by returning false. Never writes; works on a
/// copy and on a directory that is being served.
///
/// # Errors
/// [`AuditError::Storage`] when the files cannot be read.
pub fn export(
    storage: &dyn Storage,
    visit: &mut dyn FnMut(&[u8], Digest) -> bool,
) -> Result<Exported, AuditError> {
    let mut exporter = Exporter { visit, enough: false, exported: Exported::default() };
    scan(storage, Bounds::default(), &mut exporter).map_err(AuditError::Storage)?;
    Ok(exporter.exported)
}

/// Whether a block holds sealed texts. Whoever publishes its bytes publishes ciphertext, which lasts as long as the copies do.
pub fn holds_sealed_text(block: &[u8]) -> bool {
    let block = Block::parse(block).ok();
    let message = block.and_then(|block| Message::parse(block.message).ok());
    let message = message.filter(|message| message.header.tag.is_sealed());
    // A command of such a kind may do without a text. What does not decode is taken for one that has some.
    message.is_some_and(|message| {
        Command::decode(message.header.tag, message.body).map_or(true, |command| command.sealed().is_some())
    })
}

/// The index of the first block that holds sealed texts; none if there is none.
///
/// # Errors
/// As for [`export`].
pub fn first_sealed(storage: &dyn Storage) -> Result<Option<u64>, AuditError> {
    let (mut index, mut found) = (0, None);
    export(storage, &mut |bytes, _| {
        found = holds_sealed_text(bytes).then_some(index);
        index += 1;
        found.is_none()
    })?;
    Ok(found)
}

struct Exporter<'a> {
    visit: &'a mut dyn FnMut(&[u8], Digest) -> bool,
    enough: bool,
    exported: Exported,
}

impl Visitor for Exporter<'_> {
    fn block(&mut self, _: Place<'_>, bytes: &[u8]) -> Digest {
        let hash = block_hash(bytes);
        if !self.enough && self.exported.damage.is_none() {
            self.enough = !(self.visit)(bytes, hash);
            self.exported.blocks = self.exported.blocks.saturating_add(1);
        }
        hash
    }

    fn report(&mut self, finding: Finding) {
        if finding.warning {
            self.exported.warnings.push(finding);
        } else {
            self.exported.damage.get_or_insert(finding);
        }
    }

    fn go_on(&mut self, _: u64, _: u64) -> bool {
        !self.enough && self.exported.damage.is_none()
    }
}
