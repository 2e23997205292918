//! The real `ledgerd` as a process: what it prints, how it ends, and what it survives.
//!
//! Nothing here sleeps instead of waiting for what it is about: a line, the end of a stream, an exit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use ledgerd::session::Descriptor;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Longer than anything here takes, on a machine that is busy with everything else.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A daemon under test. It is killed when this is dropped.
pub(crate) struct Daemon {
    pid: Pid,
    outcome: Receiver<Outcome>,
    ready: Receiver<String>,
    pub(crate) address: SocketAddr,
    pub(crate) ready_line: String,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Starts a process and watches it; returns its first line of output as well, once there is one.
fn spawn(mut command: Command) -> (Pid, Receiver<String>, Receiver<Outcome>) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pid = Pid::from_child(&child);
    let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (first_line, first) = channel();
    let (outcome, ended) = channel();
    let out = thread::spawn(move || {
        let (mut reader, mut text) = (BufReader::new(stdout), String::new());
        while reader.read_line(&mut text).unwrap() > 0 {
            drop(first_line.send(text.clone()));
        }
        text
    });
    let err = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    thread::spawn(move || {
        let status = child.wait().unwrap();
        let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
        drop(outcome.send(Outcome { code: status.code(), stdout, stderr }));
    });
    (pid, first, ended)
}

pub(crate) fn ledgerd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerd"));
    command.args(arguments).env_remove("LEDGERD_LOG");
    command
}

/// Runs to the end; for starts that are refused and for options that only print.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    run_command(ledgerd(arguments))
}

/// The same for a command that was prepared otherwise.
pub(crate) fn run_command(command: Command) -> Outcome {
    spawn(command).2.recv_timeout(DEADLINE).unwrap()
}

impl Daemon {
    /// Starts a daemon on this directory and a free port, and waits until it serves.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Daemon {
        Daemon::serve(ledgerd(&options(data, more)))
    }

    /// The same, with what the system lets a process have limited as `ulimit` says it.
    pub(crate) fn start_limited(limit: &str, data: &Path, more: &[&str]) -> Daemon {
        let mut command = Command::new("sh");
        let script = format!("ulimit {limit}; exec \"$@\"");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_ledgerd")]);
        command.args(options(data, more));
        Daemon::serve(command)
    }

    /// The same with a command of one's own.
    pub(crate) fn serve(command: Command) -> Daemon {
        let (pid, ready, outcome) = spawn(command);
        let Ok(ready_line) = ready.recv_timeout(DEADLINE) else {
            panic!("the daemon did not become ready: {:?}", outcome.recv_timeout(DEADLINE))
        };
        let address = ready_line.trim_end().rsplit_once("addr=").unwrap().1.parse().unwrap();
        Daemon { pid, outcome, ready, address, ready_line }
    }

    /// From now on its files cannot grow beyond this, as if the disk were full.
    pub(crate) fn limit_files(&self, bytes: u64) {
        use rustix::process::{Resource, Rlimit, prlimit};
        prlimit(Some(self.pid), Resource::Fsize, Rlimit { current: Some(bytes), maximum: Some(bytes) })
            .unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn ended(self) -> Outcome {
        let outcome = self.outcome.recv_timeout(DEADLINE).unwrap();
        assert!(self.ready.try_iter().count() == 0, "one line on standard output: {}", outcome.stdout);
        outcome
    }

    /// Asks it to end, and expects that it does so in good order.
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        let outcome = self.ended();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.address, DEADLINE).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes and reads to the end of the stream.
    pub(crate) fn talk(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        read_to_end(&mut stream)
    }

    /// What every client asks first: the first block and the descriptor.
    pub(crate) fn get_key(&self) -> (Vec<u8>, Descriptor) {
        let answer = self.talk(&ledgerd::session::get_key_frame());
        let body = &answer[3..];
        let (length, rest) = body.split_first_chunk::<2>().unwrap();
        let (block, note) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        (block.to_vec(), Descriptor::parse(std::str::from_utf8(note).unwrap()).unwrap())
    }

    /// Field of `/proc/<pid>/stat`, counted from one: 14 and 15 are the CPU time used, in ticks.
    fn stat(&self, field: usize) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero())).unwrap();
        text.rsplit_once(") ").unwrap().1.split(' ').nth(field - 3).unwrap().parse().unwrap()
    }

    fn cpu_time(&self) -> Duration {
        Duration::from_millis((self.stat(14) + self.stat(15)) * 10)
    }
}

/// The options of every daemon here: a free port, and small segments unless it is about their size.
pub(crate) fn options<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let small = "--segment-bytes=65536";
    let sized = more.iter().any(|option| option.starts_with("--segment-bytes"));
    let own = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    own.into_iter().chain(more.iter().copied()).chain((!sized).then_some(small)).collect()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(std::sync::mpsc::TryRecvError::Empty) = self.outcome.try_recv() {
            // It may have ended between the look and now.
            kill_process(self.pid, Signal::KILL).unwrap_or_default();
        }
    }
}

