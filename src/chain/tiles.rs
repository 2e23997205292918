//! The tree and its blocks as static files, in the layout of C2SP `tlog-tiles`
//! (<https://c2sp.org/tlog-tiles>): which bytes stand under which path. `docs/tiles.md` describes the folder.

use tlog_tiles::tlog::Hash;
use tlog_tiles::{Tile, tlog};

use super::LeafHash;

/// Hashes in a full tile, blocks in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// The signed checkpoint for which the files were written.
pub const CHECKPOINT: &str = "checkpoint";

/// A file of the folder: its path and its bytes.
pub struct TileFile<'a> {
    /// From the folder, with slashes.
    pub path: &'a str,
    /// All of it.
    pub bytes: &'a [u8],
}

/// `x001/x234/067` for 1,234,067, and `.p/<width>` behind it for a partial one.
fn path(kind: &str, number: u64, width: u64) -> String {
    let mut path = format!("{:03}", number % 1_000);
    let mut rest = number / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    let partial = if width == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
    format!("tile/{kind}/{path}{partial}")
}

/// The path of a bundle whose blocks all fit the format.
pub fn entries_path(number: u64, width: u64) -> String {
    path("entries", number, width)
}

/// The path of a bundle with a block that does not.
pub fn blocks_path(number: u64, width: u64) -> String {
    path("blocks", number, width)
}

/// Turns leaves, given one after the other, into tiles. Holds one tile of each level.
#[derive(Default)]
pub struct Tiles {
    /// The hashes of the open tile of each level, and how many were full before it.
    levels: Vec<(u64, Vec<u8>)>,
}

impl Tiles {
    /// Takes the next leaf; hands every tile that is full now to `emit`.
    ///
    /// # Errors
    /// What `emit` says.
    pub fn push<E>(
        &mut self,
        leaf: LeafHash,
        emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_hash(0, leaf.0, emit)
    }

    fn push_hash<E>(
        &mut self,
        level: usize,
        hash: [u8; 32],
        emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.levels.len() == level {
            self.levels.push((0, Vec::new()));
        }
        let Some((number, hashes)) = self.levels.get_mut(level) else { return Ok(()) };
        hashes.extend_from_slice(&hash);
        if ((hashes.len() / tlog::HASH_SIZE) as u64) < TILE_WIDTH {
            return Ok(());
        }
        let full = std::mem::take(hashes);
        let file = path(&level.to_string(), *number, TILE_WIDTH);
        *number += 1;
        emit(TileFile { path: &file, bytes: &full })?;
        let Hash(parent) = Tile::subtree_hash(&full);
        self.push_hash(level + 1, parent, emit)
    }

    /// Hands the partial tiles at the right edge to `emit`.
    ///
    /// # Errors
    /// What `emit` says.
    pub fn finish<E>(self, emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>) -> Result<(), E> {
        for (level, (number, hashes)) in self.levels.iter().enumerate() {
            let width = (hashes.len() / tlog::HASH_SIZE) as u64;
            if width > 0 {
                let path = path(&level.to_string(), *number, width);
                emit(TileFile { path: &path, bytes: hashes })?;
            }
        }
        Ok(())
    }
}

/// Turns blocks, given one after the other, into the files of the folder. Holds one bundle beside the tiles.
#[derive(Default)]
pub struct TileWriter {
    tiles: Tiles,
    bundles: u64,
    bundle: Vec<Vec<u8>>,
}

impl TileWriter {
    /// Takes the next block; hands every file that is full now to `emit`.
    ///
    /// # Errors
    /// What `emit` says.
    pub fn push<E>(
        &mut self,
        block: &[u8],
        emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bundle.push(block.to_vec());
        if self.bundle.len() as u64 == TILE_WIDTH {
            self.emit_bundle(emit)?;
        }
        self.tiles.push(LeafHash::of_block(block), emit)
    }

