//! The account of a home: a member's channel opens with it, and one that the home does not know is found by its key.

use crate::client::identity::{KeyFile, key_files, load_key_file, write_account};
use crate::client::link::{Addresses, Anonymous, KnownServer, Member, PATIENCE, pinned};
use crate::client::proofs::fetch_owner_of_key;
use crate::client::{Account, ClientError, Home, KEY_FILE, PassphraseSource, read_account};
use crate::crypto::SigningKey;
use crate::domain::Rights;

impl Member {
    /// Opens an authenticated channel with the account of this home, with a key that signs what is done every day; an
    /// account that the home does not know is found by its key.
    ///
    /// # Errors
    /// [`ClientError::Usage`] without a registration; [`ClientError::KeyEnded`] when the server takes none of the home's
    /// keys; otherwise what stands in the way.
    pub fn open(
        home: &Home,
        addresses: &Addresses,
        ask: &mut PassphraseSource<'_>,
    ) -> Result<Member, ClientError> {
        Member::open_for(home, addresses, Rights::Act, ask)
    }

    /// The same, with a key that signs what needs these rights.
    ///
    /// # Errors
    /// As for [`Member::open`].
    pub fn open_for(
        home: &Home,
        addresses: &Addresses,
        needed: Rights,
        ask: &mut PassphraseSource<'_>,
    ) -> Result<Member, ClientError> {
        let server = pinned(home, addresses)?;
        let Some(account) = read_account(home, server.ledger_id)? else {
            if key_files(home)?.is_empty() {
                return Err(not_registered(home, addresses));
            }
            let (account, key) = restore_account(home, addresses, ask)?.ok_or_else(|| {
                ClientError::Usage(format!(
                    "the key of this home has no account on the ledger of {addresses}: run `ledgerctl register HANDLE` \
                     first"
                ))
            })?;
            home.tell(&format!("the key of this home has account {} ({})", account.account, account.handle));
            return Member::open_as(home, (server, addresses), account, key, PATIENCE);
        };
        let mut refused = None;
        for candidate in candidates(&account, needed) {
            let key = load_candidate(home, addresses, &account, &candidate, ask)?;
            let account = Account { key_id: candidate.key_id.clone(), ..account.clone() };
            match Member::open_as(home, (server.clone(), addresses), account, key, PATIENCE) {
                Err(error @ ClientError::KeyEnded(_)) => refused = refused.or(Some(error)),
                Err(error) => return Err(error),
                Ok(member) => {
                    took(home, &server, &candidate)?;
                    return Ok(member);
                }
            }
        }
        Err(refused.unwrap_or_else(|| not_registered(home, addresses)))
    }
}

/// The keys to try, one after the other: one of this device first, where it has the rights, and last one that was to take
/// the place of the account's.
fn candidates(account: &Account, needed: Rights) -> Vec<KeyFile> {
    let device = account.device.clone().filter(|_| needed == Rights::Act);
    let successor = account.pending.as_ref().filter(|pending| pending.ends.as_ref() == Some(&account.key_id));
    let successor = successor.map(|pending| pending.key.clone());
    device.into_iter().chain([account.key()]).chain(successor).collect()
}

fn load_candidate(
    home: &Home,
    addresses: &Addresses,
    account: &Account,
    candidate: &KeyFile,
    ask: &mut PassphraseSource<'_>,
) -> Result<SigningKey, ClientError> {
    let Account { account: number, handle, .. } = account;
    let key = load_key_file(home, &candidate.file, ask)?.ok_or_else(|| {
        ClientError::Config(format!(
            "{} is gone, without which account {number} ({handle}) on the ledger of {addresses} cannot be used: put a copy \
             of it back",
            home.path(&candidate.file).display(),
        ))
    })?;
    if key.public().key_id().to_string() == candidate.key_id {
        return Ok(key);
    }
    Err(ClientError::Config(format!(
        "{} is not the key of account {number} ({handle}) on the ledger of {addresses}",
        candidate.file
    )))
}

/// The server took a key. If it is one that was to take the place of another, it has done so.
fn took(home: &Home, server: &KnownServer, candidate: &KeyFile) -> Result<(), ClientError> {
    let Some(account) = read_account(home, server.ledger_id)? else { return Ok(()) };
    let succeeded = account
        .pending
        .as_ref()
        .is_some_and(|pending| pending.ends.as_ref() == Some(&account.key_id) && pending.key == *candidate);
    if !succeeded {
        return Ok(());
    }
    home.tell("an earlier rotation stands: the account has the new key");
    super::keys::succeed(home, server.ledger_id, account, candidate.clone())
}

fn not_registered(home: &Home, addresses: &Addresses) -> ClientError {
    ClientError::Usage(format!(
        "not registered on the ledger of {addresses}: run `ledgerctl register HANDLE` first, or put your copy of {KEY_FILE} \
         into {}",
        home.path("").display()
    ))
}

/// The account that one of the keys of a home has, where they are all that it has left, and that key; none if they have no
/// account.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn restore_account(
    home: &Home,
    addresses: &Addresses,
    ask: &mut PassphraseSource<'_>,
) -> Result<Option<(Account, SigningKey)>, ClientError> {
    for file in key_files(home)? {
        let Some(key) = load_key_file(home, &file, ask)? else { continue };
        let mut link = Anonymous::open(home, addresses)?;
        if let Some(account) = find_account(home, &mut link, (&key, &file))? {
            return Ok(Some((account, key)));
        }
    }
    Ok(None)
}

/// Has the ledger prove which account this key has, and keeps that in the home; none if the key has no account.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub(super) fn find_account(
    home: &Home,
    link: &mut Anonymous,
    (key, file): (&SigningKey, &str),
) -> Result<Option<Account>, ClientError> {
    let ledger_id = link.server().ledger_id;
    let Some(found) = fetch_owner_of_key(link, key.public().key_id())? else { return Ok(None) };
    let account = Account::new(found.account.0, &found.handle, found.key_id, file);
    match write_account(home, ledger_id, &account) {
        // It is found again next time.
        Err(ClientError::File(path, error)) => home.not_kept(&path, &error),
        kept => kept?,
    }
    Ok(Some(account))
}
