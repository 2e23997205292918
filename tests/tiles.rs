//! A ledger as static files: read by the reader of the `tlog_tiles` crate, audited, continued, tampered with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ledgerd::chain::{Checkpoint, LeafHash};
use tlog_tiles::tlog::{self, Hash};
use tlog_tiles::{Tile, TileHashReader, TileReader};

use super::binaries::{Daemon, Place};
use super::fixtures_logs::write_log;
use super::forge::{Forge, Tree};

const NOBODY: &str = "127.0.0.1:1";

/// What a client of such a folder does: fetches tiles, by the paths of the specification.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        // The crate names the height in its paths, the specification fixes it.
        let read = |tile: &Tile| std::fs::read(self.0.join(tile.path().replacen("tile/8/", "tile/", 1)));
        tiles
            .iter()
            .map(|tile| {
                read(tile).map_err(|error| tlog::Error::InvalidInput(format!("{}: {error}", tile.path())))
            })
            .collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn checkpoint(folder: &Path) -> Checkpoint {
    let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
    let (text, _) = note.split_once("\n\n").unwrap();
    Checkpoint::parse(&format!("{text}\n")).unwrap()
}

/// Places orders one a line, and one command that no entry of the format can hold.
fn fill(place: &Place, at: &str, lines: usize) {
    let order = "{\"operation_type\":\"buy\",\"stock_name\":\"AAPL\"}\n";
    let (code, _) = place.feed("alice", at, &["add", "--each", "-"], &order.repeat(lines));
    assert_eq!(code, Some(0));
    let long = "{\"operation_type\":\"sell\",\"stock_name\":\"ABCDEFGHIJKLMNOP\",\"price\":\"1.5\"}\n";
    let (code, _) = place.feed("alice", at, &["add", "-"], &long.repeat(4_000));
    assert_eq!(code, Some(0));
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Takes the daemon down, writes the tiles and brings it up again.
fn write(place: &Place, daemon: Daemon, out: &Path) -> Daemon {
    let address = daemon.address.clone();
    assert_eq!(daemon.terminate(), Some(0));
    let (data, out) = (place.data(), out.to_str().unwrap().to_owned());
    place.done("nobody", NOBODY, &["tiles", data.to_str().unwrap(), &out]);
    let audited = place.done("nobody", NOBODY, &["audit", &out]);
    assert!(audited.starts_with("intact"), "{audited}");
    Daemon::start(&data, &address)
}

#[test]
fn the_files_are_those_of_the_specification_and_are_continued_by_the_next_run() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    let (out, again) = (place.directory.path().join("out"), place.directory.path().join("again"));
    fill(&place, &at, 300);
    let daemon = write(&place, daemon, &out);
    let first = checkpoint(&out);
    assert_eq!(first.size, 303);
    fill(&place, &at, 400);
    let daemon = write(&place, daemon, &out);
    let second = checkpoint(&out);
    assert_eq!(second.size, 704);

    let folder = Folder(out.clone());
    let reader = TileHashReader::new(second.size, Hash(second.root.0), &folder);
    let bundle = std::fs::read(out.join("tile/entries/000")).unwrap();
    let mut rest = &bundle[..];
    for index in 0..256 {
        let (head, tail) = rest.split_first_chunk::<2>().unwrap();
        let (block, tail) = tail.split_at(usize::from(u16::from_be_bytes(*head)));
        rest = tail;
        if index % 51 == 0 {
            let proof = tlog::prove_record(second.size, index, &reader).unwrap();
            let leaf = Hash(LeafHash::of_block(block).0);
            tlog::check_record(&proof, second.size, Hash(second.root.0), index, leaf).unwrap();
        }
    }
    let proof = tlog::prove_tree(second.size, first.size, &reader).unwrap();
    tlog::check_tree(&proof, second.size, Hash(second.root.0), first.size, Hash(first.root.0)).unwrap();
    assert!(out.join("tile/blocks/001").is_file(), "the long command's bundle is not one of entries");

    write(&place, daemon, &again).kill();
    let (grown, at_once) = (files(&out), files(&again));
    for (name, bytes) in &at_once {
        assert_eq!(grown.get(name), Some(bytes), "{}", name.display());
    }
    let left_over = grown.keys().filter(|name| !at_once.contains_key(*name));
    assert!(
        left_over.clone().all(|name| name.to_str().unwrap().contains(".p/")),
        "only partial files are left"
    );
}

