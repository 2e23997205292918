//! The references that people look things up in, held against the code: a table that is out of date is worse
//! than none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ledgerd::client::ClientError;
use ledgerd::codec;
use ledgerd::daemon::config::TEXT_SETTINGS;
use ledgerd::domain::{self, Rights, orders};
use ledgerd::limits::{Limits, SETTINGS};
use ledgerd::refusal::{self, ALL as REFUSALS, Retry};
use ledgerd::session::Fault;
use ledgerd::terminal::exit::Exit;
use ledgerd::wire::{self, Refusal, Request};

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every source file below a folder, with its text up to its tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                found.push((path.display().to_string(), code));
            }
        }
    }
    found
}

/// The names in the first column of the tables of a document: what stands between backquotes, several to a row.
fn names_in_tables(document: &str) -> Vec<&str> {
    let rows = document.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect()
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
    for setting in TEXT_SETTINGS {
        let row = format!("| `{}` | {} | `\"{}\"` |", setting.key, setting.meaning, setting.example);
        assert!(reference.lines().any(|line| line == row), "docs/wire-protocol.md lacks this row:\n{row}");
    }
}

#[test]
fn the_reference_of_figures_is_that_of_the_code() {
    let reference = document("docs/cli.md");
    let section = reference.split("\n## ").find(|section| section.starts_with("status\n")).unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let figures = ledgerd::service::described_figures();
    assert_eq!(rows, figures.iter().map(|(name, help)| format!("| `{name}` | {help} |")).collect::<Vec<_>>());
}

#[test]
fn the_codes_of_the_journal_are_those_of_the_code() {
    let reference = document("docs/journal.md");
    let (_, table) = reference.split_once("| code | kind | name | what |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).take(3).collect::<Vec<_>>());
    let listed: Vec<String> = cells.map(|cells| cells.join(" ")).collect();
    let known = ledgerd::journal::described();
    let known = known.map(|(code, kind, name)| format!("{code} {} `{name}`", kind.name()));
    assert_eq!(listed, known.collect::<Vec<_>>());
}

#[test]
fn every_refusal_of_a_rule_is_in_the_reference() {
    let reference = document("docs/wire-protocol.md");
    for refusal in crate::scenarios::every_refusal() {
        let row = format!("| `{}` | ", refusal.name());
        assert!(reference.lines().any(|line| line.starts_with(&row)), "{} is not listed", refusal.name());
    }
}

/// The names of a row's first cells, where they are names.
fn backticked(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_refusal_of_the_reference_says_whether_trying_again_helps() {
    let reference = document("docs/wire-protocol.md");
    let section = reference.split("\n## Refusals\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut listed: Vec<String> = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let name = cells.iter().take(2).find(|cell| cell.starts_with('`'));
        listed.extend(name.into_iter().flat_map(|cell| backticked(cell)));
    }
    assert!(listed.len() > 40, "the tables were found");
    // What a listener says, and what the command line says by itself, stands in other places.
    let elsewhere = [
        "bad_checkpoint",
        "displaced",
        "home_not_writable",
        "invalid_input",
        "malformed_cheque",
        "unreadable",
    ];
    listed.extend(elsewhere.map(str::to_owned));
    listed.sort();
    listed.dedup();
    let known: Vec<&str> = REFUSALS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, listed, "src/refusal.rs and docs/wire-protocol.md name the same refusals, in order");
}

/// One error of each kind that is not a refusal.
fn errors() -> Vec<ClientError> {
    let text = String::new;
    let all = vec![
        ClientError::Usage(text()),
        ClientError::Unreachable(text()),
        ClientError::Busy(text()),
        ClientError::Unknown(text()),
        ClientError::KeyEnded(text()),
        ClientError::Untold(text()),
        ClientError::Integrity(text()),
        ClientError::Config(text()),
        ClientError::File(PathBuf::new(), std::io::Error::other("")),
        ClientError::InUse(text()),
        ClientError::Unexpected(text()),
    ];
    for error in &all {
        // A new kind does not compile before it stands above.
        match error {
            ClientError::Usage(_)
            | ClientError::Refused(_)
            | ClientError::Unreachable(_)
            | ClientError::Busy(_)
            | ClientError::Unknown(_)
            | ClientError::KeyEnded(_)
            | ClientError::Untold(_)
            | ClientError::Integrity(_)
            | ClientError::Config(_)
            | ClientError::File(..)
            | ClientError::InUse(_)
            | ClientError::Unexpected(_) => {}
        }
    }
    all
}

#[test]
fn the_reference_says_of_every_error_whether_trying_again_helps() {
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for error in errors() {
        expected.entry(error.retry().to_string()).or_default().push(error.name().to_owned());
    }
    for (name, retry) in REFUSALS {
        expected.entry(retry.to_string()).or_default().push((*name).to_owned());
    }
    let reference = document("docs/cli.md");
    let section = reference.split("\n## Errors\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut found = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `retry`")) {
        let (first, names) = row.trim_matches('|').trim().rsplit_once(" | ").unwrap();
        let mut names = backticked(names);
        names.sort();
        found.insert(backticked(first).remove(0), names);
    }
    expected.values_mut().for_each(|names| {
        names.sort();
        names.dedup();
    });
    assert_eq!(found, expected);
}

