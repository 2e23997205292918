//! The journal over a simulated disk: what is noted, what stands in the files, and what a hostile disk does to it.

use super::*;
use crate::eventlog::{Access, Fault, SimDisk, Storage};
use crate::journal::{Page, Read};
use crate::time::{SinceBoot, Timestamp};
use crate::wire::JournalPlace;

/// The beginning of a minute.
const START_MS: u64 = 1_700_000_040_000;

const BYTES_MAX: u64 = 1 << 20;

fn at(ms: u64) -> Now {
    let passed = Duration::from_millis(ms);
    Now { wall: Timestamp::from_millis(START_MS + ms), mono: Monotonic(passed), boot: SinceBoot(passed) }
}

/// Notes something at a time.
fn note(journal: &mut Journal, ms: u64, (account, code, about): (u64, Code, u64)) {
    journal.see(at(ms));
    journal.note(account, code, about);
}

/// Writes what is due at a time; whether there was something.
fn write(journal: &mut Journal, disk: &SimDisk, ms: u64) -> bool {
    journal.see(at(ms));
    let Some(write) = journal.write_if_due() else { return false };
    match write.run(disk) {
        Ok(()) => journal.written(),
        Err(_) => assert!(journal.failed(write.records.len() as u64), "told once"),
    }
    true
}

fn read(disk: &SimDisk, read: Read) -> Page {
    read.run(disk).unwrap()
}

fn everything() -> Read {
    Read { account: None, since_ms: 0, from: JournalPlace::default(), limit: usize::MAX }
}

/// Account, code, count and about of everything on the disk.
fn on_disk(disk: &SimDisk) -> Vec<(u64, Code, u16, u64)> {
    let (mut all, mut from) = (Vec::new(), Some(JournalPlace::default()));
    while let Some(place) = from {
        let page = read(disk, Read { from: place, ..everything() });
        all.extend(page.records.iter().map(|it| (it.account, it.code, it.count, it.about)));
        from = page.next;
    }
    all
}

fn files(disk: &SimDisk) -> Vec<String> {
    disk.list("journal").unwrap()
}

#[test]
fn equal_things_within_a_minute_are_one_record_with_a_count() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    assert!(!write(&mut journal, &disk, 0), "nothing was noted");
    for ms in [0, 10, 20] {
        note(&mut journal, ms, (7, 102, 0));
    }
    note(&mut journal, 30, (7, 102, 9));
    note(&mut journal, 40, (8, 102, 0));
    assert_eq!(journal.due(), Some(Monotonic(Duration::from_secs(1))));
    assert!(!write(&mut journal, &disk, 999), "not before a second is over");
    assert!(write(&mut journal, &disk, 1_000));
    assert_eq!(on_disk(&disk), [(7, 102, 3, 0), (7, 102, 1, 9), (8, 102, 1, 0)]);
    assert_eq!(read(&disk, everything()).records[0].time_ms, START_MS, "the first of the three");
    // Its count grows in its place, as long as the minute lasts.
    note(&mut journal, 59_000, (7, 102, 0));
    assert!(write(&mut journal, &disk, 60_000));
    note(&mut journal, 60_001, (7, 102, 0));
    assert!(write(&mut journal, &disk, 61_001));
    assert_eq!(on_disk(&disk), [(7, 102, 4, 0), (7, 102, 1, 9), (8, 102, 1, 0), (7, 102, 1, 0)]);
    assert_eq!(files(&disk), [format!("{:020}.jnl", START_MS + 1_000)], "when it was begun");
    for _ in 0..70_000 {
        note(&mut journal, 62_000, (7, 103, 0));
    }
    assert!(write(&mut journal, &disk, 63_000));
    assert_eq!(on_disk(&disk).pop(), Some((7, 103, u16::MAX, 0)));
    assert!(!write(&mut journal, &disk, 70_000));
}

