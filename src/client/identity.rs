//! Who the client is: its signing keys, and an account on each ledger where it is registered.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::home::damaged;
use super::{ClientError, Home};
use crate::crypto::random;
use crate::crypto::{KeyId, KeyKind, LedgerId, PrivateKeyError, SigningKey, is_encrypted_pem};
use crate::domain::Rights;
use crate::domain::accounts::Custody;

/// The key that a home begins with.
pub const KEY_FILE: &str = "key.pem";

/// The folder of the keys that it makes later.
pub(super) const KEYS_FOLDER: &str = "keys";

/// The folder of the accounts, a file for each ledger.
const ACCOUNTS_FOLDER: &str = "accounts";

/// Gives the passphrase of an encrypted key, or none if there is nobody to ask.
pub type PassphraseSource<'a> = dyn FnMut(&str) -> Option<Zeroizing<String>> + 'a;

/// The account on one ledger, as the client remembers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub account: u64,
    /// Its public name.
    pub handle: String,
    /// Names its key, in hexadecimal.
    pub key_id: String,
    /// The file of that key.
    #[serde(default = "first_key_file")]
    pub file: String,
    /// A further key of this device, which signs what is done every day.
    #[serde(default)]
    pub device: Option<KeyFile>,
    /// A key that this home wanted to introduce, and of which it is not known whether the ledger took it.
    #[serde(default)]
    pub pending: Option<PendingKey>,
    /// Whether a log-in by password has put the key here, which a log-out removes again.
    #[serde(default)]
    pub by_login: bool,
}

/// A key of this home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// Names it, in hexadecimal.
    pub key_id: String,
    /// Its file in the home.
    pub file: String,
}

/// A key that is being introduced. All that its command holds is kept, so that the same command can be given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingKey {
    /// The key.
    pub key: KeyFile,
    /// Where its private half is.
    pub custody: Custody,
    /// What it may sign.
    pub rights: Rights,
    /// Its public name.
    pub label: String,
    /// Its proof, in hexadecimal.
    pub proof: String,
    /// The key that it replaces, in hexadecimal, if it replaces one.
    pub ends: Option<String>,
    /// The file of the key that it replaces.
    pub ends_file: Option<String>,
    /// Its public half, in hexadecimal: what became of it can be found out without its file.
    pub spki: String,
}

fn first_key_file() -> String {
    KEY_FILE.to_owned()
}

impl Account {
    /// An account with a key of the home, in this file.
    pub(super) fn new(account: u64, handle: &str, key_id: KeyId, file: &str) -> Account {
        Account {
            account,
            handle: handle.to_owned(),
            key_id: key_id.to_string(),
            file: file.to_owned(),
            device: None,
            pending: None,
            by_login: false,
        }
    }

    /// Its key, with the file.
    pub(super) fn key(&self) -> KeyFile {
        KeyFile { key_id: self.key_id.clone(), file: self.file.clone() }
    }
}

/// The key of this home, if there is one.
///
/// # Errors
/// [`ClientError::Config`] when the file is not a key, [`ClientError::Usage`] without the right passphrase.
pub fn load_key(home: &Home, ask: &mut PassphraseSource<'_>) -> Result<Option<SigningKey>, ClientError> {
    load_key_file(home, KEY_FILE, ask)
}

/// A key of this home, by its file.
///
/// # Errors
/// As for [`load_key`].
pub fn load_key_file(
    home: &Home,
    name: &str,
    ask: &mut PassphraseSource<'_>,
) -> Result<Option<SigningKey>, ClientError> {
    let Some(pem) = home.read(name)?.map(Zeroizing::new) else { return Ok(None) };
    let passphrase = if is_encrypted_pem(&pem) {
        let prompt = format!("Passphrase of {}: ", home.path(name).display());
        let none =
            || ClientError::Usage("the key has a passphrase, and there is nobody to ask for it".into());
        Some(ask(&prompt).ok_or_else(none)?)
    } else {
        None
    };
    let key = SigningKey::from_pkcs8_pem(&pem, passphrase.as_ref().map(|text| text.as_bytes()));
    key.map(Some).map_err(|error| {
        let text = format!("{}: {error}", home.path(name).display());
        match error {
            PrivateKeyError::PassphraseNeeded | PrivateKeyError::WrongPassphrase => ClientError::Usage(text),
            PrivateKeyError::Malformed | PrivateKeyError::Policy(_) | PrivateKeyError::Damaged => {
                ClientError::Config(text)
            }
        }
    })
}

