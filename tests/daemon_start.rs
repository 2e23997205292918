//! What a start finds out about the files that the daemon writes only later: an operator's mistake is told before
//! READY, with the file's name, and not to the first client.

use std::fs;
use std::path::Path;

use super::daemon::{Daemon, place, run, snapshot};

/// Starts a daemon that must be refused because of this file.
fn refused(data: &Path, more: &[&str], file: &Path) {
    let options = ["--data", data.to_str().unwrap(), "--listen=127.0.0.1:0"];
    let outcome = run(&[&options, more].concat());
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "it must not say READY");
    assert!(outcome.stderr.contains(file.to_str().unwrap()), "{}: {outcome:?}", file.display());
}

/// A ledger that was served before.
fn ledger() -> (tempfile::TempDir, std::path::PathBuf) {
    let (directory, data) = place();
    Daemon::start(&data, &[]).stop();
    (directory, data)
}

#[test]
fn a_checkpoint_file_that_could_not_be_kept_is_refused_at_the_start() {
    let (directory, data) = ledger();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::create_dir(directory.path().join("in-the-way.tmp")).unwrap();
    let files = [
        directory.path().join("missing/checkpoint"),
        // A file where a folder should be, a folder where the file should be.
        data.join("anchor/checkpoint"),
        folder,
        // Nobody can make a file there, root neither.
        Path::new("/proc/ledger-checkpoint").to_owned(),
        directory.path().join("in-the-way"),
    ];
    let as_it_is =
        || snapshot(&data).into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect::<Vec<_>>();
    let before = as_it_is();
    for file in files {
        refused(&data, &["--checkpoint-file", file.to_str().unwrap()], &file);
    }
    assert!(as_it_is() == before, "a refused start has changed the ledger");
    let good = directory.path().join("checkpoint");
    fs::write(directory.path().join("checkpoint.tmp"), "what a crash left").unwrap();
    Daemon::start(&data, &["--checkpoint-file", good.to_str().unwrap()]).stop();
    let note = fs::read_to_string(&good).unwrap();
    assert!(note.contains("\n1\n"), "the checkpoint over the first block: {note}");
    assert!(!directory.path().join("checkpoint.tmp").exists());
}

#[test]
fn a_part_of_the_ledger_that_could_not_be_written_is_refused_at_the_start() {
    let (_directory, data) = ledger();
    for name in ["LOCK", "anchor", "tree/hashes"] {
        let file = data.join(name);
        let aside = data.join("aside");
        fs::rename(&file, &aside).unwrap();
        // What cannot be opened as a file stands for what may not be written; root may write everything.
        fs::create_dir(&file).unwrap();
        refused(&data, &[], &file);
        fs::remove_dir(&file).unwrap();
        fs::rename(&aside, &file).unwrap();
    }
    let spare = data.join("log/next.tmp");
    fs::remove_file(&spare).unwrap_or_default();
    fs::create_dir(&spare).unwrap();
    refused(&data, &[], &spare);
    fs::remove_dir(&spare).unwrap();
    Daemon::start(&data, &[]).stop();
}
