//! `ledgerctl passphrase`: sets, changes and removes the passphrase of the key.

use argh::{ArgsInfo, FromArgs};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::passphrases::{ask_for_new, named};
use crate::cli::run::Run;
use crate::client::{
    ClientError, Home, KEY_FILE, first_encrypted_key, key_files, load_key_file, set_passphrase,
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
        let encrypted = first_encrypted_key(&home)?.is_some();
        let keys = load_all(context, &home)?;
        if keys.is_empty() {
            return Err(ClientError::Usage(format!(
                "{} is not there: register and keygen make it",
                home.path(KEY_FILE).display()
            )));
        }
        let new = match named {
            _ if self.remove => None,
            Some(new) => Some(new),
            // A key that is open needs no old passphrase, so the one that was named is the new one.
            None if !encrypted => context.passphrase_of_new_key(true)?,
            None => Some(ask_for_new()?),
        };
        // Nobody is kept waiting while a person types.
        let lock = home.lock()?;
        if contents(&home)? != before {
            return Err(ClientError::Config(format!(
                "the keys in {} were changed by another process meanwhile: try again",
                home.path("").display()
            )));
        }
        for (file, key) in &keys {
            set_passphrase(&home, file, key, new.as_ref().map(|text| text.as_str()))?;
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

/// Every key of the home, with its file. One passphrase opens all that have one; where it does not, the next is asked for.
fn load_all(context: &Context, home: &Home) -> Result<Vec<(String, SigningKey)>, ClientError> {
    let mut known: Option<Zeroizing<String>> = None;
    let mut keys = Vec::new();
    for file in key_files(home)? {
        let again = known.clone();
        let opened = load_key_file(home, &file, &mut |_| again.clone()).ok().flatten();
        let key = match opened {
            Some(key) => Some(key),
            None => {
                let mut source = context.passphrase();
                load_key_file(home, &file, &mut |prompt| {
                    known = source(prompt);
                    known.clone()
                })?
            }
        };
        keys.extend(key.map(|key| (file, key)));
    }
    Ok(keys)
}

/// The bytes of every key file, to see whether somebody changes them meanwhile.
fn contents(home: &Home) -> Result<Vec<Option<Vec<u8>>>, ClientError> {
    key_files(home)?.iter().map(|file| home.read_bytes(file)).collect()
}
