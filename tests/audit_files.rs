//! The audit of whole directories: every changed byte is found, a kept checkpoint catches rollback and fork,
//! and a directory that is being written is not accused of it.

use std::cell::Cell;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use ledgerd::audit::{AuditError, Judgement, Kept, Report, Request, audit, export};
use ledgerd::chain::{Checkpoint, Frontier, LeafHash, TreeRoot, block_hash};
use ledgerd::crypto::note::LogKey;
use ledgerd::domain::{Event, orders};
use ledgerd::eventlog::frame::{FrameHeader, FrameKind};
use ledgerd::eventlog::reader::SegmentCursor;
use ledgerd::eventlog::segment::path;
use ledgerd::eventlog::{EventLog, Options};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::fixtures_logs::{Frame, audit_files, disk, frames, write_log};
use crate::forge::{Forge, ORIGIN, log_key};

/// A log of one segment on disk, with the anchor as it was before the last batch.
struct Written {
    directory: TempDir,
    forge: Forge,
    frames: Vec<Frame>,
    anchor_before: Vec<u8>,
}

impl Written {
    fn new(forge: Forge) -> Written {
        let directory = tempfile::tempdir().unwrap();
        let anchor_before = write_log(directory.path(), &forge);
        let frames = frames(disk(directory.path()).as_ref());
        Written { directory, forge, frames, anchor_before }
    }

    fn audit(&self, request: &Request) -> Report {
        audit_files(self.directory.path(), request)
    }

    fn segment(&self) -> PathBuf {
        self.directory.path().join(&self.frames[0].file)
    }

    /// Does something to the bytes of the segment.
    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.segment()).unwrap();
        change(&mut bytes);
        fs::write(self.segment(), bytes).unwrap();
    }

    fn turn_anchor_back(&self) {
        fs::write(self.directory.path().join("anchor"), &self.anchor_before).unwrap();
    }

    fn close(&self) {
        let options = Options { segment_bytes: 1 << 16, block_bytes_max: 1 << 14 };
        let mut replay = |_: u64, bytes: &[u8]| Ok(block_hash(bytes));
        let (log, _) = EventLog::open(disk(self.directory.path()), options, &mut replay).unwrap();
        log.close().unwrap();
    }
}

fn names(report: &Report) -> Vec<(&str, Option<u64>)> {
    report.findings.iter().map(|it| (it.name.as_str(), it.index)).collect()
}

fn root_of(blocks: &[Vec<u8>]) -> TreeRoot {
    let mut frontier = Frontier::default();
    blocks.iter().for_each(|bytes| frontier.push(LeafHash::of_block(bytes), |_| {}));
    frontier.root()
}

fn kept(size: u64, root: TreeRoot, key: &LogKey) -> Request {
    let note = key.sign_note(&Checkpoint { origin: ORIGIN.to_owned(), size, root }.text());
    Request { checkpoint: Some(Kept::read(&note, None).unwrap()), ..Request::default() }
}

#[test]
fn every_changed_byte_of_a_log_is_found_in_its_batch() {
    let log = Written::new(Forge::with_orders(11, 8));
    let last = log.frames.last().unwrap();
    let end = (last.offset + last.bytes) as usize;
    for at in (0..end).step_by(19) {
        log.change(|bytes| bytes[at] ^= 0x04);
        let report = log.audit(&Request::default());
        let frame = log.frames.iter().rfind(|frame| frame.offset as usize <= at);
        let finding = report.findings.first().unwrap_or_else(|| panic!("byte {at} is not missed"));
        assert_eq!(finding.file, log.frames[0].file);
        assert_eq!(report.findings_total, 1, "byte {at}: {:?}", report.findings);
        match frame {
            None => assert_eq!((finding.name.as_str(), finding.offset), ("segment_header", 0)),
            Some(frame) => {
                assert_eq!((finding.index, finding.offset), (Some(frame.first_index), frame.offset), "{at}");
            }
        }
        assert_eq!((report.head, report.root, report.replica_digest), (None, None, None));
        log.change(|bytes| bytes[at] ^= 0x04);
    }
    assert!(log.audit(&Request::default()).is_clean());
}

