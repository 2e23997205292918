//! `fixtures/vectors/vault.txt`: slots, pages and the header of a vault with every value on the way, each computed a second
//! time by hand. `UPDATE_VECTORS=1` writes the file anew; do that only together with a new version of the format.

use std::sync::Arc;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use hkdf::SimpleHkdf;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{Digest, LedgerId, sha3};
use ledgerd::eventlog::{SimDisk, Storage};
use ledgerd::vault::{
    CONTENT_BYTES_MAX, Kek, Kind, Name, PAGE_BYTES, PageRange, Position, Slot, VaultFile, open_pages,
    seal_pages,
};
use sha3::Sha3_256;

use crate::session_vectors::Book;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/vault.txt");

const LEDGER: LedgerId = LedgerId([7; 32]);

/// Bytes of a page before its tag.
const PLAIN_BYTES: usize = PAGE_BYTES - 16;

fn expand(secret: &[u8], info: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 64];
    SimpleHkdf::<Sha3_256>::from_prk(secret).unwrap().expand(info, &mut out).unwrap();
    out
}

fn kek() -> Kek {
    Kek { number: 1, key: sha3(&[b"the key of the vault in the vectors"]).0.into() }
}

fn stands(name: &Name) -> Vec<u8> {
    [&LEDGER.0[..], &[name.kind as u8], &name.subject.to_be_bytes(), &name.scope].concat()
}

/// A slot whose nonce is known, by hand.
fn slot_by_hand(
    book: &mut Book,
    (name, generation, pages): (&Name, u16, PageRange),
    payload: &[u8; 32],
    nonce: &[u8],
) -> Vec<u8> {
    let key = expand(&kek().key[..], b"ledgerd/vault-slot/1\0");
    let number = kek().number.to_be_bytes();
    let associated = [&stands(name)[..], &number].concat();
    let siv = &mut Aes256Siv::new_from_slice(&key).unwrap();
    let sealed = siv.encrypt([&associated[..], nonce], payload).unwrap();
    let head = [name.kind as u8, 1];
    let unchecked = |checksum: [u8; 4]| {
        [
            &head[..],
            &generation.to_be_bytes(),
            &checksum,
            &name.subject.to_be_bytes(),
            &name.scope,
            &number,
            nonce,
            &sealed,
            &pages.first.to_be_bytes(),
            &pages.count.to_be_bytes(),
            &[0; 20],
        ]
        .concat()
    };
    let checksum = crc32c::crc32c(&unchecked([0; 4])).to_be_bytes();
    let slot = unchecked(checksum);
    book.put("payload", payload);
    book.put("key", &key);
    book.put("associated", &associated);
    book.put("nonce", nonce);
    book.put("sealed", &sealed);
    book.put("checksum", &checksum);
    book.put("slot", &slot);
    slot
}

/// Pages by hand, as one run of bytes.
fn pages_by_hand(book: &mut Book, name: &Name, page_key: &[u8; 32], content: &[u8]) -> Vec<u8> {
    let key = expand(page_key, b"ledgerd/vault-page/1\0");
    book.put("page_key", page_key);
    book.put("key", &key);
    let parts = content.chunks(PLAIN_BYTES).count() as u32;
    let mut pages = Vec::new();
    for (part, chunk) in (0_u32..).zip(content.chunks(PLAIN_BYTES)) {
        let mut plain = chunk.to_vec();
        plain.resize(PLAIN_BYTES, 0);
        let associated = [&stands(name)[..], &part.to_be_bytes(), &parts.to_be_bytes()].concat();
        let siv = &mut Aes256Siv::new_from_slice(&key).unwrap();
        let page = siv.encrypt([&associated], &plain).unwrap();
        book.put("associated", &associated);
        book.put("tag", &page[..16]);
        book.put("sha3_of_page", &sha3(&[&page]).0);
        pages.extend(page);
    }
    pages
}

#[test]
fn the_vectors_of_the_vault_are_what_lies_on_a_disk() {
    let mut book = Book::default();
    book.text("# A vault, value by value. Fields: README.md. All values are hexadecimal.");
    book.section("kek");
    book.put("number", &kek().number.to_be_bytes());
    book.put("kek", &kek().key[..]);

    let scope = Name { kind: Kind::ScopeKey, subject: 3, scope: [4; 16] };
    let credential = Name { kind: Kind::Credential, subject: 3, scope: [5; 16] };
    let slots = [
        ("the key of a scope", scope, 0, PageRange::default(), [6; 32]),
        ("an entry with pages", credential, 2, PageRange { first: 9, count: 1 }, [7; 32]),
    ];
    for (title, name, generation, pages, payload) in slots {
        book.section(title);
        let mut rng = Seeded::new(title);
        let made = Slot::seal(LEDGER, (name, generation), &kek(), pages, &payload, &mut rng).encode();
        let nonce = made[36..52].to_vec();
        let by_hand = slot_by_hand(&mut book, (&name, generation, pages), &payload, &nonce);
        assert_eq!(made[..], by_hand[..], "{title}");
        let read = Slot::decode(&made).unwrap().unwrap();
        assert_eq!((read.name, read.generation, read.pages), (name, generation, pages));
        assert_eq!(*read.open(LEDGER, &kek()).unwrap(), payload);
    }

    for (title, bytes) in [("a page", 2_300), ("two pages", PLAIN_BYTES + 1)] {
        book.section(title);
        let content: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
        assert!(content.len() <= CONTENT_BYTES_MAX);
        book.put("content_bytes", &(bytes as u32).to_be_bytes());
        let by_hand = pages_by_hand(&mut book, &credential, &[8; 32], &content);
        assert_eq!(seal_pages(LEDGER, &credential, &[8; 32], &content).unwrap(), by_hand);
        let opened = open_pages(LEDGER, &credential, &[8; 32], &by_hand).unwrap();
        assert_eq!(opened[..content.len()], content[..]);
    }

    book.section("header");
    let disk = SimDisk::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let position = Position { durable: 10, head: Digest([11; 32]) };
    VaultFile::create(&storage, LEDGER, kek(), position).unwrap();
    let header = disk.bytes("vault/slots").unwrap()[..97].to_vec();
    let fields =
        [&b"LDGVALT1"[..], &LEDGER.0, &10_u64.to_be_bytes(), &[11; 32], &[0; 8], &[0, 0, 0, 1], &[0]];
    let fields = fields.concat();
    let by_hand = [&fields[..], &crc32c::crc32c(&fields).to_be_bytes()].concat();
    assert_eq!(header, by_hand);
    book.put("header", &header);
    book.compare(FILE);
}