/// Makes the key of this home and keeps it, encrypted if a passphrase is given. A key that is there is never
/// replaced: an account may belong to it.
///
/// # Errors
/// [`ClientError::File`], or [`ClientError::Config`] when another process has made a key meanwhile.
pub fn make_key(home: &Home, kind: KeyKind, passphrase: Option<&str>) -> Result<SigningKey, ClientError> {
    let key = SigningKey::generate(kind, &mut random::os());
    let pem = key.to_pkcs8_pem(passphrase.map(str::as_bytes));
    if home.create(KEY_FILE, pem.as_bytes())? {
        Ok(key)
    } else {
        let path = home.path(KEY_FILE);
        Err(ClientError::Config(format!("{} was made by another process: try again", path.display())))
    }
}

/// Makes a further key of this home and keeps it under a name of its own, encrypted if a passphrase is given.
pub(super) fn make_further_key(
    home: &Home,
    kind: KeyKind,
    passphrase: Option<&str>,
) -> Result<(SigningKey, KeyFile), ClientError> {
    let key = SigningKey::generate(kind, &mut random::os());
    let key_id = key.public().key_id().to_string();
    let file = further_key_file(&key_id);
    home.create(&file, key.to_pkcs8_pem(passphrase.map(str::as_bytes)).as_bytes())?;
    Ok((key, KeyFile { key_id, file }))
}

/// The file that a key has which a home made later.
pub(super) fn further_key_file(key_id: &str) -> String {
    format!("{KEYS_FOLDER}/{}.pem", key_id.get(..16).unwrap_or(key_id))
}

/// The files of all keys of this home, the one that it begins with first.
///
/// # Errors
/// [`ClientError::File`].
pub fn key_files(home: &Home) -> Result<Vec<String>, ClientError> {
    let first = home.read_bytes(KEY_FILE)?.map(|_| KEY_FILE.to_owned());
    let later = home.list(KEYS_FOLDER)?.into_iter().filter(|name| name.ends_with(".pem"));
    Ok(first.into_iter().chain(later.map(|name| format!("{KEYS_FOLDER}/{name}"))).collect())
}

/// Writes a key of this home anew: with this passphrase, or without one. The file is replaced as a whole, and only by
/// one that was seen to open: whatever fails, the old file is there.
///
/// # Errors
/// [`ClientError::File`].
pub fn set_passphrase(
    home: &Home,
    file: &str,
    key: &SigningKey,
    passphrase: Option<&str>,
) -> Result<(), ClientError> {
    let passphrase = passphrase.map(str::as_bytes);
    let pem = key.to_pkcs8_pem(passphrase);
    match SigningKey::from_pkcs8_pem(&pem, passphrase) {
        Ok(again) if again.public() == key.public() => home.write(file, pem.as_bytes()),
        _ => Err(ClientError::Unexpected(
            "the key does not open as it was written; nothing was changed".into(),
        )),
    }
}

/// Whether the key that this home begins with is encrypted; none if there is no such key.
///
/// # Errors
/// [`ClientError::File`].
pub fn is_key_encrypted(home: &Home) -> Result<Option<bool>, ClientError> {
    is_file_encrypted(home, KEY_FILE)
}

/// The first key of this home that is encrypted.
///
/// # Errors
/// [`ClientError::File`].
pub fn first_encrypted_key(home: &Home) -> Result<Option<String>, ClientError> {
    for file in key_files(home)? {
        if is_file_encrypted(home, &file)? == Some(true) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn is_file_encrypted(home: &Home, file: &str) -> Result<Option<bool>, ClientError> {
    Ok(home.read(file)?.map(Zeroizing::new).map(|pem| is_encrypted_pem(&pem)))
}

fn account_file(ledger_id: LedgerId) -> String {
    format!("{ACCOUNTS_FOLDER}/{ledger_id}")
}

/// The account on a ledger, if this home has one there.
///
/// # Errors
/// [`ClientError`] when the file cannot be read.
pub fn read_account(home: &Home, ledger_id: LedgerId) -> Result<Option<Account>, ClientError> {
    let name = account_file(ledger_id);
    let Some(text) = home.read_checked(&name)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| damaged(home, &name))
}

/// Keeps the account on a ledger.
pub(super) fn write_account(home: &Home, ledger_id: LedgerId, account: &Account) -> Result<(), ClientError> {
    let text = serde_json::to_string(account).map_err(|error| ClientError::Unexpected(error.to_string()))?;
    home.write_checked(&account_file(ledger_id), &text)
}

/// The ledgers on which this home has an account.
pub(super) fn ledgers_of_accounts(home: &Home) -> Result<Vec<LedgerId>, ClientError> {
    // A file that a killed process was writing is nobody's.
    let ids =
        home.list(ACCOUNTS_FOLDER)?.into_iter().filter_map(|name| const_hex::decode_to_array(name).ok());
    Ok(ids.map(LedgerId).collect())
}
