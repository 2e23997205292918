//! Ledgers in which cheques were settled and revoked, good and damaged.

use ledgerd::chain::block_hash;
use ledgerd::client::show;
use ledgerd::crypto::LedgerId;
use ledgerd::domain::payments::Cheque;
use ledgerd::domain::{AccountId, Event, orders, payments};

use super::ledgers::{export, library};
use super::{Case, below, compare, damaged_text, python_is_here, script};
use crate::forge::{Draft, Forge, Seeded, member_key};

/// What a cheque is before somebody signs it, and how many bytes stand before its memo.
const FIELDS_BYTES: usize = 138;

/// A ledger with settlements and revocations in turn, of memos that have to be escaped and of none.
fn ledger(seed: u64) -> Forge {
    let mut forge = Forge::with_money(seed);
    let memos = ["", "tea", "\"two\" \\ Zoë 早餐 🙂 \u{202e}\u{2028}</tag>", &"m".repeat(96)];
    for (id, memo) in (0u8..).zip(memos) {
        let (payer, payee) = (usize::from(id) % 3, usize::from(id + 1) % 3);
        let cheque = Cheque { memo: memo.to_owned(), ..forge.cheque(payer, payee, id) };
        let draft = forge.settlement(payee, payer, &cheque);
        forge.push(&draft);
        let draft = forge.revocation(payer, 0xf0 | id);
        forge.push(&draft);
        let draft = forge.order(0, 1);
        forge.push(&draft);
    }
    let payments = &forge.state().payments;
    assert_eq!((payments.settlements(), payments.revocations()), (4, 4), "the rules took every command");
    forge
}

/// The export of a ledger with this block behind it, the next of its author's.
fn with_block(forge: &Forge, draft: &Draft) -> Vec<u8> {
    let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
    export(&blocks, &forge.blocks)
}

/// With the event of the next settlement, which the forge leaves out where the rules refuse: nothing but the
/// cheque itself shall give a block away.
fn settled(draft: Draft) -> Draft {
    let event = payments::Event::Settled(payments::Settled { settlement: 4 });
    Draft { event: Event::Payments(event).encode(), ..draft }
}

/// Settlements by member 1 of orders of member 0, each properly signed by both, whatever the orders say.
fn signed_orders(forge: &mut Forge) -> Vec<(&'static str, Draft)> {
    type Change = fn(&mut Cheque);
    let changes: &[(&str, Change)] = &[
        ("that is good", |_| {}),
        ("over all there is", |cheque| cheque.amount = 930),
        ("that never expires", |cheque| cheque.expires_ms = u64::MAX),
        ("with a memo too long", |cheque| cheque.memo = "m".repeat(97)),
        ("with a very long memo", |cheque| cheque.memo = "m".repeat(60_000)),
        ("of another ledger", |cheque| cheque.ledger_id = LedgerId([9; 32])),
        ("for another payee", |cheque| cheque.payee = AccountId(3)),
        ("for the payer", |cheque| cheque.payee = AccountId(1)),
        ("for nobody", |cheque| cheque.payee = AccountId::NONE),
        ("of another payer", |cheque| cheque.payer = AccountId(3)),
        ("of a stranger", |cheque| cheque.payer = AccountId(4)),
        ("of nobody", |cheque| cheque.payer = AccountId::NONE),
        ("of account 2^64 - 1", |cheque| cheque.payer = AccountId(u64::MAX)),
        ("with another's key id", |cheque| cheque.key_id = member_key(2).public().key_id()),
        ("of another payer with the key id", |cheque| {
            cheque.payer = AccountId(3);
            cheque.key_id = member_key(2).public().key_id();
        }),
    ];
    let signed = changes.iter().map(|(name, change)| {
        let mut cheque = forge.cheque(0, 1, 0x77);
        change(&mut cheque);
        (*name, settled(forge.settlement(1, 0, &cheque)))
    });
    signed.collect()
}

