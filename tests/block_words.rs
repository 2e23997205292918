//! Blocks as people read them at a terminal, and as programs do: every kind of block says what was done in it.

use std::collections::BTreeSet;

use ledgerd::chain::{Block, Message};
use ledgerd::cli::block_words::write_block;
use ledgerd::client::show::json_line;
use ledgerd::crypto::SigningKey;
use ledgerd::crypto::sealed::{ScopeKey, Sealed};
use ledgerd::domain::accounts::{
    self, CredentialCommit, CredentialVia, Custody, Erase, EraseReason, GrantRole, ResetReason,
    ResetSecondFactor, RevokeRole, Role, SetProfile, SetSecondFactor, VouchClock,
};
use ledgerd::domain::orders::{self, Decimal, Operation, Order, PlaceOrders, Price, StockName, v1};
use ledgerd::domain::payments::{self, Currency, Issue, Pay, PayOut, PayOutReason, Payment};
use ledgerd::domain::shop::{self, purchases};
use ledgerd::domain::{AccountId, Command, Event, Rights, ScopeKind, ScopeUse, Tag, Undecodable};

use crate::forge::persons::Said;
use crate::forge::{Forge, ed25519_key, member_key, spare_key};

fn words(block: &[u8], currency: &Currency) -> String {
    let mut out = String::new();
    write_block(block, currency, &mut out).unwrap();
    out
}

/// What a block says was done, without its first line.
fn done(block: &[u8], currency: &Currency) -> String {
    let words = words(block, currency);
    let (first, rest) = words.split_once('\n').unwrap();
    let block = Block::parse(block).unwrap();
    let head = format!("block {}  {}  ", block.index, block.timestamp);
    assert!(first.starts_with(&head), "{first}");
    rest.to_owned()
}

/// The `data` of a block as programs read it.
fn data(block: &[u8], currency: Option<&Currency>) -> String {
    let mut line = String::new();
    json_line(block, currency, &mut line).unwrap();
    let data = line.split_once("\"data\":").unwrap().1.split_once(",\"hash\":").unwrap().0;
    data.to_owned()
}

/// A ledger with a block of every kind.
fn every_kind() -> Forge {
    let mut forge = Forge::with_money(41);
    let (first, second) = (AccountId(1), AccountId(2));
    let payment =
        |to: u64, amount: i64, memo: &str| Payment { to: AccountId(to), amount, memo: memo.to_owned() };
    let pay = Pay { payments: vec![payment(2, 150, "tea\u{202e}"), payment(3, 5, "")] };
    let cheque = forge.cheque(0, 1, 9);
    let role = Role::Operator;
    let time_ms = 1_767_222_000_000;
    let commands = [
        Command::Payments(payments::Command::Pay(pay)),
        Command::Payments(payments::Command::Issue(Issue { to: second, amount: 100_000 })),
        Command::Accounts(accounts::Command::GrantRole(GrantRole { account: second, role })),
        Command::Accounts(accounts::Command::RevokeRole(RevokeRole { account: second, role })),
        Command::Accounts(accounts::Command::VouchClock(VouchClock { time_ms })),
    ];
    for command in &commands {
        let draft = forge.draft(0, first, command);
        forge.push(&draft);
    }
    for draft in [forge.settlement(1, 0, &cheque), forge.revocation(1, 7), forge.order(0, 3)] {
        forge.push(&draft);
    }
    for orders in orders_of_both_schemas() {
        let draft = forge.draft(0, first, &Command::Orders(orders));
        forge.push(&draft);
    }
    let [phone, next] = new_keys();
    let draft = forge.add_key(member_key(0), first, &phone, Rights::Act);
    forge.push(&draft);
    let draft = forge.rotate_key(member_key(1), second, &next);
    forge.push(&draft);
    let draft = forge.end_key(member_key(0), first, &phone);
    forge.push(&draft);
    let draft = forge.draft(0, first, &set_profile(ScopeUse::Open([5; 32])));
    forge.push(&draft);
    let scope = forge.state().scopes.newest(ScopeKind::Subject, 1).unwrap();
    let draft = forge.draft(0, first, &set_profile(ScopeUse::In(scope)));
    forge.push(&draft);
    let erase = Erase { account: AccountId(3), reason: EraseReason::Requested, force: true };
    let draft = forge.draft(0, first, &Command::Accounts(accounts::Command::Erase(erase)));
    forge.push(&draft);
    forge.wait_until_paying_out();
    let pay_out = PayOut { account: AccountId(3), to: second, amount: 250, reason: PayOutReason::Heirs };
    let draft = forge.draft(0, first, &Command::Payments(payments::Command::PayOut(pay_out)));
    forge.push(&draft);
    let said = Said { texts: ["Dora", "dora@example.org"], scope_key: [8; 32] };
    let roams = roaming_key();
    let (draft, _) = forge.joining(roams, "dora", (Custody::Roaming, Some([8; 32])), &said);
    forge.push(&draft);
    let credential = CredentialCommit { epoch: 2, commit: [9; 32] };
    let draft = forge.set_credential((roams, AccountId(4)), credential, CredentialVia::Recovery);
    forge.push(&draft);
    let set = |generation, off| SetSecondFactor { generation, off };
    let reset = ResetSecondFactor { account: first, reason: ResetReason::Lost };
    for command in [
        accounts::Command::SetSecondFactor(set(1, false)),
        accounts::Command::SetSecondFactor(set(2, true)),
        accounts::Command::SetSecondFactor(set(3, false)),
        accounts::Command::ResetSecondFactor(reset),
    ] {
        let draft = forge.draft(0, first, &Command::Accounts(command));
        forge.push(&draft);
    }
    forge.push_every_kind_of_the_shop((member_key(0), first), (&next, second), (roams, AccountId(4)));
    forge
}

