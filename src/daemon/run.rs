//! `ledgerd` from its arguments to its exit code.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::net::TcpListener;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zeroize::Zeroizing;

use super::arguments::{self, Serve, Task};
use super::clock_file::ClockFile;
use super::directory::DataDirectory;
use super::error::DaemonError;
use super::founding::Founding;
use super::keys::ServerKeys;
use super::logging::{self, Logging};
use super::password_switch;
use super::passwords::PasswordKeys;
use super::vault::Vault;
use super::{directory, keys};
use crate::crypto::random;
use crate::domain::State;
use crate::eventlog::{Disk, Recovery, Storage, anchor};
use crate::ledger::{CheckpointFile, CheckpointFileError, Demands, Ledger};
use crate::limits::Limits;
use crate::password::Stretch;
use crate::reactor::{self, Clock, Parts, Reactor, SignalSource};
use crate::service::{Keys, Service};
use crate::session::ServerIdentity;
use crate::terminal::exit::Exit;

/// Descriptors that the daemon needs besides those of its connections.
const DESCRIPTORS_APART: u64 = 64;

/// Runs the daemon with these arguments, the program's name not among them, until it is asked to end. Whoever
/// calls it ends the process with the code that it returns.
pub fn main(arguments: &[String]) -> Exit {
    let task = arguments::parse(arguments);
    let work = match task {
        Ok(Task::Print(text)) => return without_log(print(text.trim_end())),
        Ok(Task::Show { data, fingerprint, vkey }) => return without_log(show(&data, fingerprint, vkey)),
        Ok(Task::Serve(serve)) => Work::Serve(serve),
        Ok(Task::RotateKey(data)) => Work::RotateKey(data),
        Err(error) => return without_log(Err(error)),
    };
    let logging = match Logging::start() {
        Ok(logging) => logging,
        Err(error) => return without_log(Err(error)),
    };
    let done = match &work {
        Work::Serve(serve) => self::serve(serve),
        Work::RotateKey(data) => rotate_key(data),
    };
    logging.end(&done.as_ref().err().map(DaemonError::to_string).unwrap_or_default());
    done.map_or_else(|error| error.exit(), |()| Exit::Done)
}

/// What is told of while it is done.
enum Work {
    Serve(Box<Serve>),
    RotateKey(PathBuf),
}

/// The end of what has no log. With stderr gone there is nobody to tell; the exit code still says what happened.
fn without_log(done: Result<(), DaemonError>) -> Exit {
    let Err(error) = done else { return Exit::Done };
    drop(io::stderr().write_all(logging::lines(&error.to_string()).as_bytes()));
    error.exit()
}

/// Prints what a ledger is known by, without a lock: nothing is written, and the daemon may be running.
fn show(data: &Path, fingerprint: bool, vkey: bool) -> Result<(), DaemonError> {
    let (path, descriptor) = directory::descriptor(data)?;
    let storage = Disk::new(&path);
    if let Ok(Some(anchor)) = anchor::read(&storage) {
        keys::check_descriptor(&path, &descriptor, anchor.ledger_id)?;
    }
    if fingerprint {
        print(descriptor.fingerprint())?;
    }
    if vkey {
        print(descriptor.log_key())?;
    }
    Ok(())
}

