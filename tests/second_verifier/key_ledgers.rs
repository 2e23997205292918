//! Ledgers in which keys come and end, good and damaged.

use std::num::NonZeroUsize;

use ledgerd::audit::{Checker, Place};
use ledgerd::chain::{Block, Header, Message};
use ledgerd::crypto::SigningKey;
use ledgerd::domain::payments::Cheque;
use ledgerd::domain::{AccountId, Command, Event, Rights, Role, accounts, orders, payments};

use super::chains::chained;
use super::forged_keys::forgeries;
use super::ledgers::{NextBlock, export, judge_next_blocks, library};
use super::{Case, Verdict, compare, damaged_text, offsets, python_is_here, script, with_flipped};
use crate::forge::{Draft, Forge, Seeded, device_key, ed25519_key, member_key};

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);

/// The keys of Ed25519 that ANNA, an operator, has beside that of her device: one that ended, one that was rotated, and what
/// came in its place.
fn annas() -> [SigningKey; 3] {
    [30, 31, 32].map(ed25519_key)
}

/// A cheque over 70 units from ANNA to BERT, signed with one of her keys and settled with one of his.
fn settlement(forge: &mut Forge, payer: &SigningKey, payee: &SigningKey, id: u8) -> Draft {
    let cheque = Cheque { key_id: payer.public().key_id(), ..forge.cheque(0, 1, id) };
    let signature = payer.sign(&mut forge.rng, &[&cheque.encode()]);
    let (header, body) = forge.settlement_of(1, &cheque.encode(), &signature).message_parts();
    let header = Header { key_id: payee.public().key_id(), ..header };
    forge.draft_message_by(payee, &header, &body)
}

/// A ledger with every kind of block about keys, and blocks of other kinds that further keys signed.
fn ledger(seed: u64) -> Forge {
    let mut forge = Forge::with_money(seed);
    let [ended, rotated, newest] = annas();
    let drafts: [&dyn Fn(&mut Forge) -> Draft; 13] = [
        &|forge| forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act),
        &|forge| forge.add_key(member_key(1), BERT, device_key(1), Rights::Act),
        &|forge| forge.add_key(member_key(0), ANNA, &ended, Rights::Full),
        &|forge| forge.add_key(&ended, ANNA, &rotated, Rights::Full),
        &|forge| forge.rotate_key(&rotated, ANNA, &newest),
        &|forge| settlement(forge, &ended, device_key(1), 1),
        &|forge| forge.end_key(&newest, ANNA, &ended),
        &|forge| settlement(forge, device_key(0), device_key(1), 2),
        &|forge| forge.order_by(device_key(0), ANNA, 3),
        &|forge| forge.order_by(&newest, ANNA, 1),
        &|forge| forge.order_by(member_key(0), ANNA, 2),
        &|forge| role(forge, &newest, BERT, 1),
        &|forge| forge.end_key(member_key(1), BERT, device_key(1)),
    ];
    for draft in drafts {
        let draft = draft(&mut forge);
        forge.push(&draft);
    }
    let settled = forge.state().payments.settlements();
    let standing = [ANNA, BERT].map(|account| forge.state().accounts.standing_keys(account).len());
    assert_eq!((settled, standing), (2, [3, 1]), "the rules took every command");
    forge
}

/// ANNA makes a member a witness, the first one or one more, or takes that back.
fn role(forge: &mut Forge, by: &SigningKey, account: AccountId, holders: u64) -> Draft {
    let role = Role::Witness;
    let (command, event) = if holders > 0 {
        let event = accounts::Event::RoleGranted(accounts::RoleGranted { holders });
        (accounts::Command::GrantRole(accounts::GrantRole { account, role }), event)
    } else {
        let event = accounts::Event::RoleRevoked(accounts::RoleRevoked { holders });
        (accounts::Command::RevokeRole(accounts::RevokeRole { account, role }), event)
    };
    forge.draft_by(by, ANNA, &Command::Accounts(command)).with_event(&Event::Accounts(event))
}

fn issue(forge: &mut Forge, by: &SigningKey) -> Draft {
    let issue = payments::Command::Issue(payments::Issue { to: BERT, amount: 7 });
    forge.draft_by(by, ANNA, &Command::Payments(issue))
}

fn keys_event(kind: u16, standing: u64) -> Event {
    Event::Accounts(match kind {
        4 => accounts::Event::KeyAdded(accounts::KeyAdded { standing }),
        5 => accounts::Event::KeyEnded(accounts::KeyEnded { standing }),
        _ => accounts::Event::KeyRotated(accounts::KeyRotated { standing }),
    })
}