/// A profile with texts that nobody opens here.
fn set_profile(scope: ScopeUse) -> Command {
    let sealed = Sealed { commit: [6; 32], text: vec![7; 48] };
    Command::Accounts(accounts::Command::SetProfile(SetProfile {
        scope,
        name: sealed.clone(),
        e_mail: sealed,
        credential: None,
    }))
}

/// The keys that come in [`every_kind`]: one that is added and ends, and one that comes in the place of another.
fn new_keys() -> [SigningKey; 2] {
    [100, 101].map(ed25519_key)
}

/// The key of the member who joins in [`every_kind`].
fn roaming_key() -> &'static SigningKey {
    spare_key()
}

/// The deadlines that the blocks of purchases say, and the scope of the purchase that has texts.
fn of_purchases(forge: &Forge) -> (Vec<String>, String) {
    let deadline = |bytes: &Vec<u8>| match Event::decode(Block::parse(bytes).unwrap().event) {
        Ok(Event::Shop(shop::Event::Purchases(event))) => match event {
            purchases::Event::ShipmentConfirmed(confirmed) => Some(confirmed.ship_by),
            purchases::Event::Shipped(shipped) => Some(shipped.received_by),
            purchases::Event::ReceiptConfirmed(confirmed) => Some(confirmed.return_by),
            purchases::Event::MissingReported(reported) => Some(reported.found_by),
            _ => None,
        },
        _ => None,
    };
    let due = forge.blocks[1..].iter().filter_map(deadline).map(|due| due.to_string());
    let scope = forge.state().scopes.newest(ScopeKind::Purchase, 2).unwrap();
    (due.collect(), scope.to_string())
}

/// What the member who joins has committed the key of its texts to.
fn joined_scope_key(forge: &Forge) -> String {
    let scope = forge.state().scopes.newest(ScopeKind::Subject, 4).unwrap();
    const_hex::encode(ScopeKey::from_bytes([8; 32]).commitment(forge.ledger_id, scope))
}

#[test]
fn there_is_a_block_of_every_kind_of_command() {
    let forge = every_kind();
    let tag = |block: &Vec<u8>| Message::parse(Block::parse(block).unwrap().message).unwrap().header.tag;
    let shown: BTreeSet<Tag> = forge.blocks[1..].iter().map(tag).collect();
    let tags = (1..=9).flat_map(|schema| (0..=99).map(move |kind| Tag { schema, kind }));
    let known = tags.filter(|&tag| !matches!(Command::decode(tag, &[]), Err(Undecodable::UnknownKind(_))));
    assert_eq!(shown, known.collect());
}

