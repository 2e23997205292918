//! What was noted and is on its way to the disk. Equal things within a minute are one record with a count: the record is
//! written when it is new, and written again in its place when its count has grown.

use std::collections::BTreeMap;
use std::time::Duration;

use super::codes::{Code, MISSED};
use super::files::Write;
use super::record::{RECORD_BYTES, Record};
use crate::time::{Monotonic, Now};

/// How long something that was noted waits for others, so that all of them are written at once.
const WRITE_AFTER: Duration = Duration::from_secs(1);

/// How long nothing is written after a disk has refused it.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Milliseconds within which equal things are one record: a minute of the wall clock.
const MINUTE_MS: u64 = 60_000;

/// Different things that are kept in memory, at most.
const ENTRIES_MAX: usize = 16_384;

/// Things of one account and one minute that are told apart by what they are about. Of what comes after them only the code is
/// noted, so that nobody can push out of the journal what others did.
const TOLD_APART_MAX: u32 = 64;

/// The number of files that the room for the journal is divided into: the oldest goes as a whole.
const FILES: u64 = 16;

/// What makes two things equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    minute: u64,
    account: u64,
    code: Code,
    about: u64,
}

/// One record, as far as it was noted.
#[derive(Clone, Copy, Debug)]
struct Entry {
    first_ms: u64,
    count: u16,
    /// How much of the count is written, or on its way.
    written: u16,
    /// The place of the record in the present file, once it has one.
    place: Option<u64>,
}

/// The file that records are appended to.
#[derive(Clone, Copy, Debug)]
struct File {
    first_ms: u64,
    records: u64,
}

/// Gathers what is noted, and says what is to be written when.
#[derive(Debug)]
pub struct Journal {
    bytes_max: u64,
    minute: u64,
    /// The newest time that was seen, in milliseconds.
    newest_ms: u64,
    entries: BTreeMap<Key, Entry>,
    /// Those of them that are not written as they are.
    changed: Vec<Key>,
    /// How many things of this minute are told apart, by account.
    told_apart: BTreeMap<u64, u32>,
    /// How much was missed and is not noted yet.
    unnoted: u64,
    /// The same since the start, noted or not.
    missed: u64,
    file: Option<File>,
    /// The time in the name of the newest file.
    newest_file_ms: u64,
    /// Writes that a helper has not answered yet.
    under_way: u32,
    due: Option<Monotonic>,
    /// The time before which nothing is written, because the disk has refused something.
    rests_until: Option<Monotonic>,
    now: Monotonic,
}

impl Journal {
    /// A journal that takes so many bytes on the disk, at most.
    pub fn new(bytes_max: u64) -> Journal {
        Journal {
            bytes_max,
            minute: 0,
            newest_ms: 0,
            entries: BTreeMap::new(),
            changed: Vec::new(),
            told_apart: BTreeMap::new(),
            unnoted: 0,
            missed: 0,
            file: None,
            newest_file_ms: 0,
            under_way: 0,
            due: None,
            rests_until: None,
            now: Monotonic::default(),
        }
    }

    /// Sees the clocks, before anything is noted by them.
    pub fn see(&mut self, now: Now) {
        (self.newest_ms, self.now) = (now.wall.millis(), now.mono);
        let minute = self.newest_ms / MINUTE_MS;
        if minute != self.minute {
            self.minute = minute;
            self.told_apart.clear();
        }
    }

    /// Notes that an account has done something, or that something was done to it.
    pub fn note(&mut self, account: u64, code: Code, about: u64) {
        let key = Key { minute: self.minute, account, code, about };
        if !self.count(key, 1) {
            let told_apart = self.told_apart.get(&account).copied().unwrap_or_default();
            if told_apart < TOLD_APART_MAX && self.entries.len() < ENTRIES_MAX {
                self.told_apart.insert(account, told_apart + 1);
                self.insert(key, 1);
            } else if !self.count(Key { about: 0, ..key }, 1) {
                self.insert(Key { about: 0, ..key }, 1);
            }
        }
        self.due.get_or_insert(Monotonic(self.now.0 + WRITE_AFTER));
    }

