//! The log on a disk that is full at every call in turn, and what is left of a batch that did not fit. Being
//! full may cost a batch that nobody was told of; it never costs the log.

use std::io::ErrorKind;

use ledgerd::crypto::random::Seeded;
use ledgerd::eventlog::{AppendError, Batch, EventLog, Fault, SimDisk, Survival};

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
    let from = log.written_count();
    // A batch that did not fit is followed by a larger one, as when commands have piled up.
    for count in [count, count + 40] {
        fill(&mut batch, from, count);
        match log.append(&mut batch, &mut rng) {
            Ok(()) => return log.sync().is_ok(),
            Err(AppendError::ReadOnly(_)) => log.try_resume(),
            Err(AppendError::Fatal(_)) => return false,
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
fn a_part_of_a_batch_that_did_not_fit_never_comes_back_as_damage() {
    // With two failures the zeros that are to take the place of the part find no room either.
    for (call, failures) in calls().flat_map(|call| [(call, 1), (call, 2)]) {
        for survival in SURVIVALS {
            let disk = new_disk();
            disk.fail_call(call, Fault::Short);
            for failure in 1..=failures {
                disk.fail_call(call + failure, Fault::Error(ErrorKind::StorageFull));
            }
            let Some(durable) = run_until_full(&disk) else { continue };
            disk.crash(survival, &mut choices(call + 1));
            let what = format!("half a write at call {call}, then full {failures} times, {survival:?}");
            check(&disk, durable, &what);
        }
    }
}

/// Appends until a batch finds no room; then the operator stops the daemon. Gives the number of durable blocks,
/// or nothing when the log cannot even be opened.
fn run_until_full(disk: &SimDisk) -> Option<u64> {
    let (mut log, _) = open(disk).ok()?;
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("part"));
    let mut durable = log.durable_count();
    for count in [3, 4, 3, 5, 2, 3] {
        fill(&mut batch, durable, count);
        match log.append(&mut batch, &mut rng) {
            Ok(()) => {}
            Err(AppendError::ReadOnly(_)) => break,
            Err(AppendError::Fatal(_)) => return Some(durable),
        }
        if log.sync().is_err() {
            return Some(durable);
        }
        durable = log.durable_count();
    }
    // Closing may meet the fault; nothing that was synced depends on it.
    drop(log.close());
    Some(durable)
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
fn a_batch_can_be_appended_again_after_it_did_not_fit() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    let (mut batch, mut rng) = (Batch::new(), Seeded::new("again"));
    fill(&mut batch, 1, 3);
    disk.fail_call(disk.calls(), Fault::Error(ErrorKind::StorageFull));
    assert!(matches!(log.append(&mut batch, &mut rng), Err(AppendError::ReadOnly(_))));
    log.try_resume();
    log.append(&mut batch, &mut rng).unwrap();
    log.sync().unwrap();
    assert_eq!(batch.block(2), Some(&block(3)[..]), "the blocks can still be looked at");
    log.close().unwrap();
    check(&disk, 4, "after the second attempt");
}