#[test]
fn a_refusal_that_is_not_known_is_one_of_a_rule() {
    let refused = |name: &str| ClientError::Refused(Refusal::fail(name, ""));
    assert_eq!(refused("of_a_newer_server").retry(), Retry::NewCommand);
    assert_eq!((refused("busy").retry(), Exit::from(&refused("busy"))), (Retry::Later, Exit::Unreachable));
}

#[test]
fn the_worked_examples_are_what_goes_over_the_wire() {
    let reference = document("docs/wire-protocol.md").replace(' ', "");
    let examples = [
        wire::seal(7, &Request::Copy { from: 300, limit: 2, concerning: true }),
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
        "docs/journal.md",
        "docs/performance.md",
        "docs/persons.md",
        "docs/proofs.md",
        "docs/tiles.md",
        "docs/witnesses.md",
        "docs/log-format.md",
        "docs/operations.md",
        "docs/wire-protocol.md",
        "docs/words.md",
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

/// The first word in quotes behind each of these beginnings.
fn quoted_behind<'a>(code: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    code.split(beginning).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

#[test]
fn every_refusal_that_the_code_gives_is_in_the_reference() {
    let reference = document("docs/wire-protocol.md");
    let listed = names_in_tables(&reference);
    // These never travel: they are `ledgerctl`'s own.
    let own = [refusal::HOME_NOT_WRITABLE, refusal::INVALID_INPUT];
    for (name, _) in REFUSALS.iter().filter(|(name, _)| !own.contains(name)) {
        assert!(listed.contains(name), "{name} is not listed");
    }
    // Nobody gives a refusal whose name is not a constant of the table.
    for (file, code) in ["src/service", "src/peer", "src/domain", "src/client"].into_iter().flat_map(sources)
    {
        let written: Vec<&str> = quoted_behind(&code, "Refusal::fail(").collect();
        assert!(written.iter().all(|name| *name == "late"), "{file}: {written:?}");
    }
}

/// The names of findings and warnings that an audit can give, as they stand in the code.
fn findings_of_the_code() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, code) in sources("src/audit") {
        for beginning in ["found(place,", "finding(", "warning(", "contradicted(", "first,", " name:"] {
            names.extend(quoted_behind(&code, beginning).map(str::to_owned));
        }
    }
    // What is wrong with a block or a frame has its name where blocks and frames are followed.
    for file in
        ["src/chain/link.rs", "src/ledger/transaction.rs", "src/ledger/replica.rs", "src/eventlog/frame.rs"]
    {
        names.extend(quoted_behind(&document(file), " =>").map(str::to_owned));
    }
    // The domains have the names of what is wrong with a further signature, and with a key.
    for (_, code) in sources("src/domain") {
        let constants = code.split(" refusal: (").skip(1).map(|rest| rest.trim_start());
        let constants = constants.filter_map(|rest| rest.strip_prefix("refusal::")?.split(',').next());
        names.extend(constants.map(str::to_lowercase));
    }
    for ended_at in [Some(1), None] {
        let refused = domain::key_may_sign(ended_at, Rights::Act, Rights::Full).unwrap_err();
        names.insert(refused.name().to_owned());
    }
    names
}

