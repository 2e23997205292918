//! `ledgerctl demo`: the main job on a temporary ledger, from an empty directory to a verified chain, with the
//! real daemon and the real commands as processes of their own. It shows every command that it runs, so that
//! what one sees is what one can type.
#![expect(clippy::disallowed_methods, reason = "the demo makes and changes files of its own")]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use argh::{ArgsInfo, FromArgs};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// Show the main job on a temporary ledger.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "demo", example = "ledgerctl demo")]
pub struct Demo {}

impl Run for Demo {
    const REMEMBERS: bool = false;

    fn run(&self, _context: &Context) -> Result<Exit, ClientError> {
        Ok(play_through(&mut io::stdout()))
    }
}

/// The first argument with which this binary becomes the daemon: the demo needs no second file.
pub const DAEMON_ARGUMENT: &str = "__daemon";

const ORDERS: &str = include_str!("../../../fixtures/orders.json");

/// Why the demo stopped.
#[derive(Debug)]
enum Failure {
    Io(&'static str, io::Error),
    Step(String, ExitStatus, String),
    Unexpected(&'static str),
    /// A signal asked for the end.
    Interrupted,
    /// Nobody reads what is shown any more.
    Unread,
}

type Done<T> = Result<T, Failure>;

/// Runs the demo; the directory it works in and the daemon are gone afterwards, whatever happens.
fn play_through(out: &mut dyn Write) -> Exit {
    // From here on these signals end the demo in good order.
    let interrupt = match Interrupt::by_signals() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            drop(writeln!(io::stderr(), "demo: {error}"));
            return Exit::Unexpected;
        }
    };
    let played = play(out, &interrupt);
    let asked = interrupt.is_asked();
    match played {
        Ok(()) | Err(Failure::Unread) => Exit::Done,
        // At a terminal the step that is under way gets the signal as well, and fails of it.
        Err(_) if asked => {
            drop(writeln!(io::stderr(), "demo: interrupted; nothing is left behind"));
            Exit::Unexpected
        }
        Err(failure) => {
            let message = match failure {
                Failure::Io(what, error) => format!("{what}: {error}"),
                Failure::Step(what, status, output) => format!("{what} ended with {status}:\n{output}"),
                Failure::Unexpected(what) => what.to_owned(),
                Failure::Interrupted | Failure::Unread => "ended early".to_owned(),
            };
            drop(writeln!(io::stderr(), "demo: {message}"));
            Exit::Unexpected
        }
    }
}

/// The end that a signal asks for: what the demo waits for ends at once, and the demo with its next line.
#[derive(Debug, Default)]
struct Interrupt {
    asked: AtomicBool,
    /// Every process that was started; one that has ended takes no signal any more.
    started: Mutex<Vec<OwnedFd>>,
}

/// Ends a process. One that has ended by itself is as good.
fn end(process: &OwnedFd) {
    pidfd_send_signal(process, Signal::KILL).unwrap_or_default();
}

impl Interrupt {
    fn by_signals() -> io::Result<Arc<Interrupt>> {
        let interrupt = Arc::new(Interrupt::default());
        let (mut signals, asked) = (Signals::new([SIGINT, SIGTERM, SIGHUP])?, interrupt.clone());
        std::thread::spawn(move || signals.forever().for_each(|_| asked.ask()));
        Ok(interrupt)
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        if let Ok(started) = self.started.lock() {
            started.iter().for_each(end);
        }
    }

    /// Takes notice of a process, which ends at once if the end was asked for already. On a system that has no handle
    /// of processes, the demo ends when the step that is under way has.
    fn watch(&self, child: &Child) {
        if let (Ok(process), Ok(mut started)) =
            (pidfd_open(Pid::from_child(child), PidfdFlags::empty()), self.started.lock())
        {
            if self.is_asked() {
                end(&process);
            }
            started.push(process);
        }
    }
}

