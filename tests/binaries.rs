//! The real binaries on loopback: a daemon that is killed and started again, and the client's exact output and
//! exit codes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

pub(super) const DAEMON: &str = env!("CARGO_BIN_EXE_ledgerd");
pub(super) const CLIENT: &str = env!("CARGO_BIN_EXE_ledgerctl");
pub(super) const ORDERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/orders.json");

/// A daemon over a directory; killed when the test ends, however it ends.
pub(super) struct Daemon {
    child: Child,
    pub(super) address: String,
    blocks: u64,
    _stdout: BufReader<ChildStdout>,
}

impl Daemon {
    pub(super) fn start(data: &Path, listen: &str) -> Daemon {
        Daemon::start_with(data, listen, &[])
    }

    pub(super) fn start_with(data: &Path, listen: &str, more: &[&str]) -> Daemon {
        let mut command = Command::new(DAEMON);
        command.arg("--data").arg(data).args(["--listen", listen, "--segment-bytes=65536"]).args(more);
        command.env("LEDGERD_LOG", "error");
        Daemon::run(command)
    }

    /// The same with files that cannot grow beyond some 64 to 128 KiB, in whichever unit this shell counts, as if the disk
    /// were full.
    pub(super) fn start_limited(data: &Path, listen: &str) -> Daemon {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 128; exec \"$@\"", "sh", DAEMON, "--data"]).arg(data);
        command.args(["--listen", listen]).env("LEDGERD_LOG", "error");
        Daemon::run(command)
    }

    pub(super) fn run(mut command: Command) -> Daemon {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let field =
            |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)).map(str::to_owned);
        let address = field("addr=").unwrap_or_else(|| panic!("not ready: {line:?}"));
        let blocks = field("blocks=").unwrap().parse().unwrap();
        Daemon { child, address, blocks, _stdout: stdout }
    }

    /// From now on its files cannot grow beyond this, as if the disk were full.
    pub(super) fn limit_files(&self, bytes: u64) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        prlimit(Pid::from_raw(self.child.id() as i32), Resource::Fsize, limit).unwrap();
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory with a ledger and homes of members.
pub(super) struct Place {
    pub(super) directory: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Place {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    /// Copies a member's home, as whoever finds the machine could.
    pub(super) fn copy(&self, member: &str, to: &str) {
        let [from, to] = [member, to].map(|home| self.directory.path().join(home));
        assert!(Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
    }

    pub(super) fn command(&self, member: &str, address: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(CLIENT);
        command.arg("--home").arg(self.directory.path().join(member)).arg(format!("--server={address}"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, member: &str, address: &str, arguments: &[&str]) -> Output {
        self.command(member, address, arguments).output().unwrap()
    }

    /// Runs a command that has to succeed; gives its output.
    pub(super) fn done(&self, member: &str, address: &str, arguments: &[&str]) -> String {
        let output = self.run(member, address, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that has to end with this code; gives what it complained.
    pub(super) fn ends(&self, code: i32, member: &str, address: &str, arguments: &[&str]) -> String {
        let output = self.run(member, address, arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        errors
    }

    /// Feeds a command and gives its exit code and output.
    pub(super) fn feed(
        &self,
        member: &str,
        address: &str,
        arguments: &[&str],
        input: &str,
    ) -> (Option<i32>, String) {
        let mut command = self.command(member, address, arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    pub(super) fn join(&self, member: &str, address: &str) -> u64 {
        self.done(member, address, &["getKey", "--accept-new"]);
        self.done(member, address, &["register", member]).trim().parse().unwrap()
    }

    pub(super) fn status(&self, member: &str, address: &str) -> Value {
        serde_json::from_str(&self.done(member, address, &["status", "--json"])).unwrap()
    }
}

#[test]
fn members_register_place_orders_copy_only_their_own_and_verify() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    assert_eq!((place.join("alice", at), place.join("bob", at)), (1, 2));
    assert!(place.done("alice", at, &["add", ORDERS]).starts_with("block 3 "));
    let (code, line) =
        place.feed("bob", at, &["add", "-"], "{\"operation_type\":\"buy\",\"stock_name\":\"AAPL\"}");
    assert_eq!(code, Some(0));
    let hash = line.split(' ').nth(2).unwrap();
    let copied = place.done("bob", at, &["copy", "--json"]);
    let block: Value = serde_json::from_str(&copied).unwrap();
    assert_eq!(block["data"].to_string(), r#"{"user_id":2,"operation_type":"buy","stock_name":"AAPL"}"#);
    assert_eq!((block["index"].as_u64(), block["hash"].as_str()), (Some(4), Some(hash)));
    let own = place.done("alice", at, &["copy", "--json"]);
    let own: Value = serde_json::from_str(&own).unwrap();
    assert_eq!(own["data"].as_array().unwrap().len(), 12);
    assert_eq!(block["previous_hash"], own["hash"]);
    assert!(place.done("alice", at, &["verify"]).starts_with("intact: 5 blocks, 4 signatures"));
    let exported = place.done("nobody", at, &["export", place.data().to_str().unwrap()]);
    let genesis: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(
        (genesis["data"].as_str(), genesis["previous_hash"].as_str()),
        (Some("Genesis Block"), Some("0"))
    );
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = Daemon::start(&place.data(), at_port(&place));
    assert_eq!(daemon.blocks, 5);
}

/// Any free port.
fn at_port(_: &Place) -> &'static str {
    "127.0.0.1:0"
}

#[test]
fn the_second_call_resumes_and_costs_the_server_no_private_operation() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let first = place.status("alice", at);
    let second = place.status("alice", at);
    let third = place.status("alice", at);
    assert_eq!(first["handshakes_full"], 2, "registration and the first authenticated call");
    assert_eq!((&second["handshakes_full"], &second["handshakes_resumed"]), (&2.into(), &1.into()));
    assert_eq!((&third["handshakes_full"], &third["handshakes_resumed"]), (&2.into(), &2.into()));
}

#[test]
fn what_is_refused_has_its_name_and_its_exit_code_and_changes_nothing() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    assert!(place.ends(2, "alice", at, &["status"]).contains("not known"));
    assert!(place.ends(2, "alice", at, &["getKey"]).contains("SHA3-256:"));
    assert!(
        place.ends(2, "alice", at, &["getKey", "--fingerprint=SHA3-256:no"]).contains("whole fingerprint")
    );
    let other = format!("SHA3-256:{}", "A".repeat(43));
    let said = place.ends(65, "alice", at, &["getKey", "--fingerprint", &other]);
    assert!(said.contains(&format!("expected: {other}")), "{said}");
    place.join("alice", at);
    place.done("bob", at, &["getKey", "--accept-new"]);
    assert!(place.ends(2, "bob", at, &["add", ORDERS]).contains("register"));
    assert!(place.ends(3, "bob", at, &["register", "ALICE"]).contains("handle_taken"));
    assert!(place.ends(2, "bob", at, &["register", "a@b.org"]).contains("invalid_handle"));
    assert!(place.ends(3, "alice", at, &["register", "other"]).contains("already_registered"));
    assert!(place.ends(2, "alice", at, &["copy", "--limit=x"]).contains("limit"));
    assert!(place.ends(2, "alice", at, &["vrify"]).contains("Did you mean verify?"));
    let refused = [
        ("{\"operation_type\":\"hold\",\"stock_name\":\"A\"}", "line 1, element 1: field operation_type"),
        ("{\"operation_type\":\"buy\"}", "field stock_name: missing"),
        (
            "[{\"operation_type\":\"buy\",\"stock_name\":\"A\"},\n{\"operation_type\":\"buy\",\"stock_name\":\"a b\"}]",
            "line 2, element 2: field stock_name",
        ),
        ("{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"quantity\":-1}", "field quantity: negative"),
        ("{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"price\":\"1.000000001\"}", "field price"),
        (
            "{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"price\":1,\"currency\":\"A1\"}",
            "field currency",
        ),
        ("{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"colour\":1}", "field colour: unknown"),
        ("{\"operation_type\":\"buy\",\"operation_type\":\"buy\"}", "field operation_type: stands twice"),
        ("{\"operation_type\":\"buy\",", "line 1"),
        ("", "empty"),
        ("[]", "the array is empty"),
        ("[\"buy\",\"AAPL\"]", "line 1, element 1: invalid type: string"),
    ];
    for (input, reason) in refused {
        let path = place.directory.path().join("input.json");
        std::fs::write(&path, input).unwrap();
        let said = place.ends(2, "alice", at, &["add", path.to_str().unwrap()]);
        assert!(said.contains(reason), "{input}: {said}");
    }
    let after = place.status("alice", at);
    assert_eq!((&after["blocks"], &after["orders"]), (&2.into(), &0.into()));
    drop(daemon);
    assert!(place.ends(4, "alice", "127.0.0.1:1", &["getKey"]).contains("127.0.0.1:1"));
}

#[test]
fn each_line_of_a_stream_is_answered_on_a_line_of_its_own() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let order = |stock: &str| {
        format!(
            r#"{{"operation_type":"buy","stock_name":"{stock}","command_id":"00112233445566778899aabbccddeeff"}}"#
        )
    };
    let input = format!("{}\nnonsense\n{}\n{}\n", order("A"), order("A"), order("B"));
    let (code, output) = place.feed("alice", at, &["add", "--each", "--inflight=1", "-"], &input);
    assert_eq!(code, Some(3));
    let lines: Vec<&str> = output.lines().collect();
    let receipt = lines[0].strip_prefix("ack 1 2 ").unwrap();
    assert_eq!(
        lines[1..],
        ["refused 2 invalid_input", &format!("duplicate 3 2 {receipt}"), "refused 4 conflict"]
    );
    let (code, output) = place.feed("alice", at, &["add", "--each", "-"], &order("A"));
    assert_eq!((code, output.trim()), (Some(0), format!("duplicate 1 2 {receipt}").as_str()));
    assert_eq!(place.status("alice", at)["orders"], 1);
}

/// `KILL_CYCLES=100` for a longer look.
#[test]
fn nothing_acknowledged_is_missing_after_the_daemon_is_killed_under_load() {
    let cycles = std::env::var("KILL_CYCLES").map_or(4, |cycles| cycles.parse().unwrap());
    let place = Place::new();
    let mut daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    place.join("alice", &address);
    let mut acknowledged = BTreeMap::new();
    for round in 0..cycles {
        let mut command =
            place.command("alice", &address, &["add", "--each", "--inflight=32", "--deadline=1", "-"]);
        let mut client =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = client.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            // The client stops reading when the daemon is gone.
            (0..2_000).all(|n| {
                writeln!(
                    stdin,
                    "{{\"operation_type\":\"sell\",\"stock_name\":\"R{round}\",\"quantity\":{}}}",
                    n + 1
                )
                .is_ok()
            })
        });
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let mut killed = Some(daemon);
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ack" | "duplicate", _, index, hash] = words[..] {
                acknowledged.insert(index.parse::<u64>().unwrap(), hash.to_owned());
                seen += 1;
            }
            if seen == 40 + 10 * (round % 16)
                && let Some(daemon) = killed.take()
            {
                daemon.kill();
            }
        }
        assert!(killed.is_none(), "the daemon was killed in the middle");
        assert_eq!(client.wait().unwrap().code(), Some(5), "some lines are unknown");
        drop(feeder.join());
        daemon = Daemon::start(&place.data(), &address);
    }
    let exported = place.done("nobody", &address, &["export", place.data().to_str().unwrap()]);
    let hashes: BTreeMap<u64, String> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|block| (block["index"].as_u64().unwrap(), block["hash"].as_str().unwrap().to_owned()))
        .collect();
    assert!(acknowledged.len() > 40 * cycles);
    for (index, hash) in &acknowledged {
        assert_eq!(hashes.get(index), Some(hash), "block {index} was acknowledged");
    }
    // The next invocation resolves what is unknown, and no order of one line stands twice.
    place.done("alice", &address, &["whoami"]);
    let quantities = place.done("alice", &address, &["copy", "--json"]);
    let mut placed = std::collections::BTreeSet::new();
    for line in quantities.lines() {
        let block: Value = serde_json::from_str(line).unwrap();
        let key = (block["data"]["stock_name"].to_string(), block["data"]["quantity"].as_u64().unwrap_or(1));
        assert!(placed.insert(key.clone()), "{key:?} stands twice");
    }
    assert!(place.done("alice", &address, &["verify"]).starts_with("intact"));
    assert!(place.done("nobody", &address, &["audit", place.data().to_str().unwrap()]).starts_with("intact"));
}

