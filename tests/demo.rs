//! The demo leaves nothing behind, whatever ends it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::binaries::CLIENT;

/// A demo that has its daemon running.
fn begun(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(CLIENT);
    command
        .arg("demo")
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("READY") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the demo ended before it began");
    }
    (child, lines)
}

/// Processes that were started with something in this folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let named = folder.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(named))
        .collect()
}

#[test]
fn a_demo_that_is_interrupted_or_that_nobody_watches_any_more_leaves_nothing_behind() {
    let endings = [Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP), None];
    let demos = endings.map(|ending| {
        let folder = tempfile::tempdir().unwrap();
        let (child, lines) = begun(folder.path());
        let lines = match ending {
            Some(signal) => {
                kill_process(Pid::from_child(&child), signal).unwrap();
                Some(lines)
            }
            // Its output is closed.
            None => None,
        };
        (ending, folder, child, lines)
    });
    for (ending, folder, mut child, lines) in demos {
        let status = child.wait().unwrap();
        let expected = if ending.is_some() { 1 } else { 0 };
        assert_eq!(status.code(), Some(expected), "{ending:?}");
        drop(lines);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!((left, processes_in(folder.path())), (vec![], vec![]), "{ending:?}");
    }
}
