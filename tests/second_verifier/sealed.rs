//! Ledgers with profiles and erasures, and sealed texts that are opened with their leaves.

use std::path::Path;
use std::process::Command as Process;

use ledgerd::chain::receipt::{ShownLeaf, open_with_leaf};
use ledgerd::chain::{Header, Receipt};
use ledgerd::crypto::SigningKey;
use ledgerd::crypto::sealed::{Leaf, ScopeId};
use ledgerd::domain::accounts::{self, Erase, EraseReason};
use ledgerd::domain::payments::{self, PayOut, PayOutReason};
use ledgerd::domain::{AccountId, Command, Event, Rights};

use super::ledgers::{export, library};
use super::{Case, compare, damaged_text, python_is_here, script};
use crate::forge::persons::Said;
use crate::forge::{Draft, Forge, Seeded, device_key, log_key, member_key, receipt};

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);

/// What ANNA says, as it is sealed first.
const TEXTS: [&str; 2] = ["Änne Lovelace", "anna@example.org"];

/// A block in which a member says who it is, in this scope or in one that it opens, with the leaves of both texts.
fn profile(
    forge: &mut Forge,
    account: AccountId,
    open: Option<ScopeId>,
    texts: [&str; 2],
) -> (Draft, [Leaf; 2]) {
    let said = Said { texts, scope_key: [account.0 as u8; 32] };
    forge.profile((member_key(account.0 as usize - 1), account), open, &said, None)
}

fn erase(forge: &mut Forge, by: AccountId, account: AccountId) -> Draft {
    let erase = Erase { account, reason: EraseReason::Misuse, force: true };
    forge.draft(by.0 as usize - 1, by, &Command::Accounts(accounts::Command::Erase(erase)))
}

/// What BERT has left goes to ANNA, whichever key of hers signs it.
fn pay_out(forge: &mut Forge, key: &SigningKey, account: AccountId) -> Draft {
    let pay_out = PayOut { account, to: ANNA, amount: 130, reason: PayOutReason::OwnerRequest };
    forge.draft_by(key, ANNA, &Command::Payments(payments::Command::PayOut(pay_out)))
}

/// The event of a pay-out, whatever the rules say.
fn paid_out(draft: Draft) -> Draft {
    draft.with_event(&Event::Payments(payments::Event::PaidOut(payments::PaidOut { balance: 1_260 })))
}

/// ANNA says who she is, twice, and so does BERT, whom she erases.
fn ledger() -> (Forge, [Leaf; 2]) {
    let mut forge = Forge::with_money(61);
    let (draft, leaves) = profile(&mut forge, ANNA, None, TEXTS);
    forge.push(&draft);
    let scope = *forge.state().scopes.iter().next().unwrap().0;
    let (draft, _) = profile(&mut forge, ANNA, Some(scope), [&"long ".repeat(300), "a@b"]);
    forge.push(&draft);
    let (draft, _) = profile(&mut forge, BERT, None, ["Bert", "bert@example.org"]);
    forge.push(&draft);
    let draft = erase(&mut forge, ANNA, BERT);
    forge.push(&draft);
    let draft = forge.order(0, 2);
    forge.push(&draft);
    assert!(forge.state().erased_at(BERT).is_some(), "the rules took it");
    (forge, leaves)
}

/// An event of an erasure, whatever the rules say.
fn erased(draft: Draft, keys: u64) -> Draft {
    let erased = accounts::Erased { keys, roles: 0, scopes: 1, secrets: 0, purchases: Vec::new() };
    let event = accounts::Event::Erased(erased);
    Draft { event: Event::Accounts(event).encode(), ..draft }
}

#[test]
fn ledgers_with_profiles_and_erasures_are_judged_as_by_the_library() {
    if !python_is_here() {
        return;
    }
    let (mut forge, _) = ledger();
    let good = export(&forge.blocks, &forge.blocks);
    let mut cases: Vec<Case> = vec![("good".to_owned(), good.clone())];
    let drafts = [
        ("an order of an erased account", forge.order(1, 1)),
        ("a second erasure", {
            let draft = erase(&mut forge, ANNA, BERT);
            erased(draft, 0)
        }),
        ("an erasure of nobody", {
            let draft = erase(&mut forge, ANNA, AccountId(9));
            erased(draft, 1)
        }),
        ("an erasure with another number of keys", {
            let draft = erase(&mut forge, ANNA, AccountId(3));
            erased(draft, 7)
        }),
        ("a profile of an erased account", profile(&mut forge, BERT, None, TEXTS).0),
    ];
    for (name, draft) in drafts {
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), export(&blocks, &forge.blocks)));
    }
    cases.extend(damaged_text(&good, &mut Seeded::new(62)));
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!((1..cases.len() / 2).contains(&proven), "{proven} of {} were proven", cases.len());
    assert!(script("ledger", &cases[..6], None)[1..].iter().all(Result::is_err));
}

