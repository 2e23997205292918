//! The audit finds what is wrong with a log, says where, and never more than it knows.

use std::num::NonZeroUsize;

use ledgerd::audit::{Checker, Outcome, Place};
use ledgerd::chain::{Frontier, Genesis, LeafHash};
use ledgerd::crypto::LedgerId;
use ledgerd::domain::{AccountId, orders};
use ledgerd::ledger::Replica;

use crate::forge::{Forge, Seeded, member_key};

fn place(index: usize) -> Place<'static> {
    Place { file: "log/0.seg", offset: index as u64 * 1_000, index: Some(index as u64) }
}

/// Checks blocks; None stands for one that is missing.
fn check(blocks: &[Option<&[u8]>], threads: usize) -> Outcome {
    let mut checker = Checker::new(NonZeroUsize::new(threads).unwrap());
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Some(bytes) => _ = checker.block(place(index), bytes, |_| {}),
            None => checker.gap(),
        }
    }
    checker.finish()
}

fn check_all(blocks: &[Vec<u8>]) -> Outcome {
    let all: Vec<_> = blocks.iter().map(|bytes| Some(bytes.as_slice())).collect();
    let outcome = check(&all, 1);
    assert_eq!(outcome, check(&all, 3), "the number of threads changes nothing");
    outcome
}

fn names(outcome: &Outcome) -> Vec<(&str, u64)> {
    assert_eq!(outcome.findings_total, outcome.findings.len() as u64);
    outcome.findings.iter().map(|it| (it.name.as_str(), it.index.unwrap())).collect()
}

#[test]
fn an_honest_chain_has_no_findings_and_adds_up_to_what_replay_gives() {
    let forge = Forge::with_orders(1, 9);
    let outcome = check_all(&forge.blocks);
    let mut replica = Replica::from_genesis(&forge.blocks[0], |_| {}).unwrap();
    for block in &forge.blocks[1..] {
        replica.follow(block, |_| {}).unwrap();
    }
    assert_eq!(names(&outcome), []);
    assert_eq!((outcome.blocks, outcome.signatures), (13, 12));
    assert_eq!(outcome.head, Some(forge.head()));
    assert_eq!(outcome.root, Some(replica.frontier().root()));
    assert_eq!(outcome.replica_digest, Some(replica.digest()));
    assert_eq!(outcome.ledger_id, Some(forge.ledger_id));
}

/// A forged block is found by its name and index, and what follows honestly on it is not accused.
#[test]
fn a_block_that_no_honest_server_writes_is_found_by_name() {
    type Forgery = fn(&mut Forge) -> crate::forge::Draft;
    let cases: &[(&str, Forgery)] = &[
        ("bad_signature", |forge| {
            let mut draft = forge.order(0, 1);
            let other = forge.order(0, 1);
            draft.signature = other.signature;
            draft
        }),
        ("event_differs", |forge| {
            let mut draft = forge.order(0, 1);
            let event = orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: 77 });
            draft.event = ledgerd::domain::Event::Orders(event).encode();
            draft
        }),
        ("refused_by_rules", |forge| forge.order(0, 0)),
        ("key_mismatch", |forge| {
            let (header, body) = forge.order(1, 1).message_parts();
            forge.draft_message(1, &ledgerd::chain::Header { account: AccountId(1), ..header }, &body)
        }),
        ("repeated_command", |forge| {
            let (header, body) = forge.order(1, 1).message_parts();
            let first = forge.draft_message(1, &header, &body);
            forge.push(&first);
            forge.draft_message(1, &header, &body)
        }),
        ("other_ledger", |forge| {
            let (header, body) = forge.order(1, 1).message_parts();
            let header = ledgerd::chain::Header { ledger_id: LedgerId([9; 32]), ..header };
            forge.draft_message(1, &header, &body)
        }),
        ("other_author", |forge| {
            let mut draft = forge.order(0, 1);
            draft.author = AccountId(3);
            draft.author_previous = forge.order(2, 1).author_previous;
            draft
        }),
        ("malformed_message", |forge| changed(forge, |draft| draft.message.truncate(100))),
        ("malformed_block", |forge| changed(forge, |draft| draft.signature.truncate(383))),
        ("undecodable_event", |forge| changed(forge, |draft| draft.event.push(0))),
        ("undecodable_command", |forge| {
            let (header, mut body) = forge.order(1, 1).message_parts();
            body.push(0);
            forge.draft_message(1, &header, &body)
        }),
        ("author_previous_mismatch", |forge| changed(forge, |draft| draft.author_previous = Some(0))),
        ("time_not_increasing", |forge| {
            let mut draft = forge.order(0, 1);
            draft.timestamp = ledgerd::time::Timestamp::from_micros(crate::forge::START_US);
            draft
        }),
    ];
    for (name, forgery) in cases {
        let expected = match *name {
            // A number that does not follow from the state is impossible as well.
            "event_differs" => vec![*name, "impossible_state"],
            // A rule says so, too.
            "key_mismatch" => vec![*name, "refused_by_rules"],
            _ => vec![*name],
        };
        let mut forge = Forge::with_orders(2, 4);
        let draft = forgery(&mut forge);
        let at = forge.blocks.len() as u64;
        forge.push(&draft);
        for member in 0..3 {
            let draft = forge.order(member, 5);
            forge.push(&draft);
        }
        let expected: Vec<_> = expected.into_iter().map(|found| (found, at)).collect();
        assert_eq!(names(&check_all(&forge.blocks)), expected, "{name}");
    }
}

