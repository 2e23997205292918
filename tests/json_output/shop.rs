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
    seen(
        "shop open",
        "bank",
        &[
            "shop",
            "open",
            "--till",
            "carl",
            "--agent-limit",
            "5",
            "--setting",
            "return_window=0",
            "--consent",
            file,
        ],
    );
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
    place.join("eve", at);
    let text = place.directory.path().join("text.txt");
    std::fs::write(&text, "1 Quiet Lane").unwrap();
    let text = text.to_str().unwrap();
    seen("shop buy", "eve", &["shop", "buy", "caterpie=2", "#3"]);
    seen("shop cancel, desk cancel", "eve", &["shop", "cancel", "1", "#3"]);
    seen("shop cancel, desk cancel", "dora", &["desk", "cancel", "1", "caterpie=1"]);
    seen("shop purchases, desk purchases", "eve", &["shop", "purchases"]);
    seen("shop confirm --shipment", "eve", &["shop", "confirm", "1", "--shipment", "--address-file", text]);
    seen("desk ship", "dora", &["desk", "ship", "1", "--tracking-file", text]);
    seen("shop confirm --receipt", "eve", &["shop", "confirm", "1", "--receipt"]);
    seen("desk release", "dora", &["desk", "release", "1"]);
    seen("shop purchases, desk purchases", "dora", &["desk", "purchases"]);
    let whole = seen("shop purchase, desk purchase", "eve", &["shop", "purchase", "1"]).remove(0);
    seen("shop purchase, desk purchase", "dora", &["desk", "purchase", "1"]);
    seen("shop leave-till", "carl", &["shop", "leave-till"]);
    for part in ["lines", "steps", "texts"] {
        reference.holds(&format!("a purchase, one of {part}"), &whole[part][0]);
    }
    drop::<Daemon>(daemon);
    let place = Place::new();
    let daemon = crate::purchases_later::old_shop(&place);
    let at = daemon.address.as_str();
    let mut seen = |label: &str, member: &str, arguments: &[&str]| {
        reference.hold(label, &place.done(member, at, &[&["--json"], arguments].concat()))
    };
    seen("shop missing", "carl", &["shop", "missing", "2"]);
    seen("shop refund, desk refund", "dora", &["desk", "refund", "2"]);
    seen("shop refund, desk refund", "carl", &["shop", "refund", "3"]);
    drop::<Daemon>(daemon);
}
