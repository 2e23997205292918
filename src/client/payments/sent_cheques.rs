//! Cheques that left this home and whose end was not told yet: kept before they leave, so that no end of a
//! connection or of a process can make anybody pay twice, or lose sight of a promise.
//!
//! The file of a cheque is locked for as long as its run lasts, and has its name only once it is locked, like a
//! run book. What its name ends in says what is known:
//!
//! ```text
//! .cheque      its end is not known
//! .settled    it was settled, and a run of something else said so: the same command again tells it
//! .keyed      its end is not known, and its id is that of an idempotency key
//! ```

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;

use super::cheques::SignedCheque;
use crate::client::link::{Member, Reopen as _};
use crate::client::{ClientError, Home};
use crate::crypto::{LedgerId, VerifyingKey};
use crate::domain::AccountId;
use crate::domain::payments::ChequeId;
use crate::lock_file::LockFile;

/// The folder in the home directory.
const FOLDER: &str = "sent";
/// The lock of whoever looks for cheques that were left behind.
const LOOKING: &str = "sent.lock";

const OPEN: &str = "cheque";
const SETTLED: &str = "settled";
const KEYED: &str = "keyed";

/// The sent cheques of one account on one ledger.
#[derive(Clone, Debug)]
pub struct SentCheques {
    home: Home,
    ledger_id: LedgerId,
    account: AccountId,
    /// A key of the account's: the one that this home signs with now.
    key: VerifyingKey,
    /// What the names of their files start with.
    prefix: String,
}

/// A sent cheque; nobody else touches it while this exists.
#[derive(Debug)]
pub struct SentCheque {
    /// The cheque.
    pub signed: SignedCheque,
    /// Whether it is known to be settled.
    pub is_settled: bool,
    /// Whether its id is that of an idempotency key.
    pub is_keyed: bool,
    name: String,
    home: Home,
    /// Holds the lock.
    _file: File,
}

impl SentCheques {
    /// Those of this member.
    pub fn of(member: &Member) -> SentCheques {
        let (ledger_id, account) = (member.server().ledger_id, member.account_id());
        let (home, key) = (member.home().clone(), member.key().public().clone());
        SentCheques { home, ledger_id, account, key, prefix: format!("{ledger_id}-{account}-") }
    }

    fn name(&self, id: ChequeId, ending: &str) -> String {
        format!("{FOLDER}/{}{id}.{ending}", self.prefix)
    }

    /// Waits until nobody else looks for cheques that were left behind.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn lock_to_look(&self) -> Result<LockFile, ClientError> {
        self.home.lock_file(LOOKING)
    }

    /// Keeps a cheque that is about to leave, durably. None when another run keeps one of this id.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn keep(&self, signed: SignedCheque, is_keyed: bool) -> Result<Option<SentCheque>, ClientError> {
        let name = self.name(signed.cheque.cheque_id, if is_keyed { KEYED } else { OPEN });
        let placed = self.home.place_locked(&name, signed.to_pem()?.as_bytes(), false)?;
        let home = self.home.clone();
        Ok(placed.map(|file| SentCheque { signed, is_settled: false, is_keyed, name, home, _file: file }))
    }

    /// Forgets a cheque, whoever keeps it.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(&self, id: ChequeId) -> Result<(), ClientError> {
        [OPEN, SETTLED, KEYED].iter().try_for_each(|ending| self.home.remove(&self.name(id, ending)))
    }

    /// All that runs have left behind: those of runs that go on are left alone.
    ///
    /// # Errors
    /// [`ClientError::File`], or [`ClientError::Config`] when a file does not hold a cheque of this account's.
    pub fn left_behind(&self) -> Result<Vec<SentCheque>, ClientError> {
        let names = self.home.list(FOLDER)?;
        let names = names.iter().filter(|name| name.starts_with(&self.prefix));
        let taken = names.map(|name| self.take(format!("{FOLDER}/{name}"), false));
        taken.filter_map(Result::transpose).collect()
    }

    /// The cheque of an idempotency key, once no run holds it; none when none is kept.
    ///
    /// # Errors
    /// As for [`SentCheques::left_behind`].
    pub fn keyed(&self, id: ChequeId) -> Result<Option<SentCheque>, ClientError> {
        self.take(self.name(id, KEYED), true)
    }

    /// Locks and reads a cheque; none if it is gone, or its run goes on and is not waited for.
    fn take(&self, name: String, wait: bool) -> Result<Option<SentCheque>, ClientError> {
        let path = self.home.path(&name);
        let read = || {
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if wait {
                file.lock()?;
            } else if file.try_lock().is_err() {
                return Ok(None);
            }
            // Its run may have forgotten it before it let go of the lock.
            let named = std::fs::metadata(&path).ok();
            if named.is_none_or(|named| file.metadata().is_ok_and(|open| open.ino() != named.ino())) {
                return Ok(None);
            }
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(Some((file, text)))
        };
        let Some((file, text)) = read().map_err(ClientError::file(&path))? else { return Ok(None) };
        let bad = |error: &str| ClientError::Config(format!("{}: {error}", path.display()));
        let signed = SignedCheque::from_pem(&text).map_err(|error| bad(&error))?;
        let SignedCheque { cheque, .. } = &signed;
        let is_own = (cheque.ledger_id, cheque.payer) == (self.ledger_id, self.account);
        // One that an earlier key of this home has signed is checked by the payee and by the ledger.
        let is_signed = cheque.key_id != self.key.key_id() || signed.is_signed_by(&self.key);
        if !is_own || !is_signed {
            return Err(bad("damaged: the cheque does not hold the signature of this account"));
        }
        let ending = |ending: &str| path.extension().is_some_and(|is| is == ending);
        let (is_settled, is_keyed) = (ending(SETTLED), ending(KEYED));
        Ok(Some(SentCheque { signed, is_settled, is_keyed, name, home: self.home.clone(), _file: file }))
    }
}

impl SentCheque {
    /// Its end was told, or nothing can come of it.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(self) -> Result<(), ClientError> {
        self.home.remove(&self.name)
    }

    /// A run of something else found it settled, and said so.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn settled(self) -> Result<(), ClientError> {
        if self.is_keyed {
            return self.forget();
        }
        let settled = self.home.path(&self.name).with_extension(SETTLED);
        std::fs::rename(self.home.path(&self.name), &settled).map_err(ClientError::file(&settled))
    }
}
