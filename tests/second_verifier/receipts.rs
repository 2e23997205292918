//! Receipts, good, damaged, and of a server that lies.

use base64ct::{Base64, Encoding as _};
use ledgerd::chain::receipt::KeyBlock;
use ledgerd::chain::{Checkpoint, Inclusion, Receipt};
use ledgerd::crypto::note::LogKey;

use super::hostile::{hostile_drafts, refused_keys, registration_of};
use super::{Case, Verdict, below, compare, damaged_text, offsets, python_is_here, script, with_flipped};
use crate::forge::{Forge, ORIGIN, Seeded, log_key, receipt};

/// What the library says of a receipt.
pub(super) fn library(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(|_| "malformed_receipt".to_owned())?;
    let proven = Receipt::parse(text).and_then(|receipt| receipt.check(log_key().public()));
    proven.map(|_| ()).map_err(|error| error.name().to_owned())
}

/// Receipts of a ledger: of genesis, a registration, two orders, and of the only block there is.
fn good_receipts(blocks: &[Vec<u8>]) -> Vec<(&'static str, Receipt)> {
    vec![
        ("genesis", receipt(blocks, 0, &[])),
        ("a registration", receipt(blocks, 2, &[])),
        ("an order", receipt(blocks, 7, &[1])),
        ("the newest order", receipt(&blocks[..9], 8, &[2])),
        ("the only block", receipt(&blocks[..1], 0, &[])),
    ]
}

/// Receipts of which one part is not what it should be.
pub(super) fn changed_receipts(name: &str, good: &Receipt, other: &Receipt, rng: &mut Seeded) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |what: &str, change: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        cases.push((format!("{name}, {what}"), receipt.to_text().into_bytes()));
    };
    let witness = LogKey::from_seed("witness.example", &[5; 32]).unwrap();
    let text = &good.note[..=good.note.find("\n\n").unwrap()];
    let theirs = witness.sign_note(text).split_off(text.len() + 1);
    let ours = good.note[text.len() + 1..].to_owned();
    let impostor = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap().sign_note(text);
    let zeros = format!(
        "— {ORIGIN} {}\n",
        Base64::encode_string(&[&log_key().public().key_id().to_be_bytes()[..], &[0; 64]].concat())
    );
    let signed_by = |lines: &[&str]| format!("{text}\n{}", lines.concat());
    add("unchanged", &|_| {});
    add("with a witness", &|it| it.note = signed_by(&[&ours, &theirs]));
    add("with a witness first", &|it| it.note = signed_by(&[&theirs, &ours]));
    add("with a witness alone", &|it| it.note = signed_by(&[&theirs]));
    add("signed twice", &|it| it.note = signed_by(&[&ours, &ours]));
    add("signed well, then badly", &|it| it.note = signed_by(&[&ours, &zeros]));
    add("signed badly, then well", &|it| it.note = signed_by(&[&zeros, &ours]));
    add("signed by another key of that name", &|it| it.note.clone_from(&impostor));
    add("with a hundred signatures", &|it| it.note = signed_by(&[&theirs.repeat(99), &ours]));
    add("with too many signatures", &|it| it.note = signed_by(&[&theirs.repeat(100), &ours]));
    for junk in [
        "— w\n",
        "— w AAAA\n",
        "— w AAAAAA==\n",
        "— w AAAAAAA=\n",
        "— w AAAAAAAB\n",
        "-- w AAAAAAAA\n",
        "— a+b AAAAAAAA\n",
        "— \u{85} AAAAAAAA\n",
        "— a\u{1}b AAAAAAAA\n",
        "— w  AAAAAAAA\n",
        "— w AAAAAAAA \n",
        "\n",
    ] {
        add(&format!("with the signature line {junk:?}"), &|it| it.note = signed_by(&[&ours, junk]));
    }
    for said in ["", "extension\n", "\n", "\n\n"] {
        let text = format!("{text}{said}");
        add(&format!("the text of the note with {said:?} behind it"), &|it| {
            it.note = log_key().sign_note(&text)
        });
    }
    for (from, to) in [(ORIGIN, "ledger.example/other"), ("\n", "\n0"), ("\n", "\n+"), ("=", ""), ("=", "==")]
    {
        let text = text.replacen(from, to, 1);
        add(&format!("{to:?} for {from:?} in the note"), &|it| it.note = log_key().sign_note(&text));
    }
    for size in [0, 1, good.index, good.index + 1, 1 << 62, (1 << 62) + 1, u64::MAX] {
        let mut checkpoint = Checkpoint::parse(text).unwrap();
        checkpoint.size = size;
        add(&format!("the size {size}"), &|it| it.note = log_key().sign_note(&checkpoint.text()));
    }
    add("another index", &|it| it.index ^= 1);
    add("the largest index", &|it| it.index = u64::MAX);
    add("another block", &|it| it.block.clone_from(&other.block));
    add("an empty block", &|it| it.block.clear());
    add("a longer block", &|it| it.block.push(0));
    add("no proof", &|it| it.inclusion.0.clear());
    add("another proof", &|it| it.inclusion = other.inclusion.clone());
    add("a longer proof", &|it| it.inclusion.0.push([7; 32]));
    add("a shorter proof", &|it| _ = it.inclusion.0.pop());
    add("a proof turned around", &|it| it.inclusion.0.reverse());
    add("a proof of 64 hashes", &|it| it.inclusion.0.resize(64, [7; 32]));
    add("a proof of 65 hashes", &|it| it.inclusion.0.resize(65, [7; 32]));
    add("no registration", &|it| it.keys.clear());
    add("another registration", &|it| it.keys.clone_from(&other.keys));
    let own = KeyBlock { block: good.block.clone(), inclusion: good.inclusion.clone() };
    add("itself as the registration", &|it| it.keys = vec![own.clone()]);
    add("a proof of no registration", &|it| {
        it.keys = vec![KeyBlock { block: vec![], inclusion: Inclusion(vec![[7; 32]]) }];
    });
    for count in [0, 1, 64, 65, 255] {
        add(&format!("{count} hashes for the registration"), &|it| {
            it.keys.iter_mut().for_each(|it| it.inclusion.0.resize(count, [7; 32]));
        });
    }
    // The extra data, byte for byte: its frame, and here and there in the blocks.
    let text = good.to_text();
    let extra = text.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
    let bytes = Base64::decode_vec(extra).unwrap();
    let mut add = |what: String, bytes: &[u8]| {
        let text = text.replace(extra, &Base64::encode_string(bytes));
        cases.push((format!("{name}, {what}"), text.into_bytes()));
    };
    let mut frame: Vec<usize> = (0..22).chain([22 + good.block.len(), bytes.len() - 1]).collect();
    let mut before = 23 + good.block.len();
    for key in &good.keys {
        let hashes = before + 4 + key.block.len();
        frame.extend((before..before + 4).chain([hashes]));
        before = hashes + 1 + 32 * key.inclusion.0.len();
    }
    for at in frame.into_iter().chain((0..10).map(|_| below(rng, bytes.len()))).collect::<Vec<_>>() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << below(rng, 8);
        add(format!("byte {at} of the extra data flipped"), &flipped);
    }
    add("a byte behind the extra data".to_owned(), &[&bytes[..], &[0]].concat());
    add("extra data cut short".to_owned(), &bytes[..bytes.len() - 1]);
    cases
}

