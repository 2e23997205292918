//! Ledgers in which members get second factors and lose them.

use ledgerd::domain::accounts::{
    self, Erase, EraseReason, ResetReason, ResetSecondFactor, SecondFactorReset, SecondFactorSet,
    SetSecondFactor,
};
use ledgerd::domain::{AccountId, Command, Event, Rights};

use super::ledgers::{export, library};
use super::{Case, compare, damaged_text, python_is_here, script};
use crate::forge::{Draft, Forge, Seeded, device_key, member_key};

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);

fn set(forge: &mut Forge, account: AccountId, generation: u32, off: bool) -> Draft {
    let set = accounts::Command::SetSecondFactor(SetSecondFactor { generation, off });
    forge.draft(account.0 as usize - 1, account, &Command::Accounts(set))
}

/// ANNA, who is an operator, ends the second factor of another.
fn reset(forge: &mut Forge, account: AccountId) -> Draft {
    let reset = ResetSecondFactor { account, reason: ResetReason::Stolen };
    forge.draft(0, ANNA, &Command::Accounts(accounts::Command::ResetSecondFactor(reset)))
}

/// The event of a second factor, whatever the rules say.
fn replaces(draft: Draft, replaces: Option<u64>) -> Draft {
    draft.with_event(&Event::Accounts(accounts::Event::SecondFactorSet(SecondFactorSet { replaces })))
}

fn ends(draft: Draft, ends: u64) -> Draft {
    draft.with_event(&Event::Accounts(accounts::Event::SecondFactorReset(SecondFactorReset { ends })))
}

#[test]
fn ledgers_with_second_factors_are_judged_as_by_the_library() {
    if !python_is_here() {
        return;
    }
    let mut forge = Forge::with_money(64);
    for (account, generation, off) in
        [(ANNA, 1, false), (BERT, 1, false), (BERT, 2, false), (BERT, 3, true), (BERT, 4, false)]
    {
        let draft = set(&mut forge, account, generation, off);
        forge.push(&draft);
    }
    let draft = reset(&mut forge, BERT);
    forge.push(&draft);
    let draft = set(&mut forge, BERT, 6, false);
    forge.push(&draft);
    let newest = forge.blocks.len() as u64 - 1;
    assert_eq!(
        forge.state().second_factor(BERT).map(|factor| factor.block),
        Some(newest),
        "the rules took it"
    );
    let draft = forge.add_key(member_key(0), ANNA, device_key(0), Rights::Act);
    forge.push(&draft);
    let good = export(&forge.blocks, &forge.blocks);
    let mut cases: Vec<Case> = vec![("good".to_owned(), good.clone())];
    let erase = Erase { account: BERT, reason: EraseReason::Law, force: true };
    let erase = forge.draft(0, ANNA, &Command::Accounts(accounts::Command::Erase(erase)));
    let erased = |secrets| {
        let event = accounts::Erased { keys: 1, roles: 0, scopes: 0, secrets, purchases: Vec::new() };
        Event::Accounts(accounts::Event::Erased(event))
    };
    let by_device = {
        let set = accounts::Command::SetSecondFactor(SetSecondFactor { generation: 2, off: false });
        replaces(forge.draft_by(device_key(0), ANNA, &Command::Accounts(set)), Some(4))
    };
    let drafts = [
        ("an erasure", erase.clone()),
        ("an erasure that forgets the second factor", erase.clone().with_event(&erased(0))),
        ("the number of before", replaces(set(&mut forge, BERT, 6, false), Some(newest))),
        ("a number too far", replaces(set(&mut forge, BERT, 8, false), Some(newest))),
        ("another block before it", replaces(set(&mut forge, BERT, 7, false), Some(4))),
        ("none before it", replaces(set(&mut forge, BERT, 7, false), None)),
        ("the end of none", replaces(set(&mut forge, AccountId(3), 1, true), None)),
        ("one of whom nobody has one", ends(reset(&mut forge, AccountId(3)), newest)),
        ("another one that ends", ends(reset(&mut forge, BERT), 4)),
        ("a key that may only act", by_device),
    ];
    for (name, draft) in drafts {
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), export(&blocks, &forge.blocks)));
    }
    let verdicts = script("ledger", &cases, None);
    assert!(verdicts[..2].iter().all(Result::is_ok), "{verdicts:?}");
    assert!(verdicts[2..].iter().all(Result::is_err), "{verdicts:?}");
    cases.extend(damaged_text(&good, &mut Seeded::new(65)));
    let proven = compare(&cases, &script("ledger", &cases, None), false, |bytes| library(bytes, None));
    assert!((2..cases.len() / 2).contains(&proven), "{proven} of {} were proven", cases.len());
}