/// Several orders in a command, with a quantity or a price of every form.
fn orders_of_both_schemas() -> [orders::Command; 2] {
    let stock = |name| StockName::new(name).unwrap();
    let number = |text| Decimal::parse(text).unwrap();
    let usd = Price { amount: number("187.5"), currency: orders::Currency::new("USD").ok() };
    let bare = Price { amount: number("0.000013"), currency: None };
    let order = |operation, name, quantity, price| Order {
        operation,
        stock_name: stock(name),
        quantity: number(quantity),
        price,
    };
    let orders = vec![
        order(Operation::Buy, "BRK.B", "1", None),
        order(Operation::Sell, "shib/usd", "1000000", Some(bare)),
        order(Operation::Buy, "BTCUSDT", "0.004", Some(usd)),
    ];
    let order = |operation, quantity, price| v1::Order {
        operation,
        stock_name: v1::StockName::new("AAPL").unwrap(),
        quantity,
        price,
    };
    let price = |ten_thousandths, currency| Some(v1::Price { ten_thousandths, currency });
    let first = vec![
        order(Operation::Buy, 1, None),
        order(Operation::Sell, 30, price(1_875_000, Some(v1::Currency(*b"USD")))),
        order(Operation::Sell, 2, price(13, None)),
    ];
    [
        orders::Command::PlaceOrders(PlaceOrders { orders }),
        orders::Command::PlaceOrdersV1(v1::PlaceOrders { orders: first }),
    ]
}

#[test]
fn every_kind_of_block_says_what_was_done_with_amounts_as_people_see_them() {
    let usd = Currency { name: "USD".to_owned(), scale: 2 };
    let forge = every_kind();
    let said: Vec<String> = forge.blocks.iter().map(|block| done(block, &usd)).collect();
    let id = |byte: &str| byte.repeat(16);
    let [phone, next] = new_keys().map(|key| key.public().key_id());
    let ended = member_key(1).public().key_id();
    let scope = forge.state().scopes.newest(ScopeKind::Subject, 1).unwrap();
    let (roams, joined) = (roaming_key().public().key_id(), joined_scope_key(&forge));
    let (due, bought) = of_purchases(&forge);
    let expected = [
        format!(
            "  genesis of the ledger ledger.example/test, id {}\n  money is UNIT with 0 decimals; every new account receives 1000 UNIT\n",
            forge.ledger_id
        ),
        "  register #1 as anna\n".to_owned(),
        "  register #2 as bert\n".to_owned(),
        "  register #3 as cleo\n".to_owned(),
        "  pay 1.50 USD to #2: tea\\u{202e}\n  pay 0.05 USD to #3\n".to_owned(),
        "  issue 1000.00 USD to #2\n".to_owned(),
        "  grant #2 the role operator\n".to_owned(),
        "  revoke from #2 the role operator\n".to_owned(),
        "  vouch clock: it is 2025-12-31T23:00:00.000000Z\n".to_owned(),
        format!("  settle 0.70 USD from #1, cheque {}: tea\n", id("09")),
        format!("  revoke cheque {}\n", id("07")),
        "  sell          3 AAPL at 176.0003 USD\n".to_owned(),
        "  buy           1 BRK.B\n  sell    1000000 shib/usd at 0.000013\n  buy       0.004 BTCUSDT at 187.5 USD\n"
            .to_owned(),
        "  buy           1 AAPL\n  sell         30 AAPL at 187.5 USD\n  sell          2 AAPL at 0.0013\n".to_owned(),
        format!("  add key device, which is {phone} of ed25519, custody device, rights act\n"),
        format!("  rotate key to rotated, which is {next} of ed25519, custody file; ended: {ended}\n"),
        format!("  end key {phone}\n"),
        format!("  set profile, opening a scope whose key is committed to as {}\n", "05".repeat(32)),
        format!("  set profile, sealed in the scope {scope}\n"),
        "  erase #3, reason requested, by force: true\n".to_owned(),
        "  pay out 2.50 USD of #3 to #2, reason heirs\n".to_owned(),
        format!(
            "  register #4 as dora, custody roaming, opening a scope whose key is committed to as {joined}, password number 1, committed to as {}\n",
            "08".repeat(32)
        ),
        format!(
            "  set credential of the key {roams}, by recovery, password number 2, committed to as {}\n",
            "09".repeat(32)
        ),
        "  set second factor number 1\n".to_owned(),
        "  set second factor number 2, which is none: true\n".to_owned(),
        "  set second factor number 3\n".to_owned(),
        "  reset second factor of #1, reason lost\n".to_owned(),
        "  grant #1 the role agent\n".to_owned(),
        "  open shop, the till is #2, agent_limit 5.00 USD, ship_by 3, return_window 0, missing_after 1\n".to_owned(),
        "  add item 1, Caterpie, at 0.09 USD\n".to_owned(),
        "  stock in item 1, units 5, reason correction\n".to_owned(),
        "  stock out item 1, units 1, reason damaged\n".to_owned(),
        "  publish item 1, units 3, at 0.08 USD\n".to_owned(),
        "  unpublish item 1, units 1\n".to_owned(),
        "  unpublish item 1, units 2, off sale from now on: true\n".to_owned(),
        "  set price item 1, at 0.10 USD\n".to_owned(),
        "  load stock Mewtwo, units 1, at 2.50 USD, on sale: true\n  load stock caterpie, units 4, on sale: true\n".to_owned(),
        "  purchase 1: item 2, units 1, at 2.50 USD\n  purchase 1: item 1, units 2, at 0.10 USD\n".to_owned(),
        "  purchase 2: item 1, units 1, at 0.10 USD\n".to_owned(),
        "  purchase 3: item 1, units 1, at 0.10 USD\n".to_owned(),
        "  cancel of purchase 1, units left 2, refund 0.10 USD\n  cancel units of purchase 1: item 1, units 1\n".to_owned(),
        "  cancel of purchase 1, units left 0, refund 2.60 USD\n".to_owned(),
        format!("  confirm shipment of purchase 2, opening a scope whose key is committed to as {}, to be sent by {}\n", "05".repeat(32), due[0]),
        format!("  confirm shipment of purchase 3, to be sent by {}\n", due[1]),
        format!("  ship of purchase 2, sealed in the scope {bought}, received by {}\n", due[2]),
        format!("  ship of purchase 3, received by {}\n", due[3]),
        format!("  confirm receipt of purchase 2, to be returned by {}\n", due[4]),
        "  release 0.10 USD of purchase 2, to the till #2\n".to_owned(),
        format!("  report missing of purchase 3, to be found by {}\n", due[5]),
        format!("  ship of purchase 3, which was missing: true, received by {}\n", due[6]),
        format!("  report missing of purchase 3, to be found by {}\n", due[7]),
        "  refund missing of purchase 3, refund 0.10 USD\n".to_owned(),
        "  leave till\n".to_owned(),
    ];
    assert_eq!(said, expected);
    assert!(words(&forge.blocks[0], &usd).starts_with("block 0  "));
}

