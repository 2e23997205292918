//! Replays every recorded log under `fixtures/logs/`: what opening it for service gives, what an audit finds,
//! and that neither an audit nor a refused start changes a byte. With `UPDATE_FIXTURES=1` the good log and the
//! recipes of damage are recorded anew, from a seed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ledgerd::audit::{Report, Request, audit};
use ledgerd::chain::block_hash;
use ledgerd::domain::{AccountId, Command, Event, orders, payments};
use ledgerd::eventlog::reader::{SegmentCursor, list_segments};
use ledgerd::eventlog::segment::path;
use ledgerd::eventlog::{Batch, Disk, EventLog, LogError, Options, Storage, create};
use ledgerd::ledger::Ledger;
use ledgerd::limits::SEGMENT_BYTES_MIN;
use ledgerd::wire::Finding;

use crate::forge::{Draft, Forge};
use crate::recorded::{Files, cases, lines, load, read_from, root, store, write_to};

const OPTIONS: Options = Options { segment_bytes: SEGMENT_BYTES_MIN, block_bytes_max: 16 << 10 };

pub(crate) fn disk(directory: &Path) -> Arc<dyn Storage> {
    Arc::new(Disk::new(directory))
}

/// A log of these blocks in `directory`, in batches of 1, 2, … 7, 1, 2, … blocks, left as a crash leaves it.
/// Gives the anchor's bytes as they were before the last batch.
pub(crate) fn write_log(directory: &Path, forge: &Forge) -> Vec<u8> {
    let storage = disk(directory);
    let mut rng = forge.rng.clone();
    create(storage.as_ref(), forge.ledger_id, &forge.blocks[0], OPTIONS, &mut rng).unwrap();
    let (mut log, _) = EventLog::open(storage, OPTIONS, &mut |_, bytes| Ok(block_hash(bytes))).unwrap();
    let (mut batch, mut anchor) = (Batch::new(), Vec::new());
    let mut left = &forge.blocks[1..];
    for size in (1..=7).cycle() {
        let (now, later) = left.split_at(left.len().min(size));
        if now.is_empty() {
            break;
        }
        left = later;
        now.iter().for_each(|block| batch.push(block, block_hash(block)));
        anchor = fs::read(directory.join("anchor")).unwrap();
        assert!(log.make_room(batch.frame_bytes()).unwrap());
        log.append(&mut batch, &mut rng).unwrap();
        log.sync().unwrap();
        batch.clear();
    }
    anchor
}

pub(crate) fn audit_files(directory: &Path, request: &Request) -> Report {
    let before = read_from(directory);
    let report = audit(disk(directory).as_ref(), request, &mut |_, _| {}, &|| false).unwrap();
    assert_eq!(before, read_from(directory), "an audit never writes");
    report
}

#[test]
fn every_recorded_log_has_the_outcome_that_it_states() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        record();
    }
    for case in cases() {
        let files = load(&case);
        let expected = fs::read_to_string(root().join(&case).join("expect.txt")).unwrap_or_default();
        let found = outcome(&files);
        let expected: Vec<&str> = lines(&expected).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn the_recorded_logs_stay_small() {
    let size: usize = read_from(&root()).values().map(Vec::len).sum();
    assert!(size < 1 << 20, "{size} bytes");
}

/// What `expect.txt` should say.
fn outcome(files: &Files) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    write_to(directory.path(), files);
    let report = audit_files(directory.path(), &Request::default());
    let mut said = Vec::new();
    match Ledger::open(&disk(directory.path()), OPTIONS) {
        Ok((ledger, recovery)) => {
            said.push(format!("open {} blocks, {} bytes cut", recovery.blocks, recovery.torn_bytes));
            ledger.close().unwrap();
            let after = audit_files(directory.path(), &Request::default());
            assert_eq!((after.blocks, after.findings, after.warnings), (recovery.blocks, vec![], vec![]));
        }
        Err(error) => {
            assert_eq!(*files, read_from(directory.path()), "a refused start leaves every file as it was");
            said.push(match &error {
                LogError::Corrupt { file, index, name, .. } => format!("open refused {name} {file} {index}"),
                other => format!("open refused {}", other.name()),
            });
        }
    }
    said.push(format!("audit {} of {} blocks", if report.is_clean() { 0 } else { 65 }, report.blocks));
    let listed = |kind: &str, finding: &Finding| {
        let index = finding.index.map_or("-".to_owned(), |index| index.to_string());
        format!("{kind} {} {} {index}", finding.name, finding.file)
    };
    said.extend(report.findings.iter().map(|it| listed("finding", it)));
    said.extend(report.warnings.iter().map(|it| listed("warning", it)));
    said
}

