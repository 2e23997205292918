//! The format of a backup of a vault, against whatever may have become of the file; and a vault that takes the place of another
//! one on a disk that is against it: whatever fails, there is the old one or the new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{Digest, LedgerId};
use ledgerd::eventlog::{Access, SimDisk, Storage};
use ledgerd::time::Timestamp;
use ledgerd::vault::{
    BackupError, BackupHead, BackupKey, BackupReader, BackupWriter, Kek, Key, Kind, Name, Position,
    Restoring, Secret, VaultError, VaultFile, entry_bytes,
};

use super::hostile_disk::every_failure;

const LEDGER: LedgerId = LedgerId([7; 32]);

/// Bytes of the head of a backup.
const HEAD_BYTES: usize = 132;

fn key() -> BackupKey {
    BackupKey::from_bytes([3; 32])
}

fn position(durable: u64) -> Position {
    Position { durable, head: Digest([durable as u8; 32]) }
}

fn named(kind: Kind, subject: u64) -> Key {
    (Name { kind, subject, scope: [subject as u8; 16] }, 0)
}

fn short(byte: u8) -> Secret {
    Secret::Short([byte; 32].into())
}

fn long(byte: u8, pages: usize) -> Secret {
    Secret::Long(vec![byte; pages * 4_080].into())
}

fn content(secret: &Secret) -> Vec<u8> {
    match secret {
        Secret::Short(payload) => payload.to_vec(),
        Secret::Long(content) => content.to_vec(),
    }
}

fn head_of(entries: &[(Key, Secret)]) -> BackupHead {
    BackupHead {
        ledger_id: LEDGER,
        position: position(9),
        generation: 4,
        made_at: Timestamp::from_millis(1_700_000_000_000),
        entries: entries.len() as u64,
        bytes: entries.iter().map(|(_, secret)| entry_bytes(content(secret).len())).sum(),
    }
}