#[test]
fn an_audit_names_the_file_that_was_changed_or_is_missing() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    fill(&place, &at, 300);
    let out = place.directory.path().join("out");
    write(&place, daemon, &out).kill();
    let text = out.to_str().unwrap();
    for name in files(&out).into_keys() {
        let path = out.join(&name);
        let shown = name.to_str().unwrap();
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let output = place.run("nobody", NOBODY, &["audit", text]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(65), "{shown} changed: {said}");
        let names_it = said.contains(shown) || shown == "checkpoint";
        assert!(names_it, "{shown} changed: {said}");
        std::fs::remove_file(&path).unwrap();
        let output = place.run("nobody", NOBODY, &["audit", text]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(65), "{shown} removed: {said}");
        assert!(said.contains("_missing"), "{shown} removed: {said}");
        std::fs::write(&path, &good).unwrap();
    }
    place.done("nobody", NOBODY, &["audit", text]);
}

#[test]
fn a_folder_is_never_turned_back_or_over_to_another_history() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    let old = place.directory.path().join("old");
    place.done("alice", &at, &["checkpoint", "save", old.to_str().unwrap()]);
    fill(&place, &at, 5);
    let out = place.directory.path().join("out");
    write(&place, daemon, &out).kill();
    let before = files(&out);
    let (data, folder) = (place.data(), out.to_str().unwrap().to_owned());
    let refused = |arguments: &[&str]| place.ends(65, "nobody", NOBODY, arguments);

    let older = ["tiles", data.to_str().unwrap(), &folder, "--checkpoint", old.to_str().unwrap()];
    assert!(refused(&older).contains("already"));
    let other = Place::new();
    let stranger = Daemon::start(&other.data(), "127.0.0.1:0");
    other.join("alice", &stranger.address);
    stranger.kill();
    let others = other.data();
    refused(&["tiles", others.to_str().unwrap(), &folder]);
    let theirs = others.join("checkpoint");
    let foreign = ["tiles", data.to_str().unwrap(), &folder, "--checkpoint", theirs.to_str().unwrap()];
    let complaint = place.ends(2, "nobody", NOBODY, &foreign);
    assert!(complaint.contains("not a checkpoint that this ledger signed"), "{complaint}");
    // A byte of the log changed after the checkpoint was signed.
    let segment = data.join("log/00000000000000000000.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    refused(&["tiles", data.to_str().unwrap(), &folder]);
    assert_eq!(files(&out), before, "a refused run changes nothing");
    place.ends(2, "nobody", NOBODY, &["tiles", &folder, &folder]);
}

#[test]
fn tiles_are_written_neither_into_a_ledger_nor_among_what_belongs_to_somebody() {
    let place = Place::new();
    let forge = Forge::with_orders(61, 3);
    let data = place.data();
    std::fs::create_dir(&data).unwrap();
    write_log(&data, &forge);
    std::fs::write(data.join("checkpoint"), Tree::over(&forge.blocks).note()).unwrap();
    let other = place.directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    write_log(&other, &forge);
    std::fs::write(other.join("checkpoint"), Tree::over(&forge.blocks).note()).unwrap();
    let mine = place.directory.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("letter.txt"), "Dear Bob\n").unwrap();
    let file = mine.join("letter.txt");
    let before = files(place.directory.path());
    let inside = data.join("public/tiles");
    for (out, reason) in [
        (&data, "in a ledger's directory"),
        (&other, "in a ledger's directory"),
        (&inside, "in a ledger's directory"),
        (&mine, "letter.txt"),
        (&file, "Not a directory"),
    ] {
        let arguments = ["tiles", data.to_str().unwrap(), out.to_str().unwrap()];
        let complaint = place.ends(2, "nobody", NOBODY, &arguments);
        assert!(complaint.contains(reason), "{complaint}");
        assert_eq!(files(place.directory.path()), before, "nothing was written to {}", out.display());
    }
    // What an interrupted first run has left is gone on with, and so is a folder with a page beside the tiles.
    let out = place.directory.path().join("out");
    std::fs::create_dir_all(out.join("tile/0")).unwrap();
    let arguments = ["tiles", data.to_str().unwrap(), out.to_str().unwrap()];
    place.done("nobody", NOBODY, &arguments);
    std::fs::write(out.join("index.html"), "A page\n").unwrap();
    place.done("nobody", NOBODY, &arguments);
}
