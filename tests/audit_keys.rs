//! The audit judges every signature by the keys that stood at that index, in whole logs and in damaged ones.

use std::num::NonZeroUsize;

use ledgerd::audit::{Checker, Outcome, Place};
use ledgerd::crypto::SigningKey;
use ledgerd::domain::payments::Cheque;
use ledgerd::domain::{AccountId, Command, Rights, Role, accounts, payments};

use crate::forge::{Forge, device_key, ed25519_key, member_key, spare_key};

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);

/// Checks the blocks of a forge; those at `missing` are not there.
fn findings(forge: &Forge, missing: &[usize]) -> (Vec<(String, u64)>, Vec<String>) {
    let mut checker = Checker::new(NonZeroUsize::MIN);
    for (index, bytes) in forge.blocks.iter().enumerate() {
        if missing.contains(&index) {
            checker.gap();
            continue;
        }
        let place = Place { file: "log/0.seg", offset: index as u64, index: Some(index as u64) };
        checker.block(place, bytes, |_| {});
    }
    let Outcome { findings, warnings, .. } = checker.finish();
    let findings = findings.into_iter().map(|it| (it.name, it.index.unwrap())).collect();
    (findings, warnings.into_iter().map(|it| it.name).collect())
}

fn found(forge: &Forge) -> Vec<(String, u64)> {
    findings(forge, &[]).0
}

fn named(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(name, index)| ((*name).to_owned(), *index)).collect()
}

/// Appends an order that this key signs, whatever the rules say; gives its index.
fn order(forge: &mut Forge, by: &SigningKey) -> u64 {
    let draft = forge.order_by(by, ANNA, 1);
    forge.push(&draft);
    forge.blocks.len() as u64 - 1
}

/// Appends the settlement of a cheque of ANNA's, which this key signed, by BERT; gives its index.
fn settlement(forge: &mut Forge, signed_by: &SigningKey, id: u8) -> u64 {
    let cheque = Cheque { key_id: signed_by.public().key_id(), ..forge.cheque(0, 1, id) };
    let bytes = cheque.encode();
    let signature = signed_by.sign(&mut forge.rng, &[&bytes]).to_vec();
    let event = payments::Event::Settled(payments::Settled { settlement: u64::from(id) });
    let draft = forge.settlement_of(1, &bytes, &signature);
    forge.push(&draft.with_event(&ledgerd::domain::Event::Payments(event)));
    forge.blocks.len() as u64 - 1
}

/// Appends what only a key with full rights may sign, signed by this one: a key, money, and a role that BERT gets or loses;
/// gives the indexes.
fn full_rights(forge: &mut Forge, by: &SigningKey, new: &SigningKey) -> Vec<u64> {
    let (account, role) = (BERT, Role::Auditor);
    let change = if forge.state().accounts.has_role(account, role) {
        accounts::Command::RevokeRole(accounts::RevokeRole { account, role })
    } else {
        accounts::Command::GrantRole(accounts::GrantRole { account, role })
    };
    let commands = [
        Command::Accounts(accounts::Command::AddKey(forge.addition(ANNA, new, Rights::Act))),
        Command::Payments(payments::Command::Issue(payments::Issue { to: BERT, amount: 7 })),
        Command::Accounts(change),
    ];
    let append = |command: &Command| {
        // The event that there is where the rules allow the command.
        let event = forge.draft_by(member_key(0), ANNA, command).event;
        let draft = crate::forge::Draft { event, ..forge.draft_by(by, ANNA, command) };
        forge.push(&draft);
        forge.blocks.len() as u64 - 1
    };
    commands.iter().map(append).collect()
}

#[test]
fn a_log_in_which_keys_of_both_kinds_come_sign_and_end_is_intact() {
    let mut forge = Forge::with_devices(1, 6);
    let draft = forge.end_key(member_key(0), ANNA, device_key(0));
    forge.push(&draft);
    let draft = forge.rotate_key(member_key(0), ANNA, spare_key());
    forge.push(&draft);
    order(&mut forge, spare_key());
    assert_eq!(found(&forge), []);
}

#[test]
fn a_block_that_is_signed_by_a_key_that_a_block_before_ended_is_named() {
    let mut forge = Forge::with_devices(2, 3);
    let draft = forge.end_key(member_key(0), ANNA, device_key(0));
    forge.push(&draft);
    let late = order(&mut forge, device_key(0));
    order(&mut forge, member_key(0));
    assert_eq!(found(&forge), named(&[("refused_by_rules", late)]), "and those around it are good");

    let mut forge = Forge::with_devices(2, 3);
    let draft = forge.rotate_key(member_key(0), ANNA, spare_key());
    forge.push(&draft);
    let late = order(&mut forge, member_key(0));
    order(&mut forge, spare_key());
    assert_eq!(found(&forge), named(&[("refused_by_rules", late)]));
}

#[test]
fn a_block_that_is_signed_by_a_key_that_comes_later_or_never_is_named() {
    let mut forge = Forge::with_orders(3, 0);
    let key = ed25519_key(101);
    let early = order(&mut forge, &key);
    let draft = forge.add_key(member_key(0), ANNA, &key, Rights::Act);
    forge.push(&draft);
    order(&mut forge, &key);
    let never = order(&mut forge, &ed25519_key(102));
    let expected = [early, never].map(|at| [("key_mismatch", at), ("refused_by_rules", at)]);
    assert_eq!(found(&forge), named(expected.as_flattened()));
}

