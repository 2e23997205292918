//! The real `ledgerd` with a log that nobody reads: stderr on a pipe that is full.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::daemon::{DEADLINE, ledgerd, options, place};

/// Connections whose lines fill a pipe of 64 KiB and the queue before it.
const CONNECTIONS: usize = 1_500;

/// Lines that a connection writes with [`LEVEL`]: that it came, and that it went.
const LINES_PER_CONNECTION: usize = 2;
const LEVEL: &str = "off,ledgerd::service::door=debug";

/// A daemon whose stderr is a pipe that nobody reads yet.
struct Unread {
    child: Child,
    address: String,
}

impl Unread {
    fn start(data: &Path) -> Unread {
        let mut command = ledgerd(&options(data, &[]));
        command.env("LEDGERD_LOG", LEVEL).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim_end().rsplit_once("addr=").unwrap().1.to_owned();
        Unread { child, address }
    }

    /// Asks for the server's key on a connection of its own, and reads to the end of the answer.
    fn visit(&self) {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(&ledgerd::session::get_key_frame()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(!answer.is_empty());
    }

    /// Waits until it has ended by itself.
    fn ended(mut self) -> Option<i32> {
        let (told, ended) = channel();
        let pid = Pid::from_child(&self.child);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        thread::spawn(move || told.send(waitid(WaitId::Pid(pid), look).is_ok()));
        assert_eq!(ended.recv_timeout(DEADLINE), Ok(true), "it does not end");
        self.child.wait().unwrap().code()
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // It may have ended long ago.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Fills the pipe for so long, then reads: what is read and what is said to be missing is all that there was.
fn everything_is_read_or_counted(stalled: Duration) {
    let (_dir, path) = place();
    let mut daemon = Unread::start(&path);
    let started = Instant::now();
    let mut visits = 0;
    while visits < CONNECTIONS || started.elapsed() < stalled {
        daemon.visit();
        visits += 1;
    }
    let stderr = daemon.child.stderr.take().unwrap();
    let (told, lines) = channel();
    thread::spawn(move || BufReader::new(stderr).lines().for_each(|line| told.send(line.unwrap()).unwrap()));
    let (mut read, mut dropped) = (0, 0);
    let mut count = |line: String| {
        match line.rsplit_once("dropped=") {
            Some((text, count)) => {
                assert!(text.contains(" WARN "), "{line}");
                dropped += count.parse::<usize>().unwrap();
            }
            None => read += 1,
        }
        dropped
    };
    while count(lines.recv_timeout(DEADLINE).unwrap()) == 0 {}
    daemon.visit();
    daemon.terminate();
    assert_eq!(daemon.ended(), Some(0));
    lines.iter().for_each(|line| _ = count(line));
    assert!(dropped > 0 && read > 100, "{read} read, {dropped} dropped");
    assert_eq!(read + dropped, (visits + 1) * LINES_PER_CONNECTION);
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_what_it_lacks_is_counted() {
    everything_is_read_or_counted(Duration::ZERO);
}

#[test]
#[ignore = "takes a minute"]
fn a_log_that_nobody_reads_for_a_minute_stops_nothing_and_what_it_lacks_is_counted() {
    everything_is_read_or_counted(Duration::from_secs(60));
}

#[test]
fn it_ends_when_asked_though_nobody_reads_its_log() {
    let (_dir, path) = place();
    let daemon = Unread::start(&path);
    for _ in 0..CONNECTIONS {
        daemon.visit();
    }
    daemon.terminate();
    assert_eq!(daemon.ended(), Some(0));
}
