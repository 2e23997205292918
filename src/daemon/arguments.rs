//! The command line of `ledgerd`: from strings to checked values.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs};

use super::config::{self, Config, ConfigError};
use super::error::DaemonError;
use super::founding::CONFIG;
use super::founding_settings::{founding, password_cost};
use crate::chain::genesis::{ORIGIN_BYTES_MAX, is_origin};
use crate::domain::Settings;
use crate::eventlog::Options;
use crate::ledger::CHECKPOINT_FILE;
use crate::limits::{Limits, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::password::Stretch;
use crate::terminal::arguments::{Stopped, try_parse};

/// Serves a tamper-evident ledger from a directory, and makes the ledger on the first start.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    name = "ledgerd",
    example = "Make a ledger on the first start, and serve it:\n    {command_name} --data /srv/ledger --origin ledger.example/prod --listen 0.0.0.0:7878",
    note = "Options are written --name value or --name=value. When it serves, it prints one line to stdout:\n    READY blocks=<n> head=<hash> addr=<ip:port>\nEverything else goes to stderr; LEDGERD_LOG sets how much: a level (off, error, warn, info, debug, trace), and for parts of the program further ones, such as info,ledgerd::session=debug.\nSIGTERM finishes the running batch and ends; a second one ends at once. SIGHUP and SIGUSR1 do nothing: settings are read at a start only.",
    error_code(0, "asked to end, and did"),
    error_code(2, "wrong usage"),
    error_code(
        65,
        "the log is damaged, or the vault is not the one that belongs to it; nothing was changed"
    ),
    error_code(74, "the disk failed on the way to durability"),
    error_code(75, "another process uses the directory"),
    error_code(78, "configuration, key files or a file that is written later cannot be used")
)]
struct Raw {
    /// directory of the ledger
    #[argh(option, arg_name = "dir")]
    data: Option<String>,
    /// address to listen on (default 127.0.0.1:7878; port 0 picks a free one)
    #[argh(option, arg_name = "ip:port")]
    listen: Option<String>,
    /// bytes of a new log segment (default 67108864)
    #[argh(option, arg_name = "n")]
    segment_bytes: Option<String>,
    /// name of a new ledger in everything that it signs, such as ledger.example/prod (default: made up)
    #[argh(option, arg_name = "name")]
    origin: Option<String>,
    /// name of a new ledger's currency: 1 to 12 letters and digits (default UNIT)
    #[argh(option, arg_name = "name")]
    currency: Option<String>,
    /// decimals with which its amounts are shown, 0 to 9 (default 0)
    #[argh(option, arg_name = "n")]
    scale: Option<String>,
    /// minor units that every new account of it receives (default 0)
    #[argh(option, arg_name = "n")]
    opening_grant: Option<String>,
    /// key of its first operator: a PEM file, as ledgerctl keygen prints it, or a key id in hexadecimal
    #[argh(option, arg_name = "key")]
    operator: Option<String>,
    /// configuration: limits, and data, listen and origin, for which an option comes first (default: ledgerd.toml in
    /// the directory, if there is one)
    #[argh(option, arg_name = "file")]
    config: Option<String>,
    /// where the newest checkpoint that was shown to anybody is kept (default: checkpoint in the directory); on
    /// another disk, it also tells when the whole directory was put back to an older copy
    #[argh(option, arg_name = "file")]
    checkpoint_file: Option<String>,
    /// take the machine's clock for right although the newest block is ahead of it, for as long as this process
    /// runs; ledgerctl vouch-clock makes it last
    #[argh(switch)]
    accept_clock: bool,
    /// serve although the vault is lost: nobody's sealed texts are opened or sealed until it is put back
    #[argh(switch)]
    without_vault: bool,
    /// have no log-ins by e-mail and password: members have key files only
    #[argh(switch)]
    no_passwords: bool,
    /// cost of one guess at a password on a new ledger: KiB of memory, passes, lanes (default 65536,3,4)
    #[argh(option, arg_name = "m,t,p")]
    password_cost: Option<String>,
    /// ask nobody for a second factor, whatever the configuration says: for tests, and for one person alone
    #[argh(switch)]
    no_second_factor: bool,
    /// make the next RSA key and its descriptor, and end; the key before is accepted for 24 hours more
    #[argh(switch)]
    rotate_key: bool,
    /// print the server's fingerprint, from the files: what a client compares at getKey
    #[argh(switch)]
    fingerprint: bool,
    /// print the ledger's verifier key, from the files: what checks its receipts and checkpoints
    #[argh(switch)]
    vkey: bool,
    /// print every setting of the configuration file with its meaning, range and default
    #[argh(switch)]
    settings: bool,
    /// print the version
    #[argh(switch)]
    version: bool,
}

