//! The fuzz targets as an ordinary test: everything in `fuzz/corpus/` is replayed through the functions that the fuzzer
//! calls, and from every seed some bytes are changed besides. Whoever has cargo-fuzz looks for more with
//! `cargo fuzz run TARGET`; an input that finds something is put into the corpus, and stays.
//!
//! The seeds there begin with `good-` or `bad-`, which a target has to say of them. `UPDATE_CORPUS=1 cargo test --test
//! tests fuzzing` writes them anew. `FUZZ_CHANGES=n` changes each input in n ways instead of [`CHANGES`].

mod seeds;
#[expect(unreachable_pub, reason = "the fuzzer's programs see it from another crate")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ledgerd::crypto::sha3;
use ledgerd::domain::{Command, Event, Tag, Undecodable};

use crate::scenarios;
use targets::{Beginning, TARGETS};

/// Changes made to each input in an ordinary run of the tests.
const CHANGES: u64 = 8;

/// Bytes of all corpora together: they are seeds, and not the fuzzer's whole harvest.
const CORPUS_BYTES_MAX: usize = 512 << 10;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// The files of a corpus, by name.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<_> = std::fs::read_dir(corpus(target))
        .unwrap_or_else(|error| panic!("no corpus of {target}: {error}"))
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// Writes the seeds of a target, and leaves what a fuzzer found.
fn update(target: &str) {
    std::fs::create_dir_all(corpus(target)).unwrap();
    for (name, _) in inputs(target) {
        if name.starts_with("good-") || name.starts_with("bad-") {
            std::fs::remove_file(corpus(target).join(name)).unwrap();
        }
    }
    for (name, bytes) in seeds::of(target) {
        std::fs::write(corpus(target).join(name), bytes).unwrap();
    }
}

#[test]
fn the_corpora_are_replayed_and_their_seeds_are_what_they_are_called() {
    let (mut size, mut wrong) = (0, Vec::new());
    for (target, run) in TARGETS {
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            update(target);
        }
        let (mut good, mut bad) = (0, 0);
        for (name, bytes) in inputs(target) {
            size += bytes.len();
            let taken = run(&bytes);
            good += u32::from(taken);
            bad += u32::from(!taken);
            let called = if taken { "good-" } else { "bad-" };
            if (name.starts_with("good-") || name.starts_with("bad-")) && !name.starts_with(called) {
                wrong.push(format!("{target}/{name}"));
            }
        }
        assert!(good > 0 && bad > 0, "{target}: {good} good inputs, {bad} bad ones");
    }
    assert!(size < CORPUS_BYTES_MAX, "{size} bytes");
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A short way into what a fuzzer does, the same in every run: bytes changed, taken out, put in, cut off.
#[test]
fn changed_inputs_break_no_target() {
    let changes = std::env::var("FUZZ_CHANGES").map_or(CHANGES, |number| number.parse().unwrap());
    for (target, run) in TARGETS {
        for (name, bytes) in inputs(target) {
            for change in 0..changes {
                let mut bytes = changed(&name, &bytes, change);
                // Some are changed in several places.
                for again in 0..change % 4 {
                    bytes = changed(&name, &bytes, change.wrapping_mul(7) + again + 1_000_000);
                }
                run(&bytes);
            }
        }
    }
}

fn changed(name: &str, bytes: &[u8], change: u64) -> Vec<u8> {
    let random = sha3(&[name.as_bytes(), &change.to_be_bytes()]).0;
    let place = u32::from_be_bytes([0, random[0], random[1], random[2]]) as usize % bytes.len().max(1);
    let mut changed = bytes.to_vec();
    match random[3] % 4 {
        0 => changed.truncate(place),
        1 => changed.insert(place, random[4]),
        2 if place < changed.len() => drop(changed.remove(place)),
        _ => {
            if let Some(byte) = changed.get_mut(place) {
                *byte ^= 1 << (random[4] % 8);
            }
        }
    }
    changed
}

#[test]
fn there_is_a_folder_a_program_and_an_entry_for_every_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap().trim_end_matches(".rs").to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let programs = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let programs: BTreeSet<String> = programs.map(str::to_owned).collect();
    assert!(targets.is_subset(&programs), "{programs:?}");
}

/// Every tag that this version knows, of commands or of events.
fn tags(is_known: impl Fn(Tag) -> bool) -> Vec<Tag> {
    let all = (0..128).flat_map(|kind| (0..8).map(move |schema| Tag { schema, kind }));
    all.filter(|tag| is_known(*tag)).collect()
}

#[test]
fn every_kind_of_command_and_of_event_is_in_the_corpus() {
    let inputs = inputs("strict");
    let commands = tags(|tag| Command::decode(tag, &[]) != Err(Undecodable::UnknownKind(tag)));
    let bytes = |tag: Tag| [tag.schema.to_be_bytes(), tag.kind.to_be_bytes()].concat();
    let events = tags(|tag| Event::decode(&bytes(tag)) != Err(Undecodable::UnknownKind(tag)));
    assert!(commands.len() >= 9 && events.len() >= 8, "{commands:?} {events:?}");
    for (what, tags) in [(0, commands), (1, events)] {
        for tag in tags {
            let head = [&[what], &bytes(tag)[..]].concat();
            let there =
                inputs.iter().any(|(name, seed)| name.starts_with("good-") && seed.starts_with(&head));
            assert!(there, "{what}: {tag:?}; a scenario with it and UPDATE_CORPUS=1 add it");
        }
    }
}

/// What the scenarios write into blocks is what the target takes.
#[test]
fn the_blocks_of_all_scenarios_decode_strictly() {
    for bytes in scenarios::blocks() {
        let (command, event) = seeds::parts(&bytes);
        assert!(targets::strict(&command) && targets::strict(&event));
    }
}

#[test]
fn a_stranger_begins_at_every_point_of_a_session() {
    let begun: BTreeSet<u8> =
        inputs("session").iter().filter_map(|(_, bytes)| bytes.first().copied()).collect();
    assert!((0..Beginning::COUNT).all(|beginning| begun.contains(&beginning)), "{begun:?}");
}