/// Reads until the other side ends the stream, in whichever way.
fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

/// A directory for a ledger, and the ledger's path in it.
pub(crate) fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    (dir, path)
}

/// Every file below a directory, with its content.
pub(crate) fn snapshot(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn it_says_once_that_it_serves_ends_when_asked_and_replays() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &["--origin=ledger.example/one"]);
    let head = daemon.ready_line.split(' ').nth(2).unwrap().to_owned();
    assert!(daemon.ready_line.starts_with("READY blocks=1 head="), "{}", daemon.ready_line);
    assert_eq!(head.len(), "head=".len() + 64);
    let (block, descriptor) = daemon.get_key();
    let (genesis, id) = ledgerd::chain::Genesis::from_block(&block).unwrap();
    assert_eq!(format!("head={id}"), head);
    assert_eq!((genesis.origin.as_str(), descriptor.ledger_id()), ("ledger.example/one", id));
    daemon.stop();

    // Another signal, another end: a crash. The ledger stays the same.
    for signal in [Signal::INT, Signal::KILL] {
        let daemon = Daemon::start(&path, &[]);
        assert!(daemon.ready_line.contains(&head), "{}", daemon.ready_line);
        assert_eq!(daemon.get_key().1, descriptor);
        daemon.signal(signal);
        let code = if signal == Signal::INT { Some(0) } else { None };
        assert_eq!(daemon.ended().code, code);
    }
    Daemon::start(&path, &[]).stop();
}

#[test]
fn a_second_daemon_names_the_first_and_touches_nothing() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let before = snapshot(&path);
    let data = path.to_str().unwrap();
    for more in ["--listen=127.0.0.1:0", "--rotate-key"] {
        let asked = Instant::now();
        let outcome = run(&["--data", data, more]);
        assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());
        assert_eq!(outcome.code, Some(75), "{outcome:?}");
        assert!(outcome.stderr.contains(&daemon.pid.to_string()), "{outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(snapshot(&path), before);
    daemon.stop();
}

#[test]
fn a_connection_that_waits_does_not_keep_it_from_ending() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let mut silent = daemon.connect();
    // An answer to somebody else shows that the silent one was accepted before.
    daemon.get_key();
    daemon.signal(Signal::TERM);
    assert_eq!(read_to_end(&mut silent), b"");
    assert_eq!(daemon.ended().code, Some(0));
}

#[test]
fn asked_twice_it_ends_at_once_and_says_so() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    // Stopped, so that both are there before it can answer the first.
    daemon.signal(Signal::STOP);
    waitid(WaitId::Pid(daemon.pid), WaitIdOptions::STOPPED).unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::CONT] {
        daemon.signal(signal);
    }
    assert_eq!(daemon.ended().code, Some(1));
    Daemon::start(&path, &[]).stop();
}

#[test]
fn help_version_and_mistakes() {
    let help = run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for part in ["ledgerd --data", "--segment-bytes", "connections_max", "16384", "LEDGERD_LOG"] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
    let version = run(&["--version"]);
    assert_eq!(version.stdout, format!("ledgerd {}\n", env!("CARGO_PKG_VERSION")));
    for (arguments, part) in [
        (&["--data", "x", "--segment-bytes=12"][..], "65536"),
        (&["--lisen=127.0.0.1:0"], "--listen"),
        (&[], "--data"),
    ] {
        let outcome = run(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(part), "{outcome:?}");
    }
}

#[test]
fn a_bad_configuration_is_refused_before_anything_is_made() {
    let (dir, path) = place();
    let (config, data) = (dir.path().join("c.toml"), path.to_str().unwrap());
    for (text, parts) in [
        ("idle_ms = 5", &["idle_ms", "5", "10", "86400000"][..]),
        ("idle_ms = \"\\u001b[31m\"", &["idle_ms", "10", "86400000"]),
        ("idel_ms = 50", &["idel_ms", "idle_ms"]),
        ("idle_ms", &["c.toml"]),
    ] {
        fs::write(&config, text).unwrap();
        let outcome = run(&["--data", data, "--config", config.to_str().unwrap()]);
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        for part in parts {
            assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
        }
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
    }
    assert_eq!(run(&["--data", data, "--config", "/nowhere/c.toml"]).code, Some(78));
    assert!(!path.exists() && !dir.path().join("ledger.new").exists());
}