/// The options of the daemon, as its help and its man page show them.
pub fn describe() -> CommandInfoWithArgs {
    Raw::get_args_info()
}

/// What the daemon was asked to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Print this and end.
    Print(String),
    /// Serve.
    Serve(Box<Serve>),
    /// Make the next key of this ledger.
    RotateKey(PathBuf),
    /// Print what this ledger is known by.
    Show {
        /// Its directory.
        data: PathBuf,
        /// Whether to print the fingerprint.
        fingerprint: bool,
        /// Whether to print the verifier key.
        vkey: bool,
    },
}

/// How to serve.
#[derive(Debug)]
pub(super) struct Serve {
    pub(super) data: PathBuf,
    /// As it was given, for messages.
    pub(super) listen: String,
    pub(super) address: SocketAddr,
    pub(super) options: Options,
    pub(super) origin: Option<Given>,
    pub(super) limits: Limits,
    pub(super) checkpoint_file: PathBuf,
    /// Whether the clock is right whatever the newest block says.
    pub(super) accept_clock: bool,
    /// Whether to serve without the vault.
    pub(super) without_vault: bool,
    /// The cost of a guess at a password, for a new ledger; none where nobody logs in by password.
    pub(super) passwords: Option<Stretch>,
    /// Whether the cost was given.
    pub(super) password_cost_given: bool,
    /// What holds for the whole life of a new ledger.
    pub(super) founding: Settings,
    /// Whether any of it was given.
    pub(super) founding_given: bool,
}

const LISTEN_DEFAULT: &str = "127.0.0.1:7878";