fn serve(serve: &Serve) -> Result<(), DaemonError> {
    let clock = Clock::start();
    let signals = SignalSource::of_daemon().map_err(DaemonError::io("watching signals"))?;
    allow_descriptors(&serve.limits);
    let now = clock.now().wall;
    let founding = Founding {
        origin: serve.origin.as_ref().map(|origin| origin.value.as_str()),
        options: serve.options,
        now,
        settings: &serve.founding,
        passwords: serve.passwords,
    };
    let directory = DataDirectory::open_or_create(&serve.data, &founding, &mut random::os())?;
    let keys = directory.keys(now)?;
    check_password_cost(serve, &keys)?;
    let keys = password_switch::switch(directory.path(), keys, serve.passwords, now, &mut random::os())?;
    check_origin(serve, &keys)?;
    // Before the log is replayed, because that can take a while only to fail then.
    let listen = |source| DaemonError::Listen { address: serve.listen.clone(), source };
    let socket = TcpListener::bind(serve.address).map_err(listen)?;
    let address = socket.local_addr().map_err(listen)?;

    let storage: Arc<dyn Storage> = Arc::new(Disk::new(directory.path()));
    check_anchor(storage.as_ref(), &directory, &keys)?;
    let checkpoint_file = open_checkpoint_file(&serve.checkpoint_file, &keys)?;
    let vault = Vault::look(storage.as_ref(), serve.without_vault)?;
    let demands = Demands { checkpoint: checkpoint_file.kept(), vault: vault.demand() };
    let opened = Ledger::open_if(&storage, serve.options, demands);
    let (ledger, recovery) = opened.map_err(DaemonError::log_at_start(directory.path()))?;
    tell(&recovery);
    if checkpoint_file.kept().is_none() && recovery.blocks > 1 {
        let file = serve.checkpoint_file.display();
        tracing::warn!(%file, "no checkpoint was kept before; this log is taken as it is");
    }
    check_settings(serve, ledger.replica().state())?;
    keys.check_ledger(directory.path(), ledger.replica().genesis(), ledger.ledger_id())?;
    let login_keys = keys.passwords.as_ref().map(PasswordKeys::login_keys);
    let vault_secrets = vault.open(&storage, &ledger, login_keys, &mut random::os())?;
    let committed = ledger.committed();
    let genesis = ledger.log().read(0)?;
    let (identity, secrets) = split(&keys, &genesis)?;
    let mut service = Service::new(
        ledger,
        vault_secrets,
        storage,
        identity,
        keys.log_key.clone(),
        checkpoint_file,
        serve.limits.clone(),
    );
    if let Some(until) = keys.previous_until {
        service.accept_previous_key_until(until);
    }
    watch_clock(&mut service, serve.accept_clock, clock, directory.path());
    service.keep_newest_checkpoint().map_err(|source| DaemonError::Checkpoint {
        path: serve.checkpoint_file.clone(),
        source: CheckpointFileError::Unwritable(source),
    })?;
    let reactor = Reactor::new(Parts {
        handler: service,
        lanes: reactor::lanes(&secrets, clock),
        socket,
        clock,
        signals: Some(signals),
    })?;
    say(format_args!("READY blocks={} head={} addr={address}", committed.size, committed.head));
    reactor.run()?;
    tracing::info!("the log is closed; goodbye");
    Ok(())
}

/// The first look at the clocks, by what an earlier process on this boot of the machine has seen.
fn watch_clock(service: &mut Service, accepted: bool, clock: Clock, directory: &Path) {
    if accepted {
        service.accept_clock();
    }
    let file = ClockFile::of(Disk::new(directory));
    let earlier = file.as_ref().and_then(ClockFile::read);
    if let Some(earlier) = earlier {
        service.measure_clock_since(earlier);
    }
    service.watch_clock(clock.now());
    let reference = service.clock_reference();
    if let (Some(file), Some(reference)) = (file, reference.filter(|_| reference != earlier)) {
        file.write(reference);
    }
}

fn rotate_key(data: &Path) -> Result<(), DaemonError> {
    let directory = DataDirectory::open(data)?;
    let now = Clock::start().now().wall;
    let descriptor = ServerKeys::rotate(directory.path(), now, &mut random::os())?;
    let key = descriptor.encryption_key().key_id();
    tracing::info!(serial = descriptor.serial(), %key, "made the next key; it is used from the next start on");
    say(format_args!("ROTATED serial={}", descriptor.serial()));
    Ok(())
}

