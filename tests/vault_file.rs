//! The files of a vault on a disk that is against them: whatever call fails, and whatever a power loss leaves, an entry that
//! was put is there, one that was destroyed is not, and one that was on its way is the old or the new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{Digest, LedgerId};
use ledgerd::eventlog::{SimDisk, Storage};
use ledgerd::vault::{
    CONTENT_BYTES_MAX, Kek, Kind, Name, PAGE_BYTES, Position, SLOT_BYTES, Secret, VaultError, VaultFile,
    pages_for,
};
use zeroize::Zeroizing;

use super::hostile_disk::every_failure;

const LEDGER: LedgerId = LedgerId([7; 32]);

type Key = (Name, u16);

/// What the vault holds, by hand.
type Model = BTreeMap<Key, Vec<u8>>;

fn kek() -> Kek {
    Kek { number: 1, key: Zeroizing::new([9; 32]) }
}

/// The log is durable as far as its blocks go, and each has the hash of its number.
fn head_after(blocks: u64) -> Option<Digest> {
    (blocks <= 1_000).then_some(Digest([blocks as u8; 32]))
}

fn position(durable: u64) -> Position {
    Position { durable, head: head_after(durable).unwrap() }
}

fn storage(disk: &SimDisk) -> Arc<dyn Storage> {
    Arc::new(disk.clone())
}

fn new(disk: &SimDisk) -> VaultFile {
    VaultFile::create(&storage(disk), LEDGER, kek(), position(1)).unwrap()
}

fn open(disk: &SimDisk) -> Result<VaultFile, VaultError> {
    VaultFile::open(&storage(disk), LEDGER, kek(), 100, &head_after)
}

/// Numbers of the slots that are neither free nor readable.
fn damaged_slots(vault: &VaultFile) -> Vec<u32> {
    vault.damaged().iter().map(|damaged| damaged.slot).collect()
}

fn key(kind: Kind, subject: u64) -> Key {
    (Name { kind, subject, scope: [subject as u8; 16] }, 0)
}

fn short(byte: u8) -> Vec<u8> {
    vec![byte; 32]
}

fn secret(content: &[u8]) -> Secret {
    match content.try_into() {
        Ok(payload) => Secret::Short(Zeroizing::new(payload)),
        Err(_) => Secret::Long(Zeroizing::new(content.to_vec())),
    }
}

/// What is done to the vault, one after the other.
enum Step {
    Put(Vec<(Key, Vec<u8>)>),
    Destroy(Vec<Key>),
}

/// Entries of every kind come, are put anew, and go, alone and together.
fn steps() -> Vec<Step> {
    let (scope, leaves) = (key(Kind::ScopeKey, 1), key(Kind::Leaves, 1));
    let (first, factor) = (key(Kind::Credential, 2), key(Kind::SecondFactor, 2));
    let second = (first.0, 1);
    vec![
        Step::Put(vec![(scope, short(1))]),
        Step::Put(vec![(first, vec![2; 2_300]), (factor, short(3))]),
        Step::Put(vec![(factor, short(4)), (second, vec![5; 2_400])]),
        Step::Destroy(vec![first]),
        Step::Put(vec![(leaves, vec![6; 9_000])]),
        Step::Destroy(vec![scope]),
        Step::Put(vec![(leaves, vec![7; 4_081]), (scope, short(8))]),
        Step::Destroy(vec![leaves, second, factor, first]),
        Step::Put(vec![(first, vec![9; 12_000])]),
    ]
}

fn apply(model: &mut Model, step: &Step) {
    match step {
        Step::Put(entries) => model.extend(entries.iter().cloned()),
        Step::Destroy(keys) => keys.iter().for_each(|key| drop(model.remove(key))),
    }
}

/// Does the steps as far as the disk lets it; gives what there surely is, and the step that was under way.
fn run(mut vault: VaultFile, steps: Vec<Step>) -> (Model, Option<Step>) {
    let (mut model, mut rng) = (Model::new(), Seeded::new("vault"));
    for (number, step) in steps.into_iter().enumerate() {
        let done = match &step {
            Step::Put(entries) => {
                let pages =
                    entries.iter().filter(|entry| entry.1.len() != 32).map(|entry| pages_for(entry.1.len()));
                let room = vault.make_room(entries.len() as u32, pages.sum::<usize>() as u32);
                let entries: Vec<(Key, Secret)> =
                    entries.iter().map(|(key, content)| (*key, secret(content))).collect();
                room.and_then(|there| {
                    if there {
                        vault.put(&entries, position(number as u64 + 1), &mut rng)
                    } else {
                        Err(VaultError::NoRoom)
                    }
                })
            }
            Step::Destroy(keys) => vault.destroy(keys).map(|_| ()),
        };
        if done.is_err() {
            return (model, Some(step));
        }
        apply(&mut model, &step);
    }
    (model, None)
}

/// Everything in a vault.
fn everything(vault: &VaultFile) -> Model {
    let content = |key: &Key| match vault.read(key).unwrap().unwrap() {
        Secret::Short(payload) => payload.to_vec(),
        Secret::Long(content) => {
            let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            content[..end].to_vec()
        }
    };
    vault.keys().map(|key| (*key, content(key))).collect()
}

