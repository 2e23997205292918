//! `fixtures/vectors/keys.txt`: keys of both kinds that come, sign and end, with the values of each on the way, and receipts
//! that show how a key came to its author. `UPDATE_VECTORS=1` writes the file anew; do that only together with a new
//! version of the format.

use ledgerd::chain::{Block, Message, Receipt};
use ledgerd::crypto::{KeyId, SigningKey};
use ledgerd::domain::accounts::{self, key_proof_bytes};
use ledgerd::domain::{AccountId, Command, Rights};

use crate::forge::{Forge, device_key, ed25519_key, log_key, member_key, receipt, spare_key};
use crate::session_vectors::Book;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/keys.txt");

const ANNA: AccountId = AccountId(1);

/// The names of blocks 1 to 9.
const NAMES: [&str; 9] = [
    "register",
    "add_device",
    "order_by_device",
    "add_full",
    "add_by_added",
    "rotate",
    "order_by_rotated",
    "end_device",
    "order_by_added",
];

/// A ledger of one member, whose keys come and end.
fn ledger() -> Forge {
    let mut forge = Forge::new(91);
    let (full, third) = (ed25519_key(101), ed25519_key(102));
    let steps: [&dyn Fn(&mut Forge) -> crate::forge::Draft; 9] = [
        &|forge| forge.registration(0, "anna"),
        &|forge| forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act),
        &|forge| forge.order_by(device_key(0), ANNA, 3),
        &|forge| forge.add_key(member_key(0), ANNA, &full, Rights::Full),
        &|forge| forge.add_key(&full, ANNA, &third, Rights::Act),
        &|forge| forge.rotate_key(member_key(0), ANNA, spare_key()),
        &|forge| forge.order_by(spare_key(), ANNA, 4),
        &|forge| forge.end_key(spare_key(), ANNA, device_key(0)),
        &|forge| forge.order_by(&third, ANNA, 5),
    ];
    for step in steps {
        let draft = step(&mut forge);
        forge.push(&draft);
    }
    forge
}

#[test]
fn the_vectors_of_keys_are_what_the_ledger_holds() {
    let forge = ledger();
    let mut book = Book::default();
    book.text("# Keys of an account, value by value. Fields: README.md. All values are hexadecimal, but those of receipts.");
    book.section("genesis");
    book.put("block", &forge.blocks[0]);
    book.put("ledger_id", &forge.ledger_id.0);
    for (name, bytes) in NAMES.iter().zip(&forge.blocks[1..]) {
        let block = Block::parse(bytes).unwrap();
        let message = Message::parse(block.message).unwrap();
        book.section(name);
        book.block(bytes);
        let command = Command::decode(message.header.tag, message.body).unwrap();
        let introduced = match &command {
            Command::Accounts(accounts::Command::AddKey(add)) => Some((&add.spki, &add.proof)),
            Command::Accounts(accounts::Command::RotateKey(rotate)) => Some((&rotate.spki, &rotate.proof)),
            _ => None,
        };
        if let Some((spki, proof)) = introduced {
            let key_id = KeyId::of_spki(spki);
            book.put("new_key_id", &key_id.0);
            book.put("proof_signed", &key_proof_bytes(forge.ledger_id, ANNA, &key_id));
            book.put("proof", proof);
        }
    }
    assert_eq!(forge.blocks.len(), 1 + NAMES.len());
    for index in [3, 7, 9] {
        let text = receipt(&forge.blocks, index, &forge.key_blocks(index)).to_text();
        let proven = Receipt::parse(&text).unwrap().check(log_key().public()).unwrap();
        assert_eq!(proven.author.unwrap().account, ANNA);
        book.section(&format!("receipt_of_block_{index}"));
        book.put("text", text.as_bytes());
    }
    book.compare(FILE);
}

/// The private keys of the vectors, so that whoever has another program can make them as well.
#[test]
fn the_keys_of_the_vectors_stand_in_the_fixtures() {
    let files = [("device", device_key(0).clone()), ("full", ed25519_key(101)), ("added", ed25519_key(102))];
    for (name, key) in files {
        let path = format!("{}/fixtures/keys/ed25519_{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let pem = key.to_pkcs8_pem(None);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(&path, pem.as_bytes()).unwrap();
        }
        let kept = SigningKey::from_pkcs8_pem(&std::fs::read_to_string(&path).unwrap(), None).unwrap();
        assert_eq!(kept.public(), key.public(), "{name}");
    }
}
