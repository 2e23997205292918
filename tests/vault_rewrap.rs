//! A vault that goes over from one key to the next, on a disk that is against it: whatever call fails, and whatever a power loss
//! leaves, every entry opens, what was destroyed stays destroyed, and the key before is gone in the end.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{Digest, LedgerId};
use ledgerd::eventlog::{Fault, SimDisk, Storage, Survival};
use ledgerd::time::Timestamp;
use ledgerd::vault::{
    Kek, Key, Kind, Name, Position, Rewrapped, Secret, VaultError, VaultFile, make_kek, read_keks,
};

use super::hostile_disk::every_failure;

const LEDGER: LedgerId = LedgerId([7; 32]);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The key that the vault lies under before.
const FIRST: [u8; 32] = [0xa7; 32];

type Model = BTreeMap<Key, Vec<u8>>;

fn storage(disk: &SimDisk) -> Arc<dyn Storage> {
    Arc::new(disk.clone())
}

fn position(durable: u64) -> Position {
    Position { durable, head: Digest([durable as u8; 32]) }
}

fn named(kind: Kind, subject: u64) -> Key {
    (Name { kind, subject, scope: [subject as u8; 16] }, 0)
}

/// A vault with entries of every shape, the key of which is in its file.
fn new(disk: &SimDisk) -> Model {
    disk.put("keys/vault-1", &FIRST);
    let kek = Kek { number: 1, key: FIRST.into() };
    let mut vault = VaultFile::create(&storage(disk), LEDGER, kek, position(1)).unwrap();
    assert!(vault.make_room(7, 3).unwrap());
    let mut entries: Vec<(Key, Secret)> = (1..7)
        .map(|subject| (named(Kind::ScopeKey, subject), Secret::Short([subject as u8; 32].into())))
        .collect();
    entries.push((named(Kind::Leaves, 2), Secret::Long(vec![9; 3 * 4_080].into())));
    vault.put(&entries, position(2), &mut Seeded::new("new")).unwrap();
    vault.close(position(2)).unwrap();
    everything(&open(disk).unwrap())
}

fn open(disk: &SimDisk) -> Result<VaultFile, VaultError> {
    let storage = storage(disk);
    let header = VaultFile::read_header(storage.as_ref())?.ok_or(VaultError::Missing)?;
    let keks = read_keks(storage.as_ref(), header.kek)?.expect("the key that the header names is there");
    VaultFile::open(&storage, LEDGER, keks, 100, &|blocks| Some(position(blocks).head))
}

fn everything(vault: &VaultFile) -> Model {
    assert_eq!(vault.damaged(), []);
    let content = |key: &Key| match vault.read(key).unwrap().unwrap() {
        Secret::Short(payload) => payload.to_vec(),
        Secret::Long(content) => content.to_vec(),
    };
    vault.keys().map(|key| (*key, content(key))).collect()
}

/// Begins the way to the next key, unless it was begun, and goes as far as the disk lets it. One entry is put and one is destroyed
/// under way; `model` says what there surely is.
fn go_over(disk: &SimDisk, model: &mut Model) -> Result<(), VaultError> {
    let (mut vault, mut rng) = (open(disk)?, Seeded::new("over"));
    if !vault.is_going_over() {
        let next = make_kek(disk, vault.newest_kek() + 1, &mut rng)?;
        vault.go_over_to(next);
    }
    let (put, destroyed) = (named(Kind::ScopeKey, 20), named(Kind::ScopeKey, 5));
    let mut turns = 0;
    while vault.rewrap(2, &mut rng)? == Rewrapped::Partly {
        turns += 1;
        if turns == 1 && !model.contains_key(&put) {
            vault.put(&[(put, Secret::Short([20; 32].into()))], position(3), &mut rng)?;
            model.insert(put, vec![20; 32]);
            vault.destroy(&[destroyed])?;
            model.remove(&destroyed);
        }
    }
    vault.forget_key_before(disk, position(4), NOW)
}