fn changed(forge: &mut Forge, change: fn(&mut crate::forge::Draft)) -> crate::forge::Draft {
    let mut draft = forge.order(0, 1);
    change(&mut draft);
    draft
}

/// The payee signs whatever it likes around a cheque; that the payer promised it is checked beside.
#[test]
fn a_cheque_that_its_payer_did_not_sign_is_found_by_name() {
    let honest = |forge: &mut Forge, id| {
        let cheque = forge.cheque(0, 1, id);
        (cheque.encode(), member_key(0).sign(&mut forge.rng, &[&cheque.encode()]).to_vec())
    };
    type Forgery = fn(Vec<u8>, Vec<u8>, &[u8]) -> (Vec<u8>, Vec<u8>);
    let cases: &[(&str, Forgery)] = &[
        ("another amount", |mut cheque, signature, _| {
            cheque[135 - 8] ^= 1;
            (cheque, signature)
        }),
        ("another memo", |mut cheque, signature, _| {
            *cheque.last_mut().unwrap() = b'b';
            (cheque, signature)
        }),
        ("a flipped bit", |cheque, mut signature, _| {
            signature[200] ^= 4;
            (cheque, signature)
        }),
        ("none", |cheque, _, _| (cheque, vec![])),
        ("a short one", |cheque, signature, _| (cheque, signature[..383].to_vec())),
        ("a long one", |cheque, signature, _| (cheque, [&signature[..], &[0]].concat())),
        ("that of another cheque", |cheque, _, other| (cheque, other.to_vec())),
    ];
    for (name, forgery) in cases {
        let mut forge = Forge::with_money(9);
        let ((cheque, signature), (_, other)) = (honest(&mut forge, 1), honest(&mut forge, 2));
        let (cheque, signature) = forgery(cheque, signature, &other);
        let draft = forge.settlement_of(1, &cheque, &signature);
        let at = forge.blocks.len() as u64;
        forge.push(&draft);
        let (cheque, signature) = honest(&mut forge, 3);
        let draft = forge.settlement_of(1, &cheque, &signature);
        forge.push(&draft);
        let draft = forge.revocation(0, 4);
        forge.push(&draft);
        let outcome = check_all(&forge.blocks);
        assert_eq!(names(&outcome), [("bad_cheque_signature", at)], "{name}");
        assert_eq!((outcome.blocks, outcome.signatures), (7, 8), "six commands and two orders");
    }
    let mut forge = Forge::with_money(9);
    let cheque = forge.cheque(0, 1, 1);
    let draft = forge.settlement(1, 1, &cheque);
    forge.push(&draft);
    assert_eq!(names(&check_all(&forge.blocks)), [("bad_cheque_signature", 4)], "signed by the payee");
}