/// Records the good log and derives the damaged ones from it. Never writes `expect.txt`.
fn record() {
    let directory = tempfile::tempdir().unwrap();
    let anchor_before = write_log(directory.path(), &Forge::with_orders(1, 300));
    let storage = disk(directory.path());
    let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
    ledger.close().unwrap();
    store("good", &read_from(directory.path()));
    let foreign = tempfile::tempdir().unwrap();
    write_log(foreign.path(), &Forge::with_orders(2, 300));

    let frames = frames(storage.as_ref());
    let segments = list_segments(storage.as_ref()).unwrap();
    let (second, third) = (path(segments[1]), path(segments[2]));
    let last = frames.last().unwrap();
    let middle = frames.iter().filter(|frame| frame.file == second).nth(5).unwrap();
    let page = middle.offset.div_ceil(4_096) * 4_096;
    let anchor_file = ("anchor.bin", anchor_before.as_slice());
    let foreign = fs::read(foreign.path().join(&second)).unwrap();
    let end = foreign.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    derive("crashed", &["replace anchor anchor.bin"], &[anchor_file]);
    let torn = format!("zero {} {} {}", last.file, last.offset + last.bytes / 2, last.bytes.div_ceil(2));
    derive("torn_tail", &["replace anchor anchor.bin", &torn], &[anchor_file]);
    derive("torn_tail_acknowledged", &[&torn], &[]);
    derive("flipped_middle", &[&flip(middle, middle.bytes / 2)], &[]);
    derive("flipped_frame_header", &[&flip(middle, 94)], &[]);
    derive("flipped_last_batch", &[&flip(last, last.bytes / 2)], &[]);
    derive("flipped_segment_header", &[&format!("flip {second} 60 01")], &[]);
    derive("missing_first_segment", &[&format!("remove {}", path(0))], &[]);
    derive("missing_segment", &[&format!("remove {second}")], &[]);
    derive("missing_last_segment", &[&format!("remove {}", last.file)], &[]);
    derive("swapped_segments", &[&format!("swap {second} {third}")], &[]);
    derive("zeroed_page", &[&format!("zero {second} {page} 4096")], &[]);
    derive(
        "foreign_segment",
        &[&format!("replace {second} foreign.seg")],
        &[("foreign.seg", foreign.get(..end).unwrap())],
    );
    derive("missing_anchor", &["remove anchor"], &[]);
    derive("stored_hashes_changed", &["flip tree/hashes 3210 80"], &[]);
    record_payments();
    record_impossible();
}

/// A log whose blocks hold money: the opening grants, payments, a settled order and a revoked one.
fn record_payments() {
    let directory = tempfile::tempdir().unwrap();
    write_log(directory.path(), &crate::vectors_payments::ledger());
    let (ledger, _) = Ledger::open(&disk(directory.path()), OPTIONS).unwrap();
    ledger.close().unwrap();
    store("payments", &read_from(directory.path()));
}

/// Logs in which every frame, hash and signature holds, and one block, the fifth, says what cannot have happened: as
/// only the server's own keys could write them.
fn record_impossible() {
    let pay = |amount| {
        let payments = vec![payments::Payment { to: AccountId(2), amount, memo: String::new() }];
        payments::Command::Pay(payments::Pay { payments })
    };
    let issue = payments::Command::Issue(payments::Issue { to: AccountId(2), amount: i64::MAX });
    let paid = |balance| Event::Payments(payments::Event::Paid(payments::Paid { balance }));
    let issued = payments::Event::Issued(payments::Issued { balance: 1_000 + i64::MAX as u64 });
    let placed = orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: 0 });
    let cases = [
        ("impossible_overdraft", pay(1_001), paid(0)),
        ("impossible_balance", pay(10), paid(1_000)),
        ("impossible_pair", pay(10), Event::Orders(placed)),
        ("impossible_sum", issue, Event::Payments(issued)),
    ];
    for (case, command, event) in cases {
        let mut forge = Forge::with_money(3);
        let draft = forge.draft(0, AccountId(1), &Command::Payments(command));
        forge.push(&Draft { event: event.encode(), ..draft });
        for member in 0..3 {
            let draft = forge.order(member, 5);
            forge.push(&draft);
        }
        let directory = tempfile::tempdir().unwrap();
        write_log(directory.path(), &forge);
        store(case, &read_from(directory.path()));
    }
}

fn derive(case: &str, damage: &[&str], files: &[(&str, &[u8])]) {
    let folder = root().join(case);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("damage.txt"), format!("from good\n{}\n", damage.join("\n"))).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn flip(frame: &Frame, at: u64) -> String {
    format!("flip {} {} 10", frame.file, frame.offset + at)
}

/// Where a batch stands.
pub(crate) struct Frame {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) first_index: u64,
}

/// All batches of an intact log.
pub(crate) fn frames(storage: &dyn Storage) -> Vec<Frame> {
    let mut frames = Vec::new();
    for first in list_segments(storage).unwrap() {
        let mut cursor = SegmentCursor::open(storage, first).unwrap().unwrap();
        while let Ok(Some(frame)) = cursor.next_frame() {
            if frame.header.count > 0 {
                frames.push(Frame {
                    file: path(first),
                    offset: frame.offset,
                    bytes: frame.header.frame_bytes(),
                    first_index: frame.header.first_index,
                });
            }
        }
    }
    frames
}
