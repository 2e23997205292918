//! The order of the house, checked as a text: what a reader may rely on without looking at every file. What
//! clippy can check is in `Cargo.toml` and `clippy.toml`; this holds what it cannot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms of `src/`, from what everything shares to the edges. A room imports from its own level and from
/// those above it in this list, never from below.
const LEVELS: &[&[&str]] = &[
    &["limits", "time", "codec", "crypto", "text"],
    &["chain", "domain"],
    &["wire", "eventlog", "session"],
    &["ledger"],
    &["audit"],
    &["service"],
    &["lock_file", "reactor", "client", "peer", "daemon", "cli"],
];

/// Rooms that see even less than their level allows.
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

struct File {
    /// From the project's root, with slashes.
    path: String,
    text: String,
    /// Compiled for tests only.
    is_test: bool,
}

impl File {
    /// The room in `src/` that the file belongs to.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?;
        let room = room.strip_suffix(".rs").unwrap_or(room);
        (room != "lib").then_some(room)
    }

    /// Lines of code outside tests, each with its number.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        let text = if self.is_test { "" } else { &self.text[..end] };
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

fn files() -> Vec<File> {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["src", "bin", "tests", "benches", "examples"] {
        collect(&root.join(folder), &mut paths);
    }
    let mut files: Vec<File> = paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let is_test = path.starts_with("tests/") || path.starts_with("benches/");
            File { path, text, is_test }
        })
        .collect();
    // `#[cfg(test)] mod x;` makes a test of the file that it names.
    let mut tests = BTreeSet::new();
    for file in &files {
        for after in file.text.split("#[cfg(test)]\n").skip(1) {
            let line = after.lines().next().unwrap_or_default();
            let Some(name) = line.split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';')) else {
                continue;
            };
            let folder = file.path.strip_suffix("/mod.rs").or_else(|| file.path.strip_suffix(".rs"));
            tests.insert(format!("{}/{name}", folder.unwrap()));
        }
    }
    for file in &mut files {
        let module = file.path.strip_suffix("/mod.rs").or_else(|| file.path.strip_suffix(".rs")).unwrap();
        let in_tests = tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")));
        file.is_test |= in_tests;
    }
    assert!(files.len() > 40, "only {} files were found", files.len());
    files
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}

/// The rooms named after `crate::` in a text, groups in braces included.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut rooms = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            rooms.insert(name(after));
            continue;
        };
        let (mut depth, mut at_start) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                c if at_start && !c.is_whitespace() => {
                    rooms.insert(name(&group[at..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

fn level_of(room: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&room))
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
fn rooms_import_in_one_direction() {
    let mut complaints = Vec::new();
    for file in files() {
        let Some(room) = file.room() else { continue };
        let Some(level) = level_of(room) else {
            complaints.push(format!("{}: the room {room} has no level in tests/tidy.rs", file.path));
            continue;
        };
        let code: String = file.code().map(|(_, line)| format!("{line}\n")).collect();
        for used in rooms_used(&code) {
            let below = level_of(&used).is_some_and(|used_level| used_level > level);
            let never = NEVER.iter().any(|(name, never)| *name == room && never.contains(&used.as_str()));
            if below || never {
                complaints.push(format!("{}: {room} may not import from {used}", file.path));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::chain::Block; use crate::{codec, domain::{self, orders::{Order}}, wire}; crate::limits::A";
    let found: Vec<String> = rooms_used(text).into_iter().collect();
    assert_eq!(found, ["chain", "codec", "domain", "limits", "wire"]);
}

#[test]
fn below_the_edges_nothing_touches_the_world() {
    let edges = level_of("reactor").unwrap();
    let mut complaints = Vec::new();
    for file in files() {
        if file.room().and_then(level_of).is_none_or(|level| level >= edges) {
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

#[test]
fn every_room_is_on_the_map() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut rooms: Vec<PathBuf> = Vec::new();
    for folder in ["src", "src/domain"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        rooms.extend(entries.filter(|path| path.is_dir()));
    }
    let names =
        rooms.iter().map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
    let missing = names.filter(|name| !map.contains(&format!("`{name}/`")));
    assert_none(&missing.map(|name| format!("ARCHITECTURE.md does not name `{name}/`")).collect::<Vec<_>>());
}