#[test]
fn one_changed_slot_of_the_anchor_is_borne_and_two_are_found() {
    let log = Written::new(Forge::with_orders(12, 3));
    let anchor = fs::read(log.directory.path().join("anchor")).unwrap();
    let write = |bytes: &[u8]| fs::write(log.directory.path().join("anchor"), bytes).unwrap();
    for slot in [0, 4_096] {
        let mut changed = anchor.clone();
        changed[slot + 41] ^= 1;
        write(&changed);
        assert_eq!(names(&log.audit(&Request::default())), []);
        changed[4_096 - slot + 41] ^= 1;
        write(&changed);
        assert_eq!(names(&log.audit(&Request::default())), [("anchor_missing", None)]);
    }
}

#[test]
fn forged_blocks_in_intact_frames_are_found_where_they_stand() {
    let mut forge = Forge::with_orders(13, 4);
    let mut unsigned = forge.order(0, 3);
    unsigned.signature[100] ^= 1;
    forge.push(&unsigned);
    let mut invented = forge.order(1, 3);
    let event = orders::OrdersPlaced { first_order: 1_000 };
    invented.event = Event::Orders(orders::Event::OrdersPlaced(event)).encode();
    forge.push(&invented);
    let honest = forge.order(2, 3);
    forge.push(&honest);
    let log = Written::new(forge);
    let bytes = fs::read(log.segment()).unwrap();
    for threads in [1, 4] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let report = log.audit(&Request { threads, ..Request::default() });
        let expected =
            [("bad_signature", Some(8)), ("event_differs", Some(9)), ("impossible_state", Some(9))];
        assert_eq!(names(&report), expected);
        assert_eq!(report.head, Some(log.forge.head()), "what was recorded still makes one chain");
        for finding in &report.findings {
            let block = &log.forge.blocks[finding.index.unwrap() as usize];
            assert!(bytes[finding.offset as usize..].starts_with(block));
        }
    }
}

#[test]
fn a_block_that_nothing_follows_is_held_by_the_anchor() {
    let mut forge = Forge::with_orders(14, 4);
    let log = Written::new(Forge::with_orders(14, 4));
    let other = forge.blocks.pop().unwrap();
    let mut changed = other.clone();
    changed[15] ^= 1;
    forge.blocks.push(changed);
    let forged = Written::new(forge);
    fs::copy(log.directory.path().join("anchor"), forged.directory.path().join("anchor")).unwrap();
    assert_eq!(names(&forged.audit(&Request::default())), [("anchor_mismatch", Some(7))]);
}

#[test]
fn a_kept_checkpoint_catches_rollback_and_fork() {
    let log = Written::new(Forge::with_orders(15, 6));
    let (blocks, key) = (&log.forge.blocks, log_key());
    for size in 0..=blocks.len() {
        let report = log.audit(&kept(size as u64, root_of(&blocks[..size]), &key));
        assert_eq!((names(&report), &report.warnings), (vec![], &vec![]), "size {size}");
        let report = log.audit(&kept(size as u64, TreeRoot([9; 32]), &key));
        assert_eq!(names(&report), [("fork", (size as u64).checked_sub(1))]);
    }
    let report = log.audit(&kept(11, TreeRoot([9; 32]), &key));
    assert_eq!(names(&report), [("rollback", Some(10))]);
    let note =
        key.sign_note(&Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: root_of(&blocks[..1]) }.text());
    for nonsense in ["", "\n\n", "a\n\nb", &note[1..], "ledger.example/test\n1\nx\n\n"] {
        assert!(nonsense == &note[1..] || Kept::read(nonsense, None).is_err(), "{nonsense:?}");
    }
}