#[test]
fn every_kind_of_block_has_its_json_with_and_without_the_currency() {
    let usd = Currency { name: "USD".to_owned(), scale: 2 };
    let forge = every_kind();
    let (nine, seven) = ("09".repeat(16), "07".repeat(16));
    let [phone, next] = new_keys().map(|key| key.public().key_id());
    let ended = member_key(1).public().key_id();
    let scope = forge.state().scopes.newest(ScopeKind::Subject, 1).unwrap();
    let (roams, joined) = (roaming_key().public().key_id(), joined_scope_key(&forge));
    let (due, bought) = of_purchases(&forge);
    let five = "05".repeat(32);
    let expected = [
        r#""Genesis Block""#,
        r#"{"user_id":1,"operation_type":"register","handle":"anna"}"#,
        r#"{"user_id":2,"operation_type":"register","handle":"bert"}"#,
        r#"{"user_id":3,"operation_type":"register","handle":"cleo"}"#,
        "[{\"user_id\":1,\"operation_type\":\"pay\",\"to\":2,\"amount\":\"1.50\",\"minor\":\"150\",\"memo\":\"tea\u{202e}\"},\
         {\"user_id\":1,\"operation_type\":\"pay\",\"to\":3,\"amount\":\"0.05\",\"minor\":\"5\"}]",
        r#"{"user_id":1,"operation_type":"issue","to":2,"amount":"1000.00","minor":"100000"}"#,
        r#"{"user_id":1,"operation_type":"grant","account":2,"role":"operator"}"#,
        r#"{"user_id":1,"operation_type":"revoke","account":2,"role":"operator"}"#,
        r#"{"user_id":1,"operation_type":"vouch_clock","time":"2025-12-31T23:00:00.000000Z"}"#,
        &format!(
            r#"{{"user_id":2,"operation_type":"settle","from":1,"amount":"0.70","minor":"70","cheque_id":"{nine}","memo":"tea"}}"#
        ),
        &format!(r#"{{"user_id":2,"operation_type":"revoke_cheque","cheque_id":"{seven}"}}"#),
        r#"{"user_id":1,"operation_type":"sell","stock_name":"AAPL","quantity":3,"price":"176.0003","currency":"USD"}"#,
        concat!(
            r#"[{"user_id":1,"operation_type":"buy","stock_name":"BRK.B"},"#,
            r#"{"user_id":1,"operation_type":"sell","stock_name":"shib/usd","quantity":1000000,"price":"0.000013"},"#,
            r#"{"user_id":1,"operation_type":"buy","stock_name":"BTCUSDT","quantity":"0.004","price":"187.5","currency":"USD"}]"#,
        ),
        concat!(
            r#"[{"user_id":1,"operation_type":"buy","stock_name":"AAPL"},"#,
            r#"{"user_id":1,"operation_type":"sell","stock_name":"AAPL","quantity":30,"price":"187.5","currency":"USD"},"#,
            r#"{"user_id":1,"operation_type":"sell","stock_name":"AAPL","quantity":2,"price":"0.0013"}]"#,
        ),
        &format!(
            r#"{{"user_id":1,"operation_type":"add_key","label":"device","key_id":"{phone}","kind":"ed25519","custody":"device","rights":"act"}}"#
        ),
        &format!(
            r#"{{"user_id":2,"operation_type":"rotate_key","label":"rotated","key_id":"{next}","kind":"ed25519","custody":"file","ends":"{ended}"}}"#
        ),
        &format!(r#"{{"user_id":1,"operation_type":"end_key","key_id":"{phone}"}}"#),
        &format!(r#"{{"user_id":1,"operation_type":"set_profile","scope_key":"{five}"}}"#),
        &format!(r#"{{"user_id":1,"operation_type":"set_profile","scope":"{scope}"}}"#),
        r#"{"user_id":1,"operation_type":"erase","account":3,"reason":"requested","force":"true"}"#,
        r#"{"user_id":1,"operation_type":"pay_out","account":3,"to":2,"amount":"2.50","minor":"250","reason":"heirs"}"#,
        &format!(
            r#"{{"user_id":4,"operation_type":"register","handle":"dora","custody":"roaming","scope_key":"{joined}","epoch":"1","commit":"{}"}}"#,
            "08".repeat(32)
        ),
        &format!(
            r#"{{"user_id":4,"operation_type":"set_credential","key_id":"{roams}","via":"recovery","epoch":"2","commit":"{}"}}"#,
            "09".repeat(32)
        ),
        r#"{"user_id":1,"operation_type":"set_second_factor","generation":"1"}"#,
        r#"{"user_id":1,"operation_type":"set_second_factor","generation":"2","off":"true"}"#,
        r#"{"user_id":1,"operation_type":"set_second_factor","generation":"3"}"#,
        r#"{"user_id":1,"operation_type":"reset_second_factor","account":1,"reason":"lost"}"#,
        r#"{"user_id":1,"operation_type":"grant","account":1,"role":"agent"}"#,
        r#"{"user_id":1,"operation_type":"open_shop","till":2,"agent_limit":"5.00","agent_limit_minor":"500","ship_by":3,"return_window":0,"missing_after":1}"#,
        r#"{"user_id":1,"operation_type":"add_item","item":1,"name":"Caterpie","price":"0.09","price_minor":"9"}"#,
        r#"{"user_id":1,"operation_type":"stock_in","item":1,"quantity":5,"reason":"correction"}"#,
        r#"{"user_id":1,"operation_type":"stock_out","item":1,"quantity":1,"reason":"damaged"}"#,
        r#"{"user_id":1,"operation_type":"publish","item":1,"quantity":3,"price":"0.08","price_minor":"8"}"#,
        r#"{"user_id":1,"operation_type":"unpublish","item":1,"quantity":1}"#,
        r#"{"user_id":1,"operation_type":"unpublish","item":1,"quantity":2,"off_sale":"true"}"#,
        r#"{"user_id":1,"operation_type":"set_price","item":1,"price":"0.10","price_minor":"10"}"#,
        concat!(
            r#"[{"user_id":1,"operation_type":"load_stock","name":"Mewtwo","quantity":1,"price":"2.50","price_minor":"250","on_sale":"true"},"#,
            r#"{"user_id":1,"operation_type":"load_stock","name":"caterpie","quantity":4,"on_sale":"true"}]"#,
        ),
        concat!(
            r#"[{"user_id":4,"operation_type":"purchase","purchase":1,"item":2,"quantity":1,"price":"2.50","price_minor":"250"},"#,
            r#"{"user_id":4,"operation_type":"purchase","purchase":1,"item":1,"quantity":2,"price":"0.10","price_minor":"10"}]"#,
        ),
        r#"{"user_id":4,"operation_type":"purchase","purchase":2,"item":1,"quantity":1,"price":"0.10","price_minor":"10"}"#,
        r#"{"user_id":4,"operation_type":"purchase","purchase":3,"item":1,"quantity":1,"price":"0.10","price_minor":"10"}"#,
        concat!(
            r#"[{"user_id":1,"operation_type":"cancel","purchase":1,"left":2,"refund":"0.10","refund_minor":"10"},"#,
            r#"{"user_id":1,"operation_type":"cancel_units","purchase":1,"item":1,"quantity":1}]"#,
        ),
        r#"{"user_id":4,"operation_type":"cancel","purchase":1,"left":0,"refund":"2.60","refund_minor":"260"}"#,
        &format!(
            r#"{{"user_id":4,"operation_type":"confirm_shipment","purchase":2,"scope_key":"{five}","ship_by":"{}"}}"#,
            due[0]
        ),
        &format!(
            r#"{{"user_id":4,"operation_type":"confirm_shipment","purchase":3,"ship_by":"{}"}}"#,
            due[1]
        ),
        &format!(
            r#"{{"user_id":1,"operation_type":"ship","purchase":2,"scope":"{bought}","received_by":"{}"}}"#,
            due[2]
        ),
        &format!(r#"{{"user_id":1,"operation_type":"ship","purchase":3,"received_by":"{}"}}"#, due[3]),
        &format!(
            r#"{{"user_id":4,"operation_type":"confirm_receipt","purchase":2,"return_by":"{}"}}"#,
            due[4]
        ),
        r#"{"user_id":1,"operation_type":"release","purchase":2,"amount":"0.10","minor":"10","till":2}"#,
        &format!(r#"{{"user_id":4,"operation_type":"report_missing","purchase":3,"found_by":"{}"}}"#, due[5]),
        &format!(
            r#"{{"user_id":1,"operation_type":"ship","purchase":3,"found":"true","received_by":"{}"}}"#,
            due[6]
        ),
        &format!(r#"{{"user_id":4,"operation_type":"report_missing","purchase":3,"found_by":"{}"}}"#, due[7]),
        r#"{"user_id":1,"operation_type":"refund_missing","purchase":3,"refund":"0.10","refund_minor":"10"}"#,
        r#"{"user_id":2,"operation_type":"leave_till"}"#,
    ];
    let with: Vec<String> = forge.blocks.iter().map(|block| data(block, Some(&usd))).collect();
    assert_eq!(with, expected);
    let issued = data(&forge.blocks[5], None);
    assert_eq!(issued, r#"{"user_id":1,"operation_type":"issue","to":2,"minor":"100000"}"#);
}

#[test]
fn what_somebody_wrote_is_escaped_in_json() {
    let mut forge = Forge::with_money(43);
    let payment = |memo: &str| Payment { to: AccountId(2), amount: 1, memo: memo.to_owned() };
    let pay = Pay { payments: vec![payment("\"a\\b\"/é")] };
    let draft = forge.draft(0, AccountId(1), &Command::Payments(payments::Command::Pay(pay)));
    forge.push(&draft);
    let data = data(forge.blocks.last().unwrap(), None);
    let memo = serde_json::from_str::<serde_json::Value>(&data).unwrap()["memo"].clone();
    assert_eq!(
        (memo.as_str(), data.contains(r#""memo":"\"a\\b\"/é""#)),
        (Some("\"a\\b\"/é"), true),
        "{data}"
    );
}

#[test]
fn what_is_no_block_is_not_put_into_words() {
    let currency = Currency::default();
    let forge = Forge::with_orders(42, 1);
    let block = forge.blocks.last().unwrap();
    for bad in [&b""[..], &block[..block.len() - 1]] {
        assert!(write_block(bad, &currency, &mut String::new()).is_err());
    }
}