#[test]
fn a_key_whose_proof_does_not_hold_is_named() {
    let mut forge = Forge::with_orders(4, 0);
    let key = ed25519_key(101);
    let mut add = forge.addition(ANNA, &key, Rights::Act);
    add.proof = forge.key_proof(AccountId(2), &key);
    let command = ledgerd::domain::accounts::Command::AddKey(add);
    let draft = forge.draft_by(member_key(0), ANNA, &ledgerd::domain::Command::Accounts(command));
    let at = forge.blocks.len() as u64;
    forge.push(&draft);
    assert_eq!(found(&forge), named(&[("bad_key_proof", at)]));
}

#[test]
fn behind_a_gap_keys_that_come_are_taken_and_keys_that_end_are_not() {
    let mut forge = Forge::with_devices(5, 3);
    let gap = forge.blocks.len();
    order(&mut forge, member_key(0));
    let key = ed25519_key(101);
    let draft = forge.add_key(member_key(0), ANNA, &key, Rights::Act);
    forge.push(&draft);
    order(&mut forge, &key);
    let draft = forge.end_key(member_key(0), ANNA, device_key(0));
    forge.push(&draft);
    let late = order(&mut forge, device_key(0));
    let draft = forge.end_key(member_key(0), ANNA, &key);
    forge.push(&draft);
    let later = order(&mut forge, &key);
    let (findings, warnings) = findings(&forge, &[gap]);
    assert_eq!(findings, named(&[("key_ended", late), ("key_ended", later)]));
    assert_eq!(warnings, [""; 0], "every signature could be checked");
}

#[test]
fn behind_a_gap_a_cheque_is_judged_by_the_key_that_signed_it() {
    let mut forge = Forge::with_money(7);
    for new in [device_key(0), &ed25519_key(101)] {
        let draft = forge.add_key(member_key(0), ANNA, new, Rights::Act);
        forge.push(&draft);
    }
    let draft = forge.end_key(member_key(0), ANNA, device_key(0));
    forge.push(&draft);
    let gap = order(&mut forge, member_key(0)) as usize;
    settlement(&mut forge, member_key(0), 0);
    settlement(&mut forge, &ed25519_key(101), 1);
    let before = settlement(&mut forge, device_key(0), 2);
    let draft = forge.end_key(member_key(0), ANNA, &ed25519_key(101));
    forge.push(&draft);
    let behind = settlement(&mut forge, &ed25519_key(101), 3);
    let (findings, warnings) = findings(&forge, &[gap]);
    assert_eq!(findings, named(&[("key_ended", before), ("key_ended", behind)]));
    assert_eq!(warnings, [""; 0], "every signature could be checked");
}

#[test]
fn behind_a_gap_a_key_that_may_only_act_signs_nothing_that_needs_more() {
    let mut forge = Forge::with_money(8);
    let draft = forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act);
    forge.push(&draft);
    let gap = order(&mut forge, member_key(0)) as usize;
    let draft = forge.add_key(member_key(0), ANNA, &ed25519_key(101), Rights::Act);
    forge.push(&draft);
    order(&mut forge, device_key(0));
    order(&mut forge, &ed25519_key(101));
    let mut refused = full_rights(&mut forge, device_key(0), &ed25519_key(102));
    refused.extend(full_rights(&mut forge, &ed25519_key(101), &ed25519_key(103)));
    full_rights(&mut forge, member_key(0), &ed25519_key(104));
    let expected: Vec<_> = refused.into_iter().map(|at| ("no_permission", at)).collect();
    let (findings, warnings) = findings(&forge, &[gap]);
    assert_eq!((findings, warnings), (named(&expected), Vec::new()));
}

#[test]
fn behind_a_gap_nothing_is_claimed_of_the_rights_of_a_key_that_came_in_it() {
    let mut forge = Forge::with_money(9);
    let gap = forge.blocks.len();
    let draft = forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act);
    forge.push(&draft);
    full_rights(&mut forge, device_key(0), &ed25519_key(102));
    let draft = forge.end_key(member_key(0), ANNA, device_key(0));
    forge.push(&draft);
    let ended = order(&mut forge, device_key(0));
    let (findings, warnings) = findings(&forge, &[gap]);
    assert_eq!(findings, named(&[("key_ended", ended)]));
    assert_eq!(warnings, ["signatures_unchecked"]);
}

#[test]
fn where_the_block_of_a_key_is_missing_its_signatures_are_unchecked_and_nobody_is_accused() {
    let mut forge = Forge::with_devices(6, 0);
    let gap = forge.blocks.len();
    let key = ed25519_key(101);
    let draft = forge.add_key(member_key(0), ANNA, &key, Rights::Act);
    forge.push(&draft);
    order(&mut forge, &key);
    order(&mut forge, member_key(0));
    let (findings, warnings) = findings(&forge, &[gap]);
    assert_eq!((findings, warnings), (Vec::new(), vec!["signatures_unchecked".to_owned()]));
}
