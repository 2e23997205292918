//! What is nobody else's business, and what carries no signature. Of what is secret nothing is ever printed.

use std::path::Path;

use super::known::Known;
use super::{Check, Shown};
use crate::chain::armour;
use crate::client::orders_input::{Layout, read_orders};
use crate::client::{Account, payments_input};
use crate::crypto::SigningKey;

/// Files of a ledger's directory, by their first bytes.
const BINARY: [(&[u8], &str, &str); 2] = [
    (
        b"ledgerd segment\0",
        "segment",
        "a part of a ledger's log: blocks of the index in its name and after it",
    ),
    (b"LDGANCH1", "anchor", "a ledger's anchor: how far its log is known to be on disk"),
];

pub(super) fn binary(bytes: &[u8]) -> Option<Shown> {
    let (_, kind, title) = BINARY.iter().find(|(magic, ..)| bytes.starts_with(magic))?;
    let audit = "anything: `ledgerctl audit` checks the directory that it belongs to";
    Some(Shown::new(kind, *title).check(Check::Open(audit.to_owned())))
}

/// A private key, encrypted or not.
pub(super) fn private_key(text: &str, known: &Known) -> Option<Shown> {
    if armour::pem(text, "ENCRYPTED PRIVATE KEY").is_ok() {
        let title = "a private key, encrypted with a passphrase: whoever has both can sign as its owner";
        let shown = Shown::new("private_key", title).fact_as("encrypted", true, "with a passphrase");
        return Some(shown.check(Check::Open("whose it is: that takes the passphrase".to_owned())));
    }
    let pem = zeroize::Zeroizing::new(armour::pem(text, "PRIVATE KEY").ok()?);
    let title = "a private key that is NOT encrypted: whoever reads this file can sign as its owner";
    let shown = Shown::new("private_key", title).fact_as("encrypted", false, "no");
    let key = match SigningKey::from_pkcs8_pem(&pem, None) {
        Ok(key) => key.public().clone(),
        Err(error) => return Some(shown.check(Check::Wrong(error.to_string()))),
    };
    let own = known.own_key(key.key_id()).is_some();
    let owner = if own { "you: it is a key of this home" } else { "not known here" };
    Some(shown.fact("key_id", key.key_id()).fact_as("owner", owner, owner))
}

/// A file of a member's home directory.
pub(super) fn of_home(text: &str, path: &Path) -> Option<Shown> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    // Behind the account's line there is a checksum.
    let first = text.lines().next().unwrap_or_default();
    if let Ok(account) = serde_json::from_str::<Account>(first) {
        let title = "which account this home has on a ledger";
        let shown = Shown::new("account", title)
            .fact_as("user_id", account.account, format!("#{}", account.account))
            .fact("handle", account.handle)
            .fact("key_id", account.key_id);
        let ledger = super::signed::ledger_of(name);
        return Some(ledger.into_iter().fold(shown, |shown, ledger| shown.fact("ledger_id", ledger)));
    }
    let secret = match (folder, name) {
        (_, "witness.key") => {
            ("witness_private_key", "a witness's private key: whoever reads it can cosign as it")
        }
        ("tickets", _) => {
            ("ticket", "a ticket with which this home resumes its session: secret, and soon over")
        }
        ("pending", _) => ("run", "what a run of a command did: kept until its outcome was told"),
        ("servers", name) if name.ends_with(".genesis") => {
            ("genesis", "the first block of a ledger, in hexadecimal")
        }
        ("newest", _) => ("newest", "the newest own block that a server acknowledged or proved"),
        (_, name) if name.ends_with(".newest") => {
            ("newest", "the newest own block that a server acknowledged or proved")
        }
        (_, "known_servers") => (
            "known_servers",
            "the servers that a home knows, with the addresses and the newest checkpoint of each",
        ),
        _ => return None,
    };
    Some(Shown::new(secret.0, secret.1))
}

/// What a command reads: nobody has signed it yet.
pub(super) fn input(text: &str) -> Option<Shown> {
    let unsigned = || Check::Open("nothing: nobody has signed it yet".to_owned());
    let mut orders = 0u64;
    let read = read_orders(text.as_bytes(), &Layout::Json, &mut |_| {
        orders += 1;
        Ok(())
    });
    if read.is_ok() && orders > 0 {
        let shown = Shown::new("orders", "orders to buy and to sell, for `ledgerctl add`");
        return Some(shown.fact_as("orders", orders, orders.to_string()).check(unsigned()));
    }
    let payments = payments_input::file("", text.as_bytes()).ok()?;
    let shown = Shown::new("payments", "payments, for `ledgerctl pay --file`");
    let count = payments.len() as u64;
    (count > 0).then(|| shown.fact_as("payments", count, count.to_string()).check(unsigned()))
}