#[test]
fn every_entry_opens_whatever_call_fails_and_the_key_before_is_gone_in_the_end() {
    let (mut cut_off, mut with_two_keys) = (0, 0);
    let prepare = || {
        let disk = SimDisk::new();
        let before = new(&disk);
        (disk, before)
    };
    let attempt = |disk: &SimDisk, before: Model| {
        let mut sure = before.clone();
        let done = go_over(disk, &mut sure);
        (before, sure, done)
    };
    let look =
        |disk: &SimDisk, (before, sure, done): (Model, Model, Result<(), VaultError>), context: &str| {
            let vault = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
            let found = everything(&vault);
            let under_way = [named(Kind::ScopeKey, 20), named(Kind::ScopeKey, 5)];
            let settled = |model: &Model| -> Model {
                model
                    .iter()
                    .filter(|(key, _)| !under_way.contains(key))
                    .map(|(key, it)| (*key, it.clone()))
                    .collect()
            };
            assert_eq!(settled(&found), settled(&before), "{context}");
            assert!(sure.contains_key(&under_way[1]) || !found.contains_key(&under_way[1]), "{context}");
            assert!(found.contains_key(&under_way[0]) || !sure.contains_key(&under_way[0]), "{context}");
            cut_off += usize::from(done.is_err());
            with_two_keys += usize::from(vault.is_going_over());
            // The next start goes on, and comes to an end.
            let finished = vault.newest_kek() == 2 && !vault.is_going_over();
            drop(vault);
            let mut sure = found;
            if !finished {
                go_over(disk, &mut sure).unwrap_or_else(|error| panic!("{context}: {error}"));
            }
            let vault = open(disk).unwrap();
            assert_eq!(everything(&vault), sure, "{context}");
            assert_eq!(
                (vault.newest_kek(), vault.header().kek, vault.header().kek_since),
                (2, 2, NOW),
                "{context}"
            );
            let image = disk.image();
            let keys: Vec<&str> =
                image.keys().map(String::as_str).filter(|name| name.starts_with("keys/vault")).collect();
            assert_eq!(keys, ["keys/vault-2"], "{context}");
            assert!(image.values().all(|file| !file.windows(32).any(|bytes| bytes == FIRST)), "{context}");
        };
    every_failure(prepare, attempt, look);
    assert!(cut_off > 100 && with_two_keys > 50, "{cut_off} were cut off, {with_two_keys} had two keys");
}

#[test]
fn what_a_process_that_ended_had_not_synced_is_not_believed_by_the_next_one() {
    let mut lost_power = 0;
    for first in 0.. {
        let mut reached = false;
        for second in 0.. {
            let disk = SimDisk::new();
            let before = new(&disk);
            let calls = disk.calls();
            disk.fail_call(calls + first, Fault::Error(ErrorKind::Other));
            let mut sure = before.clone();
            drop(go_over(&disk, &mut sure));
            reached |= disk.calls() - calls > first;
            disk.clear_faults();
            // The power stays: the next process sees what the first one wrote, durable or not.
            let calls = disk.calls();
            disk.fail_call(calls + second, Fault::PowerLoss);
            drop(go_over(&disk, &mut sure));
            let is_whole = !disk.is_dark();
            disk.crash(Survival::Nothing, &mut |_| 0);
            let context = format!("an error at call {first}, no power at call {second}");
            let found = everything(&open(&disk).unwrap_or_else(|error| panic!("{context}: {error}")));
            let left: Vec<&Key> = before.keys().filter(|key| !found.contains_key(key)).collect();
            assert!(left.is_empty() || left == [&named(Kind::ScopeKey, 5)], "{context}: {left:?}");
            lost_power += usize::from(!is_whole);
            if is_whole {
                break;
            }
        }
        if !reached {
            break;
        }
    }
    assert!(lost_power > 100, "{lost_power}");
}

#[test]
fn the_key_before_is_zeros_before_its_file_is_removed() {
    let disk = SimDisk::new();
    let mut model = new(&disk);
    let file = disk.open("keys/vault-1", ledgerd::eventlog::Access::Read).unwrap();
    go_over(&disk, &mut model).unwrap();
    let mut bytes = [1; 32];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 32);
    assert_eq!(bytes, [0; 32]);
}

