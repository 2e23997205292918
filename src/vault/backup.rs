//! The format of a backup of a vault: every entry opened, and sealed again under a key of the backup's own, so that the keys
//! of the vault need not be kept.
//!
//! ```text
//!   0  8  "LDGVBAK1"       80  8  generation of the vault's header    112 16  HKDF-Expand(key, "ledgerd/vault-backup-head/1\0" ‖ bytes 0 to 111)
//!   8 32  ledger id        88  8  time of making, ms since 1970       128  4  CRC-32C of bytes 0 to 127
//!  40  8  durable blocks   96  8  number of entries                   132     parts
//!  48 32  hash of the last 104 8  bytes of all entries
//! part  = AES-256-SIV(HKDF-Expand(key, "ledgerd/vault-backup/1\0"); AD = bytes 0 to 111 ‖ part u32; up to 65,536 bytes of the entries)
//! entry = kind u8 ‖ subject u64 ‖ scope[16] ‖ generation u16 ‖ length u32 ‖ content
//! ```
//! Parts count from 0, and there is one at least. Each is bound to the head, which says how much there is: a backup that was
//! cut off, put together anew, or changed anywhere is noticed before its last entry counts.

use std::fmt;
use std::io::{self, Read, Write};

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use zeroize::Zeroizing;

use super::backup_key::BackupKey;
use super::name::{Kind, Name};
use super::page::CONTENT_BYTES_MAX;
use super::reader::{Key, Position, Secret};
use crate::crypto::{Digest, LedgerId, expand};
use crate::cutter::Cutter;
use crate::time::Timestamp;

const MAGIC: &[u8; 7] = b"LDGVBAK";
const VERSION: u8 = b'1';

/// Bytes of the fields of the head.
const FIELDS_BYTES: usize = 112;

/// Bytes of the head.
const HEAD_BYTES: usize = FIELDS_BYTES + 16 + 4;

/// Bytes of entries in a part that is not the last.
const PART_BYTES: usize = 65_536;

/// Bytes of the tag of a part.
const TAG_BYTES: usize = 16;

/// Bytes of an entry before its content.
const ENTRY_BYTES: usize = 31;

/// What a backup says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupHead {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// How far the log was durable, as the vault's header says it.
    pub position: Position,
    /// The generation of the vault's header.
    pub generation: u64,
    /// The time at which the backup was made, in whole milliseconds.
    pub made_at: Timestamp,
    /// How many entries there are.
    pub entries: u64,
    /// Bytes of all entries together, as [`entry_bytes`] counts them.
    pub bytes: u64,
}

/// Why a backup cannot be read or written.
#[derive(Debug)]
pub enum BackupError {
    /// The file is no backup of a vault.
    NotOne,
    /// It is a backup of a version that this program does not know.
    Version(u8),
    /// It was made with another key.
    OtherKey,
    /// Its bytes are not what was written.
    Damaged,
    /// It cannot be read or written.
    Io(io::Error),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupError::NotOne => f.write_str("this is no backup of a vault"),
            BackupError::Version(version) => {
                write!(
                    f,
                    "this backup of a vault has the version {version:#04x}, which this program does not know"
                )
            }
            BackupError::OtherKey => f.write_str("this backup was made with another key"),
            BackupError::Damaged => {
                f.write_str("this backup is damaged: it was cut off, or its bytes have changed")
            }
            BackupError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BackupError {}

impl BackupHead {
    fn fields(&self) -> [u8; FIELDS_BYTES] {
        let mut bytes = [0; FIELDS_BYTES];
        let parts: [&[u8]; 9] = [
            MAGIC,
            &[VERSION],
            &self.ledger_id.0,
            &self.position.durable.to_be_bytes(),
            &self.position.head.0,
            &self.generation.to_be_bytes(),
            &self.made_at.millis().to_be_bytes(),
            &self.entries.to_be_bytes(),
            &self.bytes.to_be_bytes(),
        ];
        bytes.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        bytes
    }