#[test]
fn whoever_asks_about_everybody_pushes_nobody_out_of_the_journal() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    note(&mut journal, 0, (8, 115, 1));
    for about in 1..=1_000 {
        note(&mut journal, 1, (7, 115, about));
    }
    write(&mut journal, &disk, 1_001);
    let records = on_disk(&disk);
    assert_eq!(records.len(), 1 + 64 + 1);
    assert!(records.contains(&(8, 115, 1, 1)) && records.contains(&(7, 115, 936, 0)));
}

#[test]
fn what_finds_no_room_in_memory_is_counted() {
    let (mut journal, disk) = (Journal::new(64 << 20), SimDisk::new());
    for account in 1..=ENTRIES_MAX as u64 + 5 {
        note(&mut journal, 0, (account, 1, 0));
    }
    write(&mut journal, &disk, 1_000);
    let records = on_disk(&disk);
    assert_eq!(records.len(), ENTRIES_MAX + 1);
    assert_eq!(records.last(), Some(&(0, MISSED, 5, 0)));
    // The next minute has room again.
    note(&mut journal, 60_000, (1, 1, 0));
    write(&mut journal, &disk, 61_000);
    assert_eq!(on_disk(&disk).len(), ENTRIES_MAX + 2);
}

#[test]
fn the_oldest_file_goes_and_all_of_them_take_no_more_than_they_may() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    for minute in 0..600 {
        for account in 1..=100 {
            note(&mut journal, minute * 60_000, (account, 1, 0));
        }
        // What finds no room in a file goes to the next at once.
        while write(&mut journal, &disk, minute * 60_000 + 1_000) {}
        let bytes: u64 = files(&disk)
            .iter()
            .map(|name| disk.bytes(&format!("journal/{name}")).unwrap().len() as u64)
            .sum();
        assert!(bytes <= BYTES_MAX, "{bytes} bytes after {minute} minutes");
    }
    let times: Vec<u64> = {
        let (mut all, mut from) = (Vec::new(), Some(JournalPlace::default()));
        while let Some(place) = from {
            let page = read(&disk, Read { from: place, ..everything() });
            all.extend(page.records.iter().map(|record| record.time_ms));
            from = page.next;
        }
        all
    };
    assert!(times.is_sorted(), "pages go on where the one before ended");
    assert!(times.len() > 28_000 && times.len() < 60_000, "{} records", times.len());
    assert_eq!(times.last(), Some(&(START_MS + 599 * 60_000)), "the newest stays");
}

#[test]
fn a_look_finds_what_it_looks_for_and_a_damaged_record_ends_its_file_quietly() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    for minute in 0..10 {
        for account in 1..=10 {
            note(&mut journal, minute * 60_000, (account, 1, 0));
        }
        write(&mut journal, &disk, minute * 60_000 + 1_000);
        if minute == 4 {
            journal.end().unwrap().run(&disk).unwrap();
            journal = Journal::new(BYTES_MAX);
        }
    }
    assert_eq!(files(&disk).len(), 2, "each start begins a file");
    let of_three = Read { account: Some(3), since_ms: START_MS + 3 * 60_000, ..everything() };
    let found = read(&disk, of_three).records;
    assert_eq!(found.len(), 7);
    assert!(found.iter().all(|record| record.account == 3 && record.time_ms >= START_MS + 180_000));
    let first = read(&disk, Read { limit: 2, ..of_three });
    let rest = read(&disk, Read { from: first.next.unwrap(), ..of_three });
    assert_eq!((first.records.len(), [first.records, rest.records].concat()), (2, found));
    assert_eq!(rest.next, None);

    let path = format!("journal/{}", files(&disk)[0]);
    disk.open(&path, Access::ReadWrite).unwrap().write_at(&[0xff], 20 * 32 + 5).unwrap();
    assert_eq!(on_disk(&disk).len(), 20 + 50, "what lies behind it in its file may be anything");
    // What is no file of the journal is left alone, and a page whose file has gone goes on with the next.
    disk.open("journal/notes.txt", Access::CreateNew).unwrap();
    disk.remove(&path).unwrap();
    assert_eq!(on_disk(&disk).len(), 50);
    assert_eq!(read(&SimDisk::new(), everything()), Page::default(), "there is no journal yet");
}

