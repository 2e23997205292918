//! `ledgerctl passphrase`: sets, changes and removes the passphrase of the key.

use argh::{ArgsInfo, FromArgs};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::passphrases::{ask_for_new, named};
use crate::cli::run::Run;
use crate::client::{
    ClientError, Home, KEY_FILE, PassphraseSource, key_files, load_key_file, set_passphrase,
};
use crate::crypto::SigningKey;
use crate::terminal::exit::Exit;

/// Give the keys of this home a passphrase, change it, or take it away.
///
/// The passphrase that the key has comes from where every command takes it: --passphrase-file, --passphrase-fd,
/// LEDGERCTL_PASSPHRASE or the terminal. Copies of key.pem that were made before open as they did before.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "passphrase",
    example = "ledgerctl passphrase\nledgerctl --passphrase-file old passphrase --new-file new\nledgerctl passphrase --remove"
)]
pub struct Passphrase {
    /// leave the key without a passphrase
    #[argh(switch)]
    pub remove: bool,

    /// file whose first line is the new passphrase, - for standard input
    #[argh(option)]
    pub new_file: Option<String>,

    /// number of an open file whose next line is the new passphrase
    #[argh(option)]
    pub new_fd: Option<u32>,
}

impl Run for Passphrase {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = context.home()?;
        let named = named("new", self.new_file.as_deref(), self.new_fd)?;
        if self.remove && named.is_some() {
            return Err(ClientError::Usage("--remove goes without a new passphrase".to_owned()));
        }
        let before = contents(&home)?;
        let (mut keys, closed) = load_all(context, &home, named.as_ref())?;
        if keys.is_empty() {
            return Err(ClientError::Usage(format!(
                "{} is not there: register and keygen make it",
                home.path(KEY_FILE).display()
            )));
        }
        let encrypted = keys.iter().any(|key| key.is_encrypted);
        let new = if self.remove { None } else { Some(new_passphrase(context, named, &keys)?) };
        for (file, error) in closed {
            let opened = open(&home, &file, &mut |_| new.clone()).ok().flatten();
            keys.push(opened.ok_or(error)?);
        }
        // Nobody is kept waiting while a person types.
        let lock = (home.lock_keys()?, home.lock()?);
        if contents(&home)? != before {
            return Err(ClientError::Config(format!(
                "the keys in {} were changed by another process meanwhile: try again",
                home.path("").display()
            )));
        }
        for key in keys.iter().filter(|key| !key.has(new.as_ref())) {
            set_passphrase(&home, &key.file, &key.key, new.as_ref().map(|text| text.as_str()))?;
        }
        drop(lock);
        context.out.note(match (encrypted, new.is_some()) {
            (false, false) => "the key had no passphrase",
            (true, false) => {
                "the key has no passphrase any more: whoever can read key.pem can use the account"
            }
            (false, true) => "the key has a passphrase now; copies made before open without it",
            (true, true) => "the key has another passphrase now; copies made before open with the old one",
        });
        Ok(Exit::Done)
    }
}

/// A key of the home that was opened.
struct Opened {
    file: String,
    key: SigningKey,
    is_encrypted: bool,
    /// What opened it, if it is encrypted.
    passphrase: Option<Zeroizing<String>>,
}

impl Opened {
    /// Whether it has a passphrase, or none, already: a run that was cut off may have come so far.
    fn has(&self, new: Option<&Zeroizing<String>>) -> bool {
        match new {
            None => !self.is_encrypted,
            Some(new) => self.passphrase.as_ref() == Some(new),
        }
    }
}

/// The passphrase that the keys are to have.
fn new_passphrase(
    context: &Context,
    named: Option<Zeroizing<String>>,
    keys: &[Opened],
) -> Result<Zeroizing<String>, ClientError> {
    if let Some(named) = named {
        return Ok(named);
    }
    // A key that is open needs no old passphrase, so that the one that was named is the new one. Where other keys have it
    // already, a run that gave it to them was cut off.
    let wanted = if keys.iter().all(|key| !key.is_encrypted) {
        context.passphrase_of_new_key(true)?
    } else if keys.iter().any(|key| !key.is_encrypted) {
        context.unprompted_passphrase()
    } else {
        None
    };
    wanted.map_or_else(ask_for_new, Ok)
}

/// Keys that do not open yet, each with the reason.
type Closed = Vec<(String, ClientError)>;

/// The keys of the home. One passphrase opens all that have one; where it does not, the new one may, which a run that was cut
/// off has given to some; else the next is asked for. What does not open, although others do, is left for a new passphrase
/// that is not known yet.
fn load_all(
    context: &Context,
    home: &Home,
    new: Option<&Zeroizing<String>>,
) -> Result<(Vec<Opened>, Closed), ClientError> {
    let mut known: Vec<Zeroizing<String>> = new.into_iter().cloned().collect();
    let mut source = context.passphrase();
    let (mut keys, mut closed) = (Vec::new(), Closed::new());
    for file in key_files(home)? {
        let mut with = |passphrase: &Zeroizing<String>| {
            open(home, &file, &mut |_| Some(passphrase.clone())).ok().flatten()
        };
        let opened = match known.iter().find_map(&mut with) {
            Some(opened) => Ok(Some(opened)),
            None => open(home, &file, &mut source),
        };
        match opened {
            Ok(opened) => {
                let passphrase = opened.as_ref().and_then(|key| key.passphrase.clone());
                known.extend(passphrase.filter(|passphrase| !known.contains(passphrase)));
                keys.extend(opened);
            }
            Err(error) => closed.push((file, error)),
        }
    }
    if keys.is_empty() && !closed.is_empty() {
        return Err(closed.swap_remove(0).1);
    }
    Ok((keys, closed))
}

/// Opens a key, and keeps what opened it.
fn open(home: &Home, file: &str, ask: &mut PassphraseSource<'_>) -> Result<Option<Opened>, ClientError> {
    let (mut is_encrypted, mut passphrase) = (false, None);
    let key = load_key_file(home, file, &mut |prompt| {
        is_encrypted = true;
        passphrase = ask(prompt);
        passphrase.clone()
    })?;
    Ok(key.map(|key| Opened { file: file.to_owned(), key, is_encrypted, passphrase }))
}

/// The bytes of every key file, to see whether somebody changes them meanwhile.
fn contents(home: &Home) -> Result<Vec<Option<Vec<u8>>>, ClientError> {
    key_files(home)?.iter().map(|file| home.read_bytes(file)).collect()
}
