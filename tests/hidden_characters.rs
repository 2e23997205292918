//! Characters that nobody can see: new memos may not hold them, and what old blocks hold is written out wherever it
//! is shown or exported.

use ledgerd::chain::{CommandId, Header};
use ledgerd::client::{ClientError, Home, Member, Reopen as _, Waited};
use ledgerd::domain::payments::{self, Pay, Payment};
use ledgerd::domain::{AccountId, Command};
use ledgerd::text::{first_hidden, is_hidden};
use ledgerd::wire::{Reply, Request, Submission};

use crate::binaries::{Daemon, Place};
use crate::recorded::{load, write_to};

const NOBODY: &str = "127.0.0.1:1";

fn hides(text: &str) -> Option<char> {
    text.chars().find(|c| !matches!(c, '\n' | '\r') && is_hidden(*c))
}

#[test]
fn what_hides_in_an_old_block_is_written_out_wherever_it_is_exported() {
    let place = Place::new();
    let ledger = place.directory.path().join("old");
    write_to(&ledger, &load("old-rules"));
    let ledger = ledger.to_str().unwrap();
    for format in [&[][..], &["--raw"], &["--format=hledger"], &["--format=beancount"], &["--format=csv"]] {
        let said = place.done("nobody", NOBODY, &[&["export", ledger], format].concat());
        assert_eq!(hides(&said), None, "{format:?}");
        assert!(said.contains("\\u202e"), "{format:?}");
    }
    let lines = place.done("nobody", NOBODY, &["export", ledger, "--format=jsonl"]);
    assert_eq!(hides(&lines), None);
    let memos = lines.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["memo"].as_str().and_then(first_hidden)
    });
    assert!(memos.count() >= 10, "a program that reads the JSON finds the memo as it was signed");
}

/// Sends a payment of 1 with this memo as a program without our client's checks would.
fn pay_raw(member: &mut Member, to: u64, memo: &str) -> Result<Reply, String> {
    let payment = Payment { to: AccountId(to), amount: 1, memo: memo.to_owned() };
    let command = Command::Payments(payments::Command::Pay(Pay { payments: vec![payment] }));
    let (tag, body) = command.encode();
    let header = Header {
        ledger_id: member.server().ledger_id,
        account: AccountId(member.account().account),
        key_id: member.key().public().key_id(),
        command_id: CommandId(ledgerd::crypto::random::bytes(&mut ledgerd::crypto::random::os())),
        issued_at: jiff::Timestamp::now().as_millisecond() as u64,
        tag,
    };
    let message = header.message(&body);
    let signature = member.key().sign(&mut ledgerd::crypto::random::os(), &[&message]);
    let submission = Submission { message: &message, signature: &signature };
    let connection = member.connection();
    connection.send(&Request::Submit(submission)).unwrap();
    match connection.wait(None).unwrap() {
        Waited::Reply(_, Reply::Refused(refusal)) => Err(ClientError::Refused(refusal).to_string()),
        Waited::Reply(_, reply) => Ok(reply),
        Waited::TimedOut | Waited::Woken => Err("no answer came".to_owned()),
    }
}

#[test]
fn a_new_memo_with_a_hidden_character_is_refused_by_client_and_server() {
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=100"]);
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let typed = place.ends(2, "alice", at, &["pay", "bob", "1", "--memo", "gift\u{202e}"]);
    assert!(typed.contains("memo") && typed.contains("U+202E"), "{typed}");

    let home = Home::open(Some(&place.directory.path().join("alice"))).unwrap();
    let mut alice = Member::open(&home, &at.parse().unwrap(), &mut |_| None).unwrap();
    for memo in ["a\u{202e}b", "\u{200b}", "two\u{2028}lines", "\u{fdd0}", "\u{e0041}"] {
        let refused = pay_raw(&mut alice, 2, memo).unwrap_err();
        assert!(refused.contains("invalid_memo") && refused.contains("payment 1"), "{refused}");
    }
    assert!(matches!(pay_raw(&mut alice, 2, "Zoë ❤\u{fe0f}"), Ok(Reply::Accepted(_))));
}
