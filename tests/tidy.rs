//! The order of the house, checked as a text: what a reader may rely on without looking at every file. What
//! clippy can check is in `Cargo.toml` and `clippy.toml`; this holds what it cannot.

mod imports;
mod paths;
mod source;

use std::collections::BTreeSet;

use imports::House;
use source::{files, root};

/// Rooms that see even less than those above them.
const NEVER: &[(&str, &[&str])] = &[
    ("domain", &["chain"]),
    ("session", &["chain", "domain", "wire", "eventlog"]),
    ("eventlog", &["domain", "wire", "session"]),
    ("wire", &["eventlog", "session"]),
    ("client", &["service", "reactor", "peer", "daemon"]),
    ("reactor", &["client", "peer", "cli", "daemon"]),
    ("peer", &["daemon", "cli"]),
    ("daemon", &["client"]),
];

/// The first of the rooms that touch the world.
const FIRST_EDGE: &str = "reactor";

/// What touches the world, and the only files below the edges that may.
const WORLDLY: &[(&str, &[&str])] = &[
    ("std::fs", &["src/eventlog/disk.rs"]),
    ("std::thread", &["src/audit/signatures.rs", "src/eventlog/ahead.rs"]),
    ("SystemTime::now", &[]),
    ("Instant::now", &[]),
    ("std::env", &[]),
    ("TcpStream", &[]),
    ("TcpListener", &[]),
    ("mio::", &[]),
    ("Mutex", &["src/eventlog/sim_disk.rs"]),
    ("RwLock", &[]),
];

/// Lines that a file may have; no file is excepted.
const LINES_MAX: usize = 500;
const LINES_EXCEPTIONS: &[&str] = &[];

/// The rooms of `src/` in reading order, which `src/lib.rs` says: a room imports from those above it.
fn rooms() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rooms = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let rooms: Vec<String> = rooms.map(str::to_owned).collect();
    assert!(rooms.len() > 10, "src/lib.rs lists only {rooms:?}");
    rooms
}

/// The domains: the folders of `src/domain/`.
fn domains() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("src/domain")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut domains: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    domains.sort();
    assert!(!domains.is_empty());
    domains
}

/// Fails with every complaint at once.
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_file_opens_by_saying_why_it_exists() {
    let silent = files().into_iter().filter(|file| !file.text.starts_with("//! "));
    assert_none(&silent.map(|file| format!("{} does not start with //!", file.path)).collect::<Vec<_>>());
}

#[test]
fn every_room_stands_in_the_reading_order_once() {
    let rooms = rooms();
    let listed: BTreeSet<&str> = rooms.iter().map(String::as_str).collect();
    assert_eq!(listed.len(), rooms.len(), "{rooms:?}");
    let files = files();
    let there: BTreeSet<&str> = files.iter().filter_map(|file| file.room()).collect();
    assert_eq!(there, listed);
    for room in NEVER.iter().flat_map(|(room, never)| never.iter().chain([room])) {
        assert!(listed.contains(room), "a rule of tests/tidy.rs names {room}, which is no room");
    }
}

#[test]
fn rooms_import_in_one_direction() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|listed| listed == room);
    let mut complaints = Vec::new();
    for (module, used) in House::of(&files()).rooms_named() {
        let room = module.split('/').next().unwrap_or_default();
        let below = place(&used) > place(room);
        let never = NEVER.iter().any(|(name, never)| *name == room && never.contains(&used.as_str()));
        if below || never {
            complaints.push(format!("src/{module}: {room} may not import from {used}"));
        }
    }
    assert_none(&complaints);
}

/// What the layers want to know of a domain they ask `domain`: otherwise a further domain would have to be taught to each.
#[test]
fn the_layers_name_no_domain() {
    let domains = domains();
    let mut complaints = Vec::new();
    for file in files() {
        if !["chain", "wire", "ledger", "audit", "service"].contains(&file.room().unwrap_or_default()) {
            continue;
        }
        for (number, line) in file.code() {
            let named = domains.iter().find(|domain| {
                [format!("{domain}::"), format!(".{domain}.")].iter().any(|word| line.contains(word))
            });
            complaints.extend(named.map(|domain| format!("{}:{number}: names {domain}", file.path)));
        }
    }
    assert_none(&complaints);
}

