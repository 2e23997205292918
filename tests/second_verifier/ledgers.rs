//! Exported ledgers, good and damaged, with and without a checkpoint to hold them against.

use std::num::NonZeroUsize;

use ledgerd::audit::{Checker, Place};
use ledgerd::chain::{Checkpoint, Genesis};
use ledgerd::client::show;
use ledgerd::crypto::note::LogKey;
use ledgerd::domain::orders::v1::{Currency, Order, PlaceOrders, Price, StockName};
use ledgerd::domain::orders::{Decimal, Operation};
use ledgerd::domain::{self, AccountId, Role, accounts, orders};

use super::hostile::{hostile_drafts, refused_keys};
use super::{Case, Tree, Verdict, compare, damaged_text, offsets, python_is_here, script, with_flipped};
use crate::forge::{Draft, Forge, ORIGIN, Seeded, log_key};

/// What the library says of an export: every line is what its block is shown as, and an audit of the blocks
/// finds nothing.
pub(super) fn library(bytes: &[u8], note: Option<&str>) -> Verdict {
    let no = |name: &str| Err(name.to_owned());
    let mut checker = Checker::new(NonZeroUsize::MIN);
    let checkpoint = note.map(|note| {
        let text = log_key().public().verify_note(note).ok()?;
        Checkpoint::parse(text).ok().filter(|checkpoint| checkpoint.origin == ORIGIN)
    });
    if let Some(checkpoint) = &checkpoint {
        let Some(checkpoint) = checkpoint else { return no("checkpoint") };
        checker.want_root(checkpoint.size);
    }
    let mut currency = None;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Some(raw) = std::str::from_utf8(line).ok().and_then(|line| line.rsplit_once("\"raw\":\"")) else {
            return no("malformed_line");
        };
        let raw = raw.1.trim_end_matches(['\n', '}', '"']);
        let Ok(block) = const_hex::decode(raw) else { return no("malformed_line") };
        let mut shown = String::new();
        currency = currency.or_else(|| show::currency_of(&block));
        if show::raw_line(&block, currency.as_ref(), &mut shown).is_err() || shown.as_bytes() != line {
            return no("malformed_line");
        }
        checker.block(Place { file: "export", offset: 0, index: None }, &block, |_| {});
    }
    let outcome = checker.finish();
    match (outcome.findings.first(), checkpoint.flatten()) {
        (Some(finding), _) => no(&finding.name),
        _ if outcome.root.is_none() || outcome.log_key.as_ref() != Some(log_key().public()) => {
            no("other_ledger")
        }
        (None, Some(checkpoint)) if outcome.wanted_root != Some(checkpoint.root) => no("checkpoint"),
        _ => Ok(()),
    }
}

/// Commands with every shape that an order of the newest schema can have.
fn orders_now() -> [orders::Command; 2] {
    let order = |operation, stock: &str, quantity: &str, price: Option<(&str, &str)>| orders::Order {
        operation,
        stock_name: orders::StockName::new(stock).unwrap(),
        quantity: Decimal::parse(quantity).unwrap(),
        price: price.map(|(amount, currency)| orders::Price {
            amount: Decimal::parse(amount).unwrap(),
            currency: orders::Currency::new(currency).ok(),
        }),
    };
    let all = vec![
        order(Operation::Buy, "A", "1", None),
        order(Operation::Sell, "shib/usd", "1000000", Some(("0.000013", "USD"))),
        order(Operation::Buy, "BTCUSDT", "0.004", Some(("36000", "USDT"))),
        order(
            Operation::Sell,
            "^G=S.X-a&b:c_d+e",
            "18446744073709551615",
            Some(("184467440737.09551615", "")),
        ),
        order(Operation::Buy, "VOD.L", "0.00000001", Some(("0", "ABCDEFGH"))),
        order(Operation::Sell, "Z", "128", Some(("12.5", "XY"))),
    ];
    let place = |orders| orders::Command::PlaceOrders(orders::PlaceOrders { orders });
    [place(all[2..3].to_vec()), place(all)]
}