fn settled(draft: Draft) -> Draft {
    draft.with_event(&Event::Payments(payments::Event::Settled(payments::Settled { settlement: 2 })))
}

fn ordered(draft: Draft) -> Draft {
    draft.with_event(&Event::Orders(orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: 3 })))
}

/// Blocks behind those of [`ledger`], and whether each is good. The event is that of a good one, so that nothing but the keys
/// gives them away.
fn next_blocks() -> Vec<NextBlock> {
    let mut all: Vec<NextBlock> = Vec::new();
    let mut add = |name, good, forgery: fn(&mut Forge) -> Draft| all.push((name, good, Box::new(forgery)));
    add("an order with the newest key", true, |forge| forge.order_by(&annas()[2], ANNA, 1));
    add("an order with the device's key", true, |forge| forge.order_by(device_key(0), ANNA, 1));
    add("an order with an ended key", false, |forge| ordered(forge.order_by(&annas()[0], ANNA, 1)));
    add("an order with a rotated key", false, |forge| ordered(forge.order_by(&annas()[1], ANNA, 1)));
    add("an order with BERT's ended key", false, |forge| ordered(forge.order_by(device_key(1), BERT, 1)));
    add("an order with another's key", false, |forge| ordered(forge.order_by(member_key(1), ANNA, 1)));
    add("an order with a key of nobody", false, |forge| ordered(forge.order_by(&ed25519_key(33), ANNA, 1)));
    add("a role given with a full key", true, |forge| role(forge, &annas()[2], AccountId(3), 2));
    add("a role given with a key that may act", false, |forge| role(forge, device_key(0), AccountId(3), 2));
    add("a role taken with a full key", true, |forge| role(forge, &annas()[2], BERT, 0));
    add("a role taken with a key that may act", false, |forge| role(forge, device_key(0), BERT, 0));
    add("money made with a full key", true, |forge| issue(forge, &annas()[2]));
    add("money made with a key that may act", false, |forge| {
        let good = issue(&mut forge.clone(), &annas()[2]);
        Draft { event: good.event, ..issue(forge, device_key(0)) }
    });
    add("a key added", true, |forge| forge.add_key(&annas()[2], ANNA, &ed25519_key(33), Rights::Full));
    add("a key added by one that may act", false, |forge| {
        forge.add_key(device_key(0), ANNA, &ed25519_key(33), Rights::Full).with_event(&keys_event(4, 4))
    });
    add("a key added by an ended one", false, |forge| {
        forge.add_key(&annas()[0], ANNA, &ed25519_key(33), Rights::Full).with_event(&keys_event(4, 4))
    });
    add("a key added that counts too many", false, |forge| {
        forge.add_key(&annas()[2], ANNA, &ed25519_key(33), Rights::Full).with_event(&keys_event(4, 5))
    });
    add("a key added that there is", false, |forge| {
        forge.add_key(&annas()[2], ANNA, device_key(0), Rights::Full).with_event(&keys_event(4, 3))
    });
    add("a key added that ended", false, |forge| {
        forge.add_key(&annas()[2], ANNA, &annas()[0], Rights::Full).with_event(&keys_event(4, 4))
    });
    add("a key added that BERT had", false, |forge| {
        forge.add_key(&annas()[2], ANNA, device_key(1), Rights::Full).with_event(&keys_event(4, 4))
    });
    add("a key added that is BERT's", false, |forge| {
        forge.add_key(&annas()[2], ANNA, member_key(1), Rights::Full).with_event(&keys_event(4, 4))
    });
    add("a key rotated", true, |forge| forge.rotate_key(&annas()[2], ANNA, &ed25519_key(33)));
    add("the first key rotated", true, |forge| forge.rotate_key(member_key(0), ANNA, &ed25519_key(33)));
    add("a key that may act rotated", false, |forge| {
        forge.rotate_key(device_key(0), ANNA, &ed25519_key(33)).with_event(&keys_event(6, 3))
    });
    add("a key rotated in the place of another", false, |forge| {
        let rotate = forge.rotation(ANNA, device_key(0).public().key_id(), &ed25519_key(33));
        let command = Command::Accounts(accounts::Command::RotateKey(rotate));
        forge.draft_by(&annas()[2], ANNA, &command).with_event(&keys_event(6, 3))
    });
    add("a key rotated to itself", false, |forge| {
        forge.rotate_key(&annas()[2], ANNA, &annas()[2]).with_event(&keys_event(6, 3))
    });
    add("a key rotated that counts too few", false, |forge| {
        forge.rotate_key(&annas()[2], ANNA, &ed25519_key(33)).with_event(&keys_event(6, 2))
    });
    add("the device's key ended", true, |forge| forge.end_key(&annas()[2], ANNA, device_key(0)));
    add("a key ended by itself", true, |forge| forge.end_key(&annas()[2], ANNA, &annas()[2]));
    add("a key ended by one that may act", false, |forge| {
        forge.end_key(device_key(0), ANNA, device_key(0)).with_event(&keys_event(5, 2))
    });
    add("a key ended twice", false, |forge| {
        forge.end_key(&annas()[2], ANNA, &annas()[0]).with_event(&keys_event(5, 2))
    });
    add("BERT's key ended", false, |forge| {
        forge.end_key(&annas()[2], ANNA, member_key(1)).with_event(&keys_event(5, 2))
    });
    add("a key of nobody ended", false, |forge| {
        forge.end_key(&annas()[2], ANNA, &ed25519_key(33)).with_event(&keys_event(5, 2))
    });
    add("a key ended that counts too many", false, |forge| {
        forge.end_key(&annas()[2], ANNA, device_key(0)).with_event(&keys_event(5, 3))
    });
    add("a cheque with the device's key", true, |forge| settlement(forge, device_key(0), member_key(1), 3));
    add("a cheque with an ended key", false, |forge| {
        settled(settlement(forge, &annas()[0], member_key(1), 3))
    });
    add("a cheque with a rotated key", false, |forge| {
        settled(settlement(forge, &annas()[1], member_key(1), 3))
    });
    add("a cheque with the payee's key", false, |forge| {
        settled(settlement(forge, member_key(1), member_key(1), 3))
    });
    add("a cheque settled with an ended key", false, |forge| {
        settled(settlement(forge, device_key(0), device_key(1), 3))
    });
    add("a registration with a key that there is", false, |forge| {
        let event = accounts::Event::Registered(accounts::Registered { account: AccountId(4) });
        forge.registration(0, "dora").with_event(&Event::Accounts(event))
    });
    add("a registration with a key of Ed25519", false, |forge| {
        let key = ed25519_key(33);
        let (mut header, _) = forge.registration(0, "dora").message_parts();
        header.key_id = key.public().key_id();
        let register =
            accounts::Register { handle: "dora".to_owned(), public_key: key.public().spki().to_vec() };
        let (_, body) = Command::Accounts(accounts::Command::Register(register)).encode();
        let event = accounts::Event::Registered(accounts::Registered { account: AccountId(4) });
        forge.draft_message_by(&key, &header, &body).with_event(&Event::Accounts(event))
    });
    all
}