    fn parse(fields: &[u8]) -> Option<BackupHead> {
        let mut cutter = Cutter(fields.get(MAGIC.len() + 1..)?);
        Some(BackupHead {
            ledger_id: LedgerId(cutter.array()?),
            position: Position { durable: cutter.u64()?, head: Digest(cutter.array()?) },
            generation: cutter.u64()?,
            made_at: Timestamp::from_millis(cutter.u64()?),
            entries: cutter.u64()?,
            bytes: cutter.u64()?,
        })
    }

    /// How many parts there are.
    fn parts(&self) -> u64 {
        self.bytes.div_ceil(PART_BYTES as u64).max(1)
    }
}

/// Bytes of an entry with so many bytes of content.
pub fn entry_bytes(content: usize) -> u64 {
    (ENTRY_BYTES + content) as u64
}

fn tag_of(key: &BackupKey, fields: &[u8; FIELDS_BYTES]) -> [u8; 16] {
    *expand(key.as_bytes(), &[b"ledgerd/vault-backup-head/1\0", fields])
}

/// Seals and opens the parts, one after the other.
struct Parts {
    siv: Aes256Siv,
    fields: [u8; FIELDS_BYTES],
    next: u32,
}

impl Parts {
    fn new(key: &BackupKey, fields: [u8; FIELDS_BYTES]) -> Parts {
        let siv = Aes256Siv::new((&*expand(key.as_bytes(), &[b"ledgerd/vault-backup/1\0"])).into());
        Parts { siv, fields, next: 0 }
    }

    /// What the next part is bound to.
    fn associated(&mut self) -> Vec<u8> {
        let associated = [&self.fields[..], &self.next.to_be_bytes()].concat();
        self.next = self.next.saturating_add(1);
        associated
    }

    fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, BackupError> {
        let associated = self.associated();
        self.siv.encrypt([associated], plain).map_err(|_| BackupError::Damaged)
    }

    fn open(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let associated = self.associated();
        self.siv.decrypt([associated], sealed).map(Zeroizing::new).map_err(|_| BackupError::Damaged)
    }
}

/// Writes a backup, entry by entry.
pub struct BackupWriter<'a> {
    to: &'a mut dyn Write,
    parts: Parts,
    waiting: Zeroizing<Vec<u8>>,
}

impl<'a> BackupWriter<'a> {
    /// Writes the head, which says what comes.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn begin(
        head: &BackupHead,
        key: &BackupKey,
        to: &'a mut dyn Write,
    ) -> Result<BackupWriter<'a>, BackupError> {
        let fields = head.fields();
        let mut bytes = [&fields[..], &tag_of(key, &fields)].concat();
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        to.write_all(&bytes).map_err(BackupError::Io)?;
        let waiting = Zeroizing::new(Vec::with_capacity(PART_BYTES + ENTRY_BYTES + CONTENT_BYTES_MAX));
        Ok(BackupWriter { to, parts: Parts::new(key, fields), waiting })
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn entry(&mut self, (name, generation): &Key, secret: &Secret) -> Result<(), BackupError> {
        let content: &[u8] = match secret {
            Secret::Short(payload) => &payload[..],
            Secret::Long(content) => content,
        };
        self.waiting.push(name.kind as u8);
        self.waiting.extend_from_slice(&name.subject.to_be_bytes());
        self.waiting.extend_from_slice(&name.scope);
        self.waiting.extend_from_slice(&generation.to_be_bytes());
        self.waiting.extend_from_slice(&(content.len() as u32).to_be_bytes());
        self.waiting.extend_from_slice(content);
        while self.waiting.len() > PART_BYTES {
            self.part(PART_BYTES)?;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn finish(mut self) -> Result<(), BackupError> {
        self.part(self.waiting.len())
    }

    fn part(&mut self, bytes: usize) -> Result<(), BackupError> {
        let plain = Zeroizing::new(self.waiting.drain(..bytes).collect::<Vec<u8>>());
        let sealed = self.parts.seal(&plain)?;
        self.to.write_all(&sealed).map_err(BackupError::Io)
    }
}

/// Reads a backup, entry by entry. No entry counts before the last one was read.
pub struct BackupReader<'a> {
    from: &'a mut dyn Read,
    head: BackupHead,
    parts: Parts,
    parts_left: u64,
    /// Bytes of entries in the parts that were not read yet.
    bytes_left: u64,
    entries_left: u64,
    opened: Zeroizing<Vec<u8>>,
}