/// Opening the log can write to it, so keys of another ledger are found out before; whether they are those of
/// the genesis block is seen when that was read. What is wrong with the anchor itself is for the log to say.
fn check_anchor(
    storage: &dyn Storage,
    directory: &DataDirectory,
    keys: &ServerKeys,
) -> Result<(), DaemonError> {
    match anchor::read(storage) {
        Ok(Some(anchor)) => keys.check_id(directory.path(), anchor.ledger_id),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// The checkpoint file may be outside of the data directory: its folder is another storage then.
fn open_checkpoint_file(path: &Path, keys: &ServerKeys) -> Result<CheckpointFile, DaemonError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    CheckpointFile::open(Arc::new(Disk::new(folder)), name, keys.log_key.public())
        .map_err(|source| DaemonError::Checkpoint { path: path.to_owned(), source })
}

/// A ledger keeps its name for life; asking for another one is a mistake that should not pass unnoticed.
fn check_origin(serve: &Serve, keys: &ServerKeys) -> Result<(), DaemonError> {
    let origin = keys.log_key.public().origin();
    match &serve.origin {
        Some(asked) if asked.value != origin => {
            Err(asked.refused(format!("this ledger is called {origin:?}, and keeps its name for life")))
        }
        _ => Ok(()),
    }
}

/// The cost of a guess stands in every password: it never changes.
fn check_password_cost(serve: &Serve, keys: &ServerKeys) -> Result<(), DaemonError> {
    let kept = keys.passwords.as_ref().map(PasswordKeys::opaque_key).map(|key| key.stretch);
    match kept {
        Some(kept) if serve.password_cost_given && serve.passwords.is_some_and(|given| given != kept) => {
            let Stretch { m_kib, t, p } = kept;
            Err(DaemonError::Usage(format!(
                "--password-cost is for the first start; this ledger has {m_kib},{t},{p}"
            )))
        }
        _ => Ok(()),
    }
}

/// The same for what was decided when the ledger was made.
fn check_settings(serve: &Serve, state: &State) -> Result<(), DaemonError> {
    if !serve.founding_given || serve.founding == state.settings {
        return Ok(());
    }
    let shown: Vec<String> =
        state.settings.write().iter().map(|(key, value)| format!("{key} = {value}")).collect();
    Err(DaemonError::Usage(format!(
        "--currency, --scale, --opening-grant and --operator are for the first start; this ledger has {}",
        shown.join(", ")
    )))
}

/// Takes the keys apart: what everybody may see, and what only the private lane may.
fn split(keys: &ServerKeys, genesis: &[u8]) -> Result<(ServerIdentity, Keys), DaemonError> {
    let current = keys.current.descriptor.clone();
    let previous = keys.previous.as_ref().map(|previous| previous.descriptor.clone());
    let identity =
        ServerIdentity::new(genesis, current, previous).map_err(|error| DaemonError::keys("keys", error))?;
    let secrets = Keys {
        current: keys.current.private.clone(),
        previous: keys.previous.as_ref().map(|previous| previous.private.clone()),
        reject: Zeroizing::new(random::bytes(&mut random::os())),
        passwords: keys.passwords.as_ref().map(|passwords| passwords.setup().clone()),
    };
    Ok((identity, secrets))
}

/// What opening the log has found and done, for the operator.
fn tell(recovery: &Recovery) {
    let Recovery { blocks, unanchored_blocks, torn_bytes, clean } = *recovery;
    tracing::info!(blocks, clean, "log replayed");
    if unanchored_blocks > 0 {
        tracing::warn!(unanchored_blocks, "blocks that may not have been durable were written again");
    }
    if torn_bytes > 0 {
        tracing::warn!(torn_bytes, "cut off a torn batch at the end, which was never acknowledged");
    }
}

/// Raises the process's own limit to what the configured connections need, as far as the system lets it.
fn allow_descriptors(limits: &Limits) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = limits.connections_max.saturating_add(DESCRIPTORS_APART);
    let possible = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_none_or(|current| current >= possible) {
        return;
    }
    let raised = Rlimit { current: Some(possible), maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) if possible == wanted => {}
        Ok(()) => {
            tracing::warn!(possible, wanted, "the system allows fewer descriptors than connections_max")
        }
        Err(error) => tracing::warn!(%error, wanted, "the limit of descriptors cannot be raised"),
    }
}

/// One line to stdout, at once.
fn print(line: impl fmt::Display) -> Result<(), DaemonError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(DaemonError::io("writing to standard output"))
}

/// The same for a supervisor: one that has closed its end does not want to know.
fn say(line: impl fmt::Display) {
    if let Err(error) = print(line) {
        tracing::warn!(%error, "nobody reads standard output");
    }
}