#[test]
fn both_verifiers_let_a_key_sign_while_it_stands_and_what_it_may() {
    let forge = ledger(100);
    judge_next_blocks(next_blocks().into_iter().map(|it| (&forge, it)), 2);
}

/// The names of what an audit finds in the last of these blocks where those from `gap` on stand behind a gap.
fn behind_gap(blocks: &[Vec<u8>], gap: usize) -> Vec<String> {
    let mut checker = Checker::new(NonZeroUsize::MIN);
    for (index, block) in blocks.iter().enumerate() {
        if index == gap {
            checker.gap();
        }
        checker.block(Place { file: "log", offset: 0, index: Some(index as u64) }, block, |_| {});
    }
    let last = blocks.len() as u64 - 1;
    let found =
        checker.finish().findings.into_iter().inspect(|it| assert_eq!(it.index, Some(last), "{it:?}"));
    found.map(|it| it.name).collect()
}

/// The script walks whole ledgers only. What an audit says of a key behind a gap, it has to say of that key in the whole.
#[test]
fn what_an_audit_says_of_a_key_behind_a_gap_the_script_says_in_the_whole_ledger() {
    let forge = ledger(105);
    let (mut cases, mut expected): (Vec<Case>, Vec<Verdict>) = (Vec::new(), Vec::new());
    for (name, good, draft) in next_blocks() {
        let draft = draft(&mut forge.clone());
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        // The keys came before the gap, or behind it.
        let found = behind_gap(&blocks, blocks.len() - 1);
        assert_eq!(found, behind_gap(&blocks, 4), "{name}");
        let of_keys = found.into_iter().find(|it| ["key_ended", "no_permission"].contains(&&it[..]));
        assert!(!good || of_keys.is_none(), "{name}: {of_keys:?}");
        if let Some(found) = of_keys {
            cases.push((name.to_owned(), export(&blocks, &forge.blocks)));
            expected.push(Err(found));
        }
    }
    let ended = expected.iter().filter(|it| **it == Err("key_ended".to_owned())).count();
    assert_eq!((ended, expected.len()), (7, 13), "{cases:?}");
    if python_is_here() {
        assert_eq!(script("ledger", &cases, None), expected);
    }
}

