//! `fixtures/vectors/sealed.txt`: sealed texts with every value on the way, each computed a second time by hand, and sealed
//! texts that must not be taken. `UPDATE_VECTORS=1` writes the file anew; do that only together with a new version of the
//! format.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use hkdf::SimpleHkdf;
use ledgerd::crypto::sealed::{Leaf, Place, ScopeId, ScopeKey, SealError, Sealed};
use ledgerd::crypto::{KeyId, LedgerId, sha3};
use sha3::Sha3_256;

use crate::session_vectors::Book;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/sealed.txt");

const LEDGER: LedgerId = LedgerId([7; 32]);

fn expand(secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    SimpleHkdf::<Sha3_256>::from_prk(secret).unwrap().expand(info, &mut out).unwrap();
    out
}

/// The values of a text under a scope's key, by hand.
struct ByHand {
    leaf: Vec<u8>,
    key: Vec<u8>,
    commit: Vec<u8>,
    associated: Vec<u8>,
}

impl ByHand {
    fn new(scope_key: &ScopeKey, place: &Place) -> ByHand {
        let field = place.field.to_be_bytes();
        let leaf =
            expand(scope_key.as_bytes(), &[b"ledgerd/leaf/1\0", &place.command_id[..], &field].concat(), 32);
        let stands =
            [&place.ledger_id.0[..], &place.author.to_be_bytes(), &place.scope.0, &place.command_id, &field]
                .concat();
        let mut key = expand(&leaf, &[b"ledgerd/seal/1\0", &stands[..]].concat(), 96);
        let commit = key.split_off(64);
        let associated = [&stands[..], &commit].concat();
        ByHand { leaf, key, commit, associated }
    }

    fn encrypt(&self, plain: &[u8]) -> Sealed {
        let siv = &mut Aes256Siv::new_from_slice(&self.key).unwrap();
        let text = siv.encrypt([&self.associated], plain).unwrap();
        Sealed { commit: self.commit.clone().try_into().unwrap(), text }
    }
}

fn plain(text: &[u8], bytes: usize) -> Vec<u8> {
    let mut plain = [&(text.len() as u16).to_be_bytes()[..], text].concat();
    plain.resize(bytes, 0);
    plain
}

#[test]
fn the_vectors_of_sealed_text_are_what_is_sealed_and_opened() {
    let mut book = Book::default();
    book.text(
        "# Sealed text, value by value. Fields: README.md. All values are hexadecimal, but those of errors.",
    );
    let scope = ScopeId::opened_by(LEDGER, 1, KeyId([5; 32]), &[6; 16]);
    let by_hand = sha3(&[b"ledgerd/scope/1\0", &[7; 32], &[0, 0, 0, 0, 0, 0, 0, 1], &[5; 32], &[6; 16]]);
    assert_eq!(scope.0, by_hand.0[..16]);
    let key = ScopeKey::from_bytes(sha3(&[b"the key of the scope in the vectors"]).0);
    let commitment = sha3(&[b"ledgerd/scope-key/1\0", &[7; 32], &scope.0, key.as_bytes()]);
    assert_eq!(key.commitment(LEDGER, scope), commitment.0);
    book.section("scope");
    book.put("scope", &scope.0);
    book.put("k_scope", key.as_bytes());
    book.put("scope_key", &commitment.0);

    let at = |author, id, field| Place { ledger_id: LEDGER, author, scope, command_id: [id; 16], field };
    let long = "wörter ".repeat(128);
    let texts = [
        ("empty", at(1, 6, 0), "", 32),
        ("as long as the shortest holds", at(1, 6, 1), "thirty characters, and no more", 32),
        ("one byte more", at(1, 6, 2), "thirty-one characters, no fewer", 64),
        ("two lines by another author", at(2, 9, 0), "Grüße aus Köln\n– bis bald, und alles Gute", 64),
        ("long", at(2, 9, 258), &long[..1_022], 1_024),
    ];
    for (name, place, text, bytes) in texts {
        let by_hand = ByHand::new(&key, &place);
        let plain = plain(text.as_bytes(), bytes);
        let sealed = by_hand.encrypt(&plain);
        let leaf = key.leaf(&place.command_id, place.field);
        assert_eq!(leaf.as_bytes()[..], by_hand.leaf);
        assert_eq!(leaf.seal(&place, text).unwrap(), sealed, "{name}");
        let shown = Leaf::from_bytes(by_hand.leaf.clone().try_into().unwrap());
        assert_eq!(shown.open(&place, &sealed).unwrap().as_str(), text);
        book.section(name);
        book.put("author", &place.author.to_be_bytes());
        book.put("command_id", &place.command_id);
        book.put("field", &place.field.to_be_bytes());
        book.put("leaf", &by_hand.leaf);
        book.put("k", &by_hand.key);
        book.put("commit", &by_hand.commit);
        book.put("associated", &by_hand.associated);
        book.put("plain", &plain);
        book.put("text", &sealed.text);
    }
    refused(&mut book, &key, at(1, 6, 0));
    book.compare(FILE);
}

/// Sealed texts that must not be taken, in the place of the first text above.
fn refused(book: &mut Book, key: &ScopeKey, place: Place) {
    let by_hand = ByHand::new(key, &place);
    let elsewhere = ByHand::new(key, &Place { field: 1, ..place });
    let moved = elsewhere.encrypt(&plain(b"moved", 32));
    let mut not_zero = plain(b"behind", 32);
    not_zero[31] = 1;
    let cases = [
        ("from another field", moved.clone(), SealError::Broken),
        (
            "from another field, with the commitment of this one",
            Sealed { commit: by_hand.commit.clone().try_into().unwrap(), ..moved },
            SealError::Broken,
        ),
        (
            "padding that is longer than it has to be",
            by_hand.encrypt(&plain(b"short", 64)),
            SealError::Broken,
        ),
        ("padding that is not zeros", by_hand.encrypt(&not_zero), SealError::Broken),
        ("a length that there is not", by_hand.encrypt(&plain(b"short", 33)), SealError::Broken),
        (
            "a length beyond the end",
            by_hand.encrypt(&[&[0, 31][..], &[b'x'; 30]].concat()),
            SealError::Broken,
        ),
        ("not UTF-8", by_hand.encrypt(&plain(&[0xc3], 32)), SealError::InvalidText),
        ("not in the form NFC", by_hand.encrypt(&plain("e\u{301}".as_bytes(), 32)), SealError::InvalidText),
        ("a control character", by_hand.encrypt(&plain(b"\x1b[2J", 32)), SealError::InvalidText),
    ];
    for (name, sealed, error) in cases {
        let leaf = key.leaf(&place.command_id, place.field);
        assert_eq!(leaf.open(&place, &sealed), Err(error), "{name}");
        book.section(&format!("refused: {name}"));
        book.put("commit", &sealed.commit);
        book.put("text", &sealed.text);
        book.text(match error {
            SealError::InvalidText => "error = invalid_text",
            _ => "error = seal_broken",
        });
    }
}
