//! Commands on their way: each is written down before it leaves, and struck out when its outcome is known. What
//! a run leaves behind is settled by the next one, with the same command id, so that nothing is done twice.
//!
//! A record: length u32 ‖ CRC-32C u32 ‖ postcard. A record that is cut off at the end never left.
#![expect(clippy::disallowed_methods, reason = "the journal is a file of its own")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{ClientError, Home};
use crate::chain::{CommandId, Message};
use crate::codec;
use crate::crypto::{LedgerId, random};

const SUFFIX: &str = ".journal";

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Record {
    Sent { message: ByteBuf, signature: ByteBuf },
    Settled(CommandId),
}

/// A command that was sent and whose outcome is not known.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// M.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The journal of this run. Locked while it is open, which is how the next run knows that it is not its own.
#[derive(Debug)]
pub struct Journal {
    name: String,
    home: Home,
    file: File,
    open: u64,
}

impl Journal {
    /// Starts a journal.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn create(home: &Home) -> Result<Journal, ClientError> {
        let id: [u8; 8] = random::bytes(&mut random::os());
        let name = format!("pending/{}{SUFFIX}", const_hex::encode(id));
        let path = home.path(&name);
        let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(ClientError::file(&path))?;
        file.lock().map_err(ClientError::file(&path))?;
        Ok(Journal { name, home: home.clone(), file, open: 0 })
    }

    /// Writes down a command that is about to leave. `durable` waits for the disk, which a stream of single
    /// orders cannot afford: its journal survives the end of the process, not that of the machine.
    ///
    /// # Errors
    /// [`ClientError::File`]: the command must not be sent.
    pub fn sending(&mut self, message: &[u8], signature: &[u8], durable: bool) -> Result<(), ClientError> {
        let record = Record::Sent { message: ByteBuf::from(message), signature: ByteBuf::from(signature) };
        self.append(&record)?;
        self.open += 1;
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
        self.append(&Record::Settled(id))?;
        self.open = self.open.saturating_sub(1);
        Ok(())
    }

    fn append(&mut self, record: &Record) -> Result<(), ClientError> {
        let body = codec::encode(record);
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        bytes.extend_from_slice(&body);
        let path = self.home.path(&self.name);
        self.file.write_all(&bytes).map_err(ClientError::file(&path))
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
        if self.open == 0 { self.home.remove(&self.name) } else { Ok(()) }
    }
}

/// Commands for a ledger that earlier runs have left unsettled, with the journal that each is in. Journals of
/// runs that are still going on are left alone.
///
/// # Errors
/// [`ClientError::File`].
pub fn unsettled(home: &Home, ledger_id: LedgerId) -> Result<Vec<(String, Vec<Unsettled>)>, ClientError> {
    let mut found = Vec::new();
    for name in home.list("pending")?.into_iter().filter(|name| name.ends_with(SUFFIX)) {
        let name = format!("pending/{name}");
        let path = home.path(&name);
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_err() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(ClientError::file(&path))?;
        let commands = read_records(&bytes);
        let here = |command: &Unsettled| {
            Message::parse(&command.message).is_ok_and(|message| message.header.ledger_id == ledger_id)
        };
        if commands.is_empty() {
            home.remove(&name)?;
        } else if commands.iter().all(here) {
            found.push((name, commands));
        }
    }
    Ok(found)
}

fn read_records(mut bytes: &[u8]) -> Vec<Unsettled> {
    let mut commands: Vec<Unsettled> = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        if crc32c::crc32c(body) != u32::from_be_bytes([c0, c1, c2, c3]) {
            break;
        }
        bytes = rest;
        match codec::strict::<Record>(body) {
            Ok(Record::Sent { message, signature }) => {
                commands.push(Unsettled { message: message.into_vec(), signature: signature.into_vec() });
            }
            Ok(Record::Settled(id)) => commands.retain(|command| {
                Message::parse(&command.message).map_or(true, |message| message.header.command_id != id)
            }),
            Err(_) => break,
        }
    }
    commands
}