/// Holds a vault against what there surely is, and what may be there by half.
fn check(vault: &VaultFile, sure: &Model, under_way: Option<&Step>, context: &str) {
    assert_eq!(damaged_slots(vault), [0; 0], "{context}");
    let there = everything(vault);
    let mut after = sure.clone();
    if let Some(step) = under_way {
        apply(&mut after, step);
    }
    for key in there.keys().chain(sure.keys()).chain(after.keys()) {
        let found = there.get(key);
        assert!(
            found == sure.get(key) || found == after.get(key),
            "{context}: {key:?} is {:?}",
            found.map(Vec::len)
        );
    }
}

#[test]
fn an_entry_is_the_old_or_the_new_one_whatever_call_fails_and_whatever_a_power_loss_leaves() {
    let (mut cut_off, mut whole) = (0, 0);
    let prepare = || {
        let disk = SimDisk::new();
        let vault = new(&disk);
        (disk, vault)
    };
    let look = |disk: &SimDisk, (sure, under_way): (Model, Option<Step>), context: &str| {
        let vault = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
        check(&vault, &sure, under_way.as_ref(), context);
        if under_way.is_some() {
            cut_off += 1
        } else {
            whole += 1
        }
        // A vault that was mended takes entries as ever.
        drop(vault);
        let (sure, under_way) = run(open(disk).unwrap(), steps());
        assert!(under_way.is_none(), "{context}");
        let vault = open(disk).unwrap();
        let names: Vec<Key> = sure.keys().copied().collect();
        assert!(names.iter().all(|key| everything(&vault).get(key) == sure.get(key)), "{context}");
    };
    every_failure(prepare, |_, vault| run(vault, steps()), look);
    assert!(cut_off > 100 && whole > 8, "{cut_off} runs were cut off, {whole} were not");
}

#[test]
fn what_was_destroyed_is_nowhere_on_the_disk() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    assert!(vault.make_room(3, 4).unwrap());
    let keys = [key(Kind::ScopeKey, 1), key(Kind::Credential, 1), key(Kind::ScopeKey, 2)];
    let entries = [
        (keys[0], secret(&short(1))),
        (keys[1], secret(b"a record and a blob")),
        (keys[2], secret(&short(2))),
    ];
    vault.put(&entries, position(5), &mut Seeded::new("destroyed")).unwrap();
    let slots = |disk: &SimDisk| -> Vec<Vec<u8>> {
        let bytes = disk.bytes("vault/slots").unwrap();
        bytes[8_192..]
            .chunks(SLOT_BYTES)
            .filter(|slot| slot.iter().any(|byte| *byte != 0))
            .map(<[u8]>::to_vec)
            .collect()
    };
    let before = slots(&disk);
    assert_eq!(before.len(), 3);
    assert_eq!(
        vault.destroy(&[keys[0], keys[1], key(Kind::Leaves, 1)]).unwrap(),
        2,
        "the third one was not there"
    );
    assert_eq!(slots(&disk), [before[2].clone()]);
    let image = disk.image();
    for gone in &before[..2] {
        let payload = &gone[52..100];
        assert!(image.values().all(|file| !file.windows(48).any(|bytes| bytes == payload)));
    }
    assert_eq!(vault.destroy(&keys[..2]).unwrap(), 0);
}

#[test]
fn nothing_that_is_secret_stands_readable_in_the_files() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    assert!(vault.make_room(2, 64).unwrap());
    let canary = b"a canary that nobody else would write".repeat(3);
    let long = canary.iter().copied().cycle().take(CONTENT_BYTES_MAX).collect::<Vec<u8>>();
    let entries = [(key(Kind::Leaves, 1), secret(&long)), (key(Kind::ScopeKey, 1), secret(&canary[..32]))];
    vault.put(&entries, position(5), &mut Seeded::new("canary")).unwrap();
    let image = disk.image();
    assert!(image.values().any(|file| file.len() >= 64 * PAGE_BYTES));
    for (name, file) in image {
        assert!(!file.windows(16).any(|bytes| bytes == &canary[..16]), "{name}");
    }
    let too_long = [(key(Kind::Leaves, 2), secret(&[&long[..], b"x"].concat()))];
    assert!(matches!(vault.put(&too_long, position(5), &mut Seeded::new("long")), Err(VaultError::NoRoom)));
}