/// Blocks around a cheque that is good, or nearly.
fn changed_blocks(forge: &mut Forge) -> Vec<(&'static str, Draft)> {
    let cheque = forge.cheque(0, 1, 0x77);
    let good = forge.settlement(1, 0, &cheque);
    let revocation = forge.revocation(0, 0x78);
    let signed_bytes = |forge: &mut Forge, bytes: &[u8]| {
        let signature = member_key(0).sign(&mut forge.rng, &[bytes]);
        settled(forge.settlement_of(1, bytes, &signature[..]))
    };
    let event = |event: payments::Event| Event::Payments(event).encode();
    let with = |draft: &Draft, event: Vec<u8>| Draft { event, ..draft.clone() };
    let bytes = cheque.encode();
    let not_text = [&bytes[..bytes.len() - 3], &[0xff, 0xfe, 0xfd]].concat();
    let other_prefix = [&b"ledgerd/payment-order/2\0"[..], &bytes[24..]].concat();
    let mut other_length = bytes.clone();
    other_length[FIELDS_BYTES - 1] ^= 1;
    let with_body = |forge: &mut Forge, draft: &Draft, member, change: fn(&mut Vec<u8>)| {
        let (header, mut body) = draft.message_parts();
        change(&mut body);
        forge.draft_message(member, &header, &body)
    };
    let longer = with_body(forge, &revocation, 0, |body| body.push(0));
    let shorter = with_body(forge, &revocation, 0, |body| _ = body.pop());
    vec![
        ("that settles", good.clone()),
        ("that revokes", revocation.clone()),
        ("that another member settles", settled(forge.settlement(2, 0, &cheque))),
        ("that the payer settles", settled(forge.settlement(0, 0, &cheque))),
        (
            "numbered too high",
            with(&good, event(payments::Event::Settled(payments::Settled { settlement: 5 }))),
        ),
        (
            "numbered too low",
            with(&good, event(payments::Event::Settled(payments::Settled { settlement: 3 }))),
        ),
        (
            "revoked with another number",
            with(
                &revocation,
                event(payments::Event::ChequeRevoked(payments::ChequeRevoked { revocation: 5 })),
            ),
        ),
        (
            "settled with the event of a revocation",
            with(&good, event(payments::Event::ChequeRevoked(payments::ChequeRevoked { revocation: 4 }))),
        ),
        (
            "revoked with the event of a settlement",
            with(&revocation, event(payments::Event::Settled(payments::Settled { settlement: 4 }))),
        ),
        (
            "settled with the event of a cheque",
            with(
                &good,
                Event::Orders(orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: 4 })).encode(),
            ),
        ),
        ("with a longer event", with(&good, [&good.event[..], &[0]].concat())),
        ("with a padded number", with(&good, vec![0, 1, 0, 34, 0x84, 0])),
        ("of a cheque with a byte behind it", signed_bytes(forge, &[&bytes[..], b"!"].concat())),
        ("of a cheque with a byte missing", signed_bytes(forge, &bytes[..bytes.len() - 1])),
        ("of a cheque without a memo's length", signed_bytes(forge, &bytes[..FIELDS_BYTES - 2])),
        ("of a cheque of no bytes", signed_bytes(forge, &[])),
        ("of a cheque of another version", signed_bytes(forge, &other_prefix)),
        ("of a cheque that lies about its memo's length", signed_bytes(forge, &other_length)),
        ("of a cheque whose memo is not text", signed_bytes(forge, &not_text)),
        ("of M's kind", signed_bytes(forge, &good.message)),
        ("with a byte behind the signature", settled(with_body(forge, &good, 1, |body| body.push(0)))),
        ("without its last byte", settled(with_body(forge, &good, 1, |body| _ = body.pop()))),
        (
            "with a padded length",
            settled(with_body(forge, &good, 1, |body| drop(body.splice(1..2, [0x81, 0])))),
        ),
        ("that revokes with a byte more", with(&longer, revocation.event.clone())),
        ("that revokes with a byte less", with(&shorter, revocation.event.clone())),
    ]
}

#[test]
fn both_verifiers_come_to_the_same_verdict_on_every_settlement_and_revocation() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(71);
    let mut forge = ledger(70);
    let good = export(&forge.blocks, &forge.blocks);
    let mut cases = vec![("the ledger".to_owned(), good.clone())];
    let lines = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("\"settle\"", "\"pay\""),
        ("\"revoke_cheque\"", "\"revoke\""),
        ("\"from\":2", "\"from\":1"),
        ("\"amount\":\"70\"", "\"amount\":\"71\""),
        ("\"minor\":\"70\"", "\"minor\":\"7\""),
        ("\"cheque_id\":\"01", "\"cheque_id\":\"02"),
        ("\"cheque_id\":\"f0", "\"cheque_id\":\"F0"),
        ("\"memo\":\"tea\"", "\"memo\":\"Tea\""),
        (",\"memo\":\"tea\"", ""),
        ("早", "\\u65e9"),
        ("\\\\", "\\u005c"),
        ("</", "<\\/"),
    ] {
        assert!(lines.contains(from), "{from}");
        cases.push((format!("{to} instead of {from}"), lines.replacen(from, to, 1).into_bytes()));
    }
    let settlement = lines.split_inclusive('\n').position(|line| line.contains("\"settle\"")).unwrap();
    let short: String = lines.split_inclusive('\n').take(settlement + 2).collect();
    cases.extend(damaged_text(short.as_bytes(), rng));
    // The payee signs what it likes: every byte of the cheque, and some of its signature.
    let cheque = forge.cheque(0, 1, 0x77).encode();
    let signature = member_key(0).sign(&mut forge.rng, &[&cheque]);
    for at in 0..cheque.len() + 24 {
        let (mut cheque, mut signature) = (cheque.clone(), signature.to_vec());
        match cheque.get_mut(at) {
            Some(byte) => *byte ^= 1 << below(rng, 8),
            None => signature[below(rng, 384)] ^= 1 << below(rng, 8),
        }
        let draft = settled(forge.settlement_of(1, &cheque, &signature));
        cases.push((format!("byte {at} of the cheque or its signature flipped"), with_block(&forge, &draft)));
    }
    let drafts = [signed_orders(&mut forge), changed_blocks(&mut forge)].concat();
    cases.extend(drafts.iter().map(|(name, draft)| (format!("a cheque {name}"), with_block(&forge, draft))));
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    // The ledger, three orders that are good, and the two blocks that are not changed; more is never proven but
    // what is only cut behind a block.
    assert!(proven >= 6 && cases.len() > 250, "{proven} of {}", cases.len());
}

