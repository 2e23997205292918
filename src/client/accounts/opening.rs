//! The account of a home: a member's channel opens with it, and one that the home does not know is found by its key.

use crate::client::identity::write_account;
use crate::client::link::{Addresses, Anonymous, Member, PATIENCE, pinned};
use crate::client::proofs::fetch_registrant_of_key;
use crate::client::{Account, ClientError, Home, KEY_FILE, PassphraseSource, load_key, read_account};
use crate::crypto::SigningKey;

impl Member {
    /// Opens an authenticated channel with the account of this home, at the first of these addresses where the server
    /// answers; an account that the home does not know is found by its key.
    ///
    /// # Errors
    /// [`ClientError::Usage`] without a registration; otherwise what stands in the way.
    pub fn open(
        home: &Home,
        addresses: &Addresses,
        ask: &mut PassphraseSource<'_>,
    ) -> Result<Member, ClientError> {
        let server = pinned(home, addresses)?;
        let account = read_account(home, server.ledger_id)?;
        let (account, key) = match (account, load_key(home, ask)?) {
            (Some(account), Some(key)) => (account, key),
            (None, Some(key)) => (restore(home, addresses, &key)?, key),
            (Some(account), None) => {
                return Err(ClientError::Config(format!(
                    "{} is gone, without which account {} ({}) on the ledger of {addresses} cannot be used: put a copy \
                     of it back",
                    home.path(KEY_FILE).display(),
                    account.account,
                    account.handle
                )));
            }
            (None, None) => {
                return Err(ClientError::Usage(format!(
                    "not registered on the ledger of {addresses}: run `ledgerctl register HANDLE` first, or put your \
                     copy of key.pem into {}",
                    home.path("").display()
                )));
            }
        };
        if key.public().key_id().to_string() != account.key_id {
            return Err(ClientError::Config(format!(
                "key.pem is not the key of account {} ({}) on the ledger of {addresses}",
                account.account, account.handle
            )));
        }
        Member::open_as(home, (server, addresses), account, key, PATIENCE)
    }
}

/// The account of a key that is all that a home has left.
fn restore(home: &Home, addresses: &Addresses, key: &SigningKey) -> Result<Account, ClientError> {
    let account = find_account(home, &mut Anonymous::open(home, addresses)?, key)?.ok_or_else(|| {
        ClientError::Usage(format!(
            "the key of this home has no account on the ledger of {addresses}: run `ledgerctl register HANDLE` first"
        ))
    })?;
    home.tell(&format!("the key of this home has account {} ({})", account.account, account.handle));
    Ok(account)
}

/// Has the ledger prove which account this key has, and keeps that in the home; none if the key has no account.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn find_account(
    home: &Home,
    link: &mut Anonymous,
    key: &SigningKey,
) -> Result<Option<Account>, ClientError> {
    let ledger_id = link.server().ledger_id;
    let Some(found) = fetch_registrant_of_key(link, key.public())? else { return Ok(None) };
    let (number, handle) = (found.account.0, found.handle);
    match write_account(home, ledger_id, number, &handle, found.key_id) {
        // It is found again next time.
        Err(ClientError::File(path, error)) => {
            home.not_kept(&path, &error);
            Ok(Some(Account { account: number, handle, key_id: found.key_id.to_string() }))
        }
        kept => kept.map(Some),
    }
}