/// A ledger with every shape that an order can have.
fn ledger(seed: u64) -> Forge {
    let mut forge = Forge::with_orders(seed, 4);
    let order = |operation, stock: &str, quantity, price: Option<(u64, Option<&[u8; 3]>)>| Order {
        operation,
        stock_name: StockName::new(stock).unwrap(),
        quantity,
        price: price.map(|(ten_thousandths, currency)| Price {
            ten_thousandths,
            currency: currency.map(|it| Currency(*it)),
        }),
    };
    let all = vec![
        order(Operation::Buy, "A", 1, None),
        order(Operation::Sell, "0123456789ABC.-X", u64::MAX, Some((u64::MAX, Some(b"EUR")))),
        order(Operation::Buy, "BRK.B", 300, Some((0, None))),
        order(Operation::Sell, "Z", 2, Some((1, Some(b"USD")))),
        order(Operation::Sell, "Z", 128, Some((100_000, None))),
        order(Operation::Buy, "Z", 127, Some((1_234_500, None))),
    ];
    for orders in [all.clone(), all[1..2].to_vec(), all[3..].to_vec()] {
        let (header, _) = forge.order(1, 1).message_parts();
        let (_, body) =
            domain::Command::Orders(orders::Command::PlaceOrdersV1(PlaceOrders { orders })).encode();
        let draft = forge.draft_message(1, &header, &body);
        forge.push(&draft);
    }
    for command in orders_now() {
        let draft = forge.draft(1, AccountId(2), &domain::Command::Orders(command));
        forge.push(&draft);
    }
    forge
}

/// The export of a ledger in which the operator gives a member a role, and takes it again.
fn with_role(role: Role) -> Vec<u8> {
    let mut forge = Forge::with_money(68);
    let account = AccountId(2);
    for command in [
        accounts::Command::GrantRole(accounts::GrantRole { account, role }),
        accounts::Command::RevokeRole(accounts::RevokeRole { account, role }),
    ] {
        let draft = forge.draft(0, AccountId(1), &domain::Command::Accounts(command));
        forge.push(&draft);
    }
    export(&forge.blocks, &forge.blocks)
}

/// The lines of `ledgerctl export --raw`; of what cannot be shown, those of the good block with the bytes exchanged.
pub(super) fn export(blocks: &[Vec<u8>], good: &[Vec<u8>]) -> Vec<u8> {
    let mut lines = Vec::new();
    let currency = good.first().and_then(|genesis| show::currency_of(genesis));
    for (index, block) in blocks.iter().enumerate() {
        let mut line = String::new();
        if show::raw_line(block, currency.as_ref(), &mut line).is_err() {
            let (mut shown, good) = (String::new(), good.get(index).or(good.last()).unwrap());
            show::raw_line(good, currency.as_ref(), &mut shown).unwrap();
            line = shown.replace(&const_hex::encode(good), &const_hex::encode(block));
        }
        lines.extend(line.into_bytes());
    }
    lines
}

/// A block behind those of a ledger: what it is called, whether it is good, and what makes it.
pub(super) type NextBlock = (&'static str, bool, Box<dyn Fn(&mut Forge) -> Draft>);

/// Has both verifiers judge ledgers with one more block, each also with an order of this member behind that block.
pub(super) fn judge_next_blocks<'a>(next: impl Iterator<Item = (&'a Forge, NextBlock)>, member: usize) {
    let (mut cases, mut expected): (Vec<Case>, Vec<bool>) = (Vec::new(), Vec::new());
    for (base, (name, good, draft)) in next {
        let mut forge = base.clone();
        let draft = draft(&mut forge);
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), export(&blocks, &base.blocks)));
        expected.push(good);
        // A good block behind it changes nothing.
        forge.push(&draft);
        let order = forge.order(member, 1);
        forge.push(&order);
        cases.push((format!("{name}, and an order"), export(&forge.blocks, &base.blocks)));
        expected.push(good);
    }
    for ((name, bytes), good) in cases.iter().zip(&expected) {
        let found = library(bytes, None);
        assert_eq!(found.is_ok(), *good, "{name}: {found:?}");
    }
    if python_is_here() {
        compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    }
}