#[test]
fn a_checkpoint_of_another_ledger_or_one_that_was_changed_says_nothing_about_this_one() {
    let log = Written::new(Forge::with_orders(15, 6));
    let (blocks, key) = (&log.forge.blocks, log_key());
    let text =
        |origin: &str| Checkpoint { origin: origin.to_owned(), size: 3, root: root_of(&blocks[..3]) }.text();
    let stranger = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let elsewhere = LogKey::from_seed("ledger.example/other", &[7; 32]).unwrap();
    let good = key.sign_note(&text(ORIGIN));
    let read = |note: &str, pinned: Option<&LogKey>| {
        Kept::read(note, pinned.map(|key| key.public().clone())).unwrap()
    };
    let cases = [
        (read(&stranger.sign_note(&text(ORIGIN)), None), "another key"),
        (read(&elsewhere.sign_note(&text("ledger.example/other")), None), "it is of ledger.example/other"),
        (read(&good.replace("\n3\n", "\n4\n"), None), "changed after it was signed"),
        (read(&good, Some(&stranger)), "it came with the key"),
    ];
    for (kept, reason) in cases {
        let report = log.audit(&Request { checkpoint: Some(kept), ..Request::default() });
        assert_eq!(
            (names(&report), &report.warnings, report.is_clean()),
            (vec![], &vec![], true),
            "{reason}"
        );
        let Some(Judgement::NotOfThisLedger(said)) = &report.checkpoint else { panic!("{reason}") };
        assert!(said.contains(reason), "{said}");
    }
    let report = log.audit(&Request { checkpoint: Some(read(&good, None)), ..Request::default() });
    assert_eq!(report.checkpoint, Some(Judgement::Extended));
}

#[test]
fn a_key_from_outside_says_which_ledger_it_has_to_be() {
    let log = Written::new(Forge::with_orders(15, 2));
    let asked = |key: LogKey| Request { log_key: Some(key.public().clone()), ..Request::default() };
    let report = log.audit(&asked(log_key()));
    assert_eq!((report.is_clean(), report.log_key), (true, Some(log_key().public().clone())));
    let stranger = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    assert_eq!(names(&log.audit(&asked(stranger))), [("other_log_key", Some(0))]);
}

#[test]
fn stored_hashes_that_cannot_be_read_are_a_warning() {
    let log = Written::new(Forge::with_orders(15, 2));
    // A folder of that name can be opened and not be read, whoever asks.
    fs::create_dir_all(log.directory.path().join("tree/hashes")).unwrap();
    let report = audit(disk(log.directory.path()).as_ref(), &Request::default(), &mut |_, _| {}, &|| false);
    let report = report.unwrap();
    assert!(report.is_clean());
    assert_eq!((report.warnings.len(), report.warnings[0].name.as_str()), (1, "stored_hashes_unread"));
}

#[test]
fn a_checkpoint_beyond_damage_is_not_called_a_rollback() {
    let log = Written::new(Forge::with_orders(16, 6));
    let last = log.frames.last().unwrap();
    log.change(|bytes| bytes[last.offset as usize + 120] ^= 1);
    let report = log.audit(&kept(10, root_of(&log.forge.blocks), &log_key()));
    assert_eq!(names(&report), [("frame_payload_checksum", Some(last.first_index))]);
    assert_eq!(report.warnings[0].name, "checkpoint_unchecked");
}

#[test]
fn a_torn_batch_beyond_the_anchor_is_a_warning_and_one_below_it_a_finding() {
    let log = Written::new(Forge::with_orders(17, 6));
    let last = log.frames.last().unwrap();
    let torn = last.offset as usize + 150..(last.offset + last.bytes) as usize;
    log.change(|bytes| bytes[torn].fill(0));
    assert_eq!(names(&log.audit(&Request::default())), [("frame_payload_checksum", Some(last.first_index))]);
    log.turn_anchor_back();
    let report = log.audit(&Request::default());
    assert_eq!((report.blocks, names(&report)), (last.first_index, vec![]));
    assert_eq!(report.head, Some(block_hash(&log.forge.blocks[last.first_index as usize - 1])));
    assert_eq!((report.warnings.len(), report.warnings[0].name.as_str()), (1, "torn_tail"));
    assert_eq!(report.warnings[0].offset, last.offset);
    // Whoever kept a checkpoint over what was torn knows better than the anchor.
    let report = log.audit(&kept(10, root_of(&log.forge.blocks), &log_key()));
    assert_eq!(names(&report), [("rollback", Some(9))]);
}

#[test]
fn blocks_beyond_the_anchor_are_read_as_far_as_a_checkpoint_speaks_of_them() {
    let log = Written::new(Forge::with_orders(18, 6));
    log.turn_anchor_back();
    let durable = log.frames.last().unwrap().first_index;
    let report = log.audit(&Request::default());
    assert_eq!((report.blocks, names(&report), &report.warnings), (durable, vec![], &vec![]));
    let report = log.audit(&kept(10, root_of(&log.forge.blocks), &log_key()));
    assert_eq!((report.blocks, names(&report)), (10, vec![]));
    let report = log.audit(&kept(10, root_of(&log.forge.blocks[..9]), &log_key()));
    assert_eq!(names(&report), [("fork", Some(9))]);
}

