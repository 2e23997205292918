//! The load generator against a real daemon: what it counts is what the ledger holds.

use std::time::Duration;

use ledgerd::client::bench::Outcome;
use ledgerd::wire::{Refusal, Reply};
use serde_json::Value;

use super::binaries::{Daemon, Place};

/// A daemon whose every account is rich, and a home that knows it. It takes one registration at a time, so that
/// the generator has to wait for its accounts.
fn start(place: &Place) -> Daemon {
    let config = place.directory.path().join("ledgerd.toml");
    std::fs::write(&config, "registrations_burst = 1\nregistrations_per_second = 2\n").unwrap();
    let more = ["--opening-grant=1000000", "--config", config.to_str().unwrap()];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    place.join("alice", &daemon.address);
    daemon
}

fn bench(place: &Place, at: &str, arguments: &[&str]) -> Value {
    let small = ["bench", "--json", "--connections=2", "--commands=20"];
    serde_json::from_str(&place.done("alice", at, &[&small, arguments].concat())).unwrap()
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"))
}

#[test]
fn what_was_accepted_stands_in_the_ledger_and_the_accounts_are_used_again() {
    let place = Place::new();
    let daemon = start(&place);
    let at = daemon.address.as_str();
    let report = bench(&place, at, &["--orders-per-command=3", "--inflight=4"]);
    for (name, expected) in [("accepted", 20), ("refused", 0), ("orders", 60), ("blocks", 20)] {
        assert_eq!(number(&report, name), expected, "{name} in {report}");
    }
    let asked =
        ["connections", "commands", "orders_per_command", "inflight"].map(|name| number(&report, name));
    assert_eq!((asked, &report["payments"]), ([2, 20, 3, 4], &Value::from(false)));
    let quantiles = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"].map(|name| number(&report, name));
    assert!(quantiles.is_sorted() && quantiles[0] > 0, "{report}");
    let (batches, syncs) = (number(&report, "batches"), number(&report, "syncs"));
    assert!((1..=20).contains(&batches) && syncs >= batches, "{report}");
    assert!(number(&report, "bytes_written") > 20 * 500 && number(&report, "elapsed_us") > 0, "{report}");
    for name in ["commands_per_second", "orders_per_second", "blocks_per_batch", "bytes_per_order"] {
        assert!(report[name].as_f64().unwrap() > 0.0, "{name} in {report}");
    }
    assert!(report["generator_busy"].is_number() && report["generator_bound"].is_boolean(), "{report}");

    let status = place.status("alice", at);
    assert_eq!((number(&status, "accounts"), number(&status, "orders")), (3, 60));
    bench(&place, at, &[]);
    let again = place.status("alice", at);
    assert_eq!((number(&again, "accounts"), number(&again, "orders")), (3, 80));
    assert_eq!(number(&again, "blocks"), number(&status, "blocks") + 20);
    assert!(place.done("alice", at, &["verify"]).starts_with("intact"));
    let table = place.done("alice", at, &["bench", "--connections=1", "--commands=2"]);
    assert!(table.contains("orders/s") && table.contains("latency p99.9"), "{table}");
}

#[test]
fn payments_are_made_of_the_opening_grant() {
    let place = Place::new();
    let daemon = start(&place);
    let at = daemon.address.as_str();
    let report = bench(&place, at, &["--payments", "--orders-per-command=100"]);
    for (name, expected) in [("accepted", 20), ("orders", 2_000), ("blocks", 20)] {
        assert_eq!(number(&report, name), expected, "{name} in {report}");
    }
    assert_eq!(number(&place.status("alice", at), "orders"), 0);
    let balance = place.done("alice/bench/0001", at, &["balance", "--json"]);
    let balance: Value = serde_json::from_str(&balance).unwrap();
    assert_eq!(balance["balance_minor"], "1000000", "each paid the other as much");
    let lines = place.done("alice/bench/0002", at, &["statement", "--json"]);
    assert_eq!(lines.lines().count(), 1 + 2_000);
}

#[test]
fn an_operator_issues_what_the_accounts_lack_and_nobody_else_does() {
    let place = Place::new();
    let pem = place.done("bank", "127.0.0.1:1", &["keygen"]);
    let key = place.directory.path().join("operator.pem");
    std::fs::write(&key, pem).unwrap();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--operator", key.to_str().unwrap()]);
    let at = daemon.address.as_str();
    place.join("bank", at);
    place.join("alice", at);
    let cache = format!("--cache={}", place.directory.path().join("cache").display());
    let arguments = ["bench", &cache, "--payments", "--connections=1", "--commands=3"];
    let said = place.ends(2, "alice", at, &arguments);
    assert!(said.contains("ledgerd --opening-grant 1000000000"), "{said}");
    assert!(place.done("bank", at, &arguments).contains("payments/s"));
    assert_eq!(number(&place.status("bank", at), "accounts"), 4, "both runs used the same two");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_made() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    assert!(place.ends(2, "alice", at, &["bench"]).contains("not known"));
    place.done("alice", at, &["getKey", "--accept-new"]);
    for (arguments, reason) in [
        (["--connections=0", "--commands=1"], "1 to 256"),
        (["--connections=257", "--commands=257"], "1 to 256"),
        (["--orders-per-command=8193", "--commands=1"], "1 to 8192"),
        (["--inflight=0", "--commands=1"], "1 to 1024"),
        (["--connections=3", "--commands=2"], "fewer than --connections"),
    ] {
        let said = place.ends(2, "alice", at, &[&["bench"], &arguments[..]].concat());
        assert!(said.contains(reason), "{said}");
    }
    assert!(!place.directory.path().join("alice/bench").exists());
}

#[test]
fn a_refusal_is_counted_and_shown_and_decides_the_exit_code() {
    let place = Place::new();
    let daemon = start(&place);
    let at = daemon.address.clone();
    bench(&place, &at, &[]);
    assert_eq!(daemon.terminate(), Some(0));
    // The first segment has its room under this limit, and no next one has: commands as large as these find none.
    let daemon = Daemon::start_limited(&place.data(), &at);
    let large = ["bench", "--json", "--connections=2", "--commands=20", "--orders-per-command=8192"];
    let output = place.run("alice", &daemon.address, &large);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("20 commands were refused; the first: disk_full (210)"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counted = ["accepted", "refused", "orders", "blocks"].map(|name| number(&report, name));
    assert_eq!((counted, &report["commands_per_second"]), ([0, 20, 0, 0], &Value::from(0.0)));
}

#[test]
fn latencies_are_kept_to_three_digits_from_microseconds_to_minutes() {
    let mut outcome = Outcome::new().unwrap();
    for us in [3, 10_000, 2_000_000, 120_000_000] {
        let refused = Reply::Refused(Refusal::fail(&format!("after_{us}"), "no"));
        outcome.answered(refused, Duration::from_micros(us)).unwrap();
        let (kept, most) = (outcome.latencies.max(), us + us / 1_000);
        assert!((us..=most).contains(&kept), "{us} is kept as {kept}");
    }
    assert_eq!((outcome.latencies.value_at_quantile(0.25), outcome.latencies.len()), (3, 4));
    assert!((10_000..10_010).contains(&outcome.latencies.value_at_quantile(0.5)));
    assert_eq!((outcome.accepted, outcome.refused), (0, 4));
    assert_eq!(outcome.first_refusal.unwrap().name, "after_3", "the first one is shown");
}
