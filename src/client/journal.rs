//! Commands on their way: each is written down before it leaves, and struck out when its outcome is known. What
//! a run leaves behind is settled by the next one, with the same command id, so that nothing is done twice.
//!
//! A record: length u32 ‖ CRC-32C u32 ‖ postcard. A record that is cut off at the end never left.
//!
//! A journal is locked for as long as its run lasts, and has its name only once it is locked: a journal that
//! another process can see and lock was left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{ClientError, Home};
use crate::chain::{CommandId, Message};
use crate::codec;
use crate::crypto::{LedgerId, random};

const FOLDER: &str = "pending";
const SUFFIX: &str = ".journal";

/// Bytes from which a journal is written anew once most of it is struck out: a stream of single orders may go
/// on for days.
const COMPACT_BYTES: u64 = 8 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Record {
    Sent { message: ByteBuf, signature: ByteBuf },
    Settled(CommandId),
}

/// A command that was sent and whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// M.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The journal of this run.
#[derive(Debug)]
pub struct Journal {
    name: String,
    home: Home,
    file: File,
    bytes: u64,
    /// The records of what is not settled, numbered, ready to be written again.
    open: BTreeMap<CommandId, (u64, Vec<u8>)>,
    sent: u64,
}

impl Journal {
    /// Starts a journal.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn create(home: &Home) -> Result<Journal, ClientError> {
        let id: [u8; 8] = random::bytes(&mut random::os());
        let name = format!("{FOLDER}/{}{SUFFIX}", const_hex::encode(id));
        let path = home.path(&name);
        let file = place(home, &path, &[]).map_err(ClientError::file(&path))?;
        Ok(Journal { name, home: home.clone(), file, bytes: 0, open: BTreeMap::new(), sent: 0 })
    }

    /// Writes down a command that is about to leave. `durable` waits for the disk, which a stream of single
    /// orders cannot afford: its journal survives the end of the process, not that of the machine.
    ///
    /// # Errors
    /// [`ClientError::File`]: the command must not be sent.
    pub fn sending(&mut self, message: &[u8], signature: &[u8], durable: bool) -> Result<(), ClientError> {
        let record = Record::Sent { message: ByteBuf::from(message), signature: ByteBuf::from(signature) };
        let record = encode(&record);
        self.append(&record)?;
        if let Ok(message) = Message::parse(message) {
            self.open.insert(message.header.command_id, (self.sent, record));
            self.sent += 1;
        }
        if durable {
            let path = self.home.path(&self.name);
            self.file.sync_data().map_err(ClientError::file(&path))?;
        }
        Ok(())
    }

    /// Strikes out a command whose outcome is known.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn settled(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.append(&encode(&Record::Settled(id)))?;
        self.open.remove(&id);
        if self.bytes > COMPACT_BYTES { self.compact() } else { Ok(()) }
    }

    fn append(&mut self, record: &[u8]) -> Result<(), ClientError> {
        let path = self.home.path(&self.name);
        self.file.write_all(record).map_err(ClientError::file(&path))?;
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Puts a journal of what is still open in the place of this one, if that is much shorter.
    fn compact(&mut self) -> Result<(), ClientError> {
        let mut open: Vec<&(u64, Vec<u8>)> = self.open.values().collect();
        if open.iter().map(|(_, record)| record.len() as u64).sum::<u64>() > self.bytes / 4 {
            return Ok(());
        }
        open.sort_unstable();
        let live: Vec<u8> = open.into_iter().flat_map(|(_, record)| record).copied().collect();
        let path = self.home.path(&self.name);
        self.file = place(&self.home, &path, &live).map_err(ClientError::file(&path))?;
        self.bytes = live.len() as u64;
        Ok(())
    }

    /// The home directory that it is in.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Ends the journal; it stays behind if something in it is not settled.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn finish(self) -> Result<(), ClientError> {
        if self.open.is_empty() { self.home.remove(&self.name) } else { Ok(()) }
    }
}

/// Makes a journal that is locked before it has its name.
fn place(home: &Home, path: &Path, records: &[u8]) -> io::Result<File> {
    let folder = home.path(FOLDER);
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(records)?;
    file.as_file().sync_data()?;
    file.as_file().lock()?;
    let file = file.persist(path).map_err(|error| error.error)?;
    File::open(&folder)?.sync_all()?;
    Ok(file)
}

fn encode(record: &Record) -> Vec<u8> {
    let body = codec::encode(record);
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// What a run left behind. Nobody else settles it while this exists.
#[derive(Debug)]
pub struct Leftover {
    name: String,
    home: Home,
    /// Holds the lock.
    _file: File,
    /// What is not settled, in the order in which it was sent.
    pub commands: Vec<Unsettled>,
}

impl Leftover {
    /// Every outcome in it is known.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn settled(self) -> Result<(), ClientError> {
        self.home.remove(&self.name)
    }
}

/// What earlier runs have left unsettled on a ledger. Journals of runs that are still going on are left alone,
/// and so are those of other ledgers.
///
/// # Errors
/// [`ClientError::File`].
pub fn leftovers(home: &Home, ledger_id: LedgerId) -> Result<Vec<Leftover>, ClientError> {
    let mut found = Vec::new();
    for name in home.list(FOLDER)?.into_iter().filter(|name| name.ends_with(SUFFIX)) {
        let name = format!("{FOLDER}/{name}");
        let path = home.path(&name);
        let Some((file, bytes)) = lock_and_read(&path).map_err(ClientError::file(&path))? else { continue };
        let commands = read_records(&bytes);
        let here = |command: &Unsettled| {
            Message::parse(&command.message).is_ok_and(|message| message.header.ledger_id == ledger_id)
        };
        if commands.is_empty() {
            home.remove(&name)?;
        } else if commands.iter().all(here) {
            found.push(Leftover { name, home: home.clone(), _file: file, commands });
        }
    }
    Ok(found)
}

