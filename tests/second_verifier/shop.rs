//! Ledgers with a shop, good and damaged.

use ledgerd::domain::shop::purchases::{self, Cancel, ConfirmReceipt, PurchaseId};
use ledgerd::domain::shop::{self, AddItem, Consent, Event, ItemAdded, LeaveTill, ShopOpened, TillLeft};
use ledgerd::domain::{self, AccountId, Rights};

use super::ledgers::{export, library};
use super::{Case, below, compare, damaged_text, python_is_here, script};
use crate::forge::shop::Signer;
use crate::forge::{Draft, Forge, Seeded, device_key, member_key};

fn signer(member: usize) -> Signer<'static> {
    (member_key(member), AccountId(member as u64 + 1))
}

/// The event that the rules would have led to, where they refuse: nothing but what is signed shall give a block away.
fn opened(draft: Draft, settings: u64) -> Draft {
    draft.with_event(&domain::Event::Shop(Event::ShopOpened(ShopOpened { settings })))
}

fn left(draft: Draft, since: u64) -> Draft {
    draft.with_event(&domain::Event::Shop(Event::TillLeft(TillLeft { since })))
}

#[test]
fn ledgers_with_a_shop_are_judged_as_by_the_library() {
    if !python_is_here() {
        return;
    }
    let mut forge = Forge::with_money(71);
    let (bank, till) = (signer(0), signer(1));
    let customer = signer(2);
    forge.push_every_kind_of_the_shop(bank, till, customer);
    let draft = forge.add_key(till.0, till.1, device_key(1), Rights::Act);
    forge.push(&draft);
    let good = export(&forge.blocks, &forge.blocks);
    let mut cases: Vec<Case> = vec![("that is good".to_owned(), good.clone())];

    // What may come next, each properly signed by its author.
    type Change = fn(&mut Consent);
    let changes: [(&str, Change); 4] = [
        ("with a good consent", |_| {}),
        ("with a consent that somebody changed", |consent| consent.signature[7] ^= 1),
        ("with an empty consent", |consent| consent.signature.clear()),
        ("with a consent by another's key", |consent| consent.key_id = member_key(2).public().key_id()),
    ];
    let mut drafts: Vec<(&str, Draft)> = Vec::new();
    for (name, change) in changes {
        let draft = forge.opening(bank, till, &[], change);
        drafts.push((name, opened(draft, 1)));
    }
    let consent = opened(forge.opening(bank, till, &[], |_| {}), 1);
    drafts.push(("numbered too high", opened(consent, 2)));
    let by_device = (device_key(1), till.1);
    let draft = forge.opening(bank, by_device, &[], |_| {});
    drafts.push(("with a consent by a key that may only act", opened(draft, 1)));
    let draft = forge.opening((device_key(1), till.1), till, &[], |_| {});
    drafts.push(("opened with a key that may only act", opened(draft, 1)));
    let (header, body) = opened(forge.opening(bank, till, &[], |_| {}), 1).message_parts();
    let again = forge.header(bank.0, bank.1, header.tag);
    let draft = forge.draft_message(0, &again, &body);
    drafts.push(("with the consent for another command", opened(draft, 1)));
    let draft = forge.shopped(till, shop::Command::LeaveTill(LeaveTill {}));
    drafts.push(("in which a till leaves that is none", left(draft, 5)));
    let draft = forge.shopped(bank, shop::Command::AddItem(AddItem { name: "Mew".to_owned(), price: None }));
    let numbered = |item| domain::Event::Shop(Event::ItemAdded(ItemAdded { item: shop::ItemId(item) }));
    drafts.push(("with the next item", draft.clone()));
    drafts.push(("with an item numbered too high", draft.clone().with_event(&numbered(9))));
    drafts.push(("with an item numbered too low", draft.with_event(&numbered(1))));
    drafts.extend(purchases_that_come_next(&mut forge, customer));
    for (name, draft) in drafts {
        let blocks = [&forge.blocks[..], &[draft.encode()]].concat();
        cases.push((name.to_owned(), export(&blocks, &forge.blocks)));
    }
    let mut rng = Seeded::new(72);
    for number in 0..60 {
        let index = 5 + below(&mut rng, forge.blocks.len() - 5);
        let at = below(&mut rng, forge.blocks[index].len());
        let mut blocks = forge.blocks.clone();
        blocks[index][at] ^= 1 << below(&mut rng, 8);
        cases
            .push((format!("damage {number} at byte {at} of block {index}"), export(&blocks, &forge.blocks)));
    }
    cases.extend(damaged_text(&good, &mut rng));
    let verdicts = script("ledger", &cases, None);
    let proven = compare(&cases, &verdicts, false, |bytes| library(bytes, None));
    let good = verdicts[..2].iter().all(Result::is_ok) && (3..cases.len() / 2).contains(&proven);
    assert!(good, "{proven} of {} were proven", cases.len());
    assert_eq!(verdicts[2], Err("bad_consent".to_owned()));
}

/// Blocks about purchases that may come next, properly signed, with events that follow and that do not.
fn purchases_that_come_next(forge: &mut Forge, customer: Signer<'static>) -> Vec<(&'static str, Draft)> {
    let cancelled = |customer, refund, left| {
        let customer = AccountId(customer);
        happened(purchases::Event::Cancelled(purchases::Cancelled { customer, refund, left }))
    };
    // Everything of it was cancelled before.
    let cancel = Cancel { purchase: PurchaseId(1), lines: None };
    let draft = forge.dealt(customer, purchases::Command::Cancel(cancel));
    let mut drafts = vec![
        ("in which nothing is cancelled for money", draft.clone().with_event(&cancelled(3, 9, 0))),
        ("in which another's purchase is cancelled", draft.with_event(&cancelled(2, 0, 0))),
    ];
    let confirm = ConfirmReceipt { purchase: PurchaseId(3) };
    let draft = forge.dealt(customer, purchases::Command::ConfirmReceipt(confirm));
    let until = draft.timestamp;
    let received =
        |return_by| happened(purchases::Event::ReceiptConfirmed(purchases::ReceiptConfirmed { return_by }));
    drafts.push(("received with another deadline", draft.with_event(&received(until.plus_micros(1)))));
    let absent = ConfirmReceipt { purchase: PurchaseId(9) };
    let draft = forge.dealt(customer, purchases::Command::ConfirmReceipt(absent));
    drafts.push(("in which a purchase arrives that is not there", draft.with_event(&received(until))));
    drafts
}

fn happened(event: purchases::Event) -> domain::Event {
    domain::Event::Shop(Event::Purchases(event))
}
