//! What a run does, written down: a run of a command that changes something keeps a run book from before anything
//! leaves until its outcome was told. A command is written down before it leaves, and the run book goes last of all.
//!
//! The run book is locked for as long as its run lasts, and has its name only once it is locked: a run book that
//! another process can lock was left behind. The same command given again takes it over, and has the same command
//! ids, so that nothing is done twice; a run beside a living one finds no such run book and is a run of its own. Any
//! other command finds out what became of a run book's commands, says so, and leaves the run book to the same command.
//!
//! Whoever looks for a run book that was left behind holds a lock of the folder: two who look at once never mistake
//! each other for a living run.

mod leftover;
mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;

use serde::{Deserialize, Serialize};

pub(super) use leftover::is_left_behind;
pub use leftover::{Leftover, leftovers};
use record::Record;
pub use record::Unresolved;

use super::idempotency::IdempotencyKey;
use crate::chain::{CommandId, Message};
use crate::client::{ClientError, Home, Signed, clock, not_writable};
use crate::crypto::{Digest, LedgerId, random, sha3};
use crate::domain::{AccountId, Tag};

const FOLDER: &str = "pending";
const SUFFIX: &str = ".run";
/// The lock of whoever looks for run books that were left behind.
pub(super) const LOOKING: &str = "pending.lock";

/// Bytes from which a run book is written anew once most of it is told: a stream of single orders may go on for days.
const COMPACT_BYTES: u64 = 8 << 20;

/// Milliseconds for which a stream that did not end well is gone on with when it is given again.
const REPEATED_MS: u64 = 24 * 60 * 60 * 1_000;

/// The kind of a run, which says how many commands it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunKind {
    /// One command.
    Once,
    /// A registration.
    Registration,
    /// A file of orders, cut into commands.
    Input,
    /// A stream of orders, each a command.
    Lines,
}

/// The source of the ids of a run's commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Ids {
    /// The ids follow from random bytes, which the run book holds.
    Seed([u8; 16]),
    /// The ids follow from an idempotency key that somebody gave.
    Key(IdempotencyKey),
}

/// The meaning of a run: two runs of the same meaning are the same command given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    ledger_id: LedgerId,
    account: AccountId,
    kind: RunKind,
    content: Digest,
    ids: Ids,
    started_ms: u64,
}

impl Run {
    fn new(runner: Runner<'_>, kind: RunKind, content: Digest, key: Option<&IdempotencyKey>) -> Run {
        let seed = || Ids::Seed(random::bytes(&mut random::os()));
        let ids = key.map_or_else(seed, |key| Ids::Key(key.clone()));
        let Runner { ledger_id, account, .. } = runner;
        Run { ledger_id, account, kind, content, ids, started_ms: clock::now().wall.millis() }
    }

    /// Whether another run is this one again.
    fn is_repeated_by(&self, other: &Run) -> bool {
        let same = |run: &Run| (run.ledger_id, run.account, run.kind, run.content);
        let seeded = matches!((&self.ids, &other.ids), (Ids::Seed(_), Ids::Seed(_)));
        let in_time = self.kind != RunKind::Lines || leftover::is_recent(self);
        same(self) == same(other) && seeded && in_time
    }
}

/// The account that runs a command, its home and its ledger.
#[derive(Clone, Copy, Debug)]
pub struct Runner<'a> {
    /// The home directory in which run books lie.
    pub home: &'a Home,
    /// The ledger to which the commands go.
    pub ledger_id: LedgerId,
    /// The author of the commands; [`AccountId::NONE`] for a registration.
    pub account: AccountId,
}

/// The run book of this run.
#[derive(Debug)]
pub struct RunBook {
    name: String,
    home: Home,
    file: File,
    bytes: u64,
    run: Run,
    /// Commands of this run, begun by a process that has ended, whose outcome is not known.
    begun: Vec<Unresolved>,
    /// Whether a process that has ended began this run.
    goes_on: bool,
    /// Whether something secret was written down, which went beside a command.
    has_side: bool,
    /// What a process that has ended sent last, whatever became of it.
    newest: Option<Signed>,
    /// The records of what has no outcome, numbered, ready to be written again.
    open: BTreeMap<CommandId, (u64, Vec<u8>)>,
    sent: u64,
    told: BTreeSet<CommandId>,
    refused: BTreeSet<CommandId>,
}

