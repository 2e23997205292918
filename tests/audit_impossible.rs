//! What is there already does not come, and what is not there does not go: a log that says so is damaged, whoever signed it.

use std::num::NonZeroUsize;

use ledgerd::audit::{Checker, Place};
use ledgerd::chain::{Block, Message};
use ledgerd::domain::shop::{
    AddItem, ItemAdded, ItemId, LeaveTill, LoadStock, LoadedItem, PriceSet, Publish, Published, SetPrice,
    ShopOpened, StockIn, StockOut, StockedIn, StockedOut, TillLeft, Unpublish, Unpublished,
};
use ledgerd::domain::{
    self, AccountId, Command, Event, Happened, Impossible, Rights, Role, accounts, payments, shop,
};
use ledgerd::ledger::{Replica, context_of};

use crate::forge::{Draft, Forge, ed25519_key, member_key, spare_key};

pub(crate) const ANNA: AccountId = AccountId(1);
pub(crate) const BERT: AccountId = AccountId(2);

/// What comes of the last block, to whoever applies it, follows it, or audits it.
pub(crate) fn is_impossible(name: &str, before: &Forge, draft: &Draft, expected: Impossible) {
    let bytes = draft.encode();
    let block = Block::parse(&bytes).unwrap();
    let message = Message::parse(block.message).unwrap();
    let happened = Happened::decode(message.header.tag, message.body, block.event).unwrap();
    let context = context_of(&message, block.timestamp, block.index);
    let applied = domain::apply(&mut before.state().clone(), &happened, &context, &mut |_, _| ());
    assert_eq!(applied, Err(expected), "{name}");

    let mut replica = Replica::from_genesis(&before.blocks[0], |_| {}).unwrap();
    for bytes in &before.blocks[1..] {
        replica.follow(bytes, |_| {}).unwrap();
    }
    let error = replica.follow(&bytes, |_| {}).unwrap_err();
    assert_eq!(error.name(), "impossible_state", "{name}: {error}");

    let mut checker = Checker::new(NonZeroUsize::MIN);
    for bytes in before.blocks.iter().chain([&bytes]) {
        checker.block(Place { file: "log", offset: 0, index: None }, bytes, |_| {});
    }
    let found: Vec<String> = checker.finish().findings.into_iter().map(|it| it.name).collect();
    assert!(found.contains(&"impossible_state".to_owned()), "{name}: {found:?}");
}

fn account_event(draft: Draft, event: accounts::Event) -> Draft {
    draft.with_event(&Event::Accounts(event))
}

#[test]
fn a_role_comes_once_and_goes_only_where_it_is() {
    let mut forge = Forge::with_money(1);
    let (held, absent) = (Role::Operator, Role::Witness);
    let grant = accounts::Command::GrantRole(accounts::GrantRole { account: ANNA, role: held });
    let draft = forge.draft(0, ANNA, &Command::Accounts(grant));
    let granted = accounts::Event::RoleGranted(accounts::RoleGranted { holders: 1 });
    is_impossible("held", &forge, &account_event(draft, granted), Impossible::Twice("a role"));
    let revoke = accounts::Command::RevokeRole(accounts::RevokeRole { account: BERT, role: absent });
    let draft = forge.draft(0, ANNA, &Command::Accounts(revoke));
    let revoked = accounts::Event::RoleRevoked(accounts::RoleRevoked { holders: 0 });
    is_impossible("not held", &forge, &account_event(draft, revoked), Impossible::NoSuch("a role"));
}

