//! The order in which a command's faults are answered, as docs/wire-protocol.md gives it: a client that mends what it is
//! told gets on, and nothing of a stranger's is answered with what only an author should learn.

use ledgerd::domain::payments::{self, Pay, Payment};
use ledgerd::domain::{AccountId, Command};
use ledgerd::limits::Limits;
use ledgerd::wire::Reply;

use crate::service_world::{START_MS, World};

/// Offsets in M: docs/log-format.md.
const LEDGER_ID: usize = 19;
const ACCOUNT: usize = 51;
const KIND: usize = 117;

/// A day and more.
const LONG_MS: u64 = 25 * 60 * 60 * 1_000;

fn pay(to: u64, memo: &str) -> Command {
    let payment = Payment { to: AccountId(to), amount: 1, memo: memo.to_owned() };
    Command::Payments(payments::Command::Pay(Pay { payments: vec![payment] }))
}

/// Where each name stands in the table, the first row being 0.
fn place_in_table(name: &str, after: usize) -> usize {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wire-protocol.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("### Of any command, before its rules").unwrap();
    let section = section.split("\n###").next().unwrap_or_default();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| 2")).collect();
    let found = rows.iter().enumerate().skip(after).find(|(_, row)| row.contains(&format!("`{name}`")));
    found.unwrap_or_else(|| panic!("{name} does not stand in the table from row {after} on")).0
}

#[test]
fn a_command_with_every_fault_is_told_them_in_the_order_of_the_reference() {
    let mut world = World::new(Limits::default(), |_| ());
    let mut client = world.member("192.0.2.1", 0);
    // Everything is wrong: time, signature, kind, account, ledger, and a byte is missing. One fault after the other is
    // mended, and the next one is told.
    let mut told = Vec::new();
    let mut tell = |world: &mut World, good, old, change: &dyn Fn(&mut Vec<u8>), to, memo| {
        let issued_at = if old { START_MS - LONG_MS } else { START_MS };
        let command = pay(to, memo);
        let signed = world.command_with(0, issued_at, &command, good, change);
        match world.submit(&mut client, &signed) {
            Reply::Refused(refusal) => told.push(refusal.name),
            other => panic!("{other:?}"),
        }
    };
    let account = |m: &mut Vec<u8>| m[ACCOUNT + 7] = 2;
    let kind = |m: &mut Vec<u8>| m[KIND] = 0x7f;
    let ledger = |m: &mut Vec<u8>| m[LEDGER_ID] ^= 1;
    let short = |m: &mut Vec<u8>| m.truncate(m.len() - 1);
    let all = |parts: &'static [u8]| {
        move |m: &mut Vec<u8>| {
            for part in parts {
                match part {
                    0 => account(m),
                    1 => kind(m),
                    2 => ledger(m),
                    _ => short(m),
                }
            }
        }
    };
    tell(&mut world, false, true, &all(&[0, 1, 2, 3]), 1, "\u{202e}");
    tell(&mut world, false, true, &all(&[0, 1, 2]), 1, "\u{202e}");
    tell(&mut world, false, true, &all(&[0, 1]), 1, "\u{202e}");
    tell(&mut world, false, true, &all(&[1]), 1, "\u{202e}");
    tell(&mut world, true, true, &all(&[1]), 1, "\u{202e}");
    tell(&mut world, true, false, &all(&[1]), 1, "\u{202e}");
    tell(&mut world, true, false, &all(&[]), 1, "\u{202e}");
    tell(&mut world, true, false, &all(&[]), 1, "");
    assert_eq!(
        told,
        [
            "malformed_command",
            "other_ledger",
            "no_permission",
            "bad_signature",
            "issued_at_out_of_range",
            "malformed_command",
            "invalid_memo",
            "self_payment"
        ]
    );
    let mut row = 0;
    for name in &told[..told.len() - 1] {
        row = place_in_table(name, row);
    }
}