impl<'a> BackupReader<'a> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn begin(key: &BackupKey, from: &'a mut dyn Read) -> Result<BackupReader<'a>, BackupError> {
        let mut bytes = [0; HEAD_BYTES];
        let read = read_up_to(from, &mut bytes)?;
        match bytes.strip_prefix(MAGIC).filter(|_| read > MAGIC.len()).and_then(<[u8]>::first) {
            None => return Err(BackupError::NotOne),
            Some(version) if *version != VERSION => return Err(BackupError::Version(*version)),
            Some(_) => {}
        }
        let mut cutter = Cutter(&bytes);
        let (fields, tag, checksum): (Option<[u8; FIELDS_BYTES]>, Option<[u8; 16]>, _) =
            (cutter.array(), cutter.array(), cutter.array::<4>());
        let (Some(fields), Some(tag), Some(checksum)) = (fields, tag, checksum) else {
            return Err(BackupError::Damaged);
        };
        let covered = [&fields[..], &tag].concat();
        if read < HEAD_BYTES || checksum != crc32c::crc32c(&covered).to_be_bytes() {
            return Err(BackupError::Damaged);
        }
        if tag != tag_of(key, &fields) {
            return Err(BackupError::OtherKey);
        }
        let head = BackupHead::parse(&fields).ok_or(BackupError::Damaged)?;
        Ok(BackupReader {
            from,
            head,
            parts: Parts::new(key, fields),
            parts_left: head.parts(),
            bytes_left: head.bytes,
            entries_left: head.entries,
            opened: Zeroizing::new(Vec::new()),
        })
    }

    /// What the backup says of itself.
    pub fn head(&self) -> &BackupHead {
        &self.head
    }

    /// The next entry; none after the last one, once it is sure that nothing is missing and nothing comes behind it.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn entry(&mut self) -> Result<Option<(Key, Secret)>, BackupError> {
        let Some(left) = self.entries_left.checked_sub(1) else {
            // A backup without entries has one part, which is empty.
            while self.parts_left > 0 {
                self.part()?;
            }
            let is_end = self.opened.is_empty() && read_up_to(self.from, &mut [0])? == 0;
            return if is_end { Ok(None) } else { Err(BackupError::Damaged) };
        };
        self.entries_left = left;
        let fields = self.take(ENTRY_BYTES)?;
        let mut cutter = Cutter(&fields);
        let parsed = (|| {
            let kind = Kind::from_number(cutter.array::<1>()?[0])?;
            let name = Name { kind, subject: cutter.u64()?, scope: cutter.array()? };
            Some((name, cutter.u16()?, usize::try_from(cutter.u32()?).ok()?))
        })();
        let (name, generation, length) =
            parsed.filter(|(_, _, length)| *length <= CONTENT_BYTES_MAX).ok_or(BackupError::Damaged)?;
        let content = self.take(length)?;
        let secret = match content.as_slice().try_into() {
            Ok(payload) => Secret::Short(Zeroizing::new(payload)),
            Err(_) => Secret::Long(content),
        };
        Ok(Some(((name, generation), secret)))
    }

    /// The next bytes of the entries.
    fn take(&mut self, bytes: usize) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        while self.opened.len() < bytes {
            self.part()?;
        }
        Ok(Zeroizing::new(self.opened.drain(..bytes).collect()))
    }

    /// Opens the next part.
    fn part(&mut self) -> Result<(), BackupError> {
        self.parts_left = self.parts_left.checked_sub(1).ok_or(BackupError::Damaged)?;
        let plain = usize::try_from(self.bytes_left).unwrap_or(usize::MAX).min(PART_BYTES);
        self.bytes_left = self.bytes_left.saturating_sub(plain as u64);
        let mut sealed = vec![0; plain + TAG_BYTES];
        if read_up_to(self.from, &mut sealed)? < sealed.len() {
            return Err(BackupError::Damaged);
        }
        let opened = self.parts.open(&sealed)?;
        self.opened.extend_from_slice(&opened);
        Ok(())
    }
}

/// Reads up to the end of the source; gives how many bytes there were.
fn read_up_to(from: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, BackupError> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BackupError::Io(error)),
        }
    }
    Ok(done)
}