#[test]
fn a_handle_and_a_key_come_once() {
    let mut forge = Forge::with_money(2);
    let draft = forge.add_key(member_key(0), ANNA, &ed25519_key(101), Rights::Act);
    forge.push(&draft);
    let draft = forge.end_key(member_key(0), ANNA, &ed25519_key(101));
    forge.push(&draft);
    let registered = accounts::Event::Registered(accounts::Registered { account: AccountId(4) });
    for (handle, what) in [("anna", "a handle"), ("ANNA", "a handle"), ("dora", "a key")] {
        let draft = account_event(forge.registration(0, handle), registered.clone());
        is_impossible(handle, &forge, &draft, Impossible::Twice(what));
    }
    let added = accounts::Event::KeyAdded(accounts::KeyAdded { standing: 2 });
    let rotated = accounts::Event::KeyRotated(accounts::KeyRotated { standing: 1 });
    for (name, known) in [
        ("the own one", member_key(0).clone()),
        ("another's", member_key(1).clone()),
        ("one that ended", ed25519_key(101)),
    ] {
        let draft = account_event(forge.add_key(member_key(0), ANNA, &known, Rights::Full), added.clone());
        is_impossible(name, &forge, &draft, Impossible::Twice("a key"));
        let draft = account_event(forge.rotate_key(member_key(0), ANNA, &known), rotated.clone());
        is_impossible(name, &forge, &draft, Impossible::Twice("a key"));
    }
    let draft = forge.add_key(member_key(0), AccountId(9), spare_key(), Rights::Act);
    is_impossible("for nobody", &forge, &account_event(draft, added), Impossible::NoSuch("an account"));
}

#[test]
fn only_a_key_that_stands_ends() {
    let mut forge = Forge::with_money(3);
    let draft = forge.add_key(member_key(0), ANNA, &ed25519_key(101), Rights::Act);
    forge.push(&draft);
    let draft = forge.end_key(member_key(0), ANNA, &ed25519_key(101));
    forge.push(&draft);
    let ended = accounts::Event::KeyEnded(accounts::KeyEnded { standing: 1 });
    let rotated = accounts::Event::KeyRotated(accounts::KeyRotated { standing: 1 });
    for (name, gone) in [
        ("one that ended", ed25519_key(101)),
        ("another's", member_key(1).clone()),
        ("nobody's", ed25519_key(102)),
    ] {
        let draft = account_event(forge.end_key(member_key(0), ANNA, &gone), ended.clone());
        is_impossible(name, &forge, &draft, Impossible::NoSuch("a key"));
        let draft = account_event(forge.rotate_key(&gone, ANNA, spare_key()), rotated.clone());
        is_impossible(name, &forge, &draft, Impossible::NoSuch("a key"));
    }
}

#[test]
fn a_cheque_ends_once() {
    let mut forge = Forge::with_money(4);
    let settled_one = forge.cheque(0, 1, 5);
    let draft = forge.settlement(1, 0, &settled_one);
    forge.push(&draft);
    let draft = forge.revocation(0, 7);
    forge.push(&draft);
    let settled = Event::Payments(payments::Event::Settled(payments::Settled { settlement: 1 }));
    let revoked = Event::Payments(payments::Event::ChequeRevoked(payments::ChequeRevoked { revocation: 1 }));
    let twice = Impossible::Twice("the end of a cheque");
    for (name, id) in [("settled", 5), ("revoked", 7)] {
        let cheque = forge.cheque(0, 1, id);
        let draft = forge.settlement(1, 0, &cheque).with_event(&settled);
        is_impossible(name, &forge, &draft, twice);
        let draft = forge.revocation(0, id).with_event(&revoked);
        is_impossible(name, &forge, &draft, twice);
    }
}

/// A shop with one item, of which 3 units are on sale and 2 are not. ANNA is operator and agent, BERT the till.
pub(crate) fn with_a_shop(seed: u64) -> Forge {
    let mut forge = Forge::with_money(seed);
    let grant = accounts::Command::GrantRole(accounts::GrantRole { account: ANNA, role: Role::Agent });
    let draft = forge.draft(0, ANNA, &Command::Accounts(grant));
    forge.push(&draft);
    let draft = forge.opening((member_key(0), ANNA), (member_key(1), BERT), &[(6, 0)], |_| {});
    forge.push(&draft);
    let item = LoadedItem { name: "Mew".to_owned(), n: 5, price: Some(9) };
    for command in [
        shop::Command::LoadStock(LoadStock { items: vec![item], publish: true }),
        shop::Command::Unpublish(Unpublish { item: ItemId(1), n: Some(2) }),
    ] {
        let draft = forge.shopped((member_key(0), ANNA), command);
        forge.push(&draft);
    }
    forge
}

