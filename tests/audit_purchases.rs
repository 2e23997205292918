//! What cannot have happened to purchases: the audit finds it, whoever replays it stops, and nobody is brought down by it.

use ledgerd::domain::shop::purchases::{
    Bought, Buy, Cancel, Cancelled, Command, ConfirmShipment, Event, ItemUnits, MissingRefunded, PurchaseId,
    RefundMissing, Release, Released, Ship, ShipmentConfirmed, Shipped, Wanted,
};
use ledgerd::domain::shop::{self, ItemId};
use ledgerd::domain::{self, AccountId, Domain, Impossible, Place};
use ledgerd::time::Timestamp;

use crate::audit_impossible::{ANNA, BERT, is_impossible, with_a_shop};
use crate::forge::shop::Signer;
use crate::forge::{Forge, member_key};

const CLEO: AccountId = AccountId(3);

/// The item, of which three units are on sale for 9.
const MEW: ItemId = ItemId(1);

fn agent() -> Signer<'static> {
    (member_key(0), ANNA)
}

fn customer() -> Signer<'static> {
    (member_key(2), CLEO)
}

fn buy(n: u64) -> Command {
    Command::Buy(Buy { lines: vec![Wanted { item: MEW, n, max_price: 9 }] })
}

fn happened(event: Event) -> domain::Event {
    domain::Event::Shop(shop::Event::Purchases(event))
}

fn bought(purchase: u64, settings: u64, prices: &[u64]) -> Event {
    Event::Bought(Bought { purchase: PurchaseId(purchase), settings, prices: prices.to_vec() })
}

/// A ledger on which two units are bought.
fn with_a_purchase(seed: u64) -> Forge {
    let mut forge = with_a_shop(seed);
    let draft = forge.dealt(customer(), buy(2));
    forge.push(&draft);
    forge
}

#[test]
fn a_purchase_takes_what_is_there_at_the_price_that_it_has() {
    let mut forge = with_a_purchase(61);
    let differs = |field, said, expected| Impossible::Differs { field, said, expected };
    let overdraft = |amount| Impossible::Overdraft { from: Place::Account(CLEO), held: 982, amount };
    for (name, n, event, expected) in [
        ("more than is on sale", 2, bought(2, 0, &[9]), Impossible::NoSuch("a unit of an item")),
        ("another number", 1, bought(3, 0, &[9]), differs("purchase", 3, 2)),
        ("the number of one that is there", 1, bought(1, 0, &[9]), differs("purchase", 1, 2)),
        ("settings that there are not", 1, bought(2, u64::MAX, &[9]), differs("settings", u64::MAX, 0)),
        ("another price", 1, bought(2, 0, &[8]), differs("price", 8, 9)),
        ("a price too many", 1, bought(2, 0, &[9, 9]), differs("prices", 2, 1)),
        ("no price", 1, bought(2, 0, &[]), Impossible::Amount),
        ("more than anybody has", 1, bought(2, 0, &[u64::MAX]), overdraft(u64::MAX)),
        ("more than any number holds", u64::MAX, bought(2, 0, &[u64::MAX]), overdraft(u64::MAX)),
    ] {
        let draft = forge.dealt(customer(), buy(n)).with_event(&happened(event));
        is_impossible(name, &forge, &draft, expected);
    }
    let most = Wanted { item: MEW, n: u64::MAX, max_price: u64::MAX };
    let twice = Command::Buy(Buy { lines: vec![most; 3] });
    let draft = forge.dealt(customer(), twice).with_event(&happened(bought(2, 0, &[u64::MAX; 3])));
    is_impossible("a sum beyond every number", &forge, &draft, overdraft(u64::MAX));
}

