//! The files of the journal: `journal/<20-digit first ms>.jnl`, records and nothing else. What is done here touches a disk,
//! and belongs on a helper thread.

use std::io;

use super::record::{RECORD_BYTES, Record};
use crate::eventlog::{Access, Storage, StorageFile, read_up_to, write_all_at};
use crate::wire::JournalPlace;

/// The directory of the journal.
const DIRECTORY: &str = "journal";

/// What the name of a file ends with.
const ENDING: &str = ".jnl";

/// Digits of the time in a file's name.
const DIGITS: usize = 20;

/// Files that are kept, at most: each start of the server begins one, and may write little to it.
const FILES_MAX: usize = 1_024;

/// Records on one page, at most.
pub const RECORDS_PER_PAGE_MAX: usize = 512;

/// Bytes that are read for one page, at most.
const PAGE_BYTES_READ_MAX: u64 = 4 << 20;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 2_048 * RECORD_BYTES;

/// Records on their way into one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The time in the name of the file, in milliseconds.
    pub first_ms: u64,
    /// Whether the file is a new one.
    pub creates: bool,
    /// How many records stand in the file by now.
    pub expects: u64,
    /// The records, each with its place in the file, in the order of the places.
    pub records: Vec<(u64, Record)>,
    /// Whether nothing more comes to the file, so that it is synced.
    pub syncs: bool,
    /// Bytes that all files take, at most.
    pub bytes_max: u64,
    /// Bytes that this file takes, at most.
    pub file_bytes: u64,
}

impl Write {
    /// Carries the write out.
    ///
    /// # Errors
    /// What the file system says; or `InvalidData` where a write before this one is missing in the file.
    pub fn run(&self, storage: &dyn Storage) -> io::Result<()> {
        let path = path(self.first_ms);
        let mut file = if self.creates {
            make_room(storage, self.bytes_max.saturating_sub(self.file_bytes))?;
            storage.open(&path, Access::CreateNew)?
        } else {
            storage.open(&path, Access::ReadWrite)?
        };
        if file.len()? < self.expects * RECORD_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} has lost records")));
        }
        for run in self.records.chunk_by(|(one, _), (next, _)| one + 1 == *next) {
            let Some((first, _)) = run.first() else { continue };
            let bytes: Vec<u8> = run.iter().flat_map(|(_, record)| record.encode()).collect();
            write_all_at(file.as_mut(), &bytes, first * RECORD_BYTES as u64)?;
        }
        if self.syncs {
            file.sync_data()?;
            storage.sync_dir(DIRECTORY)?;
        }
        Ok(())
    }
}

fn path(first_ms: u64) -> String {
    format!("{DIRECTORY}/{first_ms:020}{ENDING}")
}

/// The times in the names of all files, in order. What is called otherwise is left alone.
fn files(storage: &dyn Storage) -> io::Result<Vec<u64>> {
    let names = match storage.list(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let time = |name: String| {
        let digits = name.strip_suffix(ENDING).filter(|digits| digits.len() == DIGITS)?;
        digits.parse().ok().filter(|time| path(*time).ends_with(&name))
    };
    let mut times: Vec<u64> = names.into_iter().filter_map(time).collect();
    times.sort_unstable();
    Ok(times)
}

/// Makes the directory if there is none, and removes the oldest files until all of them have so many bytes at most.
fn make_room(storage: &dyn Storage, bytes_max: u64) -> io::Result<()> {
    match storage.create_dir(DIRECTORY) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut sizes = Vec::new();
    for first_ms in files(storage)? {
        sizes.push((first_ms, storage.open(&path(first_ms), Access::Read)?.len()?));
    }
    let (mut all, mut count) = (sizes.iter().map(|(_, bytes)| *bytes).sum::<u64>(), sizes.len());
    for (first_ms, bytes) in sizes {
        if all <= bytes_max && count < FILES_MAX {
            break;
        }
        storage.remove(&path(first_ms))?;
        (all, count) = (all.saturating_sub(bytes), count - 1);
    }
    Ok(())
}

/// A look into the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The account whose records are wanted; all records without one.
    pub account: Option<u64>,
    /// The time from which on records are wanted, in milliseconds.
    pub since_ms: u64,
    /// The place to begin at.
    pub from: JournalPlace,
    /// How many records are wanted, at most.
    pub limit: usize,
}

/// Some of the records that were looked for, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// The place at which the next page begins; none where this page is the last.
    pub next: Option<JournalPlace>,
}

impl Read {
    /// Reads a page. The first record of a file that is damaged ends that file: what lies behind it may be anything.
    ///
    /// # Errors
    /// What the file system says.
    pub fn run(&self, storage: &dyn Storage) -> io::Result<Page> {
        let (mut page, mut budget) = (Page::default(), PAGE_BYTES_READ_MAX);
        for first_ms in self.wanted_files(storage)? {
            let file = match storage.open(&path(first_ms), Access::Read) {
                // It was the oldest, and has gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file?,
            };
            let record = if first_ms == self.from.file_ms { self.from.record } else { 0 };
            let mut place = JournalPlace { file_ms: first_ms, record };
            if !self.read_file(file.as_ref(), &mut place, &mut page, &mut budget)? {
                page.next = Some(place);
                break;
            }
        }
        Ok(page)
    }

    /// The files that can hold what is wanted, in order: what was noted at a time stands in the newest file that begins no
    /// later, or behind it.
    fn wanted_files(&self, storage: &dyn Storage) -> io::Result<Vec<u64>> {
        let files = files(storage)?;
        let newest = files.iter().copied().filter(|first_ms| *first_ms <= self.since_ms).max();
        let from = self.from.file_ms.max(newest.unwrap_or_default());
        Ok(files.into_iter().filter(|first_ms| *first_ms >= from).collect())
    }

    /// Reads a file from a place on, and moves the place; false when the page is full before the end.
    fn read_file(
        &self,
        file: &dyn StorageFile,
        place: &mut JournalPlace,
        page: &mut Page,
        budget: &mut u64,
    ) -> io::Result<bool> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if *budget == 0 {
                return Ok(false);
            }
            let offset = place.record.saturating_mul(RECORD_BYTES as u64);
            let read = read_up_to(file, &mut chunk, offset)?;
            *budget = budget.saturating_sub(CHUNK_BYTES as u64);
            for bytes in chunk.get(..read).unwrap_or_default().chunks(RECORD_BYTES) {
                let record = bytes.try_into().ok().and_then(Record::decode);
                let Some(record) = record else { return Ok(true) };
                if self.wants(&record) {
                    if page.records.len() >= self.limit.clamp(1, RECORDS_PER_PAGE_MAX) {
                        return Ok(false);
                    }
                    page.records.push(record);
                }
                place.record += 1;
            }
            if read < CHUNK_BYTES {
                return Ok(true);
            }
        }
    }

    fn wants(&self, record: &Record) -> bool {
        record.time_ms >= self.since_ms && self.account.is_none_or(|account| account == record.account)
    }
}
