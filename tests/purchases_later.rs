//! Deadlines of purchases with the real programs, on a ledger on which things were bought weeks ago.

use std::time::{SystemTime, UNIX_EPOCH};

use ledgerd::crypto::{SigningKey, random};
use ledgerd::daemon::{DataDirectory, Founding};
use ledgerd::domain::accounts::{self, GrantRole, Register, Role};
use ledgerd::domain::payments::Currency;
use ledgerd::domain::shop::purchases::{
    Buy, Command as Bought, ConfirmShipment, PurchaseId, ReportMissing, Ship, Wanted,
};
use ledgerd::domain::shop::{self, ItemId, LoadStock, LoadedItem, OpenShop};
use ledgerd::domain::{AccountId, Command, Settings};
use ledgerd::eventlog::Options;
use ledgerd::time::Timestamp;

use crate::binaries::{Daemon, Place};
use crate::pay_out::{DAY_MS, add, key_of, open};
use crate::shop::refused;

/// Such a ledger of fifty days ago, served: bank is operator and till, dora the agent, carl a customer. Purchase 1 was sent 31 days
/// ago, 2 was sent ten days ago, 3 is missing for eight days, 4 may be sent for eight days; what has arrived can be returned for five
/// days.
pub(crate) fn old_shop(place: &Place) -> Daemon {
    let [bank, carl, dora] = ["bank", "carl", "dora"].map(|member| key_of(place, member));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let ago = |days: u64| now - days * DAY_MS;
    make(place, &bank, ago(50));
    let mut ledger = open(&place.data());
    let members = [(&bank, "bank"), (&carl, "carl"), (&dora, "dora")];
    for (key, handle) in members {
        let register = Register { handle: handle.to_owned(), public_key: key.public().spki().to_vec() };
        let command = Command::Accounts(accounts::Command::Register(register));
        add(&mut ledger, AccountId::NONE, key, command, ago(50));
    }
    let grant = GrantRole { account: AccountId(3), role: Role::Agent };
    let grant = Command::Accounts(accounts::Command::GrantRole(grant));
    add(&mut ledger, AccountId(1), &bank, grant, ago(50));
    let open = OpenShop { till: AccountId(1), consent: None, settings: vec![(6, 0), (3, 5)] };
    add(&mut ledger, AccountId(1), &bank, Command::Shop(shop::Command::OpenShop(open)), ago(50));
    let items = vec![LoadedItem { name: "Mew".to_owned(), n: 9, price: Some(900) }];
    let load = Command::Shop(shop::Command::LoadStock(LoadStock { items, publish: true }));
    add(&mut ledger, AccountId(3), &dora, load, ago(50));
    let mut deal = |member: usize, command: Bought, days: u64| {
        let (key, _) = members[member];
        let command = Command::Shop(shop::Command::Purchases(command));
        add(&mut ledger, AccountId(member as u64 + 1), key, command, ago(days));
    };
    let confirm =
        |number| Bought::ConfirmShipment(ConfirmShipment { purchase: PurchaseId(number), address: None });
    let ship = |number| Bought::Ship(Ship { purchase: PurchaseId(number), found: false, tracking: None });
    for _ in 1..=4 {
        deal(1, Bought::Buy(Buy { lines: vec![Wanted { item: ItemId(1), n: 1, max_price: 900 }] }), 40);
    }
    deal(1, confirm(1), 32);
    deal(2, ship(1), 31);
    deal(1, confirm(3), 20);
    deal(2, ship(3), 19);
    deal(1, confirm(2), 11);
    deal(2, ship(2), 10);
    deal(1, Bought::ReportMissing(ReportMissing { purchase: PurchaseId(3) }), 8);
    deal(1, confirm(4), 8);
    ledger.close().unwrap();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--no-second-factor"]);
    for member in ["bank", "carl", "dora"] {
        place.done(member, &daemon.address, &["getKey", "--accept-new"]);
    }
    daemon
}

fn make(place: &Place, bank: &SigningKey, begun_ms: u64) {
    let operator = Some(bank.public().key_id());
    let currency = Currency { name: "USD".to_owned(), scale: 2 };
    let settings = Settings { opening_grant: 10_000, operator, currency };
    let founding = Founding {
        origin: Some("ledger.example/old-shop"),
        options: Options { segment_bytes: 64 << 10, ..Options::default() },
        now: Timestamp::from_millis(begun_ms),
        settings: &settings,
        passwords: None,
    };
    drop(DataDirectory::open_or_create(&place.data(), &founding, &mut random::os()).unwrap());
}

#[test]
fn deadlines_give_each_side_its_step_when_they_have_passed() {
    let place = Place::new();
    let daemon = old_shop(&place);
    let at = daemon.address.as_str();
    let refused = |member: &str, arguments: &[&str]| refused(&place, member, at, arguments);
    let rule = |name: &str| (name.to_owned(), Some(3));
    let list = place.done("carl", at, &["shop", "purchases"]);
    let states: Vec<&str> = list.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(states, ["received", "shipped", "missing", "confirmed"], "{list}");
    let shown = place.done("carl", at, &["shop", "purchase", "1"]);
    assert!(shown.contains("received, by its deadline"), "{shown}");
    assert_eq!(refused("carl", &["shop", "confirm", "1", "--receipt"]), rule("wrong_state"));
    assert_eq!(refused("dora", &["desk", "release", "1"]), rule("too_early"), "it can be returned");
    let said = place.done("carl", at, &["shop", "missing", "2"]);
    assert!(said.contains("purchase 2 is missing"), "{said}");
    assert_eq!(refused("carl", &["shop", "refund", "2"]), rule("too_early"));
    place.done("dora", at, &["desk", "ship", "2", "--found"]);
    assert_eq!(refused("carl", &["shop", "missing", "2"]), rule("too_early"), "its clock begins anew");
    let said = place.done("carl", at, &["shop", "refund", "3"]);
    assert!(said.contains("purchase 3: 9.00 USD went back"), "{said}");
    let said = place.done("carl", at, &["shop", "cancel", "4"]);
    assert!(said.contains("purchase 4: 9.00 USD went back; units left to be sent: 0"), "{said}");
    let stock = place.done("dora", at, &["stock", "list"]);
    let row: Vec<&str> = stock.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["1", "Mew", "9.00", "yes", "6", "0", "0", "2", "1", "9", "0"], "{stock}");
    daemon.terminate();
    let audit = place.done("bank", "127.0.0.1:1", &["audit", place.data().to_str().unwrap()]);
    assert!(audit.contains("intact"), "{audit}");
}