    /// Counts something that is there already; false if it is not.
    fn count(&mut self, key: Key, times: u16) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        // A count that has come to its end stays there.
        if entry.count < u16::MAX {
            if entry.count == entry.written {
                self.changed.push(key);
            }
            entry.count = entry.count.saturating_add(times);
        }
        true
    }

    /// Takes something new in, if there is room.
    fn insert(&mut self, key: Key, count: u16) {
        if self.entries.len() >= ENTRIES_MAX && key.code != MISSED {
            self.miss(1);
            return;
        }
        self.entries.insert(key, Entry { first_ms: self.newest_ms, count, written: 0, place: None });
        self.changed.push(key);
    }

    /// The time at which something is to be written; none if there is nothing, and while a helper is at work on what was to be
    /// written before.
    pub fn due(&self) -> Option<Monotonic> {
        let due = self.due.filter(|_| self.under_way == 0)?;
        Some(due.max(self.rests_until.unwrap_or_default()))
    }

    /// What is to be written by now; none if it is not time yet.
    pub fn write_if_due(&mut self) -> Option<Write> {
        self.due().filter(|due| *due <= self.now)?;
        self.write()
    }

    /// What is not written yet, before somebody reads. What was handed out before has to be written first. None if the disk
    /// has refused something a short time ago.
    pub fn write_now(&mut self) -> Option<Write> {
        if self.rests() { None } else { self.write() }
    }

    fn write(&mut self) -> Option<Write> {
        self.due = None;
        self.note_missed();
        if self.changed.is_empty() {
            return None;
        }
        let file_bytes = self.file_bytes();
        let creates = self.file.is_none();
        let newest = self.newest_ms.max(self.newest_file_ms.saturating_add(1));
        let file = self.file.get_or_insert(File { first_ms: newest, records: 0 });
        self.newest_file_ms = file.first_ms;
        let (expects, capacity) = (file.records, file_bytes / RECORD_BYTES as u64);
        let (mut records, mut left) = (Vec::with_capacity(self.changed.len()), Vec::new());
        for key in std::mem::take(&mut self.changed) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if entry.place.is_none() && file.records >= capacity {
                left.push(key);
                continue;
            }
            let place = *entry.place.get_or_insert_with(|| {
                file.records += 1;
                file.records - 1
            });
            entry.written = entry.count;
            records.push((place, record(key, *entry)));
        }
        let (first_ms, is_full) = (file.first_ms, file.records >= capacity);
        // What is over, or has its place in a file that is full, is written and needs no room any more.
        self.entries.retain(|key, entry| entry.place.is_none() || key.minute == self.minute && !is_full);
        self.changed = left;
        if is_full {
            self.file = None;
        }
        if !self.changed.is_empty() {
            self.due = Some(Monotonic::default());
        }
        self.under_way += 1;
        records.sort_unstable_by_key(|(place, _)| *place);
        Some(Write {
            first_ms,
            creates,
            expects,
            records,
            syncs: is_full,
            bytes_max: self.bytes_max,
            file_bytes,
        })
    }

    /// What is not written yet, at the end: the file is synced with it. It is asked until nothing is left. Whether an earlier
    /// write was carried out is not known any more if a helper has not answered it: then what is left goes to a file of its
    /// own.
    pub fn end(&mut self) -> Option<Write> {
        if self.under_way > 0 {
            self.file = None;
            for key in &self.changed {
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.place = None;
                    entry.count = entry.count.saturating_sub(entry.written);
                }
            }
        }
        if let Some(write) = self.write() {
            return Some(Write { syncs: true, ..write });
        }
        self.file.take().map(|File { first_ms, records }| Write {
            first_ms,
            creates: false,
            expects: records,
            records: Vec::new(),
            syncs: true,
            bytes_max: self.bytes_max,
            file_bytes: self.file_bytes(),
        })
    }

    /// A helper has carried out a write.
    pub fn written(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A helper could not carry out a write of so many records. They are lost, and counted. The next file begins when the disk
    /// has had some time. Whether this is to be told: a disk that fails several times in that time is told of once.
    pub fn failed(&mut self, records: u64) -> bool {
        let is_first = !self.rests();
        self.under_way = self.under_way.saturating_sub(1);
        self.file = None;
        // What has a place in that file has lost it, and what it has grown by since.
        let mut lost = records;
        for key in std::mem::take(&mut self.changed) {
            match self.entries.get(&key) {
                Some(entry) if entry.place.is_none() => self.changed.push(key),
                Some(entry) => {
                    lost = lost.saturating_add(u64::from(entry.count.saturating_sub(entry.written)))
                }
                None => {}
            }
        }
        self.entries.retain(|_, entry| entry.place.is_none());
        self.miss(lost);
        let until = Monotonic(self.now.0 + REST_AFTER_FAILURE);
        (self.due, self.rests_until) = (Some(until), Some(until));
        is_first
    }

    /// How much found no room or could not be written, since the start.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    fn miss(&mut self, count: u64) {
        self.unnoted = self.unnoted.saturating_add(count);
        self.missed = self.missed.saturating_add(count);
    }

    /// Whether the disk has refused something a short time ago.
    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| self.now < until)
    }

    /// Notes how much found no room.
    fn note_missed(&mut self) {
        let count = u16::try_from(std::mem::take(&mut self.unnoted)).unwrap_or(u16::MAX);
        let key = Key { minute: self.minute, account: 0, code: MISSED, about: 0 };
        if count > 0 && !self.count(key, count) {
            self.insert(key, count);
        }
    }

    /// Bytes of a file, at most.
    fn file_bytes(&self) -> u64 {
        let record = RECORD_BYTES as u64;
        (self.bytes_max / FILES / record).max(1) * record
    }
}

fn record(key: Key, entry: Entry) -> Record {
    let Key { account, code, about, .. } = key;
    Record { time_ms: entry.first_ms, account, code, count: entry.count, about }
}

#[cfg(test)]
mod tests;