/// The slots of a vault, of which all but the first hold other secrets than what was sealed, under checksums that are right.
fn with_other_secrets(slots: &[u8]) -> Vec<u8> {
    const HEADERS: usize = 8_192;
    let mut changed = slots.to_vec();
    for slot in changed[HEADERS..].chunks_exact_mut(128).skip(1).filter(|slot| slot[0] != 0) {
        slot[60] ^= 1;
        slot[4..8].fill(0);
        let checksum = crc32c::crc32c(slot);
        slot[4..8].copy_from_slice(&checksum.to_be_bytes());
    }
    changed
}

#[test]
fn a_vault_is_not_opened_with_a_key_that_opens_nothing_in_it() {
    let disk = SimDisk::new();
    let model = new(&disk);
    let (slots, wrong) = (disk.bytes("vault/slots").unwrap(), [1; 32]);
    disk.put("keys/vault-1", &wrong);
    let error = open(&disk).unwrap_err();
    assert_eq!(error.name(), "vault_key_unusable");
    assert_eq!(disk.bytes("vault/slots").unwrap(), slots, "nothing has been changed");
    disk.put("keys/vault-1", &FIRST);
    assert_eq!(everything(&open(&disk).unwrap()), model);
}

#[test]
fn a_vault_whose_entries_do_not_open_keeps_both_of_its_keys() {
    let disk = SimDisk::new();
    new(&disk);
    let whole = disk.bytes("vault/slots").unwrap();
    disk.put("vault/slots", &with_other_secrets(&whole));
    let mut vault = open(&disk).unwrap();
    let mut rng = Seeded::new("stuck");
    vault.go_over_to(make_kek(&disk, 2, &mut rng).unwrap());
    while vault.rewrap(3, &mut rng).unwrap() == Rewrapped::Partly {}
    assert_eq!(vault.rewrap(3, &mut rng).unwrap(), Rewrapped::Stuck(6));
    drop(vault);
    assert_eq!(disk.bytes("keys/vault-1").unwrap(), FIRST);
    // With the right entries again everything opens, and the way has an end.
    disk.put("vault/slots", &whole);
    let mut model = everything(&open(&disk).unwrap());
    assert_eq!(model.len(), 7);
    go_over(&disk, &mut model).unwrap();
    assert_eq!(everything(&open(&disk).unwrap()), model);
}

#[test]
fn a_third_key_is_none_and_what_is_no_number_is_not_looked_at() {
    let disk = SimDisk::new();
    new(&disk);
    for name in ["keys/vault-2.tmp", "keys/vault-x", "keys/vault-02", "keys/vault-", "keys/vault"] {
        disk.put(name, b"something else");
    }
    assert_eq!(everything(&open(&disk).unwrap()).len(), 7);
    for number in [2, 3] {
        disk.put(&format!("keys/vault-{number}"), &[number; 32]);
    }
    let error = read_keks(&disk, 1).unwrap_err();
    assert!(error.to_string().contains("two keys at most, and there are 3"), "{error}");
    disk.delete("keys/vault-1");
    assert!(read_keks(&disk, 1).unwrap().is_none(), "the key that the header names");
}

#[test]
fn an_entry_that_is_put_under_way_is_under_the_newest_key_and_read_whichever_it_is_under() {
    let disk = SimDisk::new();
    let model = new(&disk);
    let mut vault = open(&disk).unwrap();
    let mut rng = Seeded::new("under way");
    vault.go_over_to(make_kek(&disk, 2, &mut rng).unwrap());
    let over = (named(Kind::ScopeKey, 1), Secret::Short([99; 32].into()));
    vault.put(std::slice::from_ref(&over), position(3), &mut rng).unwrap();
    assert_eq!(vault.rewrap(1, &mut rng).unwrap(), Rewrapped::Partly);
    let mut expected = model;
    expected.insert(over.0, vec![99; 32]);
    assert_eq!(everything(&vault), expected);
    // Of a slot under a key that is gone nothing can be read: that is what the way is for.
    while vault.rewrap(3, &mut rng).unwrap() == Rewrapped::Partly {}
    let slots = disk.bytes("vault/slots").unwrap();
    vault.forget_key_before(&disk, position(3), NOW).unwrap();
    drop(vault);
    assert_ne!(
        disk.bytes("vault/slots").unwrap()[..8_192],
        slots[..8_192],
        "the header names the newest key"
    );
    assert_eq!(everything(&open(&disk).unwrap()), expected);
}
