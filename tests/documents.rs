//! The references that people look things up in, held against the code: a table that is out of date is worse
//! than none.

use std::path::Path;

use ledgerd::codec;
use ledgerd::domain::orders;
use ledgerd::limits::{Limits, SETTINGS};
use ledgerd::session::Fault;
use ledgerd::wire::{self, Request};

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Numbers as the tables write them: thin groups of three from five digits on.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_reference_of_settings_is_that_of_the_code() {
    let reference = document("docs/wire-protocol.md");
    for setting in SETTINGS {
        let (least, most) = setting.range;
        let default = *(setting.field)(&mut Limits::default());
        let numbers = [default, least, most].map(grouped).join(" | ");
        let row = format!("| `{}` | {} | {numbers} |", setting.key, setting.meaning);
        assert!(reference.lines().any(|line| line == row), "docs/wire-protocol.md lacks this row:\n{row}");
    }
    let rows = reference.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 4);
    assert!(rows.count() >= SETTINGS.len());
}

#[test]
fn every_refusal_of_a_rule_is_in_the_reference() {
    let reference = document("docs/wire-protocol.md");
    for refusal in crate::scenarios::every_refusal() {
        let row = format!("| `{}` | ", refusal.name());
        assert!(reference.lines().any(|line| line.starts_with(&row)), "{} is not listed", refusal.name());
    }
}

#[test]
fn the_worked_examples_are_what_goes_over_the_wire() {
    let reference = document("docs/wire-protocol.md").replace(' ', "");
    let examples = [
        wire::seal(7, &Request::Copy { from: 300, limit: 2 }),
        wire::seal(8, &Request::Announce { address: ([127, 0, 0, 1], 300).into(), hidden: true }),
    ];
    let order = orders::Order {
        operation: orders::Operation::Buy,
        stock_name: orders::StockName::new("BTCUSDT").unwrap(),
        quantity: orders::Decimal::parse("0.004").unwrap(),
        price: Some(orders::Price {
            amount: orders::Decimal::from(36_000),
            currency: orders::Currency::new("USDT").ok(),
        }),
    };
    for example in examples.into_iter().chain([codec::encode(&order)]).map(const_hex::encode) {
        assert!(reference.contains(&format!("`{example}`")), "{example}");
    }
    let address = std::net::SocketAddr::from(([7; 16], 300));
    assert_eq!(codec::encode(&address), [&[1][..], &[7; 16], &[0xac, 2]].concat());
}

#[test]
fn the_alerts_have_the_numbers_of_the_specification() {
    let specification = document("docs/channel.md");
    let alerts = [Fault::Crypto, Fault::Busy, Fault::Unsupported, Fault::UnknownTicket, Fault::Protocol];
    assert_eq!(alerts.map(Fault::alert), [Some(1), Some(2), Some(3), Some(4), None]);
    for said in ["1 handshake failure", "2 busy", "3 version", "4 unknown ticket"] {
        assert!(specification.contains(said), "docs/channel.md does not say {said:?}");
    }
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "fixtures/README.md",
        "fixtures/logs/README.md",
        "fixtures/vectors/README.md",
        "docs/channel.md",
        "docs/cli.md",
        "docs/fault-model.md",
        "docs/performance.md",
        "docs/proofs.md",
        "docs/tiles.md",
        "docs/witnesses.md",
        "docs/log-format.md",
        "docs/operations.md",
        "docs/wire-protocol.md",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in documents {
        let text = document(path);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("https://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file =
                if file.is_empty() { root.join(path) } else { root.join(path).parent().unwrap().join(file) };
            assert!(file.exists(), "{path} links to {target}, which is not there");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&file).unwrap();
                let found = text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
                assert!(found, "{path} links to {target}, which has no such heading");
            }
        }
    }
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .collect::<String>()
        .replace(' ', "-")
}