#[test]
fn a_stream_goes_on_when_the_daemon_comes_back_and_places_every_order_once() {
    const LINES: usize = 600;
    let place = Place::new();
    let mut daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    place.join("alice", &address);
    let mut command = place.command("alice", &address, &["add", "--each", "--inflight=16", "-"]);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = client.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        for n in 1..=LINES {
            writeln!(stdin, "{{\"operation_type\":\"buy\",\"stock_name\":\"S\",\"quantity\":{n}}}").unwrap();
        }
    });
    let mut answered = BTreeMap::new();
    for line in BufReader::new(client.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let ["ack" | "duplicate", number, index, _] = words[..] else { panic!("{line}") };
        assert_eq!(answered.insert(number.parse::<usize>().unwrap(), index.to_owned()), None, "{line}");
        if answered.len() % 150 == 0 && answered.len() < LINES {
            daemon.kill();
            daemon = Daemon::start(&place.data(), &address);
        }
    }
    feeder.join().unwrap();
    assert_eq!(client.wait().unwrap().code(), Some(0));
    assert_eq!(answered.keys().copied().collect::<Vec<_>>(), (1..=LINES).collect::<Vec<_>>());
    assert_eq!(place.status("alice", &address)["orders"], LINES);
}

#[test]
fn a_second_daemon_is_turned_away_and_names_the_first() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let output = Command::new(DAEMON).arg("--data").arg(place.data()).output().unwrap();
    assert_eq!(output.status.code(), Some(75));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("process {}", daemon.child.id())), "{said}");
}

