//! The account of a home: a member's channel opens with it, and one that the home does not know is found by its key.

use super::kept::change_account;
use super::keys::succeed;
use super::restoring::{Loaded, restore};
use super::standing::fetch_keys;
use crate::client::identity::{KeyFile, PendingKey, key_files};
use crate::client::link::{Addresses, KnownServer, Member, PATIENCE, pinned};
use crate::client::{Account, ClientError, Home, KEY_FILE, PassphraseSource, read_account};
use crate::crypto::SigningKey;
use crate::domain::Rights;
use crate::domain::accounts::KeyFace;

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
        let mut loaded = Loaded::new(home, ask);
        let account = match read_account(home, server.ledger_id)? {
            Some(account) => account,
            None => found_by_key(home, addresses, &mut loaded)?,
        };
        Opening { home, addresses, server, account, loaded }.open(needed)
    }
}

/// The account of a home that has nothing but keys.
fn found_by_key(
    home: &Home,
    addresses: &Addresses,
    loaded: &mut Loaded<'_, '_>,
) -> Result<Account, ClientError> {
    if key_files(home)?.is_empty() {
        return Err(not_registered(home, addresses));
    }
    let account = restore(home, addresses, loaded)?.ok_or_else(|| {
        ClientError::Usage(format!(
            "the key of this home has no account on the ledger of {addresses}: run `ledgerctl register HANDLE` first"
        ))
    })?;
    home.tell(&format!("the key of this home has account {} ({})", account.account, account.handle));
    Ok(account)
}

/// A member's channel on its way: the keys of the home are tried one after the other.
struct Opening<'a, 'ask> {
    home: &'a Home,
    addresses: &'a Addresses,
    server: KnownServer,
    account: Account,
    loaded: Loaded<'a, 'ask>,
}

impl Opening<'_, '_> {
    fn open(mut self, needed: Rights) -> Result<Member, ClientError> {
        let (mut gone, mut refused) = (None, None);
        for candidate in candidates(&self.account, needed) {
            let Some(key) = self.load(&candidate)? else {
                gone = gone.or_else(|| Some(self.is_gone(&candidate)));
                continue;
            };
            let account = Account { key_id: candidate.key_id.clone(), ..self.account.clone() };
            let server = (self.server.clone(), self.addresses);
            match Member::open_as(self.home, server, account, key, PATIENCE) {
                Err(error @ ClientError::KeyEnded(_)) => refused = refused.or(Some(error)),
                Err(error) => return Err(error),
                Ok(mut member) => {
                    self.opened_with(&mut member, &candidate, needed)?;
                    return Ok(member);
                }
            }
        }
        // A copy of a file that is gone may be all that is missing.
        Err(gone.or(refused).unwrap_or_else(|| not_registered(self.home, self.addresses)))
    }

    /// A key with which the channel may be opened; none if its file is gone.
    fn load(&mut self, candidate: &KeyFile) -> Result<Option<SigningKey>, ClientError> {
        let Some(key) = self.loaded.key(&candidate.file)? else { return Ok(None) };
        if key.public().key_id().to_string() == candidate.key_id {
            return Ok(Some(key));
        }
        let Account { account, handle, .. } = &self.account;
        Err(ClientError::Config(format!(
            "{} is not the key of account {account} ({handle}) on the ledger of {}",
            candidate.file, self.addresses
        )))
    }

    fn is_gone(&self, candidate: &KeyFile) -> ClientError {
        let Account { account, handle, .. } = &self.account;
        ClientError::Config(format!(
            "{} is gone, without which account {account} ({handle}) on the ledger of {} cannot be used: put a copy of it \
             back",
            self.home.path(&candidate.file).display(),
            self.addresses
        ))
    }

    /// The server took a key: what follows for the others is written down.
    fn opened_with(
        &mut self,
        member: &mut Member,
        taken: &KeyFile,
        needed: Rights,
    ) -> Result<(), ClientError> {
        if let Some(pending) = successor(&self.account).filter(|pending| pending.key == *taken).cloned() {
            self.has_succeeded(member, &pending)?;
        }
        match self.account.device.clone() {
            Some(device) if needed == Rights::Act && device != *taken => self.let_go(member, &device),
            _ => Ok(()),
        }
    }

    /// The key that was to take the place of the account's has done so.
    fn has_succeeded(&self, member: &mut Member, pending: &PendingKey) -> Result<(), ClientError> {
        match succeed(member, pending) {
            Ok(()) => {
                self.home.tell("an earlier rotation stands: the account has the new key");
                Ok(())
            }
            Err(error @ ClientError::Integrity(_)) => Err(error),
            // The next command tries it again; this one has a key that the server takes.
            Err(_) => Ok(()),
        }
    }

    /// Says that the key of this device signs nothing any more, and forgets it: its file is gone, or it has ended.
    fn let_go(&self, member: &mut Member, device: &KeyFile) -> Result<(), ClientError> {
        let path = self.home.path(&device.file);
        let why = if self.home.read_bytes(&device.file)?.is_none() {
            format!("{} is gone", path.display())
        } else {
            if fetch_keys(member)?.iter().any(|key| is_standing(key, device)) {
                return Ok(());
            }
            format!("the key in {} has ended", path.display())
        };
        self.home.tell(&format!(
            "{why}: this home signs with its first key from now on, until `ledgerctl keys add --device NAME` gives it \
             another one"
        ));
        let forgotten = change_account(self.home, self.server.ledger_id, |account| {
            account.device.take_if(|kept| kept == device);
        });
        match forgotten {
            // It is noticed again next time.
            Err(ClientError::File(..)) => Ok(()),
            other => other,
        }
    }
}

fn is_standing(key: &KeyFace, device: &KeyFile) -> bool {
    key.key_id.to_string() == device.key_id && key.ended_at.is_none()
}

/// The keys to try, one after the other: one of this device first, where it has the rights, and last one that was to take
/// the place of the account's.
fn candidates(account: &Account, needed: Rights) -> Vec<KeyFile> {
    let device = account.device.clone().filter(|_| needed == Rights::Act);
    let successor = successor(account).map(|pending| pending.key.clone());
    device.into_iter().chain([account.key()]).chain(successor).collect()
}

/// The key that was to take the place of the account's.
fn successor(account: &Account) -> Option<&PendingKey> {
    account.pending.as_ref().filter(|pending| pending.ends.as_ref() == Some(&account.key_id))
}

fn not_registered(home: &Home, addresses: &Addresses) -> ClientError {
    ClientError::Usage(format!(
        "not registered on the ledger of {addresses}: run `ledgerctl register HANDLE` first, with e-mail and password \
         `ledgerctl login E-MAIL --keep`, or put your copy of {KEY_FILE} into {}",
        home.path("").display()
    ))
}
