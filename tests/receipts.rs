//! Receipts checked by a stranger: good ones of every kind, and every field of one changed alone.

use ledgerd::chain::Receipt;
use ledgerd::chain::receipt::{KeyBlock, ReceiptError};
use ledgerd::crypto::note::LogKey;

use super::forge::{Forge, log_key, receipt};

fn check(text: &str) -> Result<u64, ReceiptError> {
    Receipt::parse(text)?.check(log_key().public()).map(|proven| proven.index)
}

#[test]
fn a_receipt_proves_block_author_and_ledger_for_every_block_of_ledgers_of_many_sizes() {
    for orders in [0, 1, 4, 5, 30] {
        let forge = Forge::with_orders(3, orders);
        for index in 0..forge.blocks.len() {
            let registered = (index > 3).then(|| (index - 4) % 3 + 1);
            let text = receipt(&forge.blocks, index, registered.as_slice()).to_text();
            let proven = Receipt::parse(&text).unwrap().check(log_key().public()).unwrap();
            assert_eq!((proven.index, proven.ledger_id), (index as u64, forge.ledger_id));
            let author = proven.author.map(|author| (author.account.0, author.handle));
            let names = ["anna", "bert", "cleo"];
            let expected = match (index, registered) {
                (0, _) => None,
                (index, registered) => {
                    let member = registered.unwrap_or(index);
                    Some((member as u64, names[member - 1].to_owned()))
                }
            };
            assert_eq!(author, expected);
        }
    }
    let alone = Forge::new(4);
    assert_eq!(
        check(&receipt(&alone.blocks, 0, &[]).to_text()),
        Ok(0),
        "a ledger of one block has no hashes"
    );
}

#[test]
fn every_byte_of_the_text_matters() {
    let forge = Forge::with_orders(5, 9);
    let text = receipt(&forge.blocks, 8, &[2]).to_text();
    assert_eq!(check(&text), Ok(8));
    for at in 0..text.len() {
        // One bit that keeps most characters what they are, and one that does not.
        for bit in [1, 16] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(check(&changed).is_err(), "byte {at} changed by {bit}");
            }
        }
        if at % 7 == 0
            && let Some(cut) = text.get(..at)
        {
            assert!(check(cut).is_err(), "cut at {at}");
        }
    }
    assert!(check(&format!("{text}\n")).is_err() && check(&format!("\n{text}")).is_err());
    assert!(check(&text.replace('\n', "\r\n")).is_err());
}

#[test]
fn every_field_exchanged_alone_is_named() {
    let forge = Forge::with_orders(5, 9);
    let other = Forge::with_orders(6, 9);
    let good = receipt(&forge.blocks, 8, &[2]);
    let of_another = receipt(&other.blocks, 8, &[2]);
    type Change = Box<dyn Fn(&mut Receipt)>;
    let registration = |change: fn(&mut KeyBlock, &Receipt)| -> Change {
        let source = receipt(&forge.blocks, 7, &[1]);
        Box::new(move |receipt| change(&mut receipt.keys[0], &source))
    };
    let (a, b, c, d) =
        (of_another.clone(), of_another.clone(), forge.blocks[7].clone(), of_another.note.clone());
    let second = receipt(&forge.blocks, 7, &[1]).inclusion;
    let cases: Vec<(&str, Change)> = vec![
        ("other_index", Box::new(|receipt| receipt.index = 7)),
        ("not_included", Box::new(move |receipt| receipt.block = a.block.clone())),
        ("other_index", Box::new(move |receipt| receipt.block = c.clone())),
        ("malformed_block", Box::new(|receipt| receipt.block.push(0))),
        ("not_included", Box::new(move |receipt| receipt.inclusion = second.clone())),
        ("not_included", Box::new(|receipt| receipt.inclusion.0.push([0; 32]))),
        ("not_included", Box::new(move |receipt| receipt.note = d.clone())),
        ("no_registration", Box::new(|receipt| receipt.keys.clear())),
        ("not_included", Box::new(move |receipt| receipt.keys.clone_from(&b.keys))),
        (
            "not_included",
            registration(|registration, source| {
                registration.inclusion = source.keys[0].inclusion.clone();
            }),
        ),
        ("malformed_block", registration(|registration, _| registration.block.truncate(40))),
        (
            "other_author",
            registration(|registration, source| {
                *registration = source.keys[0].clone();
            }),
        ),
        (
            "no_registration",
            registration(|registration, source| {
                registration.block.clone_from(&source.block);
                registration.inclusion.clone_from(&source.inclusion);
            }),
        ),
        (
            "checkpoint_signature",
            Box::new(|receipt| {
                let key = LogKey::from_seed("ledger.example/test", &[1; 32]).unwrap();
                let text = receipt.note.split("\n\n").next().unwrap();
                receipt.note = key.sign_note(&format!("{text}\n"));
            }),
        ),
        ("malformed_checkpoint", Box::new(|receipt| receipt.note = log_key().sign_note("a text\n"))),
    ];
    assert!(good.check(log_key().public()).is_ok());
    for (number, (name, change)) in cases.iter().enumerate() {
        let mut changed = good.clone();
        change(&mut changed);
        let text = changed.to_text();
        let error = check(&text).expect_err(name);
        assert_eq!(error.name(), *name, "case {number}: {error}");
    }
}

#[test]
fn a_command_that_somebody_else_signed_is_not_the_authors() {
    let mut forge = Forge::with_orders(7, 3);
    let (header, body) = forge.order(0, 2).message_parts();
    // The server itself, or another member, signs in the name of account 1.
    let draft = forge.draft_message(1, &header, &body);
    forge.push(&draft);
    let last = forge.blocks.len() - 1;
    let text = receipt(&forge.blocks, last, &[1]).to_text();
    assert_eq!(check(&text).map_err(|error| error.name()), Err("bad_signature"));
}

#[test]
fn where_no_registration_is_wanted_one_is_refused() {
    let forge = Forge::with_orders(8, 3);
    for index in [0, 1] {
        let text = receipt(&forge.blocks, index, &[2]).to_text();
        assert_eq!(check(&text).map_err(|error| error.name()), Err("no_registration"));
    }
}

proptest::proptest! {
    #[test]
    fn a_strangers_text_never_panics(text in "c2sp.org/tlog-proof@v1\nextra [A-Za-z0-9+/=]{0,80}\nindex [0-9]{1,21}\n([A-Za-z0-9+/=]{44}\n){0,3}\n\\PC{0,40}\n") {
        proptest::prop_assert!(check(&text).is_err());
    }
}