#[test]
fn a_bad_setting_ends_with_key_value_and_range() {
    let place = Place::new();
    let config = place.directory.path().join("bad.toml");
    std::fs::write(&config, "idle_ms = 0").unwrap();
    let mut command = Command::new(DAEMON);
    let output = command.arg("--data").arg(place.data()).arg("--config").arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["idle_ms", " = 0", "10", "86400000"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!place.data().exists(), "nothing was made");
}

#[test]
fn strangers_who_speak_something_else_are_shown_out_and_harm_nobody() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    for greeting in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", &[0xff; 4096]]
    {
        let mut stream = TcpStream::connect(&daemon.address).unwrap();
        drop(stream.write_all(greeting));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert_eq!(answer, b"", "not a word to {greeting:?}");
    }
    place.join("alice", &daemon.address);
}

#[test]
fn a_rotated_key_is_fetched_silently_and_another_server_is_refused_with_both_fingerprints() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    place.join("alice", &address);
    assert_eq!(daemon.terminate(), Some(0));
    let output = Command::new(DAEMON).arg("--data").arg(place.data()).arg("--rotate-key").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ROTATED serial=2");
    let daemon = Daemon::start(&place.data(), &address);
    place.done("alice", &address, &["whoami"]);
    place.done("alice", &address, &["getKey"]);
    place.done("alice", &address, &["whoami"]);
    drop(daemon);
    let other = Daemon::start(&place.directory.path().join("other"), &address);
    let said = place.ends(65, "alice", &address, &["getKey"]);
    let words = said.split_whitespace().filter(|word| word.starts_with("SHA3-256:"));
    let fingerprints: std::collections::BTreeSet<&str> = words.collect();
    assert_eq!(fingerprints.len(), 2, "{said}");
    drop(other);
}

#[test]
fn the_demo_runs_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(CLIENT).arg("demo").env("TMPDIR", temporary.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("DAMAGED") && said.contains("intact"), "{said}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// A log that fills the disk must not end what it tells about.
#[test]
fn a_daemon_whose_log_lines_cannot_be_written_goes_on() {
    const LIMIT: u64 = 512 << 10;
    let place = Place::new();
    let log = place.directory.path().join("daemon.log");
    std::fs::write(&log, vec![b'.'; LIMIT as usize]).unwrap();
    let mut command = Command::new(DAEMON);
    command.arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0", "--segment-bytes=65536"]);
    command.env("LEDGERD_LOG", "debug");
    command.stderr(std::fs::OpenOptions::new().append(true).open(&log).unwrap());
    let daemon = Daemon::run(command);
    let written = std::fs::metadata(&log).unwrap().len();
    assert!(written > LIMIT, "it does write its log here");
    daemon.limit_files(LIMIT);
    let at = daemon.address.as_str();
    place.join("alice", at);
    assert!(place.done("alice", at, &["add", ORDERS]).starts_with("block 2 "));
    assert_eq!(std::fs::metadata(&log).unwrap().len(), written, "and cannot any more");
    assert_eq!(daemon.terminate(), Some(0));
}
