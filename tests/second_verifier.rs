//! `contrib/verify.py` was written from the documents alone. Whatever it is given, good or damaged, it comes to
//! the verdict of the library, or one of the two is wrong, or the documents are.

mod chains;
mod ed25519;
mod factors;
mod forged_keys;
mod hostile;
mod key_ledgers;
mod ledgers;
mod money;
mod passwords;
mod receipts;
mod sealed;
mod shop;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use ledgerd::chain::Block;
use rand_core::TryRng as _;

use crate::forge::{Seeded, Tree, log_key};

/// A file to judge, and what is special about it.
type Case = (String, Vec<u8>);

/// Nothing, or the stable name of the reason.
type Verdict = Result<(), String>;

/// Whether the script can run here. Continuous integration says that it has to.
fn python_is_here() -> bool {
    let probe =
        "import sys, cryptography.hazmat.primitives.asymmetric.rsa; assert sys.version_info >= (3, 9)";
    let here =
        Command::new("python3").args(["-c", probe]).output().is_ok_and(|output| output.status.success());
    let missing = "python3 (3.9 or later) with the package cryptography is missing: pip install cryptography";
    assert!(here || std::env::var_os("LEDGERD_REQUIRE_PYTHON").is_none(), "{missing}");
    if !here {
        // Not with eprintln!, which the test harness keeps to itself when a test passes.
        let message = format!("SKIPPED, contrib/verify.py was not tested: {missing}\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
    }
    here
}

/// What the script says of each file.
fn script(what: &str, cases: &[Case], note: Option<&str>) -> Vec<Verdict> {
    let folder = tempfile::tempdir().unwrap();
    for (number, (_, bytes)) in cases.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), bytes).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/verify.py");
    let mut command = Command::new("python3");
    command.current_dir(folder.path()).env("PYTHONUTF8", "1").arg(path).arg(what);
    command.args((0..cases.len()).map(|number| number.to_string()));
    command.args(["--vkey", &log_key().public().to_string()]);
    if let Some(note) = note {
        std::fs::write(folder.path().join("note"), note).unwrap();
        command.args(["--checkpoint", "note"]);
    }
    let output = command.output().unwrap();
    let (good, bad) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let mut verdicts = BTreeMap::new();
    for line in good.lines().chain(bad.lines()) {
        let (number, verdict) = line.split_once(": ").unwrap_or_else(|| panic!("{bad}"));
        let number: usize = number.parse().unwrap_or_else(|_| panic!("{bad}"));
        let verdict = match verdict.strip_prefix("not proven: ") {
            Some(reason) => Err(reason.split_once(": ").unwrap().0.to_owned()),
            None => verdict.strip_prefix("proven: ").map(|_| ()).ok_or_else(|| panic!("{bad}")),
        };
        assert_eq!(verdicts.insert(number, verdict), None, "two verdicts on one file");
    }
    let verdicts: Vec<Verdict> = verdicts.into_values().collect();
    assert_eq!(verdicts.len(), cases.len(), "a verdict for each file: {bad}");
    assert_eq!(output.status.code(), Some(if verdicts.iter().all(Result::is_ok) { 0 } else { 65 }), "{bad}");
    verdicts
}

/// Holds the script's verdicts against the library's, with the reasons' names where they have to be the same
/// as well. Fails with all differences; returns how many cases are proven.
fn compare(cases: &[Case], script: &[Verdict], names: bool, library: impl Fn(&[u8]) -> Verdict) -> usize {
    let (mut differences, mut proven) = (Vec::new(), 0);
    for ((name, bytes), script) in cases.iter().zip(script) {
        let library = library(bytes);
        proven += usize::from(library.is_ok());
        if library.is_ok() != script.is_ok() || (names && library != *script) {
            differences.push(format!("{name}: the library says {library:?}, the script {script:?}"));
        }
    }
    assert!(differences.is_empty(), "of {} cases:\n{}\n", cases.len(), differences.join("\n"));
    proven
}

fn below(rng: &mut Seeded, limit: usize) -> usize {
    (rng.try_next_u64().unwrap() % limit as u64) as usize
}