/// A value that may come from the command line or from the configuration, and which of them it was.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) value: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The option of this name.
    Option(&'static str),
    /// The key of this name in a configuration file.
    File(PathBuf, &'static str),
}

impl Given {
    /// For an error: what is wrong with the value, by the name that it has where it was given.
    pub(super) fn refused(&self, reason: impl Into<String>) -> DaemonError {
        let (value, reason) = (format!("{:?}", self.value), reason.into());
        match &self.source {
            Source::Option(name) => usage(&format!("{name} {value}: {reason}")),
            Source::File(path, key) => {
                DaemonError::Config(ConfigError::BadText { path: path.clone(), key, value, reason })
            }
        }
    }
}

/// The configuration, and the file that it was read from, or would be.
struct Configured {
    path: PathBuf,
    config: Config,
}

impl Configured {
    /// What an option says, or else the configuration.
    fn or(
        &self,
        option: (&'static str, Option<String>),
        (key, value): (&'static str, &Option<String>),
    ) -> Option<Given> {
        let (name, given) = option;
        let given = given.map(|value| Given { value, source: Source::Option(name) });
        let configured =
            || Some(Given { value: value.clone()?, source: Source::File(self.path.clone(), key) });
        given.or_else(configured)
    }
}

/// Understands the arguments, the program's name not among them.
///
/// # Errors
/// [`DaemonError::Usage`].
pub(super) fn parse(arguments: &[String]) -> Result<Task, DaemonError> {
    let raw: Raw = match try_parse("ledgerd", arguments) {
        Ok(raw) => raw,
        Err(Stopped::Help { text, .. }) => return Ok(Task::Print(help(&text))),
        Err(Stopped::Version) => return Ok(Task::Print(version())),
        Err(Stopped::Mistake(text)) => return Err(usage(&text)),
    };
    if raw.version {
        return Ok(Task::Print(version()));
    }
    if raw.settings {
        return Ok(Task::Print(config::reference()));
    }
    let named = raw.config.as_ref().map(|path| configured(Path::new(path), true)).transpose()?;
    let data = data(raw.data, named.as_ref())?;
    if raw.fingerprint || raw.vkey {
        return Ok(Task::Show { data, fingerprint: raw.fingerprint, vkey: raw.vkey });
    }
    if raw.rotate_key {
        return Ok(Task::RotateKey(data));
    }
    let configured = match named {
        Some(named) => named,
        None => configured_in(&data)?,
    };
    let given = [&raw.currency, &raw.scale, &raw.opening_grant, &raw.operator];
    let founding_given = given.into_iter().any(Option::is_some);
    let founding = founding(raw.currency, raw.scale, raw.opening_grant, raw.operator)?;
    let config = &configured.config;
    let listen = configured.or(("--listen", raw.listen), ("listen", &config.listen));
    let listen = listen
        .unwrap_or_else(|| Given { value: LISTEN_DEFAULT.to_owned(), source: Source::Option("--listen") });
    let origin = configured.or(("--origin", raw.origin), ("origin", &config.origin));
    let checkpoint_file = raw.checkpoint_file.map_or_else(|| data.join(CHECKPOINT_FILE), PathBuf::from);
    if checkpoint_file.file_name().is_none_or(|name| name.to_str().is_none()) {
        return Err(usage(&format!("--checkpoint-file {}: not a file's name", checkpoint_file.display())));
    }
    let password_cost_given = raw.password_cost.is_some();
    let mut limits = configured.config.limits;
    if raw.no_second_factor {
        limits.second_factor = 0;
    }
    let cost = raw.password_cost.as_deref().map_or(Ok(Stretch::default()), password_cost)?;
    Ok(Task::Serve(Box::new(Serve {
        data,
        passwords: (!raw.no_passwords).then_some(cost),
        password_cost_given,
        checkpoint_file,
        accept_clock: raw.accept_clock,
        without_vault: raw.without_vault,
        founding,
        founding_given,
        address: address(&listen)?,
        listen: listen.value,
        options: Options {
            segment_bytes: segment_bytes(raw.segment_bytes.as_deref())?,
            ..Options::default()
        },
        origin: origin.map(check_origin).transpose()?,
        limits,
    })))
}

fn version() -> String {
    format!("ledgerd {}", env!("CARGO_PKG_VERSION"))
}

/// The help of the arguments, and the reference of what the configuration may say.
fn help(arguments: &str) -> String {
    let reference = config::reference();
    format!("{}\n\nConfiguration file:\n\n{reference}", arguments.trim_end())
}

fn configured(path: &Path, must_exist: bool) -> Result<Configured, DaemonError> {
    Ok(Configured { path: path.to_owned(), config: config::read(path, must_exist)? })
}

/// The configuration that lies in the ledger's directory. It cannot lead to another one.
fn configured_in(data: &Path) -> Result<Configured, DaemonError> {
    let configured = configured(&data.join(CONFIG), false)?;
    let other = |named: &String| std::path::absolute(data.join(named)).ok() != std::path::absolute(data).ok();
    match &configured.config.data {
        Some(named) if other(named) => {
            let source = Source::File(configured.path.clone(), "data");
            let reason = "this file lies in the directory of another ledger; to use it for both, name it with --config";
            Err(Given { value: named.clone(), source }.refused(reason))
        }
        _ => Ok(configured),
    }
}

/// The directory of the ledger.
fn data(option: Option<String>, configured: Option<&Configured>) -> Result<PathBuf, DaemonError> {
    if let Some(data) = option.filter(|data| !data.is_empty()) {
        return Ok(PathBuf::from(data));
    }
    let named = configured.and_then(|configured| {
        let folder = configured.path.parent().unwrap_or(Path::new(""));
        Some(folder.join(configured.config.data.as_ref()?))
    });
    named.ok_or_else(|| {
        usage("--data is missing: which directory holds the ledger? (data in the file of --config says it, too)")
    })
}

fn address(listen: &Given) -> Result<SocketAddr, DaemonError> {
    let first = listen.value.to_socket_addrs().map(|mut addresses| addresses.next());
    match first {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(listen.refused("names no address")),
        Err(error) => Err(listen.refused(format!("is not an address and a port: {error}"))),
    }
}

fn segment_bytes(text: Option<&str>) -> Result<u64, DaemonError> {
    let Some(text) = text else { return Ok(SEGMENT_BYTES_DEFAULT) };
    let bytes = text.parse().ok().filter(|bytes| (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(bytes));
    bytes.ok_or_else(|| {
        usage(&format!(
            "--segment-bytes {text:?}: expected a whole number from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"
        ))
    })
}

fn check_origin(origin: Given) -> Result<Given, DaemonError> {
    if is_origin(&origin.value) {
        return Ok(origin);
    }
    Err(origin.refused(format!(
        "expected 1 to {ORIGIN_BYTES_MAX} printable ASCII characters without spaces and '+'"
    )))
}

fn usage(message: &str) -> DaemonError {
    DaemonError::Usage(message.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the configuration files of the tests are written here")]

    use super::*;
    use crate::terminal::exit::Exit;

    fn words(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|word| (*word).to_owned()).collect()
    }

    fn serve(arguments: &[&str]) -> Box<Serve> {
        match parse(&words(arguments)) {
            Ok(Task::Serve(serve)) => serve,
            other => panic!("{other:?}"),
        }
    }

    fn refused(arguments: &[&str]) -> String {
        match parse(&words(arguments)) {
            Err(error @ DaemonError::Usage(_)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_spellings_of_an_option_mean_the_same() {
        let spaced = serve(&["--data", "d", "--listen", "127.0.0.1:0", "--segment-bytes", "65536"]);
        let joined = serve(&["--data=d", "--listen=127.0.0.1:0", "--segment-bytes=65536"]);
        assert_eq!(format!("{spaced:?}"), format!("{joined:?}"));
        assert_eq!(spaced.options.segment_bytes, 65_536);
        assert_eq!(serve(&["--data=a=b"]).data, PathBuf::from("a=b"));
        assert_eq!(serve(&["--data", "d"]).address.port(), 7_878);
    }

    #[test]
    fn a_refusal_names_option_value_and_what_is_allowed() {
        for (arguments, parts) in [
            (&[][..], &["--data"][..]),
            (&["--data="], &["--data"]),
            (&["--data", "d", "--segment-bytes", "1"], &["--segment-bytes", "\"1\"", "65536", "2147483648"]),
            (&["--data", "d", "--segment-bytes=x"], &["--segment-bytes", "\"x\""]),
            (&["--data", "d", "--origin", "a b"], &["--origin", "\"a b\"", "128"]),
            (&["--data", "d", "--listen", "nowhere"], &["--listen", "\"nowhere\""]),
            (&["--data", "d", "--nonsense"], &["--nonsense"]),
            (&["--data", "d", "extra"], &["extra"]),
            (&["--data"], &["--data"]),
        ] {
            let message = refused(arguments);
            for part in parts {
                assert!(message.contains(part), "{arguments:?}: {message}");
            }
        }
    }

    #[test]
    fn the_configuration_says_what_no_option_says_and_is_named_in_a_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("l.toml");
        let with = |text: &str, more: &[&str]| {
            std::fs::write(&file, text).unwrap();
            let arguments = [&["--config", file.to_str().unwrap()], more].concat();
            parse(&words(&arguments)).map(|task| match task {
                Task::Serve(serve) => serve,
                other => panic!("{other:?}"),
            })
        };
        let text = "data = \"ledger\"\nlisten = \"127.0.0.1:9\"\norigin = \"a.example\"\nidle_ms = 77";
        let serve = with(text, &[]).unwrap();
        assert_eq!((&serve.data, serve.address.port()), (&dir.path().join("ledger"), 9));
        assert_eq!((serve.origin.unwrap().value.as_str(), serve.limits.idle_ms), ("a.example", 77));
        let serve = with(text, &["--data=d", "--listen=127.0.0.1:8", "--origin=b"]).unwrap();
        assert_eq!((&serve.data, serve.address.port()), (&PathBuf::from("d"), 8));
        assert_eq!(serve.origin.unwrap().value, "b");

        for (text, parts) in [
            ("data = \"d\"\nlisten = \"nowhere\"", ["listen = \"nowhere\"", "port"]),
            ("data = \"d\"\norigin = \"a b\"", ["origin = \"a b\"", "128"]),
        ] {
            let error = with(text, &[]).unwrap_err();
            assert_eq!(error.exit(), Exit::Config);
            for part in parts.into_iter().chain(["l.toml"]) {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
        assert!(with("listen = \"127.0.0.1:9\"", &[]).unwrap_err().to_string().contains("--data"));
    }

    #[test]
    fn a_configuration_in_a_ledgers_directory_does_not_lead_to_another_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap().to_owned();
        std::fs::write(dir.path().join(CONFIG), "data = \".\"\nlisten = \"127.0.0.1:9\"").unwrap();
        assert_eq!(serve(&["--data", &data]).address.port(), 9);
        std::fs::write(dir.path().join(CONFIG), "data = \"/elsewhere\"").unwrap();
        let error = parse(&words(&["--data", &data])).unwrap_err();
        assert_eq!(error.exit(), Exit::Config);
        assert!(
            error.to_string().contains("/elsewhere") && error.to_string().contains("--config"),
            "{error}"
        );
    }

    #[test]
    fn help_shows_an_example_and_every_setting() {
        let Ok(Task::Print(help)) = parse(&words(&["--help"])) else { panic!() };
        assert!(help.contains("ledgerd --data /srv/ledger"), "{help}");
        for setting in crate::limits::SETTINGS {
            assert!(help.contains(setting.key), "{}", setting.key);
        }
        for word in ["--version", "-V"] {
            let Ok(Task::Print(version)) = parse(&words(&[word])) else { panic!("{word}") };
            assert!(version.starts_with("ledgerd "));
        }
        let Ok(Task::Print(short)) = parse(&words(&["-h"])) else { panic!() };
        assert_eq!(short, help);
    }
}