#[test]
fn a_disk_that_takes_nothing_costs_what_was_noted_and_is_tried_again_after_a_minute() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    note(&mut journal, 0, (7, 1, 0));
    disk.set_capacity(Some(disk.used()));
    assert!(write(&mut journal, &disk, 1_000));
    note(&mut journal, 2_000, (7, 1, 0));
    note(&mut journal, 2_000, (7, 2, 0));
    assert!(!write(&mut journal, &disk, 60_999), "it rests");
    assert!(journal.write_now().is_none(), "for whoever wants to read, too");
    disk.set_capacity(None);
    assert!(write(&mut journal, &disk, 61_000));
    assert_eq!(on_disk(&disk), [(7, 1, 1, 0), (7, 2, 1, 0), (0, MISSED, 1, 0)]);
}

#[test]
fn whichever_call_fails_the_records_that_are_read_are_some_that_were_noted() {
    for number in 0.. {
        let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
        note(&mut journal, 0, (7, 1, 0));
        let fault = if number % 2 == 0 { Fault::Short } else { Fault::Error(std::io::ErrorKind::Other) };
        disk.fail_call(disk.calls() + number / 2, fault);
        for ms in [1_000, 120_000, 181_000] {
            write(&mut journal, &disk, ms);
            note(&mut journal, ms + 1, (8, 2, 9));
        }
        if let Some(write) = journal.end() {
            drop(write.run(&disk));
        }
        let known = [(7, 1, 1, 0), (8, 2, 1, 9), (8, 2, 2, 9), (0, MISSED, 1, 0), (0, MISSED, 2, 0)];
        let records = on_disk(&disk);
        assert!(records.iter().all(|record| known.contains(record)), "call {number}: {records:?}");
        assert!(records.iter().any(|record| record.0 == 8), "call {number}: it goes on");
        if number / 2 > disk.calls() {
            return;
        }
    }
}

#[test]
fn a_disk_that_fails_twice_at_once_is_told_of_once_and_again_after_a_minute() {
    let mut journal = Journal::new(BYTES_MAX);
    journal.see(at(0));
    assert!(journal.failed(1));
    assert!(!journal.failed(1), "the write behind it fails, too");
    journal.see(at(60_000));
    assert!(journal.failed(1));
}

#[test]
fn the_end_writes_what_one_file_has_no_room_for() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    for account in 1..=5_000 {
        note(&mut journal, 0, (account, 1, 0));
    }
    while let Some(write) = journal.end() {
        write.run(&disk).unwrap();
    }
    assert_eq!((on_disk(&disk).len(), files(&disk).len()), (5_000, 3));
    journal.see(at(1));
    assert!(journal.end().is_none());
}

#[test]
fn the_end_writes_what_is_left_and_a_write_that_nobody_answered_is_not_counted_twice() {
    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    assert!(journal.end().is_none(), "nothing was noted");
    note(&mut journal, 0, (7, 1, 0));
    journal.end().unwrap().run(&disk).unwrap();
    assert_eq!(on_disk(&disk), [(7, 1, 1, 0)]);

    let (mut journal, disk) = (Journal::new(BYTES_MAX), SimDisk::new());
    note(&mut journal, 0, (7, 1, 0));
    journal.see(at(1_000));
    let with_a_helper = journal.write_if_due().unwrap();
    note(&mut journal, 1_100, (7, 1, 0));
    note(&mut journal, 1_200, (8, 1, 0));
    let last = journal.end().unwrap();
    last.run(&disk).unwrap();
    with_a_helper.run(&disk).unwrap();
    let mut records = on_disk(&disk);
    records.sort_unstable();
    assert_eq!(records, [(7, 1, 1, 0), (7, 1, 1, 0), (8, 1, 1, 0)]);
    assert_eq!(files(&disk).len(), 2);
}