#[test]
fn damage_beyond_the_anchor_that_a_later_batch_knows_to_be_durable_is_a_finding() {
    let log = Written::new(Forge::with_orders(19, 24));
    log.turn_anchor_back();
    let anchored = log.frames.last().unwrap();
    // Two batches before the last, the anchor says: take an anchor from a shorter copy of the same log.
    let shorter = Written::new(Forge::with_orders(19, 12));
    let before = shorter.frames.last().unwrap();
    fs::write(log.directory.path().join("anchor"), &shorter.anchor_before).unwrap();
    let bad = log.frames.iter().find(|frame| frame.first_index == before.first_index).unwrap();
    assert!(bad.first_index < anchored.first_index);
    log.change(|bytes| bytes[bad.offset as usize + 120] ^= 1);
    assert_eq!(names(&log.audit(&Request::default())), [("frame_payload_checksum", Some(bad.first_index))]);
}

#[test]
fn after_a_clean_close_nothing_may_follow() {
    let log = Written::new(Forge::with_orders(20, 6));
    log.close();
    assert_eq!(names(&log.audit(&Request::default())), []);
    let end = log.frames.last().map(|frame| (frame.offset + frame.bytes) as usize).unwrap();
    log.change(|bytes| bytes[end + 500] = 1);
    assert_eq!(names(&log.audit(&Request::default())), [("frame_missing", Some(10))]);

    let shorter = Written::new(Forge::with_orders(20, 3));
    shorter.close();
    let log = Written::new(Forge::with_orders(20, 6));
    fs::copy(shorter.directory.path().join("anchor"), log.directory.path().join("anchor")).unwrap();
    let found = log.audit(&Request::default());
    assert!(names(&found).contains(&("after_clean_close", Some(7))), "{:?}", found.findings);
}

#[test]
fn a_named_end_bounds_the_check_and_must_be_known_to_the_anchor() {
    let log = Written::new(Forge::with_orders(21, 6));
    let report = log.audit(&Request { up_to: Some(5), ..Request::default() });
    assert_eq!((report.blocks, names(&report)), (5, vec![]));
    assert_eq!(report.root, Some(root_of(&log.forge.blocks[..5])));
    log.turn_anchor_back();
    let report = log.audit(&Request { up_to: Some(10), ..Request::default() });
    assert_eq!(names(&report), [("anchor_behind", None)]);
}

#[test]
fn an_audit_tells_how_far_it_is_and_can_be_cancelled() {
    let log = Written::new(Forge::with_orders(22, 20));
    let storage = disk(log.directory.path());
    let mut heard: Vec<(u64, u64)> = Vec::new();
    audit(storage.as_ref(), &Request::default(), &mut |done, total| heard.push((done, total)), &|| false)
        .unwrap();
    assert!(heard.len() <= 514 && heard.is_sorted() && heard.iter().all(|(done, total)| done <= total));
    assert_eq!(heard.last().map(|(done, total)| done == total), Some(true));
    let asked = Cell::new(0);
    let cancelled = || asked.replace(asked.get() + 1) == 3;
    let result = audit(storage.as_ref(), &Request::default(), &mut |_, _| {}, &cancelled);
    assert!(matches!(result, Err(AuditError::Cancelled)));
}

