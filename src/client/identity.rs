//! Who the client is: one signing key, and an account on each ledger where it is registered.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::home::damaged;
use super::{ClientError, Home};
use crate::crypto::random;
use crate::crypto::{KeyId, LedgerId, PrivateKeyError, SigningKey, is_encrypted_pem};

/// The key of a home.
pub const KEY_FILE: &str = "key.pem";

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
}

/// The key of this home, if there is one.
///
/// # Errors
/// [`ClientError::Config`] when the file is not a key, [`ClientError::Usage`] without the right passphrase.
pub fn load_key(home: &Home, ask: &mut PassphraseSource<'_>) -> Result<Option<SigningKey>, ClientError> {
    let Some(pem) = home.read(KEY_FILE)?.map(Zeroizing::new) else { return Ok(None) };
    let passphrase = if is_encrypted_pem(&pem) {
        let prompt = format!("Passphrase of {}: ", home.path(KEY_FILE).display());
        let none =
            || ClientError::Usage("the key has a passphrase, and there is nobody to ask for it".into());
        Some(ask(&prompt).ok_or_else(none)?)
    } else {
        None
    };
    let key = SigningKey::from_pkcs8_pem(&pem, passphrase.as_ref().map(|text| text.as_bytes()));
    key.map(Some).map_err(|error| {
        let text = format!("{}: {error}", home.path(KEY_FILE).display());
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
pub fn make_key(home: &Home, passphrase: Option<&str>) -> Result<SigningKey, ClientError> {
    let key = SigningKey::generate(&mut random::os());
    let pem = key.to_pkcs8_pem(passphrase.map(str::as_bytes));
    if home.create(KEY_FILE, pem.as_bytes())? {
        Ok(key)
    } else {
        let path = home.path(KEY_FILE);
        Err(ClientError::Config(format!("{} was made by another process: try again", path.display())))
    }
}

/// Writes the key of this home anew: with this passphrase, or without one. The file is replaced as a whole, and only by
/// one that was seen to open: whatever fails, the old file is there.
///
/// # Errors
/// [`ClientError::File`].
pub fn set_passphrase(home: &Home, key: &SigningKey, passphrase: Option<&str>) -> Result<(), ClientError> {
    let passphrase = passphrase.map(str::as_bytes);
    let pem = key.to_pkcs8_pem(passphrase);
    match SigningKey::from_pkcs8_pem(&pem, passphrase) {
        Ok(again) if again.public() == key.public() => home.write(KEY_FILE, pem.as_bytes()),
        _ => Err(ClientError::Unexpected(
            "the key does not open as it was written; nothing was changed".into(),
        )),
    }
}

/// Whether this home has a key that is encrypted; none if it has no key.
///
/// # Errors
/// [`ClientError::File`].
pub fn is_key_encrypted(home: &Home) -> Result<Option<bool>, ClientError> {
    Ok(home.read(KEY_FILE)?.map(Zeroizing::new).map(|pem| is_encrypted_pem(&pem)))
}

fn account_file(ledger_id: LedgerId) -> String {
    format!("accounts/{ledger_id}")
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
pub(super) fn write_account(
    home: &Home,
    ledger_id: LedgerId,
    account: u64,
    handle: &str,
    key_id: KeyId,
) -> Result<Account, ClientError> {
    let account = Account { account, handle: handle.to_owned(), key_id: key_id.to_string() };
    let text = serde_json::to_string(&account).map_err(|error| ClientError::Unexpected(error.to_string()))?;
    home.write_checked(&account_file(ledger_id), &text)?;
    Ok(account)
}