#[test]
fn both_verifiers_come_to_the_same_verdict_on_every_ledger_with_keys() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(101);
    let forge = ledger(102);
    let blocks = &forge.blocks;
    let good = export(blocks, blocks);
    let mut cases = vec![("the ledger".to_owned(), good.clone())];
    cases.extend(damaged_text(&good, rng));
    let lines = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("\"add_key\"", "\"rotate_key\""),
        ("\"rotate_key\"", "\"add_key\""),
        ("\"end_key\"", "\"endkey\""),
        ("\"label\":\"device\"", "\"label\":\"Device\""),
        ("\"label\":\"rotated\",", ""),
        ("\"kind\":\"ed25519\"", "\"kind\":\"rsa3072\""),
        ("\"custody\":\"device\"", "\"custody\":\"file\""),
        ("\"custody\":\"file\"", "\"custody\":\"device\""),
        ("\"rights\":\"act\"", "\"rights\":\"full\""),
        ("\"rights\":\"full\"", "\"rights\":\"act\""),
        (",\"rights\":\"full\"", ""),
        (",\"ends\":\"", ",\"ended\":\""),
        ("\"key_id\":\"", "\"key_id\":\"0"),
    ] {
        assert!(lines.contains(from), "{from}");
        cases.push((format!("{to} instead of {from}"), lines.replacen(from, to, 1).into_bytes()));
    }
    // An event of another kind, or a cheque at another time, may be wrong by the rules alone.
    let chosen = (4..blocks.len()).filter(|&index| {
        let message = Block::parse(&blocks[index]).unwrap().message;
        [4, 5, 6, 16].contains(&Message::parse(message).unwrap().header.tag.kind)
    });
    for index in chosen {
        for at in offsets(&blocks[index], rng).into_iter().step_by(3) {
            let changed = with_flipped(&blocks[..=index], index, at, rng);
            cases.push((format!("byte {at} of the last block, {index}, flipped"), export(&changed, blocks)));
        }
    }
    let chained = chained(103);
    for (name, draft, ..) in forgeries(&mut chained.clone()) {
        let blocks = [&chained.blocks[..], &[draft.encode()]].concat();
        cases.push((format!("with a key {name}"), export(&blocks, &chained.blocks)));
    }
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!(proven >= 3 && cases.len() > 500, "{proven} of {}", cases.len());
}

#[test]
fn both_verifiers_call_a_proof_that_the_new_key_did_not_sign_by_the_same_name() {
    let forge = ledger(104);
    let mut cases: Vec<Case> = Vec::new();
    for rotated in [false, true] {
        let mut forge = forge.clone();
        let (new, other) = (ed25519_key(33), ed25519_key(34));
        let mut signed = |key: &SigningKey, account| forge.key_proof(account, key);
        let proofs = [
            ("another's", signed(&other, ANNA)),
            ("for another account", signed(&new, BERT)),
            ("of nothing", vec![]),
            ("of zeros", vec![0; 64]),
            ("as long as RSA's", vec![0; 384]),
        ];
        for (name, proof) in proofs {
            let command = if rotated {
                let rotate = forge.rotation(ANNA, annas()[2].public().key_id(), &new);
                accounts::Command::RotateKey(accounts::RotateKey { proof, ..rotate })
            } else {
                let add = forge.addition(ANNA, &new, Rights::Act);
                accounts::Command::AddKey(accounts::AddKey { proof, ..add })
            };
            let draft = forge.draft_by(&annas()[2], ANNA, &Command::Accounts(command));
            let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
            cases.push((format!("a proof {name}, rotated: {rotated}"), export(&blocks, &forge.blocks)));
        }
    }
    let bad = Err("bad_key_proof".to_owned());
    for (name, bytes) in &cases {
        assert_eq!(library(bytes, None), bad, "{name}");
    }
    if python_is_here() {
        let verdicts = script("ledger", &cases, None);
        assert_eq!(compare(&cases, &verdicts, true, |bytes| library(bytes, None)), 0);
    }
}