#[test]
fn a_vault_that_is_ahead_of_its_log_or_of_another_one_or_damaged_is_refused_and_stays_as_it_is() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    assert!(vault.make_room(1, 0).unwrap());
    vault
        .put(&[(key(Kind::ScopeKey, 1), secret(&short(1)))], position(50), &mut Seeded::new("ahead"))
        .unwrap();
    drop(vault);
    let opened = |disk: &SimDisk, ledger: LedgerId, durable: u64, head: &dyn Fn(u64) -> Option<Digest>| {
        let before = disk.image();
        let opened = VaultFile::open(&storage(disk), ledger, kek(), durable, head);
        assert!(opened.is_ok() || disk.image() == before);
        opened.map(|_| ()).map_err(|error| error.name())
    };
    assert_eq!(opened(&disk, LEDGER, 49, &head_after), Err("vault_ahead"));
    assert_eq!(opened(&disk, LedgerId([8; 32]), 50, &head_after), Err("vault_mismatch"));
    assert_eq!(opened(&disk, LEDGER, 60, &|_| Some(Digest([0xee; 32]))), Err("vault_mismatch"));
    let damaged = disk.copy();
    let mut bytes = damaged.bytes("vault/slots").unwrap();
    bytes[10] ^= 1;
    bytes[4_096 + 10] ^= 1;
    damaged.put("vault/slots", &bytes);
    assert_eq!(opened(&damaged, LEDGER, 60, &head_after), Err("vault_damaged"));
    assert_eq!(opened(&disk, LEDGER, 50, &head_after), Ok(()));
}

#[test]
fn a_damaged_slot_is_told_is_not_taken_for_free_and_costs_nobody_else_an_entry() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    assert!(vault.make_room(3, 0).unwrap());
    let keys = [1, 2, 3].map(|subject| key(Kind::ScopeKey, subject));
    let entries = keys.map(|key| (key, secret(&short(key.0.subject as u8))));
    vault.put(&entries, position(5), &mut Seeded::new("damaged")).unwrap();
    vault.close(position(6)).unwrap();
    let mut bytes = disk.bytes("vault/slots").unwrap();
    bytes[8_192 + SLOT_BYTES + 60] ^= 1;
    // A second slot with the name of another entry.
    let third = bytes[8_192 + 2 * SLOT_BYTES..8_192 + 3 * SLOT_BYTES].to_vec();
    bytes[8_192 + 3 * SLOT_BYTES..8_192 + 4 * SLOT_BYTES].copy_from_slice(&third);
    disk.put("vault/slots", &bytes);
    let mut vault = open(&disk).unwrap();
    assert_eq!(damaged_slots(&vault), [1, 3]);
    assert_eq!(everything(&vault).keys().collect::<Vec<_>>(), [&keys[0], &keys[2]]);
    vault.put(&entries[1..2], position(7), &mut Seeded::new("again")).unwrap();
    assert_eq!(
        disk.bytes("vault/slots").unwrap()[8_192 + SLOT_BYTES..][..SLOT_BYTES],
        bytes[8_192 + SLOT_BYTES..][..SLOT_BYTES]
    );
}

#[test]
fn a_disk_without_room_says_so_before_anything_is_put_and_what_is_there_stays() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    assert!(vault.make_room(1, 1).unwrap());
    let first = (key(Kind::Credential, 1), secret(b"the only copy"));
    vault.put(std::slice::from_ref(&first), position(5), &mut Seeded::new("full")).unwrap();
    disk.set_capacity(Some(disk.used()));
    let before = disk.image();
    assert!(!vault.make_room(5_000, 0).unwrap());
    assert!(!vault.make_room(1, 300).unwrap());
    assert!(vault.make_room(4_000, 200).unwrap(), "what is allocated is room");
    assert_eq!(disk.image(), before);
    // An entry that is put anew needs free pages, and the room that was made for it is enough.
    vault.put(&[first], position(6), &mut Seeded::new("again")).unwrap();
    assert_eq!(everything(&vault).len(), 1);
    disk.set_capacity(None);
    assert!(vault.make_room(5_000, 300).unwrap());
}

#[test]
fn a_damaged_slot_goes_with_the_account_that_its_bytes_name() {
    let disk = SimDisk::new();
    let mut vault = new(&disk);
    let keys = [key(Kind::ScopeKey, 4), key(Kind::ScopeKey, 5)];
    assert!(vault.make_room(2, 0).unwrap());
    let entries = keys.map(|key| (key, secret(&short(9))));
    vault.put(&entries, position(1), &mut Seeded::new("damaged")).unwrap();
    vault.close(position(1)).unwrap();
    // Both rot where the secret is: the names can still be read.
    let mut slots = disk.bytes("vault/slots").unwrap();
    let first = 8_192;
    assert!(slots[first] != 0 && slots[first + SLOT_BYTES] != 0);
    slots[first + 60] ^= 1;
    slots[first + SLOT_BYTES + 60] ^= 1;
    disk.put("vault/slots", &slots);
    let mut vault = open(&disk).unwrap();
    assert_eq!(damaged_slots(&vault), [0, 1]);
    assert_eq!(vault.destroy_damaged(&|subject| subject == 6).unwrap(), 0);
    assert_eq!(vault.destroy_damaged(&|subject| subject == 5).unwrap(), 1);
    assert_eq!(damaged_slots(&vault), [0]);
    drop(vault);
    let slots = disk.bytes("vault/slots").unwrap();
    assert!(slots[first + SLOT_BYTES..first + 2 * SLOT_BYTES].iter().all(|byte| *byte == 0));
    assert!(slots[first..first + SLOT_BYTES].iter().any(|byte| *byte != 0));
}