/// What is asked of a server, and how an answer is checked, is the client's: a program without a command line has it too.
#[test]
fn the_command_line_asks_a_server_nothing_by_itself() {
    let mut complaints = Vec::new();
    for file in files().into_iter().filter(|file| file.room() == Some("cli")) {
        for (number, line) in file.code() {
            // A `KeyRequest` is a text that people carry.
            let asks = line.replace("KeyRequest::", "").contains("Request::");
            if line.contains("question::") || asks {
                complaints.push(format!("{}:{number}: asks a server", file.path));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn siblings_do_not_import_each_other_in_a_circle() {
    let mut complaints = Vec::new();
    for circle in House::of(&files()).circles() {
        complaints.push(format!("src/{}: a circle of {}", circle.parent, circle.children.join(", ")));
        complaints.extend(circle.imports.iter().map(|import| format!("    {} → {}", import.from, import.to)));
    }
    assert_none(&complaints);
}

#[test]
fn below_the_edges_nothing_touches_the_world() {
    let rooms = rooms();
    let edges = rooms.iter().position(|room| room == FIRST_EDGE).unwrap();
    let mut complaints = Vec::new();
    for file in files() {
        if file.room().is_none_or(|room| !rooms[..edges].iter().any(|below| below == room)) {
            continue;
        }
        for (number, line) in file.code() {
            for (word, allowed) in WORLDLY {
                if line.contains(word) && !allowed.contains(&file.path.as_str()) {
                    complaints.push(format!("{}:{number}: {word} below the edges", file.path));
                }
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut complaints = Vec::new();
    for file in files() {
        let lines = file.text.lines().count();
        if lines > LINES_MAX && !LINES_EXCEPTIONS.contains(&file.path.as_str()) {
            complaints.push(format!("{} has {lines} lines, more than {LINES_MAX}", file.path));
        }
    }
    assert_none(&complaints);
}

#[test]
fn nothing_outside_tests_panics_without_saying_why_it_cannot() {
    let mut complaints = Vec::new();
    for file in files() {
        let mut excused = BTreeSet::new();
        for (number, line) in file.code() {
            for lint in ["unwrap_used", "expect_used"] {
                if line.contains("expect(clippy::") && line.contains(lint) {
                    excused.insert(lint);
                }
            }
            if line.contains("allow(clippy::") {
                complaints.push(format!("{}:{number}: #[expect] instead of #[allow]", file.path));
            }
            for (call, lint) in [(".unwrap()", "unwrap_used"), (".expect(", "expect_used")] {
                if line.contains(call) && !excused.contains(lint) {
                    complaints
                        .push(format!("{}:{number}: {call} without #[expect(clippy::{lint})]", file.path));
                }
            }
        }
    }
    assert_none(&complaints);
}

/// Rows of the map in `ARCHITECTURE.md`, each by the path that it begins with.
fn rows_of_the_map() -> BTreeSet<String> {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = map.split("\n## The map\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let paths = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    paths.map(str::to_owned).collect()
}

#[test]
fn every_room_and_every_domain_has_a_row_of_the_map() {
    let rows = rows_of_the_map();
    let of = |path: String| {
        let is_folder = root().join(&path).is_dir();
        if is_folder { format!("{path}/") } else { format!("{path}.rs") }
    };
    let rooms = rooms().into_iter().map(|room| of(format!("src/{room}")));
    let domains = domains().into_iter().map(|domain| of(format!("src/domain/{domain}")));
    let missing = rooms.chain(domains).filter(|path| !rows.contains(path));
    assert_none(
        &missing.map(|path| format!("the map of ARCHITECTURE.md has no row `{path}`")).collect::<Vec<_>>(),
    );
}

#[test]
fn the_map_leads_to_what_is_there() {
    // Where something new goes stands in the same page, with `<d>` for its name.
    let named = rows_of_the_map().into_iter().filter(|path| !path.contains('<'));
    let gone = named.filter(|path| !root().join(path).exists());
    assert_none(&gone.map(|path| format!("ARCHITECTURE.md leads to `{path}`")).collect::<Vec<_>>());
}

/// The stories of each domain, which `tests/scenarios.rs` replays, and the file that knows their words.
#[test]
fn every_domain_has_its_scenarios() {
    let mut complaints = Vec::new();
    let listed = std::fs::read_to_string(root().join("tests/scenarios.rs")).unwrap();
    for domain in domains() {
        let (stories, words) =
            (format!("fixtures/scenarios/{domain}.txt"), format!("tests/scenarios/{domain}.rs"));
        let text = std::fs::read_to_string(root().join(&stories)).unwrap_or_default();
        if !text.lines().any(|line| line.starts_with("scenario ")) {
            complaints.push(format!("{stories} tells no scenario"));
        }
        if !root().join(&words).is_file() || !listed.contains(&format!("mod {domain};")) {
            complaints.push(format!("{words} is not there, or tests/scenarios.rs does not list it"));
        }
    }
    assert_none(&complaints);
}

/// Each row of a walk names a file and functions that are in it.
#[test]
fn the_walks_pass_functions_that_are_where_they_say() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut complaints = Vec::new();
    let mut rows = 0;
    for table in text.split("| where | through which functions |").skip(1) {
        for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [_, file, functions, ..] = cells[..] else { panic!("{row}") };
            let file = file.trim_matches('`');
            let code = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            for function in functions.split(", ").map(|name| name.trim_matches('`')) {
                let found = [format!("fn {function}("), format!("fn {function}<")];
                if !found.iter().any(|found| code.contains(found)) {
                    complaints.push(format!("{file} has no function {function}"));
                }
            }
            rows += 1;
        }
    }
    assert!(rows > 30, "{rows}");
    assert_none(&complaints);
}
