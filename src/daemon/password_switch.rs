//! Switching log-ins by password on and off.

use std::path::Path;

use rand_core::CryptoRng;

use super::error::DaemonError;
use super::keys::ServerKeys;
use super::passwords::PasswordKeys;
use crate::eventlog::is_full;
use crate::password::Stretch;
use crate::time::Timestamp;

/// Switches log-ins by password on or off, if they are not as they are wanted: that makes a new descriptor, and with it a new
/// key that hellos are encrypted to. On a full disk everything stays as it was.
///
/// # Errors
/// [`DaemonError`].
pub(super) fn switch(
    root: &Path,
    keys: ServerKeys,
    wanted: Option<Stretch>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<ServerKeys, DaemonError> {
    if wanted.is_some() == keys.passwords.is_some() {
        return Ok(keys);
    }
    let passwords = match wanted {
        None => None,
        Some(stretch) => match PasswordKeys::load(root)? {
            Some(kept) => Some(kept),
            None => Some(PasswordKeys::generate(stretch, rng)),
        },
    };
    let switched = keys.next(root, passwords.as_ref(), now, rng);
    match switched {
        Ok(descriptor) => {
            let (serial, on) = (descriptor.serial(), passwords.is_some());
            tracing::info!(serial, on, "log-ins by password were switched; the server has a new descriptor");
            ServerKeys::load(root, now)
        }
        Err(DaemonError::Io { source: error, .. }) if is_full(&error) => {
            tracing::warn!(%error, "log-ins by password stay as they were, for want of room");
            Ok(keys)
        }
        Err(error) => Err(error),
    }
}
