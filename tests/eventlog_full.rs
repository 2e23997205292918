//! The log on a disk that is full: at every call in turn, and from every amount of room on. Where room is asked for, a full
//! disk is a refusal; where a write finds none all the same, it ends the log and costs a batch that nobody was told of.
//! It never costs a synced block, nor the log.

use std::io::ErrorKind;

use ledgerd::crypto::random::Seeded;
use ledgerd::eventlog::{Batch, EventLog, Fault, LogError, SimDisk, Survival};

use super::eventlog_crash::{block, choices, hash, new_disk, open};

const SURVIVALS: [Survival; 4] =
    [Survival::Nothing, Survival::Everything, Survival::Prefix, Survival::Sectors];

fn fill(batch: &mut Batch, from: u64, count: u64) {
    batch.clear();
    for index in from..from + count {
        let bytes = block(index);
        batch.push(&bytes, hash(&bytes));
    }
}

/// Appends and syncs one batch of `count` blocks; waits once for room. False when the log has ended.
fn push(log: &mut EventLog, count: u64) -> bool {
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("full"));
    // A batch that found no room is followed by a larger one, as when commands have piled up.
    for count in [count, count + 40] {
        fill(&mut batch, log.written_count(), count);
        match log.make_room(batch.frame_bytes()) {
            Ok(true) => return log.append(&mut batch, &mut rng).is_ok() && log.sync().is_ok(),
            Ok(false) => {
                // What a start found no room for is put right first.
                assert!(!log.is_unmended() || log.try_mend().unwrap());
                log.try_resume();
            }
            Err(_) => return false,
        }
    }
    panic!("the disk was full once only");
}

/// Some batches over several segments; larger ones than a segment of nominal size among them.
fn run(disk: &SimDisk) -> u64 {
    let Ok((mut log, _)) = open(disk) else { return 1 };
    let mut durable = log.durable_count();
    for count in [3, 4, 3, 5, 2, 3, 40, 3, 4, 3] {
        if !push(&mut log, count) {
            return durable;
        }
        durable = log.durable_count();
    }
    // Closing may meet the fault; nothing that was synced depends on it.
    drop(log.close());
    durable
}

fn check(disk: &SimDisk, durable: u64, what: &str) {
    let (mut log, _) = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(log.durable_count() >= durable, "{what}: {} of {durable} blocks", log.durable_count());
    assert!(push(&mut log, 40), "{what}");
    let next = log.durable_count();
    for index in 0..next {
        assert_eq!(log.read(index).unwrap(), block(index), "{what}");
    }
    log.close().unwrap();
    let (log, recovery) = open(disk).unwrap_or_else(|error| panic!("{what}, again: {error}"));
    assert_eq!((log.durable_count(), recovery.torn_bytes), (next, 0), "{what}");
}

fn calls() -> std::ops::Range<u64> {
    let disk = new_disk();
    let created = disk.calls();
    run(&disk);
    created..disk.calls()
}

#[test]
fn a_disk_that_is_full_at_any_call_costs_no_synced_block() {
    for call in calls() {
        let disk = new_disk();
        disk.fail_call(call, Fault::Error(ErrorKind::StorageFull));
        let durable = run(&disk);
        check(&disk, durable, &format!("full at call {call}"));
    }
}

#[test]
fn a_part_of_a_batch_that_found_no_room_never_comes_back_as_damage() {
    for (call, survival) in calls().flat_map(|call| SURVIVALS.map(|survival| (call, survival))) {
        let disk = new_disk();
        disk.fail_call(call, Fault::Short);
        disk.fail_call(call + 1, Fault::Error(ErrorKind::StorageFull));
        let Some(durable) = run_until_full(&disk) else { continue };
        disk.crash(survival, &mut choices(call + 1));
        check(&disk, durable, &format!("half a write at call {call}, then full, {survival:?}"));
    }
}

/// Appends until a batch finds no room. Gives the number of durable blocks, or nothing when the log cannot even be opened.
fn run_until_full(disk: &SimDisk) -> Option<u64> {
    let (mut log, _) = open(disk).ok()?;
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("part"));
    for count in [3, 4, 3, 5, 2, 3] {
        let durable = log.durable_count();
        fill(&mut batch, durable, count);
        match log.make_room(batch.frame_bytes()) {
            Ok(true) if log.append(&mut batch, &mut rng).is_ok() && log.sync().is_ok() => {}
            Ok(false) => break,
            Ok(true) | Err(_) => return Some(durable),
        }
    }
    let durable = log.durable_count();
    // The operator stops the daemon. Closing may meet the fault; nothing that was synced depends on it.
    drop(log.close());
    Some(durable)
}

#[test]
fn what_was_said_to_have_room_is_written_however_little_the_disk_has() {
    let (used, most) = (new_disk().used(), 300 << 10);
    for more in (0..most).step_by(7_001) {
        let disk = new_disk();
        disk.set_capacity(Some(used + more));
        let (mut log, _) = open(&disk).unwrap();
        let (mut batch, mut rng) = (Batch::new(), Seeded::new("room"));
        for count in [3, 1, 4, 2, 5, 1].into_iter().cycle() {
            fill(&mut batch, log.written_count(), count);
            if !log.make_room(batch.frame_bytes()).unwrap() {
                break;
            }
            let before = disk.used();
            log.append(&mut batch, &mut rng).unwrap_or_else(|error| panic!("{more} bytes: {error}"));
            log.sync().unwrap();
            let made_ahead = disk.used() - before;
            assert!(made_ahead == 0 || made_ahead >= 64 << 10, "a write needs no room of its own");
        }
        let durable = log.durable_count();
        assert!(log.mode().is_read_only(), "{more}");
        assert_eq!(log.read(durable - 1).unwrap(), block(durable - 1), "reads go on");
        // A start on the full disk finds all of it, and goes on when there is room.
        log.close().unwrap();
        let (log, _) = open(&disk).unwrap();
        assert_eq!(log.durable_count(), durable);
        drop(log);
        disk.set_capacity(None);
        check(&disk, durable, &format!("{more} bytes more"));
    }
}