impl RunBook {
    /// Takes over the run book that a run of the same content left behind, or starts one. With a key every run is
    /// repeatable by itself, and no run book is taken over.
    ///
    /// # Errors
    /// [`ClientError::File`]; [`ClientError::Config`] when a run book is damaged, because it may be this run's.
    pub fn open(
        runner: Runner<'_>,
        kind: RunKind,
        content: Digest,
        key: Option<&IdempotencyKey>,
    ) -> Result<RunBook, ClientError> {
        let Runner { home, .. } = runner;
        let run = Run::new(runner, kind, content, key);
        let _looking = home.lock_file(LOOKING)?;
        if key.is_none()
            && let Some(left) = leftover::find(home, &run)?
        {
            return RunBook::take_over(left, run);
        }
        let name: [u8; 8] = random::bytes(&mut random::os());
        let name = format!("{FOLDER}/{}{SUFFIX}", const_hex::encode(name));
        let first = Record::Run(run.clone()).encode();
        let file = home.place_locked(&name, &first, true)?.ok_or_else(not_placed)?;
        let bytes = first.len() as u64;
        Ok(RunBook {
            name,
            home: home.clone(),
            file,
            bytes,
            run,
            begun: Vec::new(),
            goes_on: false,
            has_side: false,
            newest: None,
            open: BTreeMap::new(),
            sent: 0,
            told: BTreeSet::new(),
            refused: BTreeSet::new(),
        })
    }

    /// The run book that a run of this content left behind, if there is one.
    ///
    /// # Errors
    /// As for [`RunBook::open`].
    pub fn left_behind(
        runner: Runner<'_>,
        kind: RunKind,
        content: Digest,
    ) -> Result<Option<RunBook>, ClientError> {
        let run = Run::new(runner, kind, content, None);
        let _looking = runner.home.lock_file(LOOKING)?;
        leftover::find(runner.home, &run)?.map(|left| RunBook::take_over(left, run)).transpose()
    }

    fn take_over(left: Leftover, wanted: Run) -> Result<RunBook, ClientError> {
        let Leftover { name, home, file, contents } = left;
        let path = home.path(&name);
        // Behind a record that was not finished nothing could be read.
        file.set_len(contents.bytes).map_err(ClientError::file(&path))?;
        let open: BTreeMap<CommandId, (u64, Vec<u8>)> = (0..)
            .zip(&contents.open)
            .map(|(n, command)| (command.id, (n, Record::sent(&command.signed).encode())))
            .collect();
        Ok(RunBook {
            name,
            file,
            bytes: contents.bytes,
            run: contents.run.unwrap_or(wanted),
            goes_on: true,
            has_side: contents.has_side,
            newest: contents.newest,
            sent: open.len() as u64,
            open,
            begun: contents.open,
            told: contents.told,
            refused: contents.refused,
            home,
        })
    }

    /// Whether this run was begun by a process that has ended.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Commands of this run that a process that has ended wrote down, and whose outcome is not known.
    pub fn begun(&self) -> &[Unresolved] {
        &self.begun
    }

    /// What a process that has ended sent last, whether its outcome is known or not.
    pub fn sent_before(&self) -> Option<&Signed> {
        self.newest.as_ref()
    }

    /// The id of this run's command number `part`. Without a key, other content has another id; with one there are
    /// 2³² parts.
    pub fn id(&self, part: u64, tag: Tag, body: &[u8]) -> CommandId {
        match &self.run.ids {
            Ids::Key(key) => key.command_id(self.run.ledger_id, self.run.account, part as u32),
            Ids::Seed(seed) => {
                let digest = sha3(&[
                    b"ledgerctl/run/1\0",
                    seed,
                    &part.to_be_bytes(),
                    &tag.schema.to_be_bytes(),
                    &tag.kind.to_be_bytes(),
                    body,
                ]);
                CommandId(digest.first_half())
            }
        }
    }

