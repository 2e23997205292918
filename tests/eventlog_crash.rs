//! The log on a disk that fails at every call in turn: power losses, failed syncs, a full disk, short writes.
//! Whatever happens, what was synced is there afterwards, and nothing that was not whole is served.

use std::io::ErrorKind;
use std::sync::Arc;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{Digest, LedgerId, sha3};
use ledgerd::eventlog::{
    self, Batch, BlockRefused, EventLog, Fault, LogError, OpenError, Options, Recovery, SimDisk, Storage,
    Survival,
};

pub(super) const OPTIONS: Options = Options { segment_bytes: 64 << 10, block_bytes_max: 16 << 10 };
const BATCHES: usize = 9;

/// Block `index` of the test's history: as long as three blocks make a batch and a few batches a segment.
pub(super) fn block(index: u64) -> Vec<u8> {
    let length = 2_000 + (index * 977 % 9_000) as usize;
    let mut bytes = index.to_be_bytes().to_vec();
    bytes.resize(length, (index % 251) as u8 + 1);
    bytes
}

pub(super) fn hash(bytes: &[u8]) -> Digest {
    sha3(&[b"test\0", bytes])
}

fn ledger_id() -> LedgerId {
    LedgerId(hash(&block(0)).0)
}

pub(super) fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    eventlog::create(&disk, ledger_id(), &block(0), OPTIONS, &mut Seeded::new("create")).unwrap();
    disk
}

/// Opens the log and checks that every block in it is the one of the history.
pub(super) fn open(disk: &SimDisk) -> Result<(EventLog, Recovery), OpenError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    EventLog::open(storage, OPTIONS, &mut |index, bytes| {
        assert_eq!(bytes, block(index), "block {index} is another one");
        Ok(hash(bytes))
    })
}

/// What a run could be told: how many blocks were synced.
struct Told {
    durable: u64,
    failed: bool,
}

fn fill(batch: &mut Batch, from: u64) -> u64 {
    batch.clear();
    for index in from..from + 3 {
        let bytes = block(index);
        batch.push(&bytes, hash(&bytes));
    }
    from + 3
}

/// Makes room for a batch and writes it.
fn append(log: &mut EventLog, batch: &mut Batch, rng: &mut Seeded) -> bool {
    matches!(log.make_room(batch.frame_bytes()), Ok(true)) && log.append(batch, rng).is_ok()
}

/// Writes batches until something fails.
fn run(disk: &SimDisk) -> Told {
    let mut told = Told { durable: 1, failed: true };
    let Ok((mut log, _)) = open(disk) else { return told };
    let mut rng = Seeded::new("run");
    let mut batch = Batch::new();
    told.durable = log.durable_count();
    for _ in 0..BATCHES {
        let next = fill(&mut batch, log.written_count());
        if !append(&mut log, &mut batch, &mut rng) || log.sync().is_err() {
            return told;
        }
        told.durable = next;
        if next.is_multiple_of(2) && log.sync_anchor().is_err() {
            return told;
        }
    }
    if log.close().is_ok() {
        told.failed = false;
    }
    told
}

fn calls_of_a_run() -> u64 {
    let disk = new_disk();
    assert!(!run(&disk).failed);
    disk.calls()
}

/// A small generator for the choices of a crash.
pub(super) fn choices(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        if below == 0 { 0 } else { seed % below }
    }
}

/// Reopens after a failure: everything told is there, and the log goes on.
fn check_after(disk: &SimDisk, told: &Told, what: &str) {
    let (mut log, _) = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        log.durable_count() >= told.durable,
        "{what}: {} of {} blocks",
        log.durable_count(),
        told.durable
    );
    let mut batch = Batch::new();
    let next = fill(&mut batch, log.written_count());
    assert!(append(&mut log, &mut batch, &mut Seeded::new("after")), "{what}");
    log.sync().unwrap();
    for index in 0..next {
        assert_eq!(log.read(index).unwrap(), block(index), "{what}");
    }
    log.close().unwrap();
    let (log, recovery) = open(disk).unwrap();
    assert_eq!((log.durable_count(), recovery.torn_bytes), (next, 0), "{what}");
}

