//! Blocks as people read them at a terminal: every kind of block says what was done in it.

use ledgerd::cli::block_words::write_block;
use ledgerd::domain::accounts::{self, GrantRole, RevokeRole, Role};
use ledgerd::domain::payments::{self, Currency, Issue, Pay, Payment};
use ledgerd::domain::{AccountId, Command};

use crate::forge::Forge;

fn words(block: &[u8], currency: &Currency) -> String {
    let mut out = Vec::new();
    write_block(block, currency, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What a block says was done, without its first line.
fn done(block: &[u8], currency: &Currency) -> String {
    let words = words(block, currency);
    let (first, rest) = words.split_once('\n').unwrap();
    assert!(first.starts_with("block ") && first.contains("  2026-01-01T00:00:0"), "{first}");
    rest.to_owned()
}

#[test]
fn every_kind_of_block_says_what_was_done_with_amounts_as_people_see_them() {
    let usd = Currency { name: "USD".to_owned(), scale: 2 };
    let mut forge = Forge::with_money(41);
    let (first, second) = (AccountId(1), AccountId(2));
    let payment =
        |to: u64, amount: i64, memo: &str| Payment { to: AccountId(to), amount, memo: memo.to_owned() };
    let pay = Pay { payments: vec![payment(2, 150, "tea\u{202e}"), payment(3, 5, "")] };
    let order = forge.cheque(0, 1, 9);
    let role = Role::Operator;
    let commands = [
        Command::Payments(payments::Command::Pay(pay)),
        Command::Payments(payments::Command::Issue(Issue { to: second, amount: 100_000 })),
        Command::Accounts(accounts::Command::GrantRole(GrantRole { account: second, role })),
        Command::Accounts(accounts::Command::RevokeRole(RevokeRole { account: second, role })),
    ];
    for command in &commands {
        let draft = forge.draft(0, first, command);
        forge.push(&draft);
    }
    for draft in [forge.settlement(1, 0, &order), forge.revocation(1, 7), forge.order(0, 3)] {
        forge.push(&draft);
    }
    let said: Vec<String> = forge.blocks.iter().map(|block| done(block, &usd)).collect();
    let id = |byte: &str| byte.repeat(16);
    let expected = [
        format!(
            "  genesis of the ledger ledger.example/test, id {}\n  money is UNIT with 0 decimals; every new account receives 1000 UNIT\n",
            forge.ledger_id
        ),
        "  register anna as #1\n".to_owned(),
        "  register bert as #2\n".to_owned(),
        "  register cleo as #3\n".to_owned(),
        "  pay 1.50 USD to #2: tea\\u{202e}\n  pay 0.05 USD to #3\n".to_owned(),
        "  issue 1000.00 USD to #2\n".to_owned(),
        "  grant operator to #2\n".to_owned(),
        "  revoke operator from #2\n".to_owned(),
        format!("  settle 0.70 USD from #1 to #2, cheque {}: tea\n", id("09")),
        format!("  revoke cheque {}\n", id("07")),
        "  sell          3 AAPL at 176.0003 USD\n".to_owned(),
    ];
    assert_eq!(said, expected);
    assert!(words(&forge.blocks[0], &usd).starts_with("block 0  "));
}

#[test]
fn what_is_no_block_is_not_put_into_words() {
    let currency = Currency::default();
    let forge = Forge::with_orders(42, 1);
    let block = forge.blocks.last().unwrap();
    for bad in [&b""[..], &block[..block.len() - 1]] {
        assert!(write_block(bad, &currency, &mut Vec::new()).is_err());
    }
}