#[test]
fn both_verifiers_call_a_cheque_that_its_payer_did_not_sign_by_the_same_name() {
    if !python_is_here() {
        return;
    }
    let mut forge = ledger(72);
    let cheque = forge.cheque(0, 1, 0x77);
    let bytes = cheque.encode();
    let [good, other, longer] = [&bytes[..], b"something else", &[&bytes[..], b"!"].concat()]
        .map(|bytes| member_key(0).sign(&mut forge.rng, &[bytes]).to_vec());
    let payees = member_key(1).sign(&mut forge.rng, &[&bytes]).to_vec();
    let flipped = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        changed
    };
    let (cheque_id, amount, memo) = (96, FIELDS_BYTES - 2 - 8 - 1, FIELDS_BYTES);
    let settlements = [
        ("another cheque id", flipped(cheque_id), good.clone()),
        ("another amount", flipped(amount), good.clone()),
        ("another memo", flipped(memo), good.clone()),
        ("the signature of something else", bytes.clone(), other),
        ("the signature of more", bytes.clone(), longer),
        ("the payee's signature", bytes.clone(), payees),
        ("no signature", bytes.clone(), vec![]),
        ("383 bytes", bytes.clone(), good[..383].to_vec()),
        ("385 bytes", bytes.clone(), [&[0], &good[..]].concat()),
        ("zeros", bytes.clone(), vec![0; 384]),
    ];
    let cases: Vec<Case> = settlements
        .iter()
        .map(|(name, cheque, signature)| {
            let draft = forge.settlement_of(1, cheque, signature);
            ((*name).to_owned(), with_block(&forge, &draft))
        })
        .collect();
    let verdicts = script("ledger", &cases, None);
    assert_eq!(compare(&cases, &verdicts, true, |bytes| library(bytes, None)), 0);
    assert!(
        verdicts.iter().all(|verdict| *verdict == Err("bad_cheque_signature".to_owned())),
        "{verdicts:?}"
    );
}

/// The library shows no line for what is not a cheque. Here each stands under the line that a careless
/// reader would show, so that the cheque itself has to be refused.
#[test]
fn the_script_takes_nothing_for_a_cheque_that_the_library_does_not() {
    if !python_is_here() {
        return;
    }
    let mut forge = ledger(73);
    let cheque = Cheque { memo: "m".repeat(96), ..forge.cheque(0, 1, 0x77) };
    let good = forge.settlement(1, 0, &cheque);
    let bytes = cheque.encode();
    let mut lies = bytes.clone();
    lies[FIELDS_BYTES - 1] -= 1;
    let elsewhere = Cheque { payee: AccountId(3), ..cheque.clone() };
    let longer = Cheque { memo: "m".repeat(97), ..cheque };
    let orders = [
        ("that is good", bytes.clone(), 96),
        ("of another version", [&b"ledgerd/payment-order/2\0"[..], &bytes[24..]].concat(), 96),
        ("that lies about its memo's length", lies, 96),
        ("with a byte behind it", [&bytes[..], b"m"].concat(), 97),
        ("with a memo too long", longer.encode(), 97),
        ("for another payee than the line says", elsewhere.encode(), 96),
    ];
    let cases: Vec<Case> = orders
        .iter()
        .map(|(name, bytes, memo)| {
            let signature = member_key(0).sign(&mut forge.rng, &[bytes]);
            let settlement = forge.settlement_of(1, bytes, &signature[..]);
            let block = settled(Draft { timestamp: good.timestamp, ..settlement }).encode();
            let (mut line, mut lines) = (String::new(), export(&forge.blocks, &forge.blocks));
            show::raw_line(&good.encode(), show::currency_of(&forge.blocks[0]).as_ref(), &mut line).unwrap();
            let line = line.replace(&const_hex::encode(good.encode()), &const_hex::encode(&block));
            let line = line.replace(&block_hash(&good.encode()).to_string(), &block_hash(&block).to_string());
            let line = line.replace(&"m".repeat(96), &"m".repeat(*memo));
            lines.extend(line.into_bytes());
            (format!("a cheque {name}"), lines)
        })
        .collect();
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert_eq!(proven, 1, "the one that is good");
}