/// Locks a journal and reads it; none if its run is going on, or it is gone by now.
fn lock_and_read(path: &Path) -> io::Result<Option<(File, Vec<u8>)>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.try_lock().is_err() {
        return Ok(None);
    }
    // A run may have put another file in its place between the opening and the lock.
    let named = std::fs::metadata(path).ok();
    if named.is_none_or(|named| file.metadata().is_ok_and(|open| open.ino() != named.ino())) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some((file, bytes)))
}

fn read_records(mut bytes: &[u8]) -> Vec<Unsettled> {
    let mut open: BTreeMap<CommandId, (usize, Unsettled)> = BTreeMap::new();
    for number in 0.. {
        let Some((head, rest)) = bytes.split_first_chunk::<8>() else { break };
        let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        if crc32c::crc32c(body) != u32::from_be_bytes([c0, c1, c2, c3]) {
            break;
        }
        bytes = rest;
        match codec::strict::<Record>(body) {
            Ok(Record::Sent { message, signature }) => {
                let Ok(parsed) = Message::parse(&message) else { continue };
                let id = parsed.header.command_id;
                let command = Unsettled { message: message.into_vec(), signature: signature.into_vec() };
                open.insert(id, (number, command));
            }
            Ok(Record::Settled(id)) => drop(open.remove(&id)),
            Err(_) => break,
        }
    }
    let mut commands: Vec<(usize, Unsettled)> = open.into_values().collect();
    commands.sort_by_key(|(number, _)| *number);
    commands.into_iter().map(|(_, command)| command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Header;
    use crate::crypto::KeyId;
    use crate::domain::{AccountId, Tag};

    const LEDGER: LedgerId = LedgerId([7; 32]);

    fn message(id: u8, ledger_id: LedgerId) -> Vec<u8> {
        let header = Header {
            ledger_id,
            account: AccountId(3),
            key_id: KeyId([2; 32]),
            command_id: CommandId([id; 16]),
            issued_at: 5,
            tag: Tag { schema: 1, kind: 16 },
        };
        header.message(b"body")
    }

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(Some(directory.path())).unwrap();
        (directory, home)
    }

    fn left(home: &Home) -> Vec<u8> {
        let commands = leftovers(home, LEDGER).unwrap().into_iter().flat_map(|left| left.commands);
        commands.map(|command| Message::parse(&command.message).unwrap().header.command_id.0[0]).collect()
    }

    #[test]
    fn what_was_sent_and_not_settled_is_left_behind_in_its_order() {
        let (_directory, home) = home();
        let mut journal = Journal::create(&home).unwrap();
        for id in [9, 1, 5] {
            journal.sending(&message(id, LEDGER), &[id; 384], id == 9).unwrap();
        }
        journal.settled(CommandId([1; 16])).unwrap();
        assert_eq!(left(&home), [0; 0], "the journal of a run that goes on is not touched");
        journal.finish().unwrap();
        assert_eq!(left(&home), [9, 5]);
        let other = leftovers(&home, LedgerId([8; 32])).unwrap();
        assert!(other.is_empty(), "another ledger's commands are not ours to settle");
        leftovers(&home, LEDGER).unwrap().into_iter().for_each(|left| left.settled().unwrap());
        assert_eq!(left(&home), [0; 0]);
    }

    #[test]
    fn a_run_whose_outcomes_are_all_known_leaves_nothing_behind() {
        let (_directory, home) = home();
        let mut journal = Journal::create(&home).unwrap();
        journal.sending(&message(1, LEDGER), &[1; 384], true).unwrap();
        journal.settled(CommandId([1; 16])).unwrap();
        journal.finish().unwrap();
        assert!(home.list(FOLDER).unwrap().is_empty());
    }

    #[test]
    fn a_leftover_is_settled_by_one_process_at_a_time() {
        let (_directory, home) = home();
        let mut journal = Journal::create(&home).unwrap();
        journal.sending(&message(1, LEDGER), &[1; 384], true).unwrap();
        drop(journal);
        let first = leftovers(&home, LEDGER).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(left(&home), [0; 0], "held by the first");
        drop(first);
        assert_eq!(left(&home), [1]);
    }

    #[test]
    fn a_record_that_is_cut_off_or_damaged_ends_the_journal_and_loses_nothing_before_it() {
        let sent = |id| {
            encode(&Record::Sent {
                message: ByteBuf::from(message(id, LEDGER)),
                signature: ByteBuf::from(vec![id; 384]),
            })
        };
        let bytes = [sent(1), sent(2)].concat();
        for cut in 0..bytes.len() {
            let whole = usize::from(cut >= bytes.len() / 2);
            assert_eq!(read_records(&bytes[..cut]).len(), whole, "cut at {cut}");
        }
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2 + 20] ^= 1;
        assert_eq!(read_records(&flipped).len(), 1);
        assert_eq!(read_records(&[0; 64]), [], "zeros of a file that was never written");
    }

    #[test]
    fn a_journal_that_is_mostly_settled_is_written_anew() {
        let (_directory, home) = home();
        let mut journal = Journal::create(&home).unwrap();
        journal.sending(&message(200, LEDGER), &[200; 384], false).unwrap();
        let big = vec![0u8; 1 << 20];
        for id in 0..12 {
            journal.sending(&message(id, LEDGER), &big, false).unwrap();
            journal.settled(CommandId([id; 16])).unwrap();
        }
        assert!(journal.bytes < COMPACT_BYTES);
        assert_eq!(left(&home), [0; 0], "still locked");
        journal.finish().unwrap();
        assert_eq!(left(&home), [200]);
    }
}