/// Offsets in a block: every byte of its small fields and of M's, and some of what is long.
fn offsets(block: &[u8], rng: &mut Seeded) -> Vec<usize> {
    let Block { message, signature, .. } = Block::parse(block).unwrap();
    let (message, signed) = (message.len(), signature.len());
    let signature = 68 + message;
    let mut chosen: Vec<usize> = vec![0, 7, 8, 15, 16, 47, 48, 55, 56, 63];
    chosen.extend([64, 65, 66, 67, signature, signature + 1]);
    chosen.extend((2..11).map(|at| signature + signed + at));
    if message > 0 {
        chosen.extend([0, 18, 19, 50, 51, 58, 59, 90, 91, 106, 107, 114].map(|at| 68 + at));
        chosen.extend((115..135).map(|at| 68 + at));
    }
    chosen.extend((0..20).map(|_| below(rng, block.len())));
    chosen.retain(|&at| at < block.len());
    chosen
}

/// Blocks of which one has another byte.
fn with_flipped(blocks: &[Vec<u8>], index: usize, at: usize, rng: &mut Seeded) -> Vec<Vec<u8>> {
    let mut blocks = blocks.to_vec();
    blocks[index][at] ^= 1 << below(rng, 8);
    blocks
}

/// Lines dropped, doubled, exchanged, changed; bytes changed and cut off.
fn damaged_text(text: &[u8], rng: &mut Seeded) -> Vec<Case> {
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let mut cases = Vec::new();
    let mut add = |name: String, lines: &[&[u8]]| cases.push((name, lines.concat()));
    for at in 0..lines.len() {
        let body = lines[at].strip_suffix(b"\n").unwrap();
        let (before, after) = (&lines[..at], &lines[at + 1..]);
        let mut with = |name: &str, middle: &[&[u8]]| {
            add(format!("line {at} {name}"), &[before, middle, after].concat())
        };
        with("dropped", &[]);
        with("doubled", &[lines[at], lines[at]]);
        with("emptied", &[b"\n"]);
        with("after a blank line", &[b"\n", lines[at]]);
        with("with a blank at its end", &[body, b" \n"]);
        with("with a blank at its start", &[b" ", lines[at]]);
        with("ended by CR and LF", &[body, b"\r\n"]);
        with("cut in half", &[&body[..body.len() / 2], b"\n"]);
        with("with a zero before it", &[b"0", lines[at]]);
        with("with padding behind it", &[body, b"=\n"]);
        if let Some((next, rest)) = after.split_first() {
            add(format!("line {at} after the next"), &[before, &[next, lines[at]], rest].concat());
        }
        for _ in 0..3.min(body.len()) {
            let (flipped, mut changed) = (below(rng, body.len()), lines[at].to_vec());
            changed[flipped] ^= 1 << below(rng, 7);
            add(format!("line {at}, byte {flipped} flipped"), &[before, &[&changed], after].concat());
        }
    }
    for _ in 0..10 {
        let length = below(rng, text.len());
        cases.push((format!("cut after {length} bytes"), text[..length].to_vec()));
    }
    cases.push(("one newline too many".to_owned(), [text, b"\n"].concat()));
    cases.push(("without the last newline".to_owned(), text[..text.len() - 1].to_vec()));
    cases.push(("not UTF-8".to_owned(), [text, b"\xff\n"].concat()));
    cases
}

#[test]
fn the_script_tells_wrong_usage_from_a_verdict_and_is_short_enough_to_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/verify.py");
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    assert!(lines <= 570, "contrib/verify.py has {lines} lines");
    let of_the_shop = path.with_file_name("verify_shop.py");
    let lines = std::fs::read_to_string(of_the_shop).unwrap().lines().count();
    assert!(lines <= 170, "contrib/verify_shop.py has {lines} lines");
    if !python_is_here() {
        return;
    }
    let (vkey, path) = (log_key().public().to_string(), path.to_str().unwrap());
    let leaf = &format!("0:{}", "0".repeat(64));
    let other = vkey.replace("test+", "best+");
    for arguments in [
        &["receipt", path][..],
        &["receipt", "--vkey", &vkey],
        &["receipt", path, "--vkey", "nonsense"],
        &["receipt", path, "--vkey", &other],
        &["receipt", "no/such/file", "--vkey", &vkey],
        &["receipt", path, "--vkey", &vkey, "--checkpoint", path],
        &["receipt", path, "--vkey", &vkey, "--leaf", "0:00"],
        &["ledger", path, "--vkey", &vkey, "--leaf", leaf],
        &["ledger", path, "--vkey", &vkey, "--checkpoint", "no/such/file"],
        &["something", path, "--vkey", &vkey],
    ] {
        let output = Command::new("python3").arg(path).args(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