#[test]
fn money_and_units_of_a_purchase_go_back_once_and_to_its_customer() {
    let mut forge = with_a_purchase(62);
    let place = Place::Held(Domain::Shop, 1);
    let differs = |field, said, expected| Impossible::Differs { field, said, expected };
    let purchase = PurchaseId(1);
    let cancelled = |customer, refund, left| Event::Cancelled(Cancelled { customer, refund, left });
    let refunded = |customer, refund| Event::MissingRefunded(MissingRefunded { customer, refund });
    let one = |n| Command::Cancel(Cancel { purchase, lines: Some(vec![ItemUnits { item: MEW, n }]) });
    let absent = |purchase| Command::Cancel(Cancel { purchase, lines: None });
    let other = Command::Cancel(Cancel { purchase, lines: Some(vec![ItemUnits { item: ItemId(7), n: 1 }]) });
    let refund = Command::RefundMissing(RefundMissing { purchase });
    let overdraft = |held, amount| Impossible::Overdraft { from: place, held, amount };
    for (name, command, event, expected) in [
        ("more money than is held", one(1), cancelled(CLEO, 19, 1), overdraft(18, 19)),
        ("another amount", one(1), cancelled(CLEO, 8, 1), differs("refund", 8, 9)),
        ("no money", one(1), cancelled(CLEO, 0, 1), Impossible::Amount),
        ("more units", one(3), cancelled(CLEO, 18, 0), Impossible::NoSuch("a unit of a purchase")),
        ("units of another item", other, cancelled(CLEO, 9, 1), Impossible::NoSuch("an item of a purchase")),
        ("to somebody else", one(1), cancelled(BERT, 9, 1), differs("customer", 2, 3)),
        ("with more left", one(1), cancelled(CLEO, 9, 2), differs("left", 2, 1)),
        ("for nothing that got lost", refund, refunded(CLEO, 17), differs("refund", 17, 18)),
    ] {
        let draft = forge.dealt(agent(), command).with_event(&happened(event));
        is_impossible(name, &forge, &draft, expected);
    }
    let draft = forge.dealt(agent(), absent(PurchaseId(9))).with_event(&happened(cancelled(CLEO, 9, 0)));
    let none = Impossible::Overdraft { from: Place::Held(Domain::Shop, 9), held: 0, amount: 9 };
    is_impossible("of a purchase that is not there", &forge, &draft, none);
}

#[test]
fn deadlines_follow_from_the_settings_and_a_purchase_is_sent_once() {
    let mut forge = with_a_purchase(63);
    let purchase = PurchaseId(1);
    let confirm = Command::ConfirmShipment(ConfirmShipment { purchase, address: None });
    let draft = forge.dealt(customer(), confirm.clone());
    let due = draft.timestamp.plus_micros(7 * ledgerd::limits::DAY_MICROS);
    let confirmed = |ship_by| happened(Event::ShipmentConfirmed(ShipmentConfirmed { ship_by }));
    let (early, expected) = (Timestamp::from_micros(due.micros() - 1), due.micros());
    let differs = Impossible::Differs { field: "ship_by", said: early.micros(), expected };
    is_impossible("another deadline", &forge, &draft.clone().with_event(&confirmed(early)), differs);
    forge.push(&draft);
    let ship = Command::Ship(Ship { purchase, found: false, tracking: None });
    let draft = forge.dealt(agent(), ship);
    let received_by = draft.timestamp.plus_micros(30 * ledgerd::limits::DAY_MICROS);
    let shipped = |customer| happened(Event::Shipped(Shipped { customer, received_by }));
    let differs = Impossible::Differs { field: "customer", said: 1, expected: 3 };
    is_impossible("to another customer", &forge, &draft.with_event(&shipped(ANNA)), differs);
}

#[test]
fn the_till_receives_what_is_held_and_nobody_else_does() {
    let mut forge = with_a_purchase(64);
    let differs = |field, said, expected| Impossible::Differs { field, said, expected };
    let released = |till, customer, amounts: &[u64]| {
        happened(Event::Released(Released { till, customer, amounts: amounts.to_vec() }))
    };
    let release = Command::Release(Release { purchases: vec![PurchaseId(1)] });
    let nobody = Impossible::NoSuch("the customer of a purchase");
    for (name, event, expected) in [
        ("another account", released(ANNA, Some(CLEO), &[18]), differs("till", 1, 2)),
        ("a part of it", released(BERT, Some(CLEO), &[17]), differs("amount", 17, 18)),
        ("of another customer", released(BERT, Some(ANNA), &[18]), differs("customer", 1, 3)),
        ("of no customer", released(BERT, None, &[18]), nobody),
        ("two amounts for one purchase", released(BERT, Some(CLEO), &[18, 1]), differs("amounts", 2, 1)),
    ] {
        let draft = forge.dealt(agent(), release.clone()).with_event(&event);
        is_impossible(name, &forge, &draft, expected);
    }
}
