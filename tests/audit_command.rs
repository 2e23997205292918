//! `ledgerctl audit`, as an auditor meets it: two verdicts apart, on the ledger and on the file that it is held against.

use std::fs;
use std::ops::Add;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ledgerd::crypto::note::LogKey;
use serde_json::Value;
use tempfile::TempDir;

use super::binaries::CLIENT;
use super::fixtures_logs::write_log;
use super::forge::{Forge, ORIGIN, Tree, log_key};

/// A ledger's directory, and a folder for what an auditor has.
struct Desk {
    directory: TempDir,
    forge: Forge,
}

impl Desk {
    fn new() -> Desk {
        let (directory, forge) = (tempfile::tempdir().unwrap(), Forge::with_orders(71, 4));
        let ledger = directory.path().join("ledger");
        fs::create_dir(&ledger).unwrap();
        write_log(&ledger, &forge);
        Desk { directory, forge }
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    /// A checkpoint over the first blocks.
    fn note(&self, size: usize) -> String {
        Tree::over(&self.forge.blocks[..size]).note()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn audit(&self, more: &[&str]) -> Said {
        let mut command = Command::new(CLIENT);
        Said::of(command.arg("audit").arg(self.ledger()).args(more).env_clear().output().unwrap())
    }
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn an_intact_ledger_stays_intact_beside_a_file_that_is_no_checkpoint_of_it() {
    let desk = Desk::new();
    let stranger = LogKey::from_seed("ledger.example/other", &[9; 32]).unwrap();
    let foreign = stranger.sign_note(
        &desk.note(3).split("\n\n").next().unwrap().replace(ORIGIN, "ledger.example/other").add("\n"),
    );
    let changed = desk.note(3).replacen("\n3\n", "\n2\n", 1);
    for (text, reason) in [
        (foreign.as_str(), "it is of ledger.example/other, the ledger is ledger.example/test"),
        (changed.as_str(), "changed after it was signed"),
        ("Dear auditor,\nI have lost it.\n", "not a checkpoint: there is none in it"),
        ("", "not a checkpoint: there is none in it"),
    ] {
        let kept = desk.file("kept", text);
        let said = desk.audit(&["--checkpoint", &kept]);
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
        assert!(said.out.starts_with("intact: 8 blocks, 7 signatures"), "{}", said.out);
        assert!(!said.out.contains("extends"), "{}", said.out);
        assert!(said.err.contains(&kept) && said.err.contains(reason), "{}", said.err);
        let said = desk.audit(&["--checkpoint", &kept, "--json"]);
        let value: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, &value["intact"]), (Some(2), &Value::Bool(true)));
        let verdict = value["checkpoint"]["verdict"].as_str().unwrap();
        assert!(["not_of_this_ledger", "not_a_checkpoint"].contains(&verdict), "{verdict}");
    }
    let nowhere = desk.audit(&["--checkpoint", "/nowhere/kept"]);
    assert_eq!((nowhere.code, nowhere.out.as_str()), (Some(2), ""));
}

#[test]
fn a_success_says_which_ledger_it_is_and_that_it_extends_the_checkpoint_however_mail_has_left_it() {
    let desk = Desk::new();
    let id = desk.forge.ledger_id;
    let print = ledgerd::session::fingerprint(log_key().public().bytes(), &id);
    let note = desk.note(5);
    let letter: String = note.lines().map(|line| format!("> {line} \r\n")).collect();
    let with_key = format!("{}\n{note}", log_key().public());
    let forms =
        [note.clone(), letter, note.replace('\u{2014}', "-"), with_key, format!("Hi,\n\n{note}\nBob\n")];
    for text in forms {
        let kept = desk.file("kept", &text);
        let said = desk.audit(&["--checkpoint", &kept]);
        assert_eq!(said.code, Some(0), "{text}{}", said.err);
        let lines: Vec<&str> = said.out.lines().collect();
        assert!(lines[0].starts_with("intact: 8 blocks"), "{}", said.out);
        assert_eq!(lines[1], format!("it is the ledger {ORIGIN}, id {id}, fingerprint {print}"));
        assert_eq!(lines[2], format!("it extends the checkpoint of {kept}: 5 blocks then, 8 now"));
    }
    let kept = desk.file("kept", &note);
    let value: Value = serde_json::from_str(&desk.audit(&["--json", "--checkpoint", &kept]).out).unwrap();
    assert_eq!(value["checkpoint"]["verdict"], "extended");
    assert_eq!((&value["checkpoint"]["size"], &value["origin"]), (&Value::from(5), &Value::from(ORIGIN)));
    assert_eq!(
        (&value["fingerprint"], &value["ledger_id"]),
        (&Value::from(print), &Value::from(id.to_string()))
    );
    // A checkpoint that the ledger did sign, and that it does not extend, is a verdict on the ledger.
    let other = Tree::over(&Forge::with_orders(72, 4).blocks[..5]).note();
    let said = desk.audit(&["--checkpoint", &desk.file("other", &other)]);
    assert_eq!(said.code, Some(65));
    assert!(said.out.contains("fork") && said.out.contains("DAMAGED"), "{}", said.out);
}

#[test]
fn a_verifier_key_from_outside_is_believed_before_the_one_in_the_folder() {
    let desk = Desk::new();
    let (right, wrong) =
        (log_key().public().to_string(), LogKey::from_seed(ORIGIN, &[8; 32]).unwrap().public().to_string());
    assert_eq!(desk.audit(&["--vkey", &right]).code, Some(0));
    let said = desk.audit(&["--vkey", &wrong]);
    assert_eq!(said.code, Some(65));
    assert!(
        said.out.contains("other_log_key") && said.out.contains(&right) && said.out.contains(&wrong),
        "{}",
        said.out
    );
}

#[test]
fn an_auditor_who_may_not_read_is_told_so_and_one_who_may_needs_nothing_that_is_derived() {
    let desk = Desk::new();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let is_root = rustix::process::getuid().is_root();
    // Root may read everything, so the auditor is somebody else, who has to reach the program.
    let program = desk.directory.path().join("ledgerctl");
    fs::copy(CLIENT, &program).unwrap();
    mode(&program, 0o755);
    mode(desk.directory.path(), 0o755);
    let audit = || {
        let mut command = Command::new(&program);
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        Said::of(command.arg("audit").arg(desk.ledger()).env_clear().output().unwrap())
    };
    let closed = |path: &str| {
        let path = desk.ledger().join(path);
        mode(&path, 0);
        let said = audit();
        mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}: {}", path.display(), said.err);
        assert!(said.err.contains(path.to_str().unwrap()), "{}", said.err);
        assert!(said.err.contains("Permission denied") && !said.err.contains("no log"), "{}", said.err);
    };
    for path in ["log/00000000000000000000.seg", "log", "anchor"] {
        mode(&desk.ledger().join(path), if path == "log" { 0o755 } else { 0o644 });
    }
    mode(&desk.ledger(), 0o755);
    ["", "log", "anchor", "log/00000000000000000000.seg"].into_iter().for_each(closed);
    for derived in ["tree", "index", "keys"] {
        let folder = desk.ledger().join(derived);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hashes"), "x").unwrap();
        mode(&folder, 0);
    }
    fs::write(desk.ledger().join("checkpoint"), "x").unwrap();
    mode(&desk.ledger().join("checkpoint"), 0);
    let said = audit();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.starts_with("intact: 8 blocks") && said.err.contains("stored_hashes_unread"),
        "{}",
        said.err
    );
    for derived in ["tree", "index", "keys"] {
        mode(&desk.ledger().join(derived), 0o755);
    }
}
