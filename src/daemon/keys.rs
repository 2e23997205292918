//! The server's keys and descriptors in `DIR/keys/`, each file 0600.
//!
//! ```text
//! log.seed                 the Ed25519 log key: 32 bytes
//! enc-<serial>.pem         RSA keys, PKCS#8 PEM
//! descriptor-<serial>      the exact text of each descriptor
//! current                  serial of the newest descriptor, and when it was made (ms since the Unix epoch)
//! ```
//!
//! `current` is written last: a rotation that stops half way has not happened.
#![expect(clippy::disallowed_methods, reason = "the key files are read and written here")]

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::DirectoryError;
use crate::chain::Genesis;
use crate::crypto::note::LogKey;
use crate::crypto::rsa::PrivateKey;
use crate::crypto::{LedgerId, random};
use crate::service::Keys;
use crate::session::{Descriptor, ServerIdentity};
use crate::time::Timestamp;

/// How long the key before the newest is still accepted after a rotation.
const PREVIOUS_ACCEPTED_MS: u64 = 24 * 60 * 60 * 1_000;

/// Replaces a file, durably; 0600.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// The keys of an open ledger.
#[derive(Debug)]
pub(super) struct KeyRing {
    folder: PathBuf,
    /// Signs descriptors and checkpoints.
    pub log_key: LogKey,
    ledger_id: LedgerId,
    serial: u64,
    current: (PrivateKey, Descriptor),
    previous: Option<(PrivateKey, Descriptor)>,
}

fn unusable(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> DirectoryError {
    let path = path.to_owned();
    move |reason| DirectoryError::Keys(path.clone(), reason.to_string())
}

/// Makes the keys of a new ledger, before its genesis block exists.
///
/// # Errors
/// [`DirectoryError::Io`].
pub(super) fn make(
    folder: &Path,
    origin: &str,
    rng: &mut dyn CryptoRng,
) -> Result<(LogKey, PrivateKey), DirectoryError> {
    let failed = |error| DirectoryError::Io(folder.to_owned(), error);
    DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
    let seed = Zeroizing::new(random::bytes::<32>(rng));
    let log_key = LogKey::from_seed(origin, &seed).map_err(|error| unusable(folder)(&error))?;
    write_file(&folder.join("log.seed"), &seed[..]).map_err(failed)?;
    let key = PrivateKey::generate(rng);
    write_file(&folder.join("enc-1.pem"), key.to_pkcs8_pem(None).as_bytes()).map_err(failed)?;
    Ok((log_key, key))
}

/// Writes the first descriptor.
///
/// # Errors
/// [`DirectoryError::Io`].
pub(super) fn describe(
    folder: &Path,
    log_key: &LogKey,
    ledger_id: LedgerId,
    serial: u64,
    key: &PrivateKey,
    wall: Timestamp,
) -> Result<(), DirectoryError> {
    let failed = |error| DirectoryError::Io(folder.to_owned(), error);
    let descriptor = Descriptor::make(log_key, ledger_id, serial, key.public());
    let name = format!("descriptor-{serial}");
    write_file(&folder.join(name), descriptor.text().as_bytes()).map_err(failed)?;
    let current = format!("{serial} {}\n", wall.millis());
    write_file(&folder.join("current"), current.as_bytes()).map_err(failed)
}

impl KeyRing {
    /// Reads the keys of the ledger whose block 0 this is.
    ///
    /// # Errors
    /// [`DirectoryError::Keys`] names the file that cannot be used.
    pub(super) fn open(
        folder: &Path,
        genesis: &Genesis,
        ledger_id: LedgerId,
        wall: Timestamp,
    ) -> Result<KeyRing, DirectoryError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map(Zeroizing::new).map_err(|error| unusable(&path)(&error))
        };
        let bad = |name: &str, reason: &str| unusable(&folder.join(name))(&reason);
        let seed = read("log.seed")?;
        let seed: &[u8; 32] =
            seed.as_slice().try_into().map_err(|_| bad("log.seed", "32 bytes are expected"))?;
        let log_key =
            LogKey::from_seed(&genesis.origin, seed).map_err(|error| bad("log.seed", &error.to_string()))?;
        if *log_key.public().bytes() != genesis.log_key {
            return Err(bad("log.seed", "this is not the log key that the first block names"));
        }
        let current = read("current")?;
        let current = std::str::from_utf8(&current).ok().and_then(|text| {
            let (serial, since) = text.trim().split_once(' ')?;
            Some((serial.parse::<u64>().ok()?, since.parse::<u64>().ok()?))
        });
        let (serial, since) = current.ok_or_else(|| bad("current", "a serial and a time are expected"))?;
        let pair = |serial: u64| {
            let (pem, text) = (format!("enc-{serial}.pem"), format!("descriptor-{serial}"));
            let key = read(&pem)?;
            let key = std::str::from_utf8(&key).map_err(|error| bad(&pem, &error.to_string()))?;
            let key = PrivateKey::from_pkcs8_pem(key, None).map_err(|error| bad(&pem, &error.to_string()))?;
            let note = read(&text)?;
            let note = std::str::from_utf8(&note).map_err(|error| bad(&text, &error.to_string()))?;
            let descriptor = Descriptor::parse(note).map_err(|error| bad(&text, &error.to_string()))?;
            let agrees = descriptor.check_pin(log_key.public(), &ledger_id, serial).is_ok()
                && descriptor.serial() == serial
                && descriptor.encryption_key() == key.public();
            if agrees { Ok((key, descriptor)) } else { Err(bad(&text, "it is not of this ledger and key")) }
        };
        let fresh = wall.millis() < since.saturating_add(PREVIOUS_ACCEPTED_MS);
        let previous = if serial > 1 && fresh { Some(pair(serial - 1)?) } else { None };
        let current = pair(serial)?;
        if serial == 1 && current.0.public().spki() != genesis.server_key {
            return Err(bad("enc-1.pem", "this is not the key that the first block names"));
        }
        Ok(KeyRing { folder: folder.to_owned(), log_key, ledger_id, serial, current, previous })
    }

    /// Makes the next RSA key and its descriptor; the key before it is accepted for another 24 hours.
    ///
    /// # Errors
    /// [`DirectoryError::Io`].
    pub(super) fn rotate(&self, wall: Timestamp, rng: &mut dyn CryptoRng) -> Result<u64, DirectoryError> {
        let serial = self.serial + 1;
        let key = PrivateKey::generate(rng);
        let path = self.folder.join(format!("enc-{serial}.pem"));
        let written = write_file(&path, key.to_pkcs8_pem(None).as_bytes());
        written.map_err(|error| DirectoryError::Io(path, error))?;
        describe(&self.folder, &self.log_key, self.ledger_id, serial, &key, wall)?;
        Ok(serial)
    }

    /// The public side, for sessions.
    ///
    /// # Errors
    /// [`DirectoryError::Keys`] when the descriptors do not follow one another.
    pub(super) fn identity(&self, genesis: &[u8]) -> Result<ServerIdentity, DirectoryError> {
        let previous = self.previous.as_ref().map(|(_, descriptor)| descriptor.clone());
        ServerIdentity::new(genesis, self.current.1.clone(), previous)
            .map_err(|error| unusable(&self.folder)(&error))
    }

    /// The private keys, for the helper that uses them.
    pub(super) fn private(&self, rng: &mut dyn CryptoRng) -> Keys {
        Keys {
            current: self.current.0.clone(),
            previous: self.previous.as_ref().map(|(key, _)| key.clone()),
            reject: Zeroizing::new(random::bytes(rng)),
        }
    }
}
