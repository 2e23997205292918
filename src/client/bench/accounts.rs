//! The throw-away accounts: each has a home of its own in the cache, with one key and an account on each ledger
//! that was measured. Making a key takes about a third of a second, so keys are made once and used again.
//!
//! ```text
//! CACHE/lock     held as long as a run lasts
//! CACHE/0001/    a home: see `client::home`
//! ```

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use super::workers::on_all_cores;
use super::{Plan, Step, payments_of};
use crate::client::payments_question;
use crate::client::{
    Account, Addresses, Anonymous, ClientError, Home, KnownServer, Member, Signer, WantedKey, add_own_key,
    identity, known_servers, register,
};
use crate::crypto::{KeyKind, SigningKey};
use crate::domain::accounts::{Custody, Handle};
use crate::domain::payments::Balance;
use crate::domain::{AccountId, Rights};
use crate::lock_file::{LockFile, NotLocked};
use crate::refusal;

/// The pause before a server that has too many registrations at once is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// Times that a busy server is asked: it takes ten registrations a second, so this is plenty.
const BUSY_TRIES_MAX: u32 = 300;

/// The accounts of a run.
#[derive(Debug)]
pub struct Accounts {
    homes: Vec<Home>,
    server: KnownServer,
    addresses: Addresses,
    _lock: LockFile,
}

/// An account with less money than its payments need.
#[derive(Clone, Debug)]
pub struct Needy {
    /// Its number.
    pub account: AccountId,
    /// Minor units that are missing.
    pub missing: u64,
}

impl Accounts {
    /// Opens the homes of `count` accounts in the cache, and makes those that are not there. Each knows the
    /// server as `home` does, and looks for it at these addresses.
    ///
    /// # Errors
    /// [`ClientError::InUse`] when another run uses the cache.
    pub fn open(
        cache: &Path,
        home: &Home,
        server: KnownServer,
        addresses: Addresses,
        count: usize,
    ) -> Result<Accounts, ClientError> {
        let lock = lock(cache)?;
        let descriptor = server.descriptor(home)?;
        let mut homes = Vec::with_capacity(count);
        for number in 1..=count {
            let home = Home::open(Some(&cache.join(format!("{number:04}"))))?;
            known_servers::borrow(&home, &server, &descriptor)?;
            homes.push(home);
        }
        Ok(Accounts { homes, server, addresses, _lock: lock })
    }