#[test]
fn a_pay_out_is_judged_as_by_the_library_and_needs_a_full_key() {
    if !python_is_here() {
        return;
    }
    let (mut forge, _) = ledger();
    let draft = forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act);
    forge.push(&draft);
    forge.wait_until_paying_out();
    let draft = pay_out(&mut forge, member_key(0), BERT);
    forge.push(&draft);
    assert_eq!(forge.state().payments.balance(BERT), 870, "the rules took it");
    let good = export(&forge.blocks, &forge.blocks);
    let mut cases: Vec<Case> = vec![("good".to_owned(), good.clone())];
    let another = pay_out(&mut forge, member_key(0), BERT);
    let by_device = paid_out(pay_out(&mut forge, device_key(0), BERT));
    let by_the_dead = paid_out({
        let (header, body) = pay_out(&mut forge, member_key(1), BERT).message_parts();
        forge.draft_message(1, &Header { account: BERT, ..header }, &body)
    });
    for (name, draft) in [
        ("a second pay-out", another),
        ("a pay-out with a key that may only act", by_device),
        ("a pay-out by the erased account", by_the_dead),
    ] {
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), export(&blocks, &forge.blocks)));
    }
    let verdicts = script("ledger", &cases, None);
    let names: Vec<_> = verdicts.iter().map(|verdict| verdict.as_ref().err().map(String::as_str)).collect();
    assert_eq!(names, [None, None, Some("no_permission"), Some("erased")]);
    cases.extend(damaged_text(&good, &mut Seeded::new(63)));
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!((2..cases.len() / 2).contains(&proven), "{proven} of {} were proven", cases.len());
}

/// What the script says of a receipt with a leaf.
fn by_script(receipt: &Receipt, shown: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt");
    std::fs::write(&file, receipt.to_text()).unwrap();
    let verify = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/verify.py");
    let mut python = Process::new("python3");
    python.arg(&verify).arg("receipt").arg(&file).args(["--vkey", &log_key().public().to_string()]);
    let output = python.args(["--leaf", shown]).env("PYTHONUTF8", "1").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Both verifiers open the two texts of a block with these leaves, and nothing with others; and both say where the key is that
/// signed it.
pub(super) fn check_leaves(receipt: &Receipt, leaves: &[Leaf; 2], texts: [&str; 2]) {
    let (block, has_python) = (&receipt.block, python_is_here());
    let custody = receipt.check(log_key().public()).unwrap().author.unwrap().custody;
    for field in [0_u16, 1] {
        let shown = ShownLeaf { field, leaf: leaves[usize::from(field)].clone() };
        let text = texts[usize::from(field)];
        assert_eq!(open_with_leaf(block, &shown).unwrap().as_str(), text);
        assert_eq!(shown.to_string().parse::<ShownLeaf>().unwrap().to_string(), shown.to_string());
        if has_python {
            let (code, said) = by_script(receipt, &shown.to_string());
            assert!(code == Some(0) && said.contains(&format!("{text:?}").replace('"', "'")), "{said}");
            assert!(said.contains(&format!(", custody {custody}")), "{said}");
        }
    }
    let hex = const_hex::encode(leaves[0].as_bytes());
    let wrong = [
        (format!("1:{hex}"), "seal_broken"),
        (format!("0:{}", "0".repeat(64)), "seal_broken"),
        (format!("2:{hex}"), "no_such_field"),
    ];
    for (shown, name) in wrong {
        let library = open_with_leaf(block, &shown.parse().unwrap()).unwrap_err();
        assert_eq!(library.name(), name, "{shown}");
        if has_python {
            let (code, said) = by_script(receipt, &shown);
            assert!(code == Some(65) && said.contains(name), "{shown}: {said}");
        }
    }
}

#[test]
fn a_leaf_opens_one_text_of_a_receipt_and_nothing_else() {
    let (mut forge, leaves) = ledger();
    check_leaves(&receipt(&forge.blocks, forge.blocks.len() - 5, &[1]), &leaves, TEXTS);
    let hex = const_hex::encode(leaves[0].as_bytes());
    let longer = {
        let (header, body) = profile(&mut forge, ANNA, None, TEXTS).0.message_parts();
        let draft = forge.draft_message(0, &header, &[&body[..], &[0]].concat());
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        receipt(&blocks, forge.blocks.len(), &[1])
    };
    let shown = ShownLeaf { field: 0, leaf: leaves[0].clone() };
    assert_eq!(open_with_leaf(&longer.block, &shown).unwrap_err().name(), "no_such_field");
    if python_is_here() {
        let (code, said) = by_script(&longer, &shown.to_string());
        assert!(code == Some(65) && said.contains("no_such_field"), "{said}");
    }
    let order = ShownLeaf { field: 0, leaf: leaves[0].clone() };
    assert_eq!(open_with_leaf(forge.blocks.last().unwrap(), &order).unwrap_err().name(), "no_such_field");
    for text in ["", "0", &hex, &format!("x:{hex}"), &format!("0:{hex}0"), &format!("65536:{hex}")] {
        assert!(text.parse::<ShownLeaf>().is_err(), "{text}");
    }
}
