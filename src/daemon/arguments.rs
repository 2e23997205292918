//! The command line of `ledgerd`: from strings to checked values.
#![expect(clippy::disallowed_methods, reason = "the operator's key is a file that was named")]

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::config;
use super::error::DaemonError;
use crate::chain::armour;
use crate::chain::genesis::{ORIGIN_BYTES_MAX, is_origin};
use crate::cli::arguments::try_parse;
use crate::cli::exit::Exit;
use crate::crypto::KeyId;
use crate::crypto::rsa::PublicKey;
use crate::domain::{BadSetting, Settings};
use crate::eventlog::Options;
use crate::ledger::CHECKPOINT_FILE;
use crate::limits::{ISSUED_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// Serves a tamper-evident ledger from a directory, and makes the ledger on the first start.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    name = "ledgerd",
    example = "Make a ledger on the first start, and serve it:\n    {command_name} --data /srv/ledger --origin ledger.example/prod --listen 0.0.0.0:7878",
    note = "Options are written --name value or --name=value. When it serves, it prints one line to stdout:\n    READY blocks=<n> head=<hash> addr=<ip:port>\nEverything else goes to stderr; LEDGERD_LOG sets how much (error, warn, info, debug).\nSIGTERM finishes the running batch and ends; a second one ends at once.",
    error_code(0, "asked to end, and did"),
    error_code(2, "wrong usage"),
    error_code(65, "the log is damaged; nothing was changed"),
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
    /// limits (default: ledgerd.toml in the directory, if there is one)
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
    /// make the next RSA key and its descriptor, and end; the key before is accepted for 24 hours more
    #[argh(switch)]
    rotate_key: bool,
    /// print every setting of the configuration file with its meaning, range and default
    #[argh(switch)]
    settings: bool,
    /// print the version
    #[argh(switch)]
    version: bool,
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
}

/// How to serve.
#[derive(Debug)]
pub(super) struct Serve {
    pub(super) data: PathBuf,
    /// As it was given, for messages.
    pub(super) listen: String,
    pub(super) address: SocketAddr,
    pub(super) options: Options,
    pub(super) origin: Option<String>,
    pub(super) config: Option<PathBuf>,
    pub(super) checkpoint_file: PathBuf,
    /// Whether the clock is right whatever the newest block says.
    pub(super) accept_clock: bool,
    /// What holds for the whole life of a new ledger.
    pub(super) founding: Settings,
    /// Whether any of it was given.
    pub(super) founding_given: bool,
}

const LISTEN_DEFAULT: &str = "127.0.0.1:7878";

/// Understands the arguments, the program's name not among them.
///
/// # Errors
/// [`DaemonError::Usage`].
pub(super) fn parse(arguments: &[String]) -> Result<Task, DaemonError> {
    let raw: Raw = match try_parse("ledgerd", arguments) {
        Ok(raw) => raw,
        Err((Exit::Done, text)) => return Ok(Task::Print(help(&text))),
        Err((_, text)) => return Err(usage(text.trim_end())),
    };
    if raw.version {
        return Ok(Task::Print(format!("ledgerd {}", env!("CARGO_PKG_VERSION"))));
    }
    if raw.settings {
        return Ok(Task::Print(config::reference()));
    }
    let data = raw.data.filter(|data| !data.is_empty()).map(PathBuf::from);
    let data = data.ok_or_else(|| usage("--data is missing: which directory holds the ledger?"))?;
    if raw.rotate_key {
        return Ok(Task::RotateKey(data));
    }
    let given = [&raw.currency, &raw.scale, &raw.opening_grant, &raw.operator];
    let founding_given = given.into_iter().any(Option::is_some);
    let founding = founding(raw.currency, raw.scale, raw.opening_grant, raw.operator)?;
    let listen = raw.listen.unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
    let checkpoint_file = raw.checkpoint_file.map_or_else(|| data.join(CHECKPOINT_FILE), PathBuf::from);
    if checkpoint_file.file_name().is_none_or(|name| name.to_str().is_none()) {
        return Err(usage(&format!("--checkpoint-file {}: not a file's name", checkpoint_file.display())));
    }
    Ok(Task::Serve(Box::new(Serve {
        data,
        checkpoint_file,
        accept_clock: raw.accept_clock,
        founding,
        founding_given,
        address: address(&listen)?,
        listen,
        options: Options { segment_bytes: segment_bytes(raw.segment_bytes.as_deref())? },
        origin: raw.origin.map(origin).transpose()?,
        config: raw.config.map(PathBuf::from),
    })))
}