#[test]
fn both_verifiers_come_to_the_same_verdict_on_every_receipt() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(61);
    let blocks = Forge::with_orders(60, 9).blocks;
    let good = good_receipts(&blocks);
    let mut cases = Vec::new();
    for (number, (name, receipt)) in good.iter().enumerate() {
        let (_, other) = &good[(number + 1) % good.len()];
        cases.extend(changed_receipts(name, receipt, other, rng));
        let damaged = damaged_text(receipt.to_text().as_bytes(), rng);
        cases.extend(damaged.into_iter().map(|(what, bytes)| (format!("{name}, {what}"), bytes)));
    }
    let proven = compare(&cases, &script("receipt", &cases, None), true, library);
    assert!(proven >= good.len() * 4 && cases.len() > 500, "{proven} of {}", cases.len());
}

/// A server that commits to anything at all: what it cannot make up are the members' signatures.
#[test]
fn both_verifiers_come_to_the_same_verdict_on_receipts_of_a_server_that_lies() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(63);
    let forge = Forge::with_orders(62, 5);
    let blocks = &forge.blocks;
    let mut cases = Vec::new();
    let chosen: [(usize, &[usize], usize); 4] = [(0, &[], 0), (1, &[], 1), (6, &[3], 6), (6, &[3], 3)];
    for (index, registered_in, changed) in chosen {
        for at in offsets(&blocks[changed], rng) {
            let blocks = with_flipped(blocks, changed, at, rng);
            let text = receipt(&blocks, index, registered_in).to_text();
            cases.push((format!("block {index}, byte {at} of block {changed} flipped"), text.into_bytes()));
        }
        for other in 0..blocks.len() {
            let text = receipt(blocks, index, &[other]).to_text();
            cases
                .push((format!("block {index}, with block {other} for the registration"), text.into_bytes()));
        }
    }
    for (name, draft) in hostile_drafts() {
        let mut forge = Forge::with_orders(62, 5);
        let (index, draft) = (forge.blocks.len(), draft(&mut forge));
        forge.push(&draft);
        let account = usize::try_from(draft.author.0).unwrap();
        let registered_in = (1..4).contains(&account).then_some(account);
        let text = receipt(&forge.blocks, index, registered_in.as_slice()).to_text();
        cases.push((format!("a block {name}"), text.into_bytes()));
    }
    let mut early = Forge::new(62);
    for draft in [|forge: &mut Forge| forge.order(0, 1), |forge: &mut Forge| forge.registration(0, "anna")] {
        let draft = draft(&mut early);
        early.push(&draft);
    }
    let text = receipt(&early.blocks, 1, &[2]).to_text();
    cases.push(("an order before its author's registration".to_owned(), text.into_bytes()));
    for (name, spki) in refused_keys() {
        let mut forge = Forge::with_orders(62, 5);
        let draft = registration_of(&mut forge, spki);
        forge.push(&draft);
        let text = receipt(&forge.blocks, 9, &[]).to_text();
        cases.push((format!("a registration of the key {name}"), text.into_bytes()));
    }
    let proven = compare(&cases, &script("receipt", &cases, None), true, library);
    assert!(proven > 10 && cases.len() > 250, "{proven} of {}", cases.len());
}
