//! The audit of a directory while somebody writes into it: what is read half-written is not called damage.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledgerd::audit::{Request, audit};
use ledgerd::chain::block_hash;
use ledgerd::crypto::{Digest, LedgerId};
use ledgerd::eventlog::{Access, Batch, EventLog, Options, Storage, StorageFile, create};

use crate::fixtures_logs::{Frame, disk, frames, write_log};
use crate::forge::{Forge, Seeded};

/// A disk on which one batch is still being written when it is read for the first few times.
#[derive(Debug)]
struct Busy {
    disk: Arc<dyn Storage>,
    offset: u64,
    reads_left: Arc<AtomicU64>,
    /// Whether such a read fails instead.
    fails: bool,
}

#[derive(Debug)]
struct BusyFile {
    file: Box<dyn StorageFile>,
    offset: u64,
    reads_left: Arc<AtomicU64>,
    /// Whether such a read fails instead.
    fails: bool,
}

impl Storage for Busy {
    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>> {
        assert_eq!(access, Access::Read, "an audit never opens a file to write");
        let file = self.disk.open(path, access)?;
        let busy = BusyFile {
            file,
            offset: self.offset,
            reads_left: Arc::clone(&self.reads_left),
            fails: self.fails,
        };
        Ok(if path.ends_with(".seg") { Box::new(busy) } else { busy.file })
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        unreachable!("an audit never writes")
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        unreachable!("an audit never writes")
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        unreachable!("an audit never writes")
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        unreachable!("an audit never writes")
    }
}

impl StorageFile for BusyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        let busy = self.offset.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
        if let Some(byte) = busy.and_then(|at| buffer.get_mut(at)) {
            if self.fails {
                return Err(io::Error::from_raw_os_error(5));
            }
            let left = self.reads_left.load(Ordering::Relaxed);
            self.reads_left.store(left.saturating_sub(1), Ordering::Relaxed);
            *byte = if left > 0 { !*byte } else { *byte };
        }
        Ok(read)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<usize> {
        unreachable!("an audit never writes")
    }

    fn set_len(&mut self, _: u64) -> io::Result<()> {
        unreachable!("an audit never writes")
    }

    fn allocate(&mut self, _: u64) -> io::Result<()> {
        unreachable!("an audit never writes")
    }

    fn sync_data(&mut self) -> io::Result<()> {
        unreachable!("an audit never writes")
    }
}

#[test]
fn a_batch_beyond_the_anchor_that_is_whole_when_it_is_read_again_is_no_finding() {
    let directory = tempfile::tempdir().unwrap();
    let shorter = tempfile::tempdir().unwrap();
    write_log(directory.path(), &Forge::with_orders(31, 24));
    // The anchor as it was when two batches and more were still to come.
    let anchor = write_log(shorter.path(), &Forge::with_orders(31, 12));
    fs::write(directory.path().join("anchor"), anchor).unwrap();
    let all: Vec<Frame> = frames(disk(directory.path()).as_ref());
    let durable = frames(disk(shorter.path()).as_ref()).last().unwrap().first_index;
    let busy = all.iter().find(|frame| frame.first_index == durable).unwrap();
    for (reads, findings) in [(1, 0), (1_000, 1)] {
        let storage = Busy {
            disk: disk(directory.path()),
            offset: busy.offset + 150,
            reads_left: Arc::new(AtomicU64::new(reads)),
            fails: false,
        };
        let report = audit(&storage, &Request::default(), &mut |_, _| {}, &|| false).unwrap();
        assert_eq!((report.blocks, report.findings.len()), (durable, findings), "{:?}", report.findings);
    }
}

#[test]
fn a_sector_that_cannot_be_read_is_a_finding_and_what_is_before_it_is_checked() {
    let directory = tempfile::tempdir().unwrap();
    write_log(directory.path(), &Forge::with_orders(33, 6));
    let disk = disk(directory.path());
    let last = frames(disk.as_ref()).pop().unwrap();
    let storage = Busy { disk, offset: last.offset + 150, reads_left: Arc::default(), fails: true };
    let report = audit(&storage, &Request::default(), &mut |_, _| {}, &|| false).unwrap();
    let found: Vec<_> = report.findings.iter().map(|it| (it.name.as_str(), it.index, it.offset)).collect();
    assert_eq!(found, [("unreadable", Some(last.first_index), last.offset)]);
    assert_eq!(report.blocks, last.first_index);
}

#[test]
fn frames_of_another_ledger_than_their_genesis_block_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let forge = Forge::with_orders(32, 1);
    let (storage, options, rng) = (disk(directory.path()), Options::default(), &mut Seeded::new(32));
    create(storage.as_ref(), LedgerId([1; 32]), &forge.blocks[0], options, rng).unwrap();
    let mut names = Vec::new();
    let mut replay = |_: u64, bytes: &[u8]| {
        // The first anchor holds the false id as the hash of block 0.
        Ok(if bytes == forge.blocks[0] { Digest([1; 32]) } else { block_hash(bytes) })
    };
    let (mut log, _) = EventLog::open(Arc::clone(&storage), options, &mut replay).unwrap();
    let mut batch = Batch::new();
    forge.blocks[1..].iter().for_each(|block| batch.push(block, block_hash(block)));
    log.append(&mut batch, rng).unwrap();
    log.sync().unwrap();
    let report = audit(storage.as_ref(), &Request::default(), &mut |_, _| {}, &|| false).unwrap();
    names.extend(report.findings.iter().map(|finding| finding.name.as_str()));
    assert_eq!(names, ["genesis_mismatch"]);
}
