//! The check of a folder of static files (`docs/tiles.md`): the same questions as to a log, asked of the blocks in
//! the bundles, and every tile compared with what those blocks make.

use std::io;

use super::{AuditError, Checker, Judgement, Kept, Place, Report, Request};
use crate::chain::tiles::{
    CHECKPOINT, TILE_WIDTH, TileFile, Tiles, blocks_of_bundle, blocks_path, entries_path,
};
use crate::chain::{Checkpoint, LeafHash};
use crate::eventlog::{LogError, Storage, read_small};
use crate::wire::Finding;

/// No bundle is longer: 256 of the largest blocks, and their lengths.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// A checkpoint with many cosignatures is a few thousand bytes.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 10;

/// Checks a folder of tiles, bundles and a checkpoint.
///
/// # Errors
/// [`AuditError`]; damage is a finding of the [`Report`].
pub fn audit_tiles(
    storage: &dyn Storage,
    request: &Request,
    progress: &mut dyn FnMut(u64, u64),
    cancelled: &dyn Fn() -> bool,
) -> Result<Report, AuditError> {
    let mut checker = Checker::new(request.threads);
    let Some(shown) = read_checkpoint(storage)? else {
        let place = Place { file: CHECKPOINT, offset: 0, index: None };
        checker.report(place.finding("checkpoint_missing", "there is no signed checkpoint in the folder"));
        return Ok(Report::of(checker.finish(), request, None, []));
    };
    let size = shown.checkpoint().size;
    // The folder's own checkpoint is judged by its root over all blocks, so another one can be asked for.
    let other = request.checkpoint.as_ref();
    checker.want_root(other.map_or(size, |kept| kept.checkpoint().size));
    let mut walk = Walk { storage, checker, tiles: Tiles::default() };
    let bundles = size.div_ceil(TILE_WIDTH);
    for number in 0..bundles {
        if cancelled() {
            return Err(AuditError::Cancelled);
        }
        progress(number, bundles);
        walk.bundle(number, size)?;
    }
    walk.finish(&shown, request, size)
}

fn read_checkpoint(storage: &dyn Storage) -> Result<Option<Kept>, AuditError> {
    let read = read_small(storage, CHECKPOINT, CHECKPOINT_BYTES_MAX).map_err(unreadable(CHECKPOINT))?;
    let text = read.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| Kept::read(&text, None).ok()))
}

fn unreadable(path: &str) -> impl Fn(io::Error) -> AuditError {
    move |error| AuditError::Storage(LogError::io(path, "read", error))
}

struct Walk<'a> {
    storage: &'a dyn Storage,
    checker: Checker,
    tiles: Tiles,
}

impl Walk<'_> {
    /// Reads a bundle, from whichever of its two places, and takes its blocks in.
    fn bundle(&mut self, number: u64, size: u64) -> Result<(), AuditError> {
        let first = number * TILE_WIDTH;
        let width = (size - first).min(TILE_WIDTH);
        let (narrow, wide) = (entries_path(number, width), blocks_path(number, width));
        let (path, bytes, is_wide) = match self.read(&narrow)? {
            Some(bytes) => (narrow, bytes, false),
            None => match self.read(&wide)? {
                Some(bytes) => (wide, bytes, true),
                None => {
                    self.checker.gap();
                    self.found(&narrow, first, "bundle_missing", "neither under entries nor under blocks");
                    return Ok(());
                }
            },
        };
        let Some(blocks) = blocks_of_bundle(&bytes, is_wide, width) else {
            self.checker.gap();
            self.found(&path, first, "malformed_bundle", "not the blocks that a bundle of this width has");
            return Ok(());
        };
        let mut offset = 0;
        let mut wrong = Vec::new();
        for (index, block) in (first..).zip(blocks) {
            offset += if is_wide { 4 } else { 2 };
            let place = Place { file: &path, offset, index: Some(index) };
            self.checker.block(place, block, |_| ());
            let storage = self.storage;
            self.tiles.push(LeafHash::of_block(block), &mut |file| compare(storage, &file, &mut wrong))?;
            offset += block.len() as u64;
        }
        self.report(wrong);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, AuditError> {
        read_small(self.storage, path, FILE_BYTES_MAX).map_err(unreadable(path))
    }

    fn found(&mut self, path: &str, index: u64, name: &str, reason: &str) {
        let place = Place { file: path, offset: 0, index: Some(index) };
        self.checker.report(place.finding(name, reason));
    }

    /// Tiles that differ are worth saying only while all blocks were read: they are made of all before.
    fn report(&mut self, wrong: Vec<Finding>) {
        if self.checker.is_whole() {
            wrong.into_iter().for_each(|finding| self.checker.report(finding));
        }
    }

    fn finish(mut self, shown: &Kept, request: &Request, size: u64) -> Result<Report, AuditError> {
        let (storage, mut wrong) = (self.storage, Vec::new());
        std::mem::take(&mut self.tiles).finish(&mut |file| compare(storage, &file, &mut wrong))?;
        self.report(wrong);
        let outcome = self.checker.finish();
        let own = match shown.judge(&outcome, outcome.root, size) {
            // The checkpoint is a part of the folder, so the folder is wrong.
            Judgement::NotOfThisLedger(reason) => {
                let place = Place { file: CHECKPOINT, offset: 0, index: None };
                Some(place.finding("checkpoint_signature", reason))
            }
            other => other.finding(),
        };
        let kept = request.checkpoint.as_ref();
        let judged = kept.map(|kept| kept.judge(&outcome, outcome.wanted_root, size));
        Ok(Report::of(outcome, request, judged, own))
    }
}

/// Holds a tile against the one in the folder.
fn compare(storage: &dyn Storage, file: &TileFile<'_>, wrong: &mut Vec<Finding>) -> Result<(), AuditError> {
    let place = Place { file: file.path, offset: 0, index: None };
    match read_small(storage, file.path, FILE_BYTES_MAX).map_err(unreadable(file.path))? {
        Some(bytes) if bytes == file.bytes => {}
        Some(_) => wrong.push(place.finding("tile_differs", "the tile is not the one that the blocks make")),
        None => wrong.push(place.finding("tile_missing", "the tile is not there")),
    }
    Ok(())
}

/// The checkpoint of a folder, for whoever wants to go on writing it.
///
/// # Errors
/// [`AuditError`] when it cannot be read.
pub fn tiles_checkpoint(storage: &dyn Storage) -> Result<Option<Checkpoint>, AuditError> {
    Ok(read_checkpoint(storage)?.map(|kept| kept.checkpoint().clone()))
}