#[test]
fn a_larger_batch_goes_into_a_segment_that_a_full_disk_left_empty() {
    for call in calls() {
        let disk = new_disk();
        disk.fail_call(call, Fault::PowerLoss);
        let durable = run(&disk);
        disk.crash(Survival::Everything, &mut choices(1));
        check(&disk, durable, &format!("power loss at call {call}, then a large batch"));
    }
}

#[test]
fn a_write_that_finds_no_room_all_the_same_ends_the_log_and_the_next_start_cuts_it_off() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    assert!(push(&mut log, 3));
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("ended"));
    fill(&mut batch, 4, 3);
    assert!(log.make_room(batch.frame_bytes()).unwrap());
    disk.fail_call(disk.calls(), Fault::Short);
    disk.fail_call(disk.calls() + 1, Fault::Error(ErrorKind::StorageFull));
    let error = log.append(&mut batch, &mut rng).unwrap_err();
    assert!(error.is_want_of_room() && error.to_string().starts_with("write log/"), "{error}");
    let calls = disk.calls();
    assert!(matches!(log.append(&mut batch, &mut rng), Err(LogError::Poisoned)));
    assert!(matches!(log.make_room(0), Err(LogError::Poisoned)));
    log.try_resume();
    assert!(matches!(log.close(), Err(LogError::Poisoned)));
    assert_eq!(disk.calls(), calls, "nothing more is written");
    let (log, recovery) = open(&disk).unwrap();
    assert!(recovery.torn_bytes > 0, "{recovery:?}");
    assert_eq!(log.durable_count(), 4);
    drop(log);
    check(&disk, 4, "after the torn batch was cut off");
}

/// A disk that writes to new places only, with a batch that was synced and one that a killed process left unsynced,
/// and without any room.
fn full_copy_on_write(torn: bool) -> SimDisk {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    assert!(push(&mut log, 3));
    log.sync_anchor().unwrap();
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("unsynced"));
    fill(&mut batch, 4, 2);
    if torn {
        disk.fail_call(disk.calls(), Fault::Short);
        disk.fail_call(disk.calls() + 1, Fault::PowerLoss);
    }
    assert!(log.make_room(batch.frame_bytes()).unwrap());
    assert_eq!(log.append(&mut batch, &mut rng).is_err(), torn);
    drop(log);
    if torn {
        disk.crash(Survival::Everything, &mut choices(1));
    }
    disk.set_copy_on_write(true);
    disk.set_capacity(Some(disk.used()));
    disk
}

#[test]
fn a_start_on_a_full_copy_on_write_disk_is_read_only_changes_nothing_and_goes_on_when_there_is_room() {
    for torn in [false, true] {
        let disk = full_copy_on_write(torn);
        let before = disk.image();
        let (mut log, recovery) = open(&disk).unwrap();
        assert!(log.mode().is_read_only() && log.is_unmended(), "torn: {torn}");
        assert_eq!((log.durable_count(), recovery.blocks), (4, 4), "what may not be durable does not count");
        assert_eq!(log.read(3).unwrap(), block(3));
        assert!(!log.try_mend().unwrap(), "there is no room yet");
        log.try_resume();
        assert!(log.mode().is_read_only());
        assert!(!log.make_room(0).unwrap(), "nothing is decided on a part of the log");
        log.close().unwrap();
        assert!(disk.image() == before, "torn: {torn}: something was changed");

        let (mut log, _) = open(&disk).unwrap();
        disk.set_capacity(None);
        assert!(log.try_mend().unwrap());
        log.try_resume();
        assert!(!log.mode().is_read_only() && !log.is_unmended());
        let durable = if torn { 4 } else { 6 };
        assert_eq!(log.durable_count(), durable);
        assert!(push(&mut log, 3));
        drop(log);
        // What was written again is durable: the power may fail.
        disk.crash(Survival::Nothing, &mut choices(2));
        check(&disk, durable + 3, &format!("torn: {torn}"));
    }
}

#[test]
fn a_log_that_proves_its_anchor_to_be_old_is_not_served_in_part() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    let anchor = disk.bytes("anchor").unwrap();
    assert!(push(&mut log, 3) && push(&mut log, 3));
    drop(log);
    // The power failed before the anchor was synced: somebody may have been told of these blocks.
    disk.put("anchor", &anchor);
    disk.set_copy_on_write(true);
    disk.set_capacity(Some(disk.used()));
    let before = disk.image();
    assert!(open(&disk).unwrap_err().is_want_of_room());
    assert!(disk.image() == before);
    disk.set_capacity(None);
    check(&disk, 7, "with room");
}

#[test]
fn a_log_without_room_for_its_last_mark_is_closed_all_the_same() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    assert!(push(&mut log, 3));
    disk.set_copy_on_write(true);
    disk.set_capacity(Some(disk.used()));
    log.close().unwrap();
    disk.set_capacity(None);
    check(&disk, 4, "closed without a mark");
}