fn play(out: &mut dyn Write, interrupt: &Interrupt) -> Done<()> {
    let out = &mut Screen { out, interrupt };
    let work = tempfile::tempdir().map_err(io_at("making a temporary directory"))?;
    let stage = Stage {
        binary: std::env::current_exe().map_err(io_at("finding this program"))?,
        data: work.path().join("ledger"),
        work: work.path().to_owned(),
    };
    let orders = work.path().join("orders.json");
    fs::write(&orders, ORDERS).map_err(io_at("writing the orders"))?;

    say(out, "The operator of the new ledger makes a key before there is one.")?;
    let operator = stage.keygen(out)?;
    say(
        out,
        "A new ledger: the first start makes its keys and its genesis block, which names the operator.",
    )?;
    let founding = ["--currency", "TWD", "--operator", path_text(&operator)?];
    let daemon = stage.start_daemon(out, "127.0.0.1:0", &founding)?;
    say(out, "Whoever registers that key is the operator.")?;
    stage.step(out, "operator", &daemon, &["getKey", "--accept-new"])?;
    stage.step(out, "operator", &daemon, &["register", "bank"])?;
    for member in ["alice", "bob"] {
        say(out, &format!("{member} pins the server's key, makes a key and registers."))?;
        stage.step(out, member, &daemon, &["getKey", "--accept-new"])?;
        stage.step(out, member, &daemon, &["register", member])?;
    }
    say(out, "Both place orders: one file is one signed command and one block.")?;
    stage.step(out, "alice", &daemon, &["add", path_text(&orders)?])?;
    stage.step(out, "bob", &daemon, &["add", path_text(&orders)?])?;
    say(out, "Everybody can fetch their own transactions, each checked on arrival, and nobody else's.")?;
    stage.step(out, "alice", &daemon, &["copy", "--json"])?;
    say(out, "The operator makes money; alice writes bob a cheque for some of it, and bob settles it.")?;
    stage.step(out, "operator", &daemon, &["issue", "alice", "100"])?;
    let cheque = stage.work.join("lunch.cheque");
    let cheque = path_text(&cheque)?;
    stage.step(out, "alice", &daemon, &["cheque", "bob", "30", "--memo", "lunch", "--out", cheque])?;
    stage.step(out, "bob", &daemon, &["settle", cheque])?;
    stage.step(out, "alice", &daemon, &["statement"])?;
    say(out, "The server reads its whole log again from disk; the client keeps the signed checkpoint.")?;
    stage.step(out, "bob", &daemon, &["verify"])?;

    say(out, "The daemon is stopped and started again: its state is what replaying the log yields.")?;
    let address = daemon.address.clone();
    daemon.stop()?;
    let daemon = stage.start_daemon(out, &address, &[])?;
    stage.step(out, "alice", &daemon, &["verify"])?;
    daemon.stop()?;

    say(out, "Without the server: the same check from the files alone.")?;
    stage.offline(out, "audit", &stage.data, true)?;
    let copy = stage.work.join("tampered");
    copy_directory(&stage.data, &copy).map_err(io_at("copying the ledger"))?;
    let (offset, file) = flip_a_byte(&copy)?;
    say(
        out,
        &format!("One byte of a copy is changed (offset {offset} of {file}) and the audit is run again."),
    )?;
    stage.offline(out, "audit", &copy, false)?;
    say(out, "The audit found it. That is all: the temporary directory is removed now.")
}

/// Where the demo is shown. What ends it early shows here: every step says what it does.
struct Screen<'a> {
    out: &'a mut dyn Write,
    interrupt: &'a Interrupt,
}

impl Screen<'_> {
    /// Runs a process to its end.
    fn output(&self, command: &mut Command) -> io::Result<Output> {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        self.interrupt.watch(&child);
        child.wait_with_output()
    }

    fn line(&mut self, text: &str) -> Done<()> {
        if self.interrupt.is_asked() {
            return Err(Failure::Interrupted);
        }
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::Io("writing", error),
        })
    }
}

struct Stage {
    binary: PathBuf,
    data: PathBuf,
    work: PathBuf,
}

struct Daemon {
    child: Child,
    address: String,
}

impl Stage {
    /// Makes the operator's key; gives the file with its public half.
    fn keygen(&self, out: &mut Screen<'_>) -> Done<PathBuf> {
        show(out, "ledgerctl --home operator keygen > operator.pem")?;
        let mut command = Command::new(&self.binary);
        command.arg("--home").arg(self.work.join("operator")).arg("keygen").stdin(Stdio::null());
        let output = out.output(&mut command).map_err(io_at("running keygen"))?;
        let file = self.work.join("operator.pem");
        fs::write(&file, &output.stdout).map_err(io_at("writing the operator's key"))?;
        if output.status.success() { Ok(file) } else { Err(Failure::Unexpected("keygen did not end well")) }
    }

