//! Blocks that other threads hash ahead of their replay: whatever is in a log, opening it comes to the same with
//! any number of threads, down to the sentence, and only the calling thread ever touches the disk.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::{Digest, LedgerId, sha3};
use ledgerd::eventlog::{
    self, Access, Ahead, Batch, EventLog, Options, Replaying, SimDisk, Storage, StorageFile,
};
use ledgerd::ledger::Ledger;
use ledgerd::limits::SEGMENT_BYTES_MIN;
use rand_core::CryptoRng;

use crate::fixtures_logs::{disk, frames, write_log};
use crate::forge::Forge;
use crate::recorded::{Files, cases, load, read_from, write_to};

const OPTIONS: Options = Options { segment_bytes: SEGMENT_BYTES_MIN, block_bytes_max: 16 << 10 };

/// Every batch a pack, some batches a pack, and whatever is done on this machine; with fewer and more threads than cores.
fn ways() -> Vec<Ahead> {
    let sizes = [1, 9_000];
    let ways =
        [0, 1, 3].into_iter().flat_map(|helpers| sizes.map(|pack_bytes| Ahead { helpers, pack_bytes }));
    ways.chain([Ahead::here()]).collect()
}

/// All that opening these files comes to: what is told, what is served, what is on disk afterwards.
fn outcome(files: &Files, ahead: Ahead) -> (String, Files) {
    let directory = tempfile::tempdir().unwrap();
    write_to(directory.path(), files);
    let told = match Ledger::open_ahead(&disk(directory.path()), OPTIONS, None, ahead) {
        Ok((ledger, recovery)) => {
            format!("{recovery:?} {:?} {:?}", ledger.committed(), ledger.replica().digest())
        }
        Err(error) => format!("{error:?}"),
    };
    (told, read_from(directory.path()))
}

/// Opens the files in every way, and gives what was told.
fn the_one_outcome(files: &Files, what: &str) -> String {
    let alone = outcome(files, Ahead::ALONE);
    for ahead in ways() {
        let found = outcome(files, ahead);
        assert_eq!(found.0, alone.0, "{what}, {ahead:?}");
        assert!(found.1 == alone.1, "{what}, {ahead:?}: other bytes on disk");
    }
    alone.0
}

/// The files of a log of several segments, as a crash leaves them, and its anchor from before the last batch.
fn written(forge: &Forge) -> (Files, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let anchor = write_log(directory.path(), forge);
    (read_from(directory.path()), anchor)
}

fn below(rng: &mut dyn CryptoRng, end: usize) -> usize {
    u64::from_be_bytes(random::bytes(rng)) as usize % end
}

#[test]
fn every_recorded_log_opens_or_is_refused_in_one_way() {
    for case in cases() {
        the_one_outcome(&load(&case), &case);
    }
}

#[test]
fn a_log_damaged_anywhere_is_judged_the_same_with_any_number_of_threads() {
    let (files, anchor) = written(&Forge::with_orders(21, 180));
    let mut rng = Seeded::new("damage");
    let segments: Vec<String> = files.keys().filter(|name| name.ends_with(".seg")).cloned().collect();
    assert!(segments.len() > 1, "only {} segments", segments.len());
    let mut refused = 0;
    for round in 0..40 {
        let mut damaged = files.clone();
        // Without the newest anchor the last batch may be torn.
        if round % 2 == 0 {
            damaged.insert("anchor".to_owned(), anchor.clone());
        }
        for _ in 0..=below(&mut rng, 3) {
            let bytes = damaged.get_mut(&segments[below(&mut rng, segments.len())]).unwrap();
            let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
            let at = below(&mut rng, end);
            match below(&mut rng, 3) {
                0 => bytes[at] ^= 1 << below(&mut rng, 8),
                1 => bytes[at..end].fill(0),
                _ => bytes.truncate(at),
            }
        }
        let told = the_one_outcome(&damaged, &format!("round {round}"));
        refused += usize::from(told.starts_with("Corrupt"));
    }
    assert!(refused > 15, "only {refused} refused");
}

