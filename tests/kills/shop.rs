//! A shop that is opened, and a stock that is loaded, by a client that is killed.

use ledgerd::client::{Home, Member};

use super::{Killed, World, done_once_wherever_it_is_killed, strace_is_here, words};
use crate::binaries::Place;
use crate::shop::{CARDS, ledger};

fn world() -> World {
    let place = Place::new();
    let daemon = ledger(&place);
    let at = daemon.address.clone();
    place.join("watcher", &at);
    let home = Home::open(Some(&place.directory.path().join("watcher"))).unwrap();
    let watcher = Member::open(&home, &at.parse().unwrap(), &mut |_| None).unwrap();
    World { place, at, watcher, _daemon: daemon }
}

#[test]
fn a_shop_is_opened_and_a_stock_is_loaded_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = world();
    // The id of this command stands in the consent, which each run has anew: given again, it is the same command for ever.
    let mut open = |world: &World, run: usize| {
        let consent = world.place.done("carl", &world.at, &["shop", "consent", "bank"]);
        let file = world.place.directory.path().join(format!("consent-{run}"));
        std::fs::write(&file, consent).unwrap();
        let file = file.display().to_string();
        words(&["shop", "open", "--till", "carl", "--agent-limit", "5", "--consent", &file])
    };
    let mut killed =
        Killed { member: "bank", arguments: &mut open, blocks: 1, lines: 1, is_repeatable: true };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    let mut load = |_: &World, _: usize| words(&["stock", "load", CARDS, "--publish"]);
    let mut killed =
        Killed { member: "dora", arguments: &mut load, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}

#[test]
fn something_is_bought_and_may_be_sent_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let place = Place::new();
    let daemon = crate::purchases::with_a_shop(&place);
    let at = daemon.address.clone();
    place.join("watcher", &at);
    let home = Home::open(Some(&place.directory.path().join("watcher"))).unwrap();
    let watcher = Member::open(&home, &at.parse().unwrap(), &mut |_| None).unwrap();
    // Enough for as many purchases as there are calls to kill at.
    place.done("dora", &at, &["stock", "add", "Penny", "--price", "0.01"]);
    place.done("dora", &at, &["stock", "in", "Penny", "1000000"]);
    place.done("dora", &at, &["stock", "publish", "Penny"]);
    let mut world = World { place, at, watcher, _daemon: daemon };
    let mut buy = |_: &World, _: usize| words(&["shop", "buy", "Penny"]);
    let mut killed =
        Killed { member: "carl", arguments: &mut buy, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    // Each run has a purchase of its own, and opens its scope.
    let address = world.place.directory.path().join("address.txt");
    std::fs::write(&address, "1 Quiet Lane").unwrap();
    let address = address.display().to_string();
    let mut confirm = |world: &World, _: usize| {
        let bought = world.place.done("carl", &world.at, &["--json", "shop", "buy", "Penny"]);
        let bought: serde_json::Value = serde_json::from_str(&bought).unwrap();
        let purchase = bought["purchase"].to_string();
        words(&["shop", "confirm", &purchase, "--shipment", "--address-file", &address])
    };
    let mut killed =
        Killed { member: "carl", arguments: &mut confirm, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}