    fn start_daemon(&self, out: &mut Screen<'_>, listen: &str, founding: &[&str]) -> Done<Daemon> {
        let shown = [&["ledgerd --data ledger --listen", listen], &shorten(founding)[..]].concat();
        show(out, &shown.join(" "))?;
        let mut command = Command::new(&self.binary);
        command.arg(DAEMON_ARGUMENT).arg("--data").arg(&self.data).args(["--listen", listen]).args(founding);
        command.env("LEDGERD_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(io_at("starting the daemon"))?;
        out.interrupt.watch(&child);
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or(Failure::Unexpected("the daemon has no output"))?;
        let read = BufReader::new(stdout).read_line(&mut line);
        let daemon = Daemon { child, address: line.split("addr=").nth(1).unwrap_or("").trim().to_owned() };
        read.map_err(io_at("reading from the daemon"))?;
        if daemon.address.is_empty() {
            return Err(Failure::Unexpected("the daemon did not become ready"));
        }
        out.line(&format!("    {}", line.trim_end()))?;
        Ok(daemon)
    }

    /// Runs one command of a member and shows it with what it prints.
    fn step(&self, out: &mut Screen<'_>, member: &str, daemon: &Daemon, arguments: &[&str]) -> Done<()> {
        let shown = shorten(arguments);
        show(out, &format!("ledgerctl --home {member} {}", shown.join(" ")))?;
        let mut command = Command::new(&self.binary);
        command.arg("--home").arg(self.work.join(member)).args(["--server", &daemon.address]);
        self.run(out, command.args(arguments), true)
    }

    fn offline(&self, out: &mut Screen<'_>, what: &str, directory: &Path, intact: bool) -> Done<()> {
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or("ledger");
        show(out, &format!("ledgerctl {what} {name}"))?;
        let mut command = Command::new(&self.binary);
        command.arg("--home").arg(self.work.join("auditor")).arg(what).arg(directory);
        self.run(out, &mut command, intact)
    }

    fn run(&self, out: &mut Screen<'_>, command: &mut Command, succeeds: bool) -> Done<()> {
        let output = out.output(command.stdin(Stdio::null())).map_err(io_at("running a command"))?;
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        for line in text.lines() {
            let shown: String = line.chars().take(150).collect();
            let cut = if shown.len() < line.len() { " …" } else { "" };
            out.line(&format!("    {shown}{cut}"))?;
        }
        let expected = if succeeds { Exit::Done } else { Exit::Integrity };
        if output.status.code() == Some(expected as i32) {
            Ok(())
        } else {
            Err(Failure::Step(format!("{command:?}"), output.status, text))
        }
    }
}

impl Daemon {
    /// Asks the daemon to finish, and waits until it has.
    fn stop(mut self) -> Done<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or(Failure::Unexpected("the daemon has no process id"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| Failure::Io("stopping the daemon", error.into()))?;
        let status = self.child.wait().map_err(io_at("waiting for the daemon"))?;
        if status.success() { Ok(()) } else { Err(Failure::Unexpected("the daemon did not end cleanly")) }
    }
}

impl Drop for Daemon {
    /// A demo that stops half way leaves no daemon behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Arguments as one would type them in the demo's own directory.
fn shorten<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().map(|argument| argument.rsplit('/').next().unwrap_or(argument)).collect()
}

/// Changes one letter of a stock name in the last segment that holds one.
fn flip_a_byte(ledger: &Path) -> Done<(usize, String)> {
    let log = ledger.join("log");
    let entries = fs::read_dir(&log).map_err(io_at("listing the log"))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files.iter().rev().filter(|file| file.extension().is_some_and(|end| end == "seg")) {
        let mut bytes = fs::read(file).map_err(io_at("reading a segment"))?;
        let Some(offset) = bytes.windows(4).position(|window| window == b"AAPL") else { continue };
        if let Some(byte) = bytes.get_mut(offset) {
            *byte ^= 1;
        }
        fs::write(file, &bytes).map_err(io_at("writing a segment"))?;
        let name = file.strip_prefix(ledger).unwrap_or(file).display().to_string();
        return Ok((offset, name));
    }
    Err(Failure::Unexpected("no segment holds an order for AAPL"))
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn say(out: &mut Screen<'_>, text: &str) -> Done<()> {
    out.line(&format!("\n{text}"))
}

fn show(out: &mut Screen<'_>, command: &str) -> Done<()> {
    out.line(&format!("  $ {command}"))
}

fn path_text(path: &Path) -> Done<&str> {
    path.to_str().ok_or(Failure::Unexpected("the temporary directory has no readable name"))
}

fn io_at(what: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::Io(what, error)
}