#[test]
fn the_first_block_that_does_not_follow_is_named_whatever_comes_after_it() {
    let mut rng = Seeded::new("blocks");
    let mut names = std::collections::BTreeSet::new();
    for round in 0..24 {
        let mut forge = Forge::with_orders(22, 60);
        let first = 1 + below(&mut rng, 60);
        for wrong in [first, (first + below(&mut rng, 20)).min(62)] {
            // What a block says of its place, and the beginning of its message: there is the most to refuse.
            let block = &mut forge.blocks[wrong];
            let at = below(&mut rng, 180);
            block[at] ^= 1 << below(&mut rng, 8);
        }
        // The log's own anchor and seals are made of these blocks: nothing but replay can refuse them.
        let (mut files, _) = written(&forge);
        if round % 2 == 0 {
            let last = files.keys().rfind(|name| name.ends_with(".seg")).cloned().unwrap();
            let bytes = files.get_mut(&last).unwrap();
            let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
            bytes[end] ^= 1;
        }
        let told = the_one_outcome(&files, &format!("round {round}, block {first}"));
        let name = told.split("name: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("none");
        names.insert(name.to_owned());
    }
    assert!(names.len() > 3, "{names:?}");
}

#[test]
fn what_was_prepared_belongs_to_the_block_that_it_comes_with() {
    // So many small blocks in a batch that not all of them are prepared beforehand.
    let block = |index: u64| index.to_be_bytes().to_vec();
    let hash = |bytes: &[u8]| sha3(&[b"test\0", bytes]);
    let sim = SimDisk::new();
    let ledger_id = LedgerId(hash(&block(0)).0);
    let rng = &mut Seeded::new("small");
    eventlog::create(&sim, ledger_id, &block(0), OPTIONS, rng).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(sim);
    let (mut log, _) =
        EventLog::open(Arc::clone(&storage), OPTIONS, &mut |_, bytes| Ok(hash(bytes))).unwrap();
    let (mut batch, mut next) = (Batch::new(), 1);
    for count in [3, 20_000, 1, 17_000, 40] {
        for index in next..next + count {
            batch.push(&block(index), hash(&block(index)));
        }
        next += count;
        assert!(log.make_room(batch.frame_bytes()).unwrap());
        log.append(&mut batch, rng).unwrap();
        log.sync().unwrap();
        batch.clear();
    }
    drop(log);
    for ahead in ways() {
        let mut replay = |index: u64, bytes: &[u8], prepared: Digest| {
            assert_eq!((bytes, prepared), (&block(index)[..], hash(bytes)), "block {index}, {ahead:?}");
            Ok(prepared)
        };
        let prepare = |bytes: &[u8]| sha3(&[b"test\0", bytes]);
        let replaying = Replaying { ahead, prepare, replay: &mut replay };
        let (log, recovery) =
            EventLog::open_if(Arc::clone(&storage), OPTIONS, replaying, |_| Ok(())).unwrap();
        assert_eq!((log.durable_count(), recovery.blocks), (next, next));
    }
}

/// A storage that notes who reads, and where.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn Storage>,
    reads: Arc<Mutex<Vec<Read>>>,
}

type Read = (ThreadId, String, u64, usize);

#[derive(Debug)]
struct WatchedFile {
    inner: Box<dyn StorageFile>,
    path: String,
    reads: Arc<Mutex<Vec<Read>>>,
}

impl Storage for Watched {
    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.inner.list(directory)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>> {
        let inner = self.inner.open(path, access)?;
        Ok(Box::new(WatchedFile { inner, path: path.to_owned(), reads: Arc::clone(&self.reads) }))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.inner.sync_dir(path)
    }
}

impl StorageFile for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = (thread::current().id(), self.path.clone(), offset, buffer.len());
        self.reads.lock().unwrap().push(read);
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.inner.allocate(len)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.inner.sync_data()
    }
}

/// All reads of the log while these files are opened.
fn log_reads(files: &Files, ahead: Ahead) -> Vec<Read> {
    let directory = tempfile::tempdir().unwrap();
    write_to(directory.path(), files);
    let reads = Arc::default();
    let watched: Arc<dyn Storage> =
        Arc::new(Watched { inner: disk(directory.path()), reads: Arc::clone(&reads) });
    Ledger::open_ahead(&watched, OPTIONS, None, ahead).unwrap();
    let reads = reads.lock().unwrap();
    reads.iter().filter(|(_, path, ..)| path.starts_with("log/")).cloned().collect()
}

#[test]
fn the_log_is_read_in_its_order_by_the_calling_thread_alone() {
    let (files, _) = written(&Forge::with_orders(23, 120));
    let alone = log_reads(&files, Ahead::ALONE);
    assert!(alone.iter().all(|(thread, ..)| *thread == thread::current().id()));
    let directory = tempfile::tempdir().unwrap();
    write_to(directory.path(), &files);
    assert!(alone.len() > 2 * frames(disk(directory.path()).as_ref()).len(), "{}", alone.len());
    for ahead in ways() {
        assert_eq!(log_reads(&files, ahead), alone, "{ahead:?}");
    }
}