/// The help of the arguments, and the reference of what the configuration may say.
fn help(arguments: &str) -> String {
    let reference = config::reference();
    format!("{}\n\nConfiguration file:\n\n{reference}", arguments.trim_end())
}

fn address(listen: &str) -> Result<SocketAddr, DaemonError> {
    let first = listen.to_socket_addrs().map(|mut addresses| addresses.next());
    match first {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(usage(&format!("--listen {listen:?} names no address"))),
        Err(error) => Err(usage(&format!("--listen {listen:?} is not an address and a port: {error}"))),
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

fn founding(
    currency: Option<String>,
    scale: Option<String>,
    opening_grant: Option<String>,
    operator: Option<String>,
) -> Result<Settings, DaemonError> {
    let operator = operator.map(|text| operator_key(&text)).transpose()?;
    let pair = |key: &str, value: Option<String>| value.map(|value| (key.to_owned(), value));
    let pairs: Vec<(String, String)> = [
        pair("currency", currency),
        pair("opening_grant", opening_grant),
        pair("operator", operator.map(|key| key.to_string())),
        pair("scale", scale),
    ]
    .into_iter()
    .flatten()
    .collect();
    let settings = Settings::read(&pairs).map_err(|BadSetting { key, value }| {
        let (option, expected) = match key.as_str() {
            "currency" => ("--currency", "1 to 12 ASCII letters and digits"),
            "scale" => ("--scale", "a whole number from 0 to 9"),
            _ => ("--opening-grant", "a whole number"),
        };
        usage(&format!("{option} {value:?}: expected {expected}"))
    })?;
    if settings.opening_grant > ISSUED_MAX {
        let grant = settings.opening_grant;
        return Err(usage(&format!(
            "--opening-grant {grant}: expected a whole number from 0 to {ISSUED_MAX}"
        )));
    }
    Ok(settings)
}

fn operator_key(text: &str) -> Result<KeyId, DaemonError> {
    if let Ok(id) = const_hex::decode_to_array(text) {
        return Ok(KeyId(id));
    }
    let bad = |reason: String| usage(&format!("--operator {text:?}: {reason}"));
    let file = std::fs::read(text).map_err(|error| bad(error.to_string()))?;
    let file = armour::text_of(&file);
    // The key may have come by mail.
    let pem = armour::pem(&file, "PUBLIC KEY").unwrap_or(file);
    PublicKey::from_pem(&pem).map(|key| key.key_id()).map_err(|error| bad(error.to_string()))
}

fn origin(text: String) -> Result<String, DaemonError> {
    if is_origin(&text) {
        return Ok(text);
    }
    Err(usage(&format!(
        "--origin {text:?}: expected 1 to {ORIGIN_BYTES_MAX} printable ASCII characters without spaces and '+'"
    )))
}

fn usage(message: &str) -> DaemonError {
    DaemonError::Usage(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn help_shows_an_example_and_every_setting() {
        let Ok(Task::Print(help)) = parse(&words(&["--help"])) else { panic!() };
        assert!(help.contains("ledgerd --data /srv/ledger"), "{help}");
        for setting in crate::limits::SETTINGS {
            assert!(help.contains(setting.key), "{}", setting.key);
        }
        let Ok(Task::Print(version)) = parse(&words(&["--version"])) else { panic!() };
        assert!(version.starts_with("ledgerd "));
    }
}