    /// The homes without a key.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn without_key(&self) -> Result<Vec<Home>, ClientError> {
        let mut found = Vec::new();
        for home in &self.homes {
            if identity::is_key_encrypted(home)?.is_none() {
                found.push(home.clone());
            }
        }
        Ok(found)
    }

    /// Makes their keys.
    ///
    /// # Errors
    /// As for [`identity::make_key`].
    pub fn make_keys(homes: &[Home], done: &Step<'_>) -> Result<(), ClientError> {
        let make = |number: usize| {
            homes
                .get(number)
                .map_or(Ok(()), |home| identity::make_key(home, KeyKind::Rsa3072, None).map(drop))
        };
        on_all_cores(homes.len(), make, done).map(drop)
    }

    /// The homes without an account on this ledger.
    ///
    /// # Errors
    /// [`ClientError`] when a file cannot be read.
    pub fn unregistered(&self) -> Result<Vec<Home>, ClientError> {
        let mut found = Vec::new();
        for home in &self.homes {
            if identity::read_account(home, self.server.ledger_id)?.is_none() {
                found.push(home.clone());
            }
        }
        Ok(found)
    }

    /// Registers them. A server that takes no more at the moment is asked again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn register(&self, homes: &[Home], done: &Step<'_>) -> Result<(), ClientError> {
        for home in homes {
            register_one(home, &self.addresses)?;
            done();
        }
        Ok(())
    }

    /// Adds a device key to each account that has none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn add_device_keys(&self, done: &Step<'_>) -> Result<(), ClientError> {
        for home in &self.homes {
            if self.account(home)?.device.is_none() {
                let mut member = Member::open_for(home, &self.server.addresses, Rights::Full, &mut |_| None)?;
                let label = Some("bench".to_owned());
                let wanted = WantedKey { label, custody: Custody::Device, rights: Rights::Act };
                add_own_key(&mut member, &wanted, None, &mut || ())?.tell(|_| Ok(()))?;
            }
            done();
        }
        Ok(())
    }

    /// What signs for each account: its first key, or its device key.
    ///
    /// # Errors
    /// [`ClientError`] when a key or an account is not what it has to be.
    pub fn signers(&self, device_keys: bool) -> Result<Vec<Signer>, ClientError> {
        let ledger_id = self.server.ledger_id;
        let signer = |home: &Home| {
            let account = self.account(home)?;
            let device = account.device.as_ref().filter(|_| device_keys);
            let key = match device {
                Some(device) => identity::load_key_file(home, &device.file, &mut |_| None)?,
                None => identity::load_key(home, &mut |_| None)?,
            };
            let key = key.ok_or_else(gone)?;
            Ok(Signer { ledger_id, account: AccountId(account.account), key })
        };
        self.homes.iter().map(signer).collect()
    }

    fn account(&self, home: &Home) -> Result<Account, ClientError> {
        identity::read_account(home, self.server.ledger_id)?
            .ok_or_else(|| ClientError::Config("a cached account is gone".to_owned()))
    }

    /// Opens a connection for each of the first `count` accounts.
    ///
    /// # Errors
    /// As for [`Member::open`].
    pub fn connect(&self, count: usize, done: &Step<'_>) -> Result<Vec<Member>, ClientError> {
        let homes = self.homes.get(..count).unwrap_or(&self.homes);
        let open = |number: usize| {
            let home = homes.get(number).ok_or_else(|| ClientError::Unexpected("no such home".to_owned()))?;
            Member::open(home, &self.addresses, &mut |_| None)
        };
        on_all_cores(homes.len(), open, done)
    }

    /// One more connection, of the first account: for questions.
    ///
    /// # Errors
    /// As for [`Member::open`].
    pub fn control(&self) -> Result<Member, ClientError> {
        let mut opened = self.connect(1, &|| ())?;
        opened.pop().ok_or_else(|| ClientError::Unexpected("no account to measure with".to_owned()))
    }

    /// Those who have less than their own payments of this plan need. What others pay them is not counted on.
    ///
    /// # Errors
    /// As for [`Member::ask`].
    pub fn needy(&self, plan: &Plan, done: &Step<'_>) -> Result<Vec<Needy>, ClientError> {
        let mut needy = Vec::new();
        for (number, mut member) in self.connect(plan.connections, done)?.into_iter().enumerate() {
            let Balance { balance, .. } = member.ask(&payments_question::Balance)?;
            let missing = payments_of(plan, number).saturating_sub(balance);
            if missing > 0 {
                needy.push(Needy { account: AccountId(member.account().account), missing });
            }
        }
        Ok(needy)
    }
}

fn lock(cache: &Path) -> Result<LockFile, ClientError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(cache);
    made.map_err(ClientError::file(cache))?;
    let path = cache.join("lock");
    LockFile::try_lock(&path).map_err(|error| match error {
        NotLocked::HeldBy(pid) => {
            let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            let text = format!("{} is used by another bench{who}: use --cache DIR", cache.display());
            ClientError::InUse(text)
        }
        NotLocked::Failed(error) => ClientError::File(path.clone(), error),
    })
}

fn key(home: &Home) -> Result<SigningKey, ClientError> {
    let key = identity::load_key(home, &mut |_| None)?;
    key.ok_or_else(gone)
}

fn gone() -> ClientError {
    ClientError::Config("a cached key is gone".to_owned())
}

fn register_one(home: &Home, addresses: &Addresses) -> Result<(), ClientError> {
    let key = key(home)?;
    // The key's name makes a handle that nobody else has.
    let name: String = key.public().key_id().to_string().chars().take(16).collect();
    let handle = Handle::new(&format!("bench-{name}"))
        .map_err(|error| ClientError::Unexpected(format!("a handle of our own making: {error}")))?;
    let mut tries = 0;
    loop {
        let registered =
            Anonymous::open(home, addresses).and_then(|mut link| register(home, &mut link, &key, &handle));
        match registered {
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::BUSY && tries < BUSY_TRIES_MAX => {
                tries += 1;
                std::thread::sleep(BUSY_PAUSE);
            }
            other => return other?.told(),
        }
    }
}
