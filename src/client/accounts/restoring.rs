//! A home that has nothing left but its keys gets its account back: the ledger proves whose they are, and says which of them
//! stand and what they may sign.

use super::standing::fetch_keys;
use crate::client::identity::{KeyFile, key_files, load_key_file, write_account};
use crate::client::link::{Addresses, Anonymous, Member, PATIENCE, pinned};
use crate::client::proofs::{Registrant, fetch_owner_of_key};
use crate::client::{Account, ClientError, Home, PassphraseSource, read_account};
use crate::crypto::{LedgerId, SigningKey};
use crate::domain::Rights;
use crate::domain::accounts::KeyFace;

/// The keys of a home that were opened: nobody is asked for a passphrase twice.
pub(super) struct Loaded<'a, 'ask> {
    home: &'a Home,
    ask: &'a mut PassphraseSource<'ask>,
    keys: Vec<(String, SigningKey)>,
}

impl<'a, 'ask> Loaded<'a, 'ask> {
    pub(super) fn new(home: &'a Home, ask: &'a mut PassphraseSource<'ask>) -> Loaded<'a, 'ask> {
        Loaded { home, ask, keys: Vec::new() }
    }

    /// The key in a file; none if there is no such file.
    pub(super) fn key(&mut self, file: &str) -> Result<Option<SigningKey>, ClientError> {
        if let Some((_, key)) = self.keys.iter().find(|(loaded, _)| loaded == file) {
            return Ok(Some(key.clone()));
        }
        let key = load_key_file(self.home, file, self.ask)?;
        self.keys.extend(key.clone().map(|key| (file.to_owned(), key)));
        Ok(key)
    }
}

/// A key of the home's, and whose it is.
struct Found {
    file: String,
    key: SigningKey,
    owner: Registrant,
}

impl Found {
    fn key_file(&self) -> KeyFile {
        KeyFile { key_id: self.owner.key_id.to_string(), file: self.file.clone() }
    }

    fn account(&self) -> Account {
        Account::new(self.owner.account.0, &self.owner.handle, self.owner.key_id, &self.file)
    }
}

/// The account that the keys of a home have, where they are all that it has left; none if they have no account.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn restore_account(
    home: &Home,
    addresses: &Addresses,
    ask: &mut PassphraseSource<'_>,
) -> Result<Option<Account>, ClientError> {
    restore(home, addresses, &mut Loaded::new(home, ask))
}

/// The same, with the keys that are loaded for it.
pub(super) fn restore(
    home: &Home,
    addresses: &Addresses,
    loaded: &mut Loaded<'_, '_>,
) -> Result<Option<Account>, ClientError> {
    let (found, closed) = find_owners(home, addresses, loaded)?;
    let restored = match found.as_slice() {
        [] => None,
        [one] if closed.is_none() => Some((one.account(), true)),
        [first, ..] => Some(match member_of(home, addresses, &found)? {
            Some(mut member) => account_of(&fetch_keys(&mut member)?, member.account(), &found),
            // None of them opens anything; the first says so whenever it is tried.
            None => (first.account(), false),
        }),
    };
    match (restored, closed) {
        // The key that did not open may be the one that belongs there.
        (None | Some((_, false)), Some(error)) => Err(error),
        (None, None) => Ok(None),
        (Some((account, _)), _) => keep(home, pinned(home, addresses)?.ledger_id, account).map(Some),
    }
}

/// The keys of the home that have an account, and why one of the others does not open, if one does not.
fn find_owners(
    home: &Home,
    addresses: &Addresses,
    loaded: &mut Loaded<'_, '_>,
) -> Result<(Vec<Found>, Option<ClientError>), ClientError> {
    let (mut keys, mut closed) = (Vec::new(), None);
    for file in key_files(home)? {
        match loaded.key(&file) {
            Ok(key) => keys.extend(key.map(|key| (file, key))),
            Err(error) => closed = closed.or(Some(error)),
        }
    }
    let mut found = Vec::new();
    if !keys.is_empty() {
        let mut link = Anonymous::open(home, addresses)?;
        for (file, key) in keys {
            let owner = fetch_owner_of_key(&mut link, key.public().key_id())?;
            found.extend(owner.map(|owner| Found { file, key, owner }));
        }
    }
    Ok((found, closed))
}

/// A session with the first key that the server takes.
fn member_of(home: &Home, addresses: &Addresses, found: &[Found]) -> Result<Option<Member>, ClientError> {
    let server = pinned(home, addresses)?;
    for found in found {
        let to = (server.clone(), addresses);
        match Member::open_as(home, to, found.account(), found.key.clone(), PATIENCE) {
            Err(ClientError::KeyEnded(_)) => {}
            opened => return opened.map(Some),
        }
    }
    Ok(None)
}

/// Puts each key where it belongs: one that stands with full rights is the account's, and one that may only act is this
/// device's. Without a full one, one that acts is the account's. Whether a full one is there is said as well.
fn account_of(keys: &[KeyFace], opened: &Account, found: &[Found]) -> (Account, bool) {
    let (mut full, mut act) = (None, None);
    // The order of the files is kept among full keys; of those that act the newest was in use.
    for key in keys.iter().filter(|key| key.ended_at.is_none()) {
        let Some(place) = found.iter().position(|found| found.owner.key_id == key.key_id) else { continue };
        match key.rights {
            Rights::Full => full = Some(full.map_or(place, |first: usize| first.min(place))),
            Rights::Act => act = act.max(Some((key.added_at, place))),
        }
    }
    let full = full.and_then(|place| found.get(place));
    let act = act.and_then(|(_, place)| found.get(place));
    match (full, act) {
        (Some(full), act) => (Account { device: act.map(Found::key_file), ..full.account() }, true),
        (None, Some(act)) => (act.account(), false),
        (None, None) => (opened.clone(), false),
    }
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
    keep(home, ledger_id, account).map(Some)
}

/// Keeps an account that was found. One that another process has kept meanwhile, and may have added to, is taken instead.
fn keep(home: &Home, ledger_id: LedgerId, account: Account) -> Result<Account, ClientError> {
    let lock = home.lock();
    if let Some(kept) = read_account(home, ledger_id)? {
        return Ok(kept);
    }
    match lock.and_then(|_lock| write_account(home, ledger_id, &account)) {
        // It is found again next time.
        Err(ClientError::File(path, error)) => home.not_kept(&path, &error),
        kept => kept?,
    }
    Ok(account)
}