    /// Hands the partial files at the right edge to `emit`.
    ///
    /// # Errors
    /// What `emit` says.
    pub fn finish<E>(mut self, emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>) -> Result<(), E> {
        if !self.bundle.is_empty() {
            self.emit_bundle(emit)?;
        }
        self.tiles.finish(emit)
    }

    fn emit_bundle<E>(&mut self, emit: &mut dyn FnMut(TileFile<'_>) -> Result<(), E>) -> Result<(), E> {
        let blocks = std::mem::take(&mut self.bundle);
        let (number, width) = (self.bundles, blocks.len() as u64);
        self.bundles += 1;
        let fits = blocks.iter().all(|block| u16::try_from(block.len()).is_ok());
        let mut bytes = Vec::new();
        for block in &blocks {
            if fits {
                bytes.extend_from_slice(&(block.len() as u16).to_be_bytes());
            } else {
                bytes.extend_from_slice(&(block.len() as u32).to_be_bytes());
            }
            bytes.extend_from_slice(block);
        }
        let path = if fits { entries_path(number, width) } else { blocks_path(number, width) };
        emit(TileFile { path: &path, bytes: &bytes })
    }
}

/// Takes a bundle apart; `wide` are those with four bytes of length. None unless it holds just so many blocks and
/// nothing else.
pub fn blocks_of_bundle(bytes: &[u8], wide: bool, width: u64) -> Option<Vec<&[u8]>> {
    let mut cutter = crate::cutter::Cutter(bytes);
    let mut blocks = Vec::new();
    for _ in 0..width {
        let length = if wide { usize::try_from(cutter.u32()?).ok()? } else { usize::from(cutter.u16()?) };
        blocks.push(cutter.bytes(length)?);
    }
    cutter.0.is_empty().then_some(blocks)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(blocks: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
        let (mut writer, mut files) = (TileWriter::default(), BTreeMap::new());
        let mut emit = |file: TileFile<'_>| {
            files.insert(file.path.to_owned(), file.bytes.to_vec());
            Ok::<(), ()>(())
        };
        for block in blocks {
            writer.push(block, &mut emit).unwrap();
        }
        writer.finish(&mut emit).unwrap();
        files
    }

    #[test]
    fn numbers_become_paths_as_the_specification_says() {
        assert_eq!(path("0", 0, 256), "tile/0/000");
        assert_eq!(path("entries", 1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(path("2", 273, 112), "tile/2/273.p/112");
    }

    /// The example of the specification, 70,000 entries, with the partial tiles that it names.
    #[test]
    fn a_tree_has_the_tiles_that_the_specification_counts() {
        let blocks: Vec<Vec<u8>> = (0..70_000u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let files = files(&blocks);
        let count = |prefix: &str| files.keys().filter(|path| path.starts_with(prefix)).count();
        assert_eq!((count("tile/0/"), count("tile/1/"), count("tile/2/")), (274, 2, 1));
        for partial in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(files.contains_key(partial), "{partial}");
        }
        let bundle = &files["tile/entries/273.p/112"];
        let last = blocks_of_bundle(bundle, false, 112).unwrap();
        assert_eq!(last.last(), Some(&&70_000u32.wrapping_sub(1).to_be_bytes()[..]));
        assert_eq!(blocks_of_bundle(bundle, false, 111), None);
        assert_eq!(blocks_of_bundle(&bundle[..bundle.len() - 1], false, 112), None);
    }

    #[test]
    fn a_bundle_with_a_block_that_is_too_long_for_the_format_stands_elsewhere() {
        let mut blocks = vec![vec![1; 10]; 300];
        blocks[7] = vec![2; 65_536];
        blocks[299] = vec![3; 65_535];
        let files = files(&blocks);
        let read = blocks_of_bundle(&files["tile/blocks/000"], true, 256).unwrap();
        assert_eq!(read[7].len(), 65_536);
        let read = blocks_of_bundle(&files["tile/entries/001.p/44"], false, 44).unwrap();
        assert_eq!(read[43].len(), 65_535);
        assert!(!files.contains_key("tile/entries/000"));
    }
}