fn written(entries: &[(Key, Secret)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = BackupWriter::begin(&head_of(entries), &key(), &mut bytes).unwrap();
    entries.iter().for_each(|(name, secret)| writer.entry(name, secret).unwrap());
    writer.finish().unwrap();
    bytes
}

/// Everything in a backup, if nothing is wrong with it.
fn read(key: &BackupKey, mut bytes: &[u8]) -> Result<(BackupHead, Vec<(Key, Secret)>), BackupError> {
    let mut reader = BackupReader::begin(key, &mut bytes)?;
    let (head, mut entries) = (*reader.head(), Vec::new());
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    Ok((head, entries))
}

/// Entries of every shape, in all more than two parts of 65,536 bytes.
fn entries() -> Vec<(Key, Secret)> {
    let credential = named(Kind::Credential, 2);
    vec![
        (named(Kind::ScopeKey, 1), short(1)),
        (credential, long(2, 1)),
        ((credential.0, 1), long(3, 2)),
        (named(Kind::Leaves, 5), long(5, 32)),
        (named(Kind::ScopeKey, 6), short(6)),
    ]
}

#[test]
fn a_backup_is_read_as_it_was_written_whatever_is_in_it() {
    let many: Vec<_> = (0..3_000).map(|subject| (named(Kind::ScopeKey, subject), short(9))).collect();
    for entries in [Vec::new(), entries(), many, entries()[..1].to_vec()] {
        let bytes = written(&entries);
        let (head, found) = read(&key(), &bytes).unwrap();
        assert_eq!((head, &found), (head_of(&entries), &entries));
        let parts = head.bytes.div_ceil(65_536).max(1);
        assert_eq!(bytes.len() as u64, HEAD_BYTES as u64 + head.bytes + 16 * parts);
    }
    assert_eq!(written(&entries()), written(&entries()), "what is written follows from key and entries");
    let bytes = written(&entries());
    for byte in [1, 3, 5] {
        assert!(!bytes.windows(32).any(|window| window == [byte; 32]), "a secret stands there in the clear");
    }
}

#[test]
fn a_backup_that_was_cut_off_changed_or_put_together_anew_is_damaged() {
    let bytes = written(&entries());
    let parts: Vec<usize> =
        (0..).map(|part| HEAD_BYTES + part * 65_552).take_while(|at| *at < bytes.len()).collect();
    assert_eq!(parts.len(), 3);
    // Every length of the head, and those around every place where something ends.
    let ends = parts.iter().copied().chain([bytes.len()]);
    let ends = ends.flat_map(|end| [end - 1, end, end + 1, end + 15, end + 16, end + 17]);
    for length in (0..HEAD_BYTES).chain(ends).filter(|length| *length < bytes.len()) {
        let error = read(&key(), &bytes[..length]).unwrap_err();
        let expected = if length < 8 { "this is no backup" } else { "this backup is damaged" };
        assert!(error.to_string().starts_with(expected), "{length}: {error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(read(&key(), &longer), Err(BackupError::Damaged)));
    // Every bit of the head, and some of every part.
    let far = (HEAD_BYTES..bytes.len()).step_by(997).chain([bytes.len() - 1]);
    for at in (0..HEAD_BYTES).chain(parts.iter().copied()).chain(far) {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let error = read(&key(), &changed).unwrap_err();
            let is_right = match at {
                0..7 => matches!(error, BackupError::NotOne),
                7 => matches!(error, BackupError::Version(version) if version == b'1' ^ (1 << bit)),
                _ => matches!(error, BackupError::Damaged),
            };
            assert!(is_right, "byte {at}, bit {bit}: {error}");
        }
    }
    // Parts in another order, and one twice.
    let [first, second] = [0, 1].map(|number| &bytes[parts[number]..parts[number] + 65_552]);
    for wrong in [[second, first], [first, first]] {
        let joined = [&bytes[..HEAD_BYTES], wrong[0], wrong[1], &bytes[parts[2]..]].concat();
        assert!(matches!(read(&key(), &joined), Err(BackupError::Damaged)));
    }
    let older = BackupHead { generation: 3, ..head_of(&entries()) };
    let mut head = Vec::new();
    BackupWriter::begin(&older, &key(), &mut head).unwrap();
    let joined = [&head, &bytes[HEAD_BYTES..]].concat();
    assert!(matches!(read(&key(), &joined), Err(BackupError::Damaged)), "the parts are bound to their head");
}

#[test]
fn another_key_opens_nothing_and_is_told_apart_from_damage() {
    let bytes = written(&entries());
    assert!(matches!(read(&BackupKey::from_bytes([4; 32]), &bytes), Err(BackupError::OtherKey)));
    // A head that claims more than there is, by somebody who has the key.
    let entries = entries();
    for (entries_said, bytes_said) in [(1, 0), (0, 5), (9, head_of(&entries).bytes), (5, 1 << 40)] {
        let head = BackupHead { entries: entries_said, bytes: bytes_said, ..head_of(&entries) };
        let mut bytes = Vec::new();
        let mut writer = BackupWriter::begin(&head, &key(), &mut bytes).unwrap();
        entries.iter().for_each(|(name, secret)| writer.entry(name, secret).unwrap());
        writer.finish().unwrap();
        assert!(matches!(read(&key(), &bytes), Err(BackupError::Damaged)), "{entries_said} {bytes_said}");
    }
}

fn kek() -> Kek {
    Kek { number: 1, key: [9; 32].into() }
}

fn storage(disk: &SimDisk) -> Arc<dyn Storage> {
    Arc::new(disk.clone())
}

fn open(disk: &SimDisk) -> VaultFile {
    let head_after = |blocks: u64| Some(position(blocks).head);
    VaultFile::open(&storage(disk), LEDGER, kek(), 100, &head_after).unwrap()
}

type Model = BTreeMap<Key, Vec<u8>>;

fn model(entries: &[(Key, Secret)]) -> Model {
    entries.iter().map(|(key, secret)| (*key, content(secret))).collect()
}

fn everything(vault: &VaultFile) -> Model {
    vault.keys().map(|key| (*key, content(&vault.read(key).unwrap().unwrap()))).collect()
}

/// The vault that is there before.
fn before() -> Vec<(Key, Secret)> {
    vec![(named(Kind::ScopeKey, 1), short(1)), (named(Kind::Credential, 1), long(2, 3))]
}

fn disk_with_a_vault() -> SimDisk {
    let disk = SimDisk::new();
    let mut vault = VaultFile::create(&storage(&disk), LEDGER, kek(), position(1)).unwrap();
    assert!(vault.make_room(2, 3).unwrap());
    vault.put(&before(), position(5), &mut Seeded::new("before")).unwrap();
    vault.close(position(5)).unwrap();
    disk
}

fn restore(disk: &SimDisk, entries: &[(Key, Secret)]) -> Result<(), VaultError> {
    let mut rng = Seeded::new("restored");
    let mut restoring = Restoring::begin(disk, LEDGER, kek())?;
    for (key, secret) in entries {
        assert!(restoring.put(key, secret, &mut rng)?);
        assert!(restoring.has(key));
    }
    restoring.finish(position(7), 20)
}

#[test]
fn a_vault_that_is_put_back_is_there_as_a_whole_or_not_at_all() {
    let (mut old, mut new) = (0, 0);
    for had_one in [true, false] {
        let prepare = || (if had_one { disk_with_a_vault() } else { SimDisk::new() }, ());
        let look = |disk: &SimDisk, done: Result<(), VaultError>, context: &str| {
            let context = format!("{context}, {had_one}");
            if !had_one && !VaultFile::is_there(disk).unwrap() {
                assert!(done.is_err(), "{context}");
                old += 1;
                return;
            }
            let vault = open(disk);
            let found = everything(&vault);
            let is_new = found == model(&entries());
            assert!(is_new || had_one && found == model(&before()), "{context}");
            assert!(is_new || done.is_err(), "{context}");
            assert!(!disk.image().contains_key("vault/slots.tmp"), "{context}: secrets lie beside the vault");
            if is_new {
                new += 1
            } else {
                old += 1
            }
            // What is there goes on as ever, and can be replaced again.
            drop(vault);
            restore(disk, &entries()[..2]).unwrap();
            assert_eq!(everything(&open(disk)), model(&entries()[..2]), "{context}");
        };
        every_failure(prepare, |disk, ()| restore(disk, &entries()), look);
    }
    assert!(old > 50 && new > 50, "{old} were the old one, {new} the new one");
}

#[test]
fn of_the_vault_before_nothing_stays_and_the_generation_goes_on() {
    let disk = disk_with_a_vault();
    let slots = disk.open("vault/slots", Access::Read).unwrap();
    restore(&disk, &entries()).unwrap();
    let mut bytes = vec![1; slots.len().unwrap() as usize];
    slots.read_at(&mut bytes, 0).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0), "the file that was replaced is zeros");
    let vault = open(&disk);
    assert_eq!(vault.header().generation, 22, "the next after 20, and the one of this opening");
    assert_eq!((vault.header().durable, vault.damaged().len()), (7, 0));
    // A disk without room says so, and the vault is as it was.
    let disk = disk_with_a_vault();
    disk.set_capacity(Some(disk.used() + 100));
    let error = restore(&disk, &entries()).unwrap_err();
    assert!(error.is_want_of_room(), "{error}");
    disk.set_capacity(None);
    assert_eq!(everything(&open(&disk)), model(&before()));
    // Two entries of one name are not a vault.
    let mut restoring = Restoring::begin(&disk, LEDGER, kek()).unwrap();
    let mut rng = Seeded::new("twice");
    let entry = &entries()[0];
    assert!(restoring.put(&entry.0, &entry.1, &mut rng).unwrap());
    assert!(!restoring.put(&entry.0, &entry.1, &mut rng).unwrap());
}