#[test]
fn no_synced_block_is_lost_whichever_call_the_power_fails_at() {
    let created = new_disk().calls();
    for call in created..calls_of_a_run() {
        for survival in [Survival::Nothing, Survival::Everything, Survival::Prefix, Survival::Sectors] {
            for seed in 1..=3 {
                let disk = new_disk();
                disk.fail_call(call, Fault::PowerLoss);
                let told = run(&disk);
                disk.crash(survival, &mut choices(call * 31 + seed));
                check_after(&disk, &told, &format!("power loss at call {call}, {survival:?}, seed {seed}"));
            }
        }
    }
}

#[test]
fn a_failed_call_ends_the_log_and_a_restart_serves_nothing_that_the_disk_may_lose() {
    let created = new_disk().calls();
    for call in created..calls_of_a_run() {
        let disk = new_disk();
        disk.fail_call(call, Fault::Error(ErrorKind::Other));
        let told = run(&disk);
        // The process is started again without a power loss: the page cache shows all that was written.
        let again = run(&disk);
        assert!(again.durable >= told.durable, "call {call}");
        disk.crash(Survival::Nothing, &mut choices(call + 1));
        check_after(&disk, &again, &format!("error at call {call}, then a restart, then a power loss"));
    }
}

#[test]
fn nothing_is_written_any_more_after_a_failed_sync() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    let mut batch = Batch::new();
    fill(&mut batch, 1);
    log.append(&mut batch, &mut Seeded::new("x")).unwrap();
    disk.fail_call(disk.calls(), Fault::Error(ErrorKind::Other));
    assert!(matches!(log.sync(), Err(LogError::Io { .. })));
    let before = disk.calls();
    assert!(matches!(log.sync(), Err(LogError::Poisoned)));
    assert!(matches!(log.append(&mut batch, &mut Seeded::new("x")), Err(LogError::Poisoned)));
    assert!(matches!(log.sync_anchor(), Err(LogError::Poisoned)));
    assert!(matches!(log.read(0), Err(LogError::Poisoned)), "memory may be ahead of the disk");
    assert_eq!(disk.calls(), before);
}

#[test]
fn short_writes_are_continued() {
    let created = new_disk().calls();
    for call in created..calls_of_a_run() {
        let disk = new_disk();
        disk.fail_call(call, Fault::Short);
        let told = run(&disk);
        assert!(!told.failed, "call {call}");
        disk.crash(Survival::Nothing, &mut choices(7));
        check_after(&disk, &told, &format!("short write at call {call}"));
    }
}

#[test]
fn a_full_disk_makes_the_log_read_only_until_there_is_room_and_loses_nothing() {
    let disk = new_disk();
    let (mut log, _) = open(&disk).unwrap();
    disk.set_capacity(Some(disk.used()));
    let mut batch = Batch::new();
    let mut rng = Seeded::new("full");
    let mut durable = 1;
    loop {
        let next = fill(&mut batch, log.written_count());
        if !log.make_room(batch.frame_bytes()).unwrap() {
            break;
        }
        // The disk is full, and what was said to have room has it.
        log.append(&mut batch, &mut rng).unwrap();
        log.sync().unwrap();
        durable = next;
    }
    assert!(durable > 15, "both the segment and the spare were filled: {durable}");
    assert!(log.mode().is_read_only());
    log.try_resume();
    assert!(log.mode().is_read_only(), "there is no room yet");
    assert_eq!(log.read(durable - 1).unwrap(), block(durable - 1), "reads go on");
    disk.set_capacity(None);
    log.try_resume();
    assert!(!log.mode().is_read_only());
    fill(&mut batch, log.written_count());
    assert!(append(&mut log, &mut batch, &mut rng));
    log.sync().unwrap();
    drop(log);
    disk.crash(Survival::Nothing, &mut choices(3));
    check_after(&disk, &Told { durable: durable + 3, failed: false }, "after the disk was full");
}

#[test]
fn recovery_works_on_a_full_disk() {
    let disk = new_disk();
    let told = run(&disk);
    disk.set_capacity(Some(disk.used()));
    let (log, _) = open(&disk).unwrap();
    assert_eq!(log.durable_count(), told.durable);
}