#[test]
fn units_of_an_item_only_move_and_only_where_they_are() {
    let mut forge = with_a_shop(5);
    let anna = (member_key(0), ANNA);
    let shopped = |event: shop::Event| Event::Shop(event);
    let (none, no_item) = (Impossible::NoSuch("a unit of an item"), Impossible::NoSuch("an item"));
    let (item, absent) = (ItemId(1), ItemId(2));
    for (name, command, event, expected) in [
        (
            "more go out than are there",
            shop::Command::StockOut(StockOut { item, n: 3, reason: 0 }),
            shop::Event::StockedOut(StockedOut { unlisted: 0 }),
            none,
        ),
        (
            "more are put on sale than are there",
            shop::Command::Publish(Publish { item, n: 3, price: None }),
            shop::Event::Published(Published { listed: 6 }),
            none,
        ),
        (
            "more are taken off sale than are on sale",
            shop::Command::Unpublish(Unpublish { item, n: Some(4) }),
            shop::Event::Unpublished(Unpublished { n: 4 }),
            none,
        ),
        (
            "units of nothing come in",
            shop::Command::StockIn(StockIn { item: absent, n: 1, reason: 0 }),
            shop::Event::StockedIn(StockedIn { unlisted: 1 }),
            no_item,
        ),
        (
            "nothing has a price",
            shop::Command::SetPrice(SetPrice { item: absent, price: 1 }),
            shop::Event::PriceSet(PriceSet { before: None }),
            no_item,
        ),
        (
            "a name comes twice",
            shop::Command::AddItem(AddItem { name: "MEW".to_owned(), price: None }),
            shop::Event::ItemAdded(ItemAdded { item: absent }),
            Impossible::Twice("the name of an item"),
        ),
        (
            "the event says another number of units",
            shop::Command::StockIn(StockIn { item, n: 1, reason: 0 }),
            shop::Event::StockedIn(StockedIn { unlisted: 4 }),
            Impossible::Differs { field: "unlisted", said: 4, expected: 3 },
        ),
        (
            "the event says another price before",
            shop::Command::SetPrice(SetPrice { item, price: 1 }),
            shop::Event::PriceSet(PriceSet { before: Some(8) }),
            Impossible::Differs { field: "before", said: 8, expected: 9 },
        ),
    ] {
        let draft = forge.shopped(anna, command).with_event(&shopped(event));
        is_impossible(name, &forge, &draft, expected);
    }
}

#[test]
fn settings_follow_each_other_and_only_the_till_leaves() {
    let mut forge = with_a_shop(6);
    let leave = || shop::Command::LeaveTill(LeaveTill {});
    let left = |since| Event::Shop(shop::Event::TillLeft(TillLeft { since }));
    let since = forge.state().shop.till().unwrap().since;
    let draft = forge.shopped((member_key(0), ANNA), leave()).with_event(&left(since));
    let differs = Impossible::Differs { field: "till", said: 1, expected: 2 };
    is_impossible("another leaves", &forge, &draft, differs);
    let draft = forge.shopped((member_key(1), BERT), leave()).with_event(&left(since + 1));
    let differs = Impossible::Differs { field: "since", said: since + 1, expected: since };
    is_impossible("since another block", &forge, &draft, differs);
    let opened = Event::Shop(shop::Event::ShopOpened(ShopOpened { settings: 3 }));
    let draft = forge.opening((member_key(0), ANNA), (member_key(1), BERT), &[], |_| {});
    let differs = Impossible::Differs { field: "settings", said: 3, expected: 1 };
    is_impossible("settings of another number", &forge, &draft.with_event(&opened), differs);
}
