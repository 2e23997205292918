//! What a sealed text costs: sealing it, opening it, and its key in a slot of the vault; and a vault that is put to, destroyed from
//! and opened on a real disk. `cargo bench --bench sealed`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::sync::Arc;

use ledgerd::crypto::sealed::{Place, ScopeId, ScopeKey};
use ledgerd::crypto::{Digest, LedgerId, random};
use ledgerd::eventlog::{Disk, Storage};
use ledgerd::vault::{Kek, Key, Kind, Name, PageRange, Position, Secret, Slot, VaultFile};

mod made;

use made::time;

const LEDGER: LedgerId = LedgerId([1; 32]);

/// Scopes of the vault that is opened.
const SCOPES: u64 = 100_000;

fn entry(subject: u64) -> (Key, Secret) {
    let name = Name { kind: Kind::ScopeKey, subject, scope: u128::from(subject).to_be_bytes() };
    ((name, 0), Secret::Short([7; 32].into()))
}

fn main() {
    let rng = &mut random::os();
    let key = ScopeKey::generate(rng);
    let place =
        Place { ledger_id: LEDGER, author: 1, scope: ScopeId([2; 16]), command_id: [3; 16], field: 0 };
    for bytes in [20, 1_000] {
        let text = "x".repeat(bytes);
        let sealed = key.leaf(&place.command_id, 0).seal(&place, &text).unwrap();
        let made = time(20_000, || key.leaf(&place.command_id, 0).seal(&place, &text).unwrap());
        let opened = time(20_000, || key.leaf(&place.command_id, 0).open(&place, &sealed).unwrap());
        println!(
            "text of {bytes} bytes sealed: {made:?}, opened: {opened:?}, in {} bytes",
            sealed.text.len() + 32
        );
    }
    let kek = Kek { number: 1, key: [9; 32].into() };
    let ((name, _), _) = entry(1);
    let slot = Slot::seal(LEDGER, (name, 0), &kek, PageRange::default(), &[7; 32], rng);
    let sealed = time(20_000, || Slot::seal(LEDGER, (name, 0), &kek, PageRange::default(), &[7; 32], rng));
    let opened = time(20_000, || slot.open(LEDGER, &kek).unwrap());
    println!("slot sealed: {sealed:?}, opened: {opened:?}");

    let directory = tempfile::tempdir_in(".").unwrap();
    let storage: Arc<dyn Storage> = Arc::new(Disk::new(directory.path()));
    let position = Position { durable: 1, head: Digest([4; 32]) };
    let mut vault = VaultFile::create(&storage, LEDGER, kek.clone(), position).unwrap();
    assert!(vault.make_room(SCOPES as u32 + 64, 0).unwrap());
    let put = time(200, || vault.put(&[entry(SCOPES)], position, rng).unwrap());
    let both = time(200, || {
        vault.put(&[entry(SCOPES)], position, rng).unwrap();
        vault.destroy(&[entry(SCOPES).0]).unwrap();
    });
    println!("one entry put and synced: {put:?}; put and destroyed: {both:?}");
    let all: Vec<(Key, Secret)> = (0..SCOPES).map(entry).collect();
    vault.put(&all, position, rng).unwrap();
    let read = time(20_000, || vault.read(&all[77].0).unwrap());
    println!("an entry of {SCOPES} read: {read:?}");
    vault.close(position).unwrap();
    let head_after = |_: u64| Some(position.head);
    let opened = time(5, || VaultFile::open(&storage, LEDGER, kek.clone(), 1, &head_after).unwrap());
    println!("a vault of {SCOPES} entries opened: {opened:?}");
}
