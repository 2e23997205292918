//! What a run book holds, as bytes.
//!
//! A record: length u32 ‖ CRC-32C u32 ‖ postcard. A record that is cut off at the end, or was never more than zeros
//! from some point on, is one that its writer did not finish: what it speaks of never left. Any other record whose
//! checksum does not hold is damage, and is not taken for a record that never was.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Run;
use crate::chain::{CommandId, Message};
use crate::client::Signed;
use crate::codec;
use crate::limits::COMMAND_BODY_BYTES_MAX;

/// A record of a command is about as long as the command.
const RECORD_BYTES_MAX: usize = 2 * COMMAND_BODY_BYTES_MAX;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// What the run is about; the first record.
    Run(Run),
    /// A command that is about to leave.
    Sent { message: ByteBuf, signature: ByteBuf, side: ByteBuf },
    /// The outcome of a command was told to whoever ran it.
    Told(CommandId),
    /// A command was found to stand in a block, by a run of something else.
    Stands(CommandId),
    /// A command was refused: nothing came of it.
    Refused(CommandId),
}

impl Record {
    pub(super) fn sent(signed: &Signed) -> Record {
        let Signed { message, signature, side } = signed.clone();
        Record::Sent { message: message.into(), signature: signature.into(), side: side.into() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let body = codec::encode(self);
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }
}

/// A command that was sent and whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Its id.
    pub id: CommandId,
    /// The command as it was sent.
    pub signed: Signed,
}

/// What the records of a run book say.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// None in a run book whose first record was not finished.
    pub(super) run: Option<Run>,
    /// Sent, with no outcome known, in the order in which they were sent.
    pub(super) open: Vec<Unresolved>,
    /// In a block, and not told.
    pub(super) stands: BTreeSet<CommandId>,
    /// In a block, and told.
    pub(super) told: BTreeSet<CommandId>,
    /// Refused: nothing came of it, and nothing ever will.
    pub(super) refused: BTreeSet<CommandId>,
    /// What was sent last, whatever became of it.
    pub(super) newest: Option<Signed>,
    /// Whether something secret stands in it: what went beside a command.
    pub(super) has_side: bool,
    /// Bytes of the records that were finished.
    pub(super) bytes: u64,
}

/// A run book with a record that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged {
    /// Where the record begins.
    pub(super) offset: u64,
}

/// Reads the records of a run book.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Damaged> {
    let mut contents = Contents::default();
    let mut rest = bytes;
    loop {
        let offset = (bytes.len() - rest.len()) as u64;
        contents.bytes = offset;
        let Some((record, checksum, next)) = split(rest) else {
            return if has_other_length(rest) { Err(Damaged { offset }) } else { Ok(contents) };
        };
        let record = (crc32c::crc32c(record) == checksum).then(|| codec::strict::<Record>(record).ok());
        let Some(Some(record)) = record else {
            // Bytes that a disk never received read as zeros.
            return if is_unwritten(rest) { Ok(contents) } else { Err(Damaged { offset }) };
        };
        contents.take(record).ok_or(Damaged { offset })?;
        rest = next;
    }
}

/// The next record with its checksum, and what follows it; none when it is not all there.
fn split(bytes: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((body, u32::from_be_bytes([c0, c1, c2, c3]), rest))
}

/// Whether a record that seems to be cut off is all there, but for the length that it claims.
fn has_other_length(bytes: &[u8]) -> bool {
    let Some(([_, _, _, _, c0, c1, c2, c3], rest)) = bytes.split_first_chunk::<8>() else { return false };
    let checksum = u32::from_be_bytes([*c0, *c1, *c2, *c3]);
    let mut so_far = 0;
    rest.iter().take(RECORD_BYTES_MAX).any(|byte| {
        so_far = crc32c::crc32c_append(so_far, &[*byte]);
        so_far == checksum
    })
}

/// Whether these bytes end in at least a record's head of zeros.
fn is_unwritten(bytes: &[u8]) -> bool {
    bytes.last_chunk::<8>().is_some_and(|end| *end == [0; 8])
}

impl Contents {
    fn take(&mut self, record: Record) -> Option<()> {
        match record {
            Record::Run(run) if self.run.is_none() && self.bytes == 0 => self.run = Some(run),
            Record::Run(_) => return None,
            Record::Sent { message, signature, side } => {
                let id = Message::parse(&message).ok()?.header.command_id;
                let (message, signature, side) = (message.into_vec(), signature.into_vec(), side.into_vec());
                self.has_side |= !side.is_empty();
                let command = Unresolved { id, signed: Signed { message, signature, side } };
                self.newest = Some(command.signed.clone());
                self.close(id);
                self.stands.remove(&id);
                self.open.push(command);
            }
            Record::Told(id) => {
                self.close(id);
                self.stands.remove(&id);
                self.told.insert(id);
            }
            Record::Stands(id) => {
                self.close(id);
                self.stands.insert(id);
            }
            Record::Refused(id) => {
                self.close(id);
                self.refused.insert(id);
            }
        }
        Some(())
    }

    /// A command has an outcome, or is sent once more. Most are answered in the order in which they were sent.
    fn close(&mut self, id: CommandId) {
        if let Some(at) = self.open.iter().position(|command| command.id == id) {
            self.open.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, signed};
    use super::*;

    fn sent(id: u8) -> Vec<u8> {
        Record::sent(&signed(id)).encode()
    }

    #[test]
    fn a_record_that_is_cut_off_ends_the_run_book_and_loses_nothing_before_it() {
        let bytes = [Record::Run(run()).encode(), sent(1), sent(2)].concat();
        let first = bytes.len() - sent(2).len();
        for cut in 0..bytes.len() {
            let whole = usize::from(cut >= first);
            let contents = read(&bytes[..cut]).unwrap();
            assert_eq!(contents.open.len(), whole, "cut at {cut}");
            assert!(contents.bytes <= cut as u64);
        }
        let unwritten = [&bytes[..first + 40], &[0; 600]].concat();
        assert_eq!(read(&unwritten).unwrap().open.len(), 1, "the disk did not receive the end");
        assert!(read(&[0; 64]).unwrap().open.is_empty(), "zeros of a file that was never written");
    }

    #[test]
    fn a_flipped_bit_is_damage_and_never_a_command_that_was_not_sent() {
        let bytes = [Record::Run(run()).encode(), sent(1)].concat();
        let start = Record::Run(run()).encode().len();
        for at in start..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(read(&flipped).unwrap_err(), Damaged { offset: start as u64 }, "byte {at}");
        }
    }
}