/// Enough signatures that several chunks of them are under way at once.
#[test]
fn neither_the_report_nor_a_cancellation_depends_on_how_many_threads_check_signatures() {
    let mut forge = Forge::with_orders(24, 0);
    let mut wrong = Vec::new();
    for n in 0..300 {
        let mut draft = forge.order(n % 3, 1);
        if n * n % 11 == 3 {
            draft.signature[n] ^= 1;
            wrong.push(("bad_signature", Some(draft.index)));
        }
        forge.push(&draft);
    }
    let log = Written::new(forge);
    let storage = disk(log.directory.path());
    let frames = log.frames.len() as u64;
    let expected = log.audit(&Request::default());
    assert_eq!((names(&expected), expected.signatures), (wrong, 303));
    for threads in [1, 2, 5] {
        let request = Request { threads: NonZeroUsize::new(threads).unwrap(), ..Request::default() };
        assert_eq!(log.audit(&request), expected, "{threads} threads");
        for enough in [0, frames / 2, frames - 1] {
            let asked = Cell::new(0);
            let cancelled = || asked.replace(asked.get() + 1) == enough;
            let result = audit(storage.as_ref(), &request, &mut |_, _| {}, &cancelled);
            assert!(matches!(result, Err(AuditError::Cancelled)), "{threads} threads, {enough} batches");
        }
    }
}

#[test]
fn an_export_hands_out_every_block_and_stops_at_damage() {
    let log = Written::new(Forge::with_orders(23, 9));
    let storage = disk(log.directory.path());
    let collect = |most: usize| {
        let mut blocks = Vec::new();
        let exported = export(storage.as_ref(), &mut |bytes, hash| {
            assert_eq!(hash, block_hash(bytes));
            blocks.push(bytes.to_vec());
            blocks.len() < most
        });
        (blocks, exported.unwrap())
    };
    let (blocks, exported) = collect(usize::MAX);
    assert_eq!((&blocks, exported.blocks, exported.damage), (&log.forge.blocks, 13, None));
    assert_eq!(collect(5).0, log.forge.blocks[..5]);
    let bad = &log.frames[3];
    log.change(|bytes| bytes[bad.offset as usize + 120] ^= 1);
    let (blocks, exported) = collect(usize::MAX);
    assert_eq!(blocks, log.forge.blocks[..bad.first_index as usize]);
    assert_eq!(exported.damage.unwrap().index, Some(bad.first_index));
}

#[test]
fn a_directory_without_a_log_is_a_finding_and_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let report = audit_files(directory.path(), &Request::default());
    assert_eq!(names(&report), [("anchor_missing", None), ("log_empty", None)]);
}

/// Checksums are no defence: whoever writes files can make them fit. Numbers at the end of their range must not
/// overflow anything.
#[test]
fn extreme_numbers_under_good_checksums_are_findings_and_never_a_panic() {
    for (number, first_index) in [(u64::MAX, 5), (3, u64::MAX), (3, u64::MAX - 1), (1 << 61, 1 << 61)] {
        let log = Written::new(Forge::with_orders(24, 6));
        let storage = disk(log.directory.path());
        let cursor = SegmentCursor::open(storage.as_ref(), 0).unwrap().unwrap();
        let header = FrameHeader {
            kind: FrameKind::Batch,
            number,
            first_index,
            durable_before: 5,
            count: 1,
            payload_bytes: 4,
        };
        let mut frame = header.encode(cursor.identity()).to_vec();
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&crc32c::crc32c(&[0; 4]).to_be_bytes());
        let last = log.frames.last().unwrap().offset as usize;
        log.change(|bytes| {
            bytes[last] ^= 1;
            bytes[last + 200..last + 200 + frame.len()].copy_from_slice(&frame);
        });
        let report = log.audit(&Request { up_to: Some(u64::MAX), ..Request::default() });
        assert!(names(&report).contains(&("frame_magic", Some(7))), "{:?}", report.findings);
    }
    let log = Written::new(Forge::with_orders(25, 2));
    let far = log.directory.path().join(path(u64::MAX));
    fs::copy(log.segment(), &far).unwrap();
    assert_eq!(
        names(&log.audit(&Request::default())),
        [("frame_missing", Some(6)), ("segment_header", Some(u64::MAX))]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_directory_of_noise_is_a_finding_and_never_a_panic(
        anchor in vec(any::<u8>(), 0..9_000),
        segment in vec(any::<u8>(), 0..3_000),
        begins_well in any::<bool>(),
    ) {
        let log = Written::new(Forge::with_orders(26, 1));
        if begins_well {
            log.change(|bytes| bytes.splice(800.., segment).for_each(drop));
        } else {
            log.change(|bytes| *bytes = segment);
            fs::write(log.directory.path().join("anchor"), anchor).unwrap();
        }
        prop_assert!(!log.audit(&Request::default()).is_clean());
    }
}