    /// Whether the outcome of a command was told already.
    pub fn is_told(&self, id: CommandId) -> bool {
        self.told.contains(&id)
    }

    /// Whether a command was refused. A refusal sticks to the id: whoever tries the same again does so with another one.
    pub fn is_refused(&self, id: CommandId) -> bool {
        self.refused.contains(&id)
    }

    /// Number of commands whose outcome was told.
    pub fn count_told(&self) -> usize {
        self.told.len()
    }

    /// Writes down a command that is about to leave. `durable` waits for the disk, which a stream of single
    /// orders cannot afford: its run book survives the end of the process, not that of the machine.
    ///
    /// # Errors
    /// [`ClientError::File`]: the command must not be sent.
    pub fn sending(&mut self, signed: &Signed, durable: bool) -> Result<(), ClientError> {
        let record = Record::sent(signed).encode();
        self.has_side |= !signed.side.is_empty();
        self.append(&record).map_err(|error| self.nothing_left(error))?;
        if let Ok(message) = Message::parse(&signed.message) {
            self.open.insert(message.header.command_id, (self.sent, record));
            self.sent += 1;
        }
        if durable {
            let path = self.home.path(&self.name);
            self.file.sync_data().map_err(ClientError::file(&path))?;
        }
        Ok(())
    }

    /// The error for a run book that could not be written. If nothing of this run has left yet, it says that nothing was
    /// sent.
    fn nothing_left(&self, error: ClientError) -> ClientError {
        match error {
            ClientError::File(path, error) if self.sent == 0 && !self.goes_on => not_writable(&path, &error),
            other => other,
        }
    }

    /// Strikes out a command whose outcome was told.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn told(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.append(&Record::Told(id).encode())?;
        if self.run.kind != RunKind::Lines {
            self.told.insert(id);
        }
        self.closed(id)
    }

    /// Strikes out a command of which nothing came.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn refused(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.append(&Record::Refused(id).encode())?;
        if self.run.kind != RunKind::Lines {
            self.refused.insert(id);
        }
        self.closed(id)
    }

    fn closed(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.open.remove(&id);
        if self.bytes > COMPACT_BYTES { self.compact() } else { Ok(()) }
    }

    fn append(&mut self, record: &[u8]) -> Result<(), ClientError> {
        let path = self.home.path(&self.name);
        self.file.write_all(record).map_err(ClientError::file(&path))?;
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Puts a run book of what is still needed in the place of this one, if that is much shorter.
    fn compact(&mut self) -> Result<(), ClientError> {
        let mut open: Vec<&(u64, Vec<u8>)> = self.open.values().collect();
        if open.iter().map(|(_, record)| record.len() as u64).sum::<u64>() > self.bytes / 4 {
            return Ok(());
        }
        open.sort_unstable();
        let run = Record::Run(self.run.clone()).encode();
        let told = self.told.iter().flat_map(|id| Record::Told(*id).encode());
        let open = open.into_iter().flat_map(|(_, record)| record).copied();
        let refused = self.refused.iter().flat_map(|id| Record::Refused(*id).encode());
        let live: Vec<u8> = run.into_iter().chain(told).chain(refused).chain(open).collect();
        self.file = self.home.place_locked(&self.name, &live, true)?.ok_or_else(not_placed)?;
        self.bytes = live.len() as u64;
        Ok(())
    }

    /// Ends the run: all was told, or nothing came of it. A run book that is dropped instead stays behind.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn finish(self) -> Result<(), ClientError> {
        if self.has_side { self.home.wipe(&self.name) } else { self.home.remove(&self.name) }
    }
}

/// The error of a run book that could not take its name, which does not happen: whatever has the name is replaced.
fn not_placed() -> ClientError {
    ClientError::Unexpected("a run book could not be put in its place".to_owned())
}