#[test]
fn a_command_of_nobody_is_found_and_so_are_unusable_keys_in_genesis() {
    let mut forge = Forge::new(8);
    let draft = forge.order(2, 1);
    forge.push(&draft);
    assert_eq!(names(&check_all(&forge.blocks)), [("unknown_author", 1), ("refused_by_rules", 1)]);

    let (genesis, _) = Genesis::from_block(&forge.blocks[0]).unwrap();
    let bad_server_key = Genesis { server_key: vec![1, 2, 3], ..genesis.clone() };
    let bad_log_key = Genesis { log_key: [0; 32], ..genesis };
    for bad in [bad_server_key, bad_log_key] {
        let forge = Forge::from_genesis(&bad, Seeded::new(8));
        assert_eq!(names(&check_all(&forge.blocks)), [("genesis_key", 0)]);
    }
    let first = forge.blocks.remove(1);
    let outcome = check_all(&[first]);
    assert_eq!(names(&outcome), [("index_mismatch", 0)]);
    assert_eq!((outcome.head, outcome.log_key), (None, None));
}

#[test]
fn a_changed_byte_of_any_block_is_found_at_its_block_or_at_the_next() {
    let forge = Forge::with_orders(3, 3);
    for index in 0..forge.blocks.len() {
        let length = forge.blocks[index].len();
        for at in (0..length).step_by(17) {
            let mut blocks = forge.blocks.clone();
            blocks[index][at] ^= 0x10;
            let outcome = check_all(&blocks);
            let first = outcome.findings.first().and_then(|finding| finding.index);
            // The last block has none after it that holds its hash: a changed time in it is the anchor's and
            // the checkpoint's to find, which know the head.
            let time_of_last = index + 1 == blocks.len() && (8..16).contains(&at);
            let found = first.is_some_and(|first| first == index as u64 || first == index as u64 + 1);
            assert!(found || time_of_last, "block {index}, byte {at}: {:?}", outcome.findings);
            assert!(outcome.head != Some(forge.head()) || index == 0);
        }
    }
}

#[test]
fn after_missing_blocks_the_rest_is_checked_and_the_state_is_not_claimed() {
    let mut forge = Forge::with_orders(4, 5);
    let mut bad = forge.order(1, 2);
    bad.signature.reverse();
    forge.push(&bad);
    let mut blocks: Vec<_> = forge.blocks.iter().map(|bytes| Some(bytes.as_slice())).collect();
    let bad_at = blocks.len() as u64 - 1;
    blocks[5] = None;
    let outcome = check(&blocks, 1);
    assert_eq!(names(&outcome), [("bad_signature", bad_at)]);
    assert_eq!((outcome.head, outcome.root, outcome.replica_digest), (None, None, None));
    assert_eq!(outcome.signatures, 8);

    // Without the registration of account 1 its signatures cannot be checked: said, and not held against it.
    blocks[1] = None;
    let outcome = check(&blocks, 1);
    assert_eq!(names(&outcome), [("bad_signature", bad_at)]);
    assert_eq!(outcome.warnings.len(), 1);
    assert_eq!(outcome.warnings[0].name, "signatures_unchecked");

    // Registrations that come after the gap say whose keys they are.
    blocks[0] = None;
    let outcome = check(&blocks, 1);
    assert_eq!(names(&outcome), [("bad_signature", bad_at)]);
    assert_eq!(outcome.signatures, 5);
}

#[test]
fn a_left_out_block_without_a_gap_breaks_the_chain_once() {
    let forge = Forge::with_orders(5, 5);
    let mut blocks: Vec<_> = forge.blocks.iter().map(|bytes| Some(bytes.as_slice())).collect();
    blocks.remove(6);
    assert_eq!(names(&check(&blocks, 1)), [("index_mismatch", 6)]);
    let other = Forge::with_orders(6, 5);
    let mut blocks: Vec<_> = forge.blocks.iter().map(|bytes| Some(bytes.as_slice())).collect();
    blocks[6] = Some(&other.blocks[6]);
    let outcome = check(&blocks, 1);
    assert_eq!(names(&outcome), [("chain_broken", 6), ("other_ledger", 6), ("chain_broken", 7)]);
}

#[test]
fn the_root_of_an_earlier_size_is_known_as_long_as_every_block_follows() {
    let forge = Forge::with_orders(7, 5);
    let mut frontier = Frontier::default();
    for size in 0..=forge.blocks.len() {
        let mut checker = Checker::new(NonZeroUsize::MIN);
        checker.want_root(size as u64);
        for (index, block) in forge.blocks.iter().enumerate() {
            checker.block(place(index), block, |_| {});
        }
        assert_eq!(checker.finish().wanted_root, Some(frontier.root()), "size {size}");
        if let Some(block) = forge.blocks.get(size) {
            frontier.push(LeafHash::of_block(block), |_| {});
        }
    }
}