#[test]
fn every_finding_of_an_audit_is_in_both_tables_and_no_other() {
    let names = findings_of_the_code();
    assert!(names.len() > 50, "{names:?}");
    let reference = document("docs/cli.md");
    let (_, section) = reference.split_once("Of a finding, `index`").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let code = document("src/audit/mod.rs").replace("//! ", "");
    for table in [section, &code] {
        let listed = names_in_tables(table).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(listed, names);
    }
}

#[test]
fn the_states_of_the_channel_have_the_names_of_the_code() {
    let specification = document("docs/channel.md");
    let (_, section) = specification.split_once("## 10. The server's states").unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    let code = document("src/session/server.rs");
    let (_, states) = code.split_once("\nenum State {").unwrap();
    let states = states.split('}').next().unwrap_or_default();
    let states = states.lines().map(|line| line.trim().split(['(', ',']).next().unwrap_or_default());
    let states: Vec<&str> = states.filter(|state| !state.is_empty()).collect();
    assert!(states.contains(&"AwaitDecap"));
    for state in states {
        let row = format!("\n    {state} ");
        assert!(section.contains(&row), "{state} is not described");
    }
}

#[test]
fn every_word_of_the_scenarios_is_explained() {
    let reference = document("fixtures/README.md");
    let explained: Vec<&str> = names_in_tables(&reference);
    let is_explained =
        |start: &str| explained.iter().any(|row| *row == start || row.starts_with(&format!("{start} ")));
    let mut words = 0;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let (kind, rest) = line.trim().split_once(' ').unwrap_or_default();
            let (asked, answer) = rest.trim().split_once(" -> ").unwrap_or((rest.trim(), ""));
            let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
            let wanted = match kind {
                "ledger" => vec!["ledger".to_owned()],
                "given" | "when" => vec![first(asked), format!("-> {}", first(answer))],
                "then" => vec![first(asked)],
                _ => Vec::new(),
            };
            for word in wanted {
                assert!(is_explained(&word), "{name}: {line}: {word} is not explained");
                words += 1;
            }
        }
    }
    assert!(words > 100, "{words}");
}

/// A name in a directory as the tables write it: digits are a number, and hexadecimal ones a name of their own.
fn kind_of(name: &str) -> String {
    let is_number = |part: &str| part.len() == 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    if is_number(stem) { format!("<20 digits>.{ending}") } else { name.replace(['1', '2'], "<serial>") }
}

#[test]
fn every_file_of_a_ledger_and_of_a_home_is_in_the_reference() {
    let place = crate::binaries::Place::new();
    let daemon = crate::binaries::Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=10"]);
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    place.done("alice", at, &["add", crate::binaries::ORDERS]);
    place.done("alice", at, &["pay", "bob", "1"]);
    place.done("alice", at, &["witness"]);
    place.run("alice", at, &["send", "bob", "1"]);
    assert_eq!(daemon.terminate(), Some(0));
    let reference = document("docs/log-format.md");
    let (_, directory) = reference.split_once("## The directory").unwrap();
    let directory = directory.split("\n## ").next().unwrap_or_default();
    for folder in ["", "log/", "keys/", "tree/", "journal/"] {
        for entry in std::fs::read_dir(place.data().join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                let name = kind_of(entry.file_name().to_str().unwrap());
                let row = format!("    DIR/{folder}{name} ");
                assert!(directory.contains(&row), "{row} is not listed");
            }
        }
    }
    let reference = document("docs/cli.md");
    let (_, home) = reference.split_once("## The home directory").unwrap();
    let listed = names_in_tables(home);
    for entry in std::fs::read_dir(place.directory.path().join("alice")).unwrap() {
        let entry = entry.unwrap();
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let name = format!("{}{slash}", entry.file_name().to_str().unwrap());
        assert!(listed.contains(&name.as_str()), "{name} is not listed");
    }
}