#[test]
fn key_files_that_cannot_be_used_are_named() {
    let (_dir, path) = place();
    Daemon::start(&path, &[]).stop();
    let (_other_dir, other) = place();
    Daemon::start(&other, &[]).stop();
    for name in ["log.seed", "enc-1.pem", "descriptor-1", "current"] {
        let file = path.join("keys").join(name);
        let good = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let outcome = run(&["--data", path.to_str().unwrap(), "--listen=127.0.0.1:0"]);
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        assert!(outcome.stderr.contains(name), "{outcome:?}");
        fs::write(&file, good).unwrap();
    }
    // The keys of another ledger belong together, but not with this log.
    fs::rename(path.join("keys"), path.with_file_name("aside")).unwrap();
    fs::rename(other.join("keys"), path.join("keys")).unwrap();
    let outcome = run(&["--data", path.to_str().unwrap(), "--listen=127.0.0.1:0"]);
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    assert!(outcome.stderr.contains("descriptor-1"), "{outcome:?}");
}

#[test]
fn a_rotation_makes_the_next_descriptor_of_the_same_ledger() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let (block, first) = daemon.get_key();
    daemon.stop();
    let outcome = run(&["--data", path.to_str().unwrap(), "--rotate-key"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "ROTATED serial=2\n");
    let daemon = Daemon::start(&path, &[]);
    let (block_again, second) = daemon.get_key();
    assert_eq!((block_again, second.serial()), (block, 2));
    assert_eq!(second.check_pin(first.log_key(), &first.ledger_id(), first.serial()), Ok(()));
    assert_ne!(second.encryption_key(), first.encryption_key());
    daemon.stop();
    let (_dir, nothing) = place();
    let outcome = run(&["--data", nothing.to_str().unwrap(), "--rotate-key"]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(!nothing.exists());
}

#[test]
fn a_damaged_log_is_named_and_left_as_it_is() {
    let (_dir, path) = place();
    Daemon::start(&path, &[]).stop();
    let segment = path.join("log/00000000000000000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.iter().rposition(|byte| *byte != 0).unwrap() - 40;
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let before = snapshot(&path);
    let outcome = run(&["--data", path.to_str().unwrap(), "--listen=127.0.0.1:0"]);
    assert_eq!(outcome.code, Some(65), "{outcome:?}");
    for part in ["00000000000000000000.seg", "offset", "block 0"] {
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
    let mut after = snapshot(&path);
    // The lock names its newest holder.
    after.insert(path.join("LOCK"), before[&path.join("LOCK")].clone());
    assert!(after == before, "a refused start has changed a file");

    fs::remove_file(path.join("anchor")).unwrap();
    let outcome = run(&["--data", path.to_str().unwrap(), "--listen=127.0.0.1:0"]);
    assert_eq!(outcome.code, Some(65), "{outcome:?}");
    assert!(outcome.stderr.contains("anchor_missing"), "{outcome:?}");
}

#[test]
fn an_address_in_use_is_named() {
    let (_dir, path) = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = run(&["--data", path.to_str().unwrap(), "--listen", &address]);
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    assert!(outcome.stderr.contains(&address), "{outcome:?}");
}

#[test]
fn greetings_of_other_protocols_are_closed_without_harm() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let (hello, zeros) = ([&[0x10, 0x01, 0xd8][..], &[7; 472]].concat(), [0; 5_000]);
    for greeting in [
        &b"GET / HTTP/1.1\r\nHost: ledger\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc],
        &[0x20, 0xff, 0xff, 0x00],
        &hello,
        &zeros,
    ] {
        let answer = daemon.talk(greeting);
        assert!(answer.len() <= 4, "no more than an alert is said to a stranger: {answer:?}");
    }
    // One who says nothing more and goes, in the middle of a hello.
    daemon.connect().write_all(&hello[..200]).unwrap();
    daemon.get_key();
    daemon.stop();
}

#[test]
fn running_out_of_descriptors_neither_kills_it_nor_keeps_it_busy() {
    let (dir, path) = place();
    let config = dir.path().join("c.toml");
    fs::write(&config, "first_frame_ms = 2000").unwrap();
    let daemon = Daemon::start_limited("-n 40", &path, &["--config", config.to_str().unwrap()]);
    let (started, busy_before) = (Instant::now(), daemon.cpu_time());
    let crowd: Vec<TcpStream> = (0..100).map(|_| daemon.connect()).collect();
    // Everybody is turned away at once or after the time that a first frame may take.
    for mut stream in crowd {
        assert_eq!(read_to_end(&mut stream), b"");
    }
    let (took, busy) = (started.elapsed(), daemon.cpu_time() - busy_before);
    assert!(took >= Duration::from_millis(1_900), "some were let in: {took:?}");
    assert!(busy < took / 2, "busy for {busy:?} of {took:?}");
    daemon.get_key();
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0));
    let lines = outcome.stderr.lines().filter(|line| line.contains("turned away")).count();
    assert!((1..5).contains(&lines), "{lines} lines about the crowd");
}