/// Damages a log in some way and expects the start to be refused under this name, without a byte changed.
fn refused_as(name: &str, clean: bool, damage: impl FnOnce(&SimDisk)) {
    let disk = new_disk();
    run(&disk);
    if !clean {
        drop(open(&disk).unwrap());
    }
    damage(&disk);
    let before = disk.image();
    let error = open(&disk).expect_err(name);
    assert_eq!(error.name(), name, "{error}");
    assert_eq!(disk.image(), before, "{name}: a refused start changes nothing");
}

pub(super) fn segments(disk: &SimDisk) -> Vec<String> {
    disk.image().into_keys().filter(|path| path.ends_with(".seg")).collect()
}

fn flip(disk: &SimDisk, path: &str, at: usize) {
    let mut bytes = disk.bytes(path).unwrap();
    bytes[at] ^= 0x40;
    disk.put(path, &bytes);
}

/// Where the last byte that is not zero stands.
pub(super) fn data_end(disk: &SimDisk, path: &str) -> usize {
    disk.bytes(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap()
}

#[test]
fn every_kind_of_damage_is_refused_by_its_name() {
    refused_as("anchor_missing", true, |disk| disk.delete("anchor"));
    refused_as("anchor_missing", true, |disk| disk.put("anchor", &[0; 8_192]));
    refused_as("frame_payload_checksum", true, |disk| flip(disk, &segments(disk)[0], 1_000));
    refused_as("frame_payload_checksum", false, |disk| {
        let last = segments(disk).pop().unwrap();
        flip(disk, &last, data_end(disk, &last) - 100);
    });
    refused_as("frame_header_checksum", false, |disk| flip(disk, &segments(disk)[1], 126 + 20));
    refused_as("segment_missing", false, |disk| disk.delete(&segments(disk)[1]));
    refused_as("segment_missing", false, |disk| disk.delete(&segments(disk)[0]));
    refused_as("log_empty", false, |disk| segments(disk).iter().for_each(|name| disk.delete(name)));
    refused_as("anchor_ahead", false, |disk| disk.delete(segments(disk).last().unwrap()));
    refused_as("segment_header", false, |disk| flip(disk, &segments(disk)[1], 40));
    refused_as("segment_misplaced", false, |disk| {
        let names = segments(disk);
        let (a, b) = (disk.bytes(&names[1]).unwrap(), disk.bytes(&names[2]).unwrap());
        disk.put(&names[1], &b);
        disk.put(&names[2], &a);
    });
    refused_as("frame_missing", false, |disk| {
        let name = &segments(disk)[1];
        let mut bytes = disk.bytes(name).unwrap();
        bytes[126..126 + 4_096].fill(0);
        disk.put(name, &bytes);
    });
}

#[test]
fn a_torn_batch_that_was_never_acknowledged_is_cut_off_and_one_that_was_is_not() {
    let disk = new_disk();
    run(&disk);
    let (mut log, _) = open(&disk).unwrap();
    let durable = log.durable_count();
    let before = disk.copy();
    let mut batch = Batch::new();
    fill(&mut batch, durable);
    log.append(&mut batch, &mut Seeded::new("torn")).unwrap();
    drop(log);
    let last = segments(&disk).pop().unwrap();
    let end = data_end(&disk, &last);
    let mut bytes = disk.bytes(&last).unwrap();
    bytes[end - 2_000..].fill(0);
    disk.put(&last, &bytes);
    let (log, recovery) = open(&disk).unwrap();
    assert_eq!(log.durable_count(), durable);
    assert!(recovery.torn_bytes > 0);
    drop(log);
    drop(before);
    // The same tear in a log that was closed cleanly is damage.
    refused_as("frame_magic", true, |disk| {
        let last = segments(disk).pop().unwrap();
        let mut bytes = disk.bytes(&last).unwrap();
        let end = data_end(disk, &last);
        bytes[end + 1..end + 600].fill(0x55);
        disk.put(&last, &bytes);
    });
}

#[test]
fn a_block_that_replay_refuses_has_the_name_that_replay_gives() {
    let disk = new_disk();
    let (log, _) = open(&disk).unwrap();
    log.close().unwrap();
    let before = disk.image();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let refused = EventLog::open(storage, OPTIONS, &mut |_, _| {
        Err(BlockRefused { name: "not_genesis", reason: "the bytes are something else".to_owned() })
    });
    assert_eq!(refused.map(|_| ()).unwrap_err().name(), "not_genesis");
    assert_eq!(disk.image(), before, "a refused start changes nothing");
}