#[test]
fn both_verifiers_come_to_the_same_verdict_on_every_ledger() {
    if !python_is_here() {
        return;
    }
    let rng = &mut Seeded::new(65);
    let blocks = ledger(64).blocks;
    let good = export(&blocks, &blocks);
    let mut cases = vec![("nothing".to_owned(), vec![]), ("the ledger".to_owned(), good.clone())];
    cases.extend(damaged_text(&good, rng));
    let lines = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("\"index\":5", "\"index\":6"),
        ("\"index\":5", "\"index\":05"),
        ("\"index\":5,", ""),
        ("\"index\":5", "\"index\":5,\"index\":5"),
        ("\"index\":5", "\"more\":1,\"index\":5"),
        ("\"quantity\":2", "\"quantity\":3"),
        ("\"user_id\":2", "\"user_id\":3"),
        ("\"handle\":\"anna\"", "\"handle\":\"Anna\""),
        ("Genesis Block", "Genesis"),
        ("\"previous_hash\":\"0\"", "\"previous_hash\":0"),
        ("01.000000Z", "01.000001Z"),
        ("\"sell\"", "\"buy\""),
        ("\"USD\"", "\"EUR\""),
        ("\"10\"", "\"10.0\""),
        ("000000000000", "00000000000A"),
    ] {
        assert!(lines.contains(from), "{from}");
        cases.push((format!("{to} instead of {from}"), lines.replacen(from, to, 1).into_bytes()));
    }
    for index in 0..blocks.len() {
        for at in offsets(&blocks[index], rng).into_iter().step_by(if index % 4 == 0 { 2 } else { 9 }) {
            let changed = with_flipped(&blocks, index, at, rng);
            cases.push((format!("byte {at} of block {index} flipped"), export(&changed, &blocks)));
            if index == 0 || index + 1 == blocks.len() {
                let changed = &changed[..=index];
                cases.push((
                    format!("byte {at} of the last block, {index}, flipped"),
                    export(changed, &blocks),
                ));
            }
        }
    }
    for (name, draft) in hostile_drafts() {
        let mut forge = Forge::with_orders(64, 4);
        let draft = draft(&mut forge);
        forge.push(&draft);
        cases.push((format!("with a last block {name}"), export(&forge.blocks, &blocks)));
        let next = forge.order(1, 4);
        forge.push(&next);
        cases.push((format!("with a block {name}"), export(&forge.blocks, &blocks)));
    }
    let (genesis, _) = Genesis::from_block(&blocks[0]).unwrap();
    for (name, server_key) in refused_keys() {
        let forge = Forge::from_genesis(&Genesis { server_key, ..genesis.clone() }, Seeded::new(1));
        cases.push((format!("with the server key {name}"), export(&forge.blocks, &blocks)));
    }
    let settings: &[&[(&str, &str)]] =
        &[&[("a", "1"), ("b", "2")], &[("b", "1"), ("a", "2")], &[("a", "1"), ("a", "2")]];
    for settings in settings {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let forge = Forge::from_genesis(&Genesis { settings, ..genesis.clone() }, Seeded::new(1));
        cases.push((format!("with the settings {:?}", forge.blocks[0]), export(&forge.blocks, &blocks)));
    }
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!(proven >= 10 && cases.len() > 400, "{proven} of {}", cases.len());
}

#[test]
fn both_verifiers_read_every_role_that_is_given_or_taken() {
    let cases: Vec<Case> = Role::ALL.iter().map(|&role| (role.name().to_owned(), with_role(role))).collect();
    for (name, bytes) in &cases {
        assert_eq!(library(bytes, None), Ok(()), "{name}");
    }
    if python_is_here() {
        let proven = compare(&cases, &script("ledger", &cases, None), true, |bytes| library(bytes, None));
        assert_eq!(proven, Role::ALL.len());
    }
}

#[test]
fn both_verifiers_hold_a_ledger_against_a_checkpoint_alike() {
    if !python_is_here() {
        return;
    }
    let blocks = ledger(66).blocks;
    let other = ledger(67).blocks;
    let cases: Vec<Case> = [&blocks[..], &blocks[..6], &blocks[..5], &blocks[..1], &other[..]]
        .iter()
        .map(|blocks| (format!("{} blocks", blocks.len()), export(blocks, blocks)))
        .collect();
    let note = Tree::over(&blocks[..6]).note();
    let impostor = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let text =
        Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: Tree::over(&blocks[..1]).frontier.root() }
            .text();
    let counts: Vec<usize> = [
        note.clone(),
        Tree::over(&blocks).note(),
        Tree::over(&[]).note(),
        note.replacen("\n6\n", "\n5\n", 1),
        impostor.sign_note(&text),
        log_key().sign_note(&text.replacen(ORIGIN, "ledger.example/other", 1)),
        "no note\n".to_owned(),
    ]
    .iter()
    .map(|note| {
        compare(&cases, &script("ledger", &cases, Some(note)), false, |bytes| library(bytes, Some(note)))
    })
    .collect();
    assert_eq!(counts, [2, 1, 5, 0, 0, 0, 0]);
}
