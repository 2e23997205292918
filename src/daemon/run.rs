//! `ledgerd` from its arguments to its exit code.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};
use tracing_subscriber::EnvFilter;

use super::config::{self, ConfigError};
use super::directory::{self, DirectoryError, Opened};
use super::keys::KeyRing;
use crate::cli::arguments;
use crate::cli::exit::Exit;
use crate::crypto::random;
use crate::eventlog::{LogError, Options, Storage};
use crate::ledger::Ledger;
use crate::limits::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::reactor::clock::Clock;
use crate::reactor::{Reactor, ReactorError};
use crate::service::Service;

/// The daemon of a tamper-evident ledger.
///
/// The first start with a new DIR creates the ledger: its keys and its genesis block. Every later start replays
/// the log. When it serves, one line says so on stdout: READY blocks=N head=HEX addr=IP:PORT. Logs go to stderr
/// (LEDGERD_LOG=debug for more).
///
/// Every limit can be set in DIR/ledgerd.toml; `ledgerd --settings` prints them all with their defaults.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    example = "ledgerd --data /var/lib/ledgerd --listen 127.0.0.1:7878",
    note = "Exit codes: 0 done, 2 usage, 65 damaged log, 74 disk error, 75 directory in use, 78 configuration or keys."
)]
struct Arguments {
    /// the ledger's directory; created if it does not exist
    #[argh(option)]
    data: Option<PathBuf>,

    /// address to listen on, 127.0.0.1:7878 if not given; port 0 picks a free one
    #[argh(option, default = "SocketAddr::from(([127, 0, 0, 1], 7878))")]
    listen: SocketAddr,

    /// nominal bytes of a new segment of the log, 65536 to 2147483648
    #[argh(option, default = "SEGMENT_BYTES_DEFAULT", from_str_fn(segment_bytes))]
    segment_bytes: u64,

    /// the ledger's public name, when it is created: a text without spaces and +
    #[argh(option)]
    origin: Option<String>,

    /// configuration file, DIR/ledgerd.toml if not given
    #[argh(option)]
    config: Option<PathBuf>,

    /// make the next RSA key and descriptor, then exit; takes effect at the next start
    #[argh(switch)]
    rotate_key: bool,

    /// print every setting with its meaning, range and default, then exit
    #[argh(switch)]
    settings: bool,

    /// print the version, then exit
    #[argh(switch)]
    version: bool,
}

fn segment_bytes(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok();
    number
        .filter(|number| (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(number))
        .ok_or_else(|| format!("expected a whole number from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"))
}

/// Why the daemon does not run, or does not run any more.
#[derive(Debug)]
enum Failure {
    Usage(String),
    Config(ConfigError),
    Directory(DirectoryError),
    Log(LogError),
    Io(&'static str, io::Error),
}

impl Failure {
    fn exit(&self) -> Exit {
        let of_log = |error: &LogError| if error.is_damage() { Exit::Integrity } else { Exit::Io };
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Config(_) => Exit::Config,
            Failure::Directory(DirectoryError::InUse(_)) => Exit::Busy,
            Failure::Directory(DirectoryError::Keys(..)) => Exit::Config,
            Failure::Directory(DirectoryError::NotALedger(..) | DirectoryError::Origin(_)) => Exit::Usage,
            Failure::Directory(DirectoryError::Log(error)) | Failure::Log(error) => of_log(error),
            Failure::Directory(DirectoryError::Io(..)) | Failure::Io(..) => Exit::Io,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) => f.write_str(text),
            Failure::Config(error) => error.fmt(f),
            Failure::Directory(error) => error.fmt(f),
            Failure::Log(error) => error.fmt(f),
            Failure::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

/// Runs the daemon with these arguments, the program's name not among them, until it is asked to stop.
pub fn main(raw: &[String]) -> Exit {
    let arguments = match arguments::parse::<Arguments>("ledgerd", raw) {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    match run(&arguments) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            // With stderr gone there is nobody to tell; the exit code still says what happened.
            drop(writeln!(io::stderr(), "ledgerd: {failure}"));
            failure.exit()
        }
    }
}

fn start_logging() {
    let filter = EnvFilter::try_from_env("LEDGERD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process keeps the first one's subscriber.
    drop(subscriber.try_init());
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.version {
        return say(&format!("ledgerd {}", env!("CARGO_PKG_VERSION")));
    }
    if arguments.settings {
        return say(&config::reference());
    }
    let data = arguments.data.as_ref();
    let data = data.ok_or_else(|| Failure::Usage("--data DIR is needed; see --help".to_owned()))?;
    start_logging();
    let clock = Clock::start();
    let default = data.join("ledgerd.toml");
    let file = arguments.config.as_deref().unwrap_or(&default);
    let limits = config::read(file, arguments.config.is_some()).map_err(Failure::Config)?;
    let options = Options { segment_bytes: arguments.segment_bytes };
    let mut rng = random::os();
    let wall = clock.now().wall;
    let opened = directory::open(data, arguments.origin.as_deref(), options, wall, &mut rng);
    let opened = opened.map_err(Failure::Directory)?;
    let (ledger, genesis) = open_ledger(&opened, options, &clock)?;
    let keys = KeyRing::open(&opened.path.join("keys"), ledger.replica().genesis(), ledger.ledger_id(), wall);
    let keys = keys.map_err(Failure::Directory)?;
    if arguments.rotate_key {
        let serial = keys.rotate(wall, &mut rng).map_err(Failure::Directory)?;
        ledger.close().map_err(Failure::Log)?;
        return say(&format!("ROTATED serial={serial}"));
    }
    let identity = keys.identity(&genesis).map_err(Failure::Directory)?;
    let private = keys.private(&mut rng);
    let committed = ledger.committed();
    let storage = std::sync::Arc::clone(&opened.storage);
    let service = Service::new(ledger, storage, identity, keys.log_key, limits);
    let reactor = Reactor::new(service, private, arguments.listen, clock);
    let reactor = reactor.map_err(|error| Failure::Io("listening", error))?;
    let address = reactor.address().map_err(|error| Failure::Io("listening", error))?;
    say(&format!("READY blocks={} head={} addr={address}", committed.size, committed.head))?;
    reactor.run().map_err(|error| match error {
        ReactorError::Log(error) => Failure::Log(error),
        ReactorError::Io(error) => Failure::Io("the event loop", error),
    })
}

/// Replays the log; gives the bytes of block 0 as well, which every client is shown.
fn open_ledger(opened: &Opened, options: Options, clock: &Clock) -> Result<(Ledger, Vec<u8>), Failure> {
    let storage: &std::sync::Arc<dyn Storage> = &opened.storage;
    let before = clock.now().mono.0;
    let (ledger, recovery) = Ledger::open(storage, options).map_err(Failure::Log)?;
    let took = clock.now().mono.0.saturating_sub(before);
    tracing::info!(
        blocks = recovery.blocks,
        unanchored = recovery.unanchored_blocks,
        torn_bytes = recovery.torn_bytes,
        clean = recovery.clean,
        ms = took.as_millis() as u64,
        "log replayed"
    );
    let genesis = ledger.log().read(0).map_err(Failure::Log)?;
    Ok((ledger, genesis))
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", line.trim_end())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Io("stdout", error))
}
