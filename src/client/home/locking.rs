//! The locks of a home: who waits says for whom, and does not wait for ever.

use std::fmt;
use std::time::Duration;

use super::Home;
use crate::client::{ClientError, clock};
use crate::lock_file::{LockFile, NotLocked};

/// How long the lock of a home is waited for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// After this long it is told who is waited for.
    tell: Duration,
    /// After this long the wait ends.
    end: Duration,
}

/// Patience of a program that has not done anything yet.
const PATIENCE: Patience = Patience { tell: Duration::from_secs(1), end: Duration::from_secs(30) };

/// Patience for what is good to keep and is no reason to hold a finished program back.
const LITTLE_PATIENCE: Patience = Patience { tell: Duration::MAX, end: Duration::from_secs(1) };

/// The pause between two attempts to take a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl Home {
    /// Waits for the lock of the directory; it is released when what is returned is dropped. After a second it is
    /// told who is waited for.
    ///
    /// # Errors
    /// [`ClientError::InUse`] when another process held it for 30 seconds, [`ClientError::File`].
    pub fn lock(&self) -> Result<LockFile, ClientError> {
        self.lock_with("lock", PATIENCE)
    }

    /// The same, for what is done when everything else is done: it waits a second and tells nobody.
    pub(in crate::client) fn lock_at_the_end(&self) -> Result<LockFile, ClientError> {
        self.lock_with("lock", LITTLE_PATIENCE)
    }

    /// Waits for the lock of whoever adds, replaces or ends a key, from before the home's keys are looked at until the
    /// outcome was told: two at once would each forget what the other has written down.
    ///
    /// # Errors
    /// As for [`Home::lock`].
    pub fn lock_keys(&self) -> Result<LockFile, ClientError> {
        self.lock_with("keys.lock", PATIENCE)
    }

    /// Waits for a lock with a file of its own, as for [`Home::lock`].
    ///
    /// # Errors
    /// As for [`Home::lock`].
    pub(in crate::client) fn lock_file(&self, name: &str) -> Result<LockFile, ClientError> {
        self.lock_with(name, PATIENCE)
    }

    /// The same without waiting: none while another process has the lock.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub(in crate::client) fn try_lock_file(&self, name: &str) -> Result<Option<LockFile>, ClientError> {
        let path = self.path(name);
        match LockFile::try_lock(&path) {
            Ok(lock) => Ok(Some(lock)),
            Err(NotLocked::HeldBy(_)) => Ok(None),
            Err(NotLocked::Failed(error)) => Err(ClientError::File(path, error)),
        }
    }

    fn lock_with(&self, name: &str, patience: Patience) -> Result<LockFile, ClientError> {
        let path = self.path(name);
        let began = clock::now().mono.0;
        let mut told = false;
        loop {
            let holder = match LockFile::try_lock(&path) {
                Ok(lock) => return Ok(lock),
                Err(NotLocked::Failed(error)) => return Err(ClientError::File(path, error)),
                Err(NotLocked::HeldBy(pid)) => Holder(pid),
            };
            let waited = clock::now().mono.0.saturating_sub(began);
            if waited >= patience.end {
                return Err(ClientError::InUse(format!(
                    "{holder} has held {} for {} seconds: nothing was done. Try again when it has ended",
                    path.display(),
                    waited.as_secs()
                )));
            }
            if waited >= patience.tell && !told {
                told = true;
                self.tell(&format!("waiting for {holder}, which holds {}", path.display()));
            }
            std::thread::sleep(LOCK_PAUSE.min(patience.end.saturating_sub(waited)));
        }
    }
}

/// Who holds a lock, in words.
struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "another ledgerctl (process {pid})"),
            None => f.write_str("another program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::super::temporary::home;
    use super::*;

    #[test]
    fn whoever_waits_for_a_home_says_for_whom_and_comes_in_when_it_is_free() {
        let (_directory, home) = home();
        let first = home.lock().unwrap();
        let (sender, said) = channel();
        let second = home.clone().telling(Arc::new(move |text| sender.send(text.to_owned()).unwrap()));
        let patience = Patience { tell: Duration::ZERO, end: Duration::from_secs(600) };
        let waiting = std::thread::spawn(move || second.lock_with("lock", patience).map(drop));
        let words = said.recv().unwrap();
        assert!(words.contains(&format!("(process {})", std::process::id())), "{words}");
        assert!(words.contains(&home.path("lock").display().to_string()), "{words}");
        drop(first);
        waiting.join().unwrap().unwrap();
        assert!(said.recv().is_err(), "told once");
    }

    #[test]
    fn a_wait_for_a_home_ends_and_names_the_holder_or_says_that_it_is_not_known() {
        let (_directory, home) = home();
        let patience = Patience { tell: Duration::MAX, end: Duration::ZERO };
        let lock = home.lock().unwrap();
        match home.lock_with("lock", patience) {
            Err(ClientError::InUse(text)) => {
                assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
            }
            other => panic!("{other:?}"),
        }
        drop(lock);
        let other = File::open(home.path("lock")).unwrap();
        other.lock().unwrap();
        match home.lock_with("lock", patience) {
            Err(ClientError::InUse(text)) => assert!(text.contains("another program"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
