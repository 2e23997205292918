//! What the commands about the shop print.

use super::Reference;
use crate::binaries::{Daemon, Place};

/// On a ledger of its own, which has a shop.
pub(super) fn hold(reference: &mut Reference) {
    let place = Place::new();
    let daemon = crate::shop::ledger(&place);
    let at = daemon.address.as_str();
    let mut seen = |label: &str, member: &str, arguments: &[&str]| {
        reference.hold(label, &place.done(member, at, &[&["--json"], arguments].concat()))
    };
    let consent = &seen("shop consent", "carl", &["shop", "consent", "bank"])[0]["consent"].clone();
    let file = place.directory.path().join("till.consent");
    std::fs::write(&file, consent.as_str().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    seen("shop open", "bank", &["shop", "open", "--till", "carl", "--agent-limit", "5", "--consent", file]);
    seen("shop settings", "carl", &["shop", "settings"]);
    seen("stock add, stock price", "dora", &["stock", "add", "Mew"]);
    seen("stock add, stock price", "dora", &["stock", "price", "mew", "2.50"]);
    seen("stock in, stock out", "dora", &["stock", "in", "#1", "3"]);
    seen("stock in, stock out", "dora", &["stock", "out", "mew", "1", "--reason", "given"]);
    seen("stock publish", "dora", &["stock", "publish", "mew"]);
    seen("stock unpublish", "dora", &["stock", "unpublish", "mew"]);
    seen("stock load", "dora", &["stock", "load", crate::shop::CARDS, "--publish"]);
    seen("stock list", "dora", &["stock", "list"]);
    seen("shop catalogue", "carl", &["shop", "catalogue", "mew"]);
    seen("shop leave-till", "carl", &["shop", "leave-till"]);
    drop::<Daemon>(daemon);
}
