//! `keys/`: what the server proves itself with. The directory has mode 0700, every file 0600.
//!
//! ```text
//! log.seed             32 bytes: the Ed25519 log key, for the life of the ledger
//! enc-<serial>.pem     RSA-3072, PKCS#8: the key that hellos are encrypted to
//! descriptor-<serial>  the exact text of the signed descriptor that names it
//! since-<serial>       when it became the current one: microseconds since the Unix epoch, in digits
//! ```
//!
//! The highest serial that has a descriptor is the current one: the renaming of that file is the moment at
//! which a rotation happens. What a rotation that was cut off left beside it counts for nothing.

use std::io;
use std::path::Path;
use std::time::Duration;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::DaemonError;
use super::files;
use crate::chain::Genesis;
use crate::crypto::LedgerId;
use crate::crypto::note::LogKey;
use crate::crypto::rsa::PrivateKey;
use crate::session::Descriptor;
use crate::time::Timestamp;

/// The directory's name.
pub(super) const KEYS: &str = "keys";
/// The log key's file name.
const LOG_SEED: &str = "log.seed";

/// How long the key before the current one is accepted after a rotation: clients hold its descriptor until
/// they are told otherwise.
pub const PREVIOUS_KEY_ACCEPTED: Duration = Duration::from_hours(24);

/// The serial of a ledger's first key.
const FIRST_SERIAL: u64 = 1;

/// The server's keys with their descriptors.
#[derive(Debug)]
pub struct ServerKeys {
    /// Signs descriptors and checkpoints.
    pub log_key: LogKey,
    /// What hellos are encrypted to.
    pub current: EncryptionKey,
    /// The key before it, while it is accepted.
    pub previous: Option<EncryptionKey>,
    /// Until when that is.
    pub previous_until: Option<Timestamp>,
}

/// An RSA key and the descriptor that names it.
#[derive(Debug)]
pub struct EncryptionKey {
    /// The private key.
    pub private: PrivateKey,
    /// Its descriptor.
    pub descriptor: Descriptor,
}

/// Keys of a ledger that is being made.
pub(super) struct FirstKeys {
    pub(super) log_key: LogKey,
    pub(super) private: PrivateKey,
}

impl FirstKeys {
    /// Writes `keys/` of a new ledger. The caller makes the names in `root` durable.
    ///
    /// # Errors
    /// [`DaemonError::Io`].
    pub(super) fn write(&self, root: &Path, ledger: LedgerId, now: Timestamp) -> Result<(), DaemonError> {
        let directory = root.join(KEYS);
        let failed = DaemonError::io_at("writing", &directory);
        files::create_private_dir(&directory).map_err(failed)?;
        files::put(&directory, LOG_SEED, self.log_key.seed().as_slice()).map_err(failed)?;
        let descriptor = Descriptor::make(&self.log_key, ledger, FIRST_SERIAL, self.private.public());
        write_serial(&directory, &self.private, &descriptor, now).map_err(failed)
    }
}

/// Writes the files of one serial; the descriptor, which makes it count, comes last.
fn write_serial(
    directory: &Path,
    private: &PrivateKey,
    descriptor: &Descriptor,
    now: Timestamp,
) -> io::Result<()> {
    let serial = descriptor.serial();
    files::put(directory, &pem_name(serial), private.to_pkcs8_pem(None).as_bytes())?;
    files::put(directory, &since_name(serial), format!("{}\n", now.micros()).as_bytes())?;
    files::put(directory, &descriptor_name(serial), descriptor.text().as_bytes())
}

impl ServerKeys {
    /// Reads `keys/` and checks that its files belong together.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that cannot be used.
    pub fn load(root: &Path, now: Timestamp) -> Result<ServerKeys, DaemonError> {
        let directory = root.join(KEYS);
        let serials = serials(&directory)?;
        let Some(&serial) = serials.last() else {
            return Err(DaemonError::keys(directory, "there is no descriptor of this server"));
        };
        let current = EncryptionKey::load(&directory, serial)?;
        let log_key = load_log_key(&directory, &current.descriptor)?;
        let since = load_since(&directory, serial)?;
        let until = since.plus_micros(PREVIOUS_KEY_ACCEPTED.as_micros() as u64);
        let before = serials.iter().rev().nth(1).filter(|_| now < until);
        let previous = before.map(|&serial| EncryptionKey::load(&directory, serial)).transpose()?;
        if let Some(previous) = &previous {
            let same = previous.descriptor.ledger_id() == current.descriptor.ledger_id()
                && previous.descriptor.log_key() == current.descriptor.log_key();
            if !same {
                let path = directory.join(descriptor_name(previous.descriptor.serial()));
                return Err(DaemonError::keys(path, "is not of the same server as the descriptor after it"));
            }
        }
        let previous_until = previous.is_some().then_some(until);
        Ok(ServerKeys { log_key, current, previous, previous_until })
    }

    /// Checks that the keys are those of a ledger.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that belongs to another ledger.
    pub fn check_ledger(&self, root: &Path, genesis: &Genesis, id: LedgerId) -> Result<(), DaemonError> {
        let directory = root.join(KEYS);
        let log_key = self.log_key.public();
        if *log_key.bytes() != genesis.log_key || log_key.origin() != genesis.origin {
            return Err(DaemonError::keys(
                directory.join(LOG_SEED),
                "is not the log key that the genesis block names",
            ));
        }
        let descriptor = &self.current.descriptor;
        let first = descriptor.serial() == FIRST_SERIAL;
        let first_differs = first && self.current.private.public().spki() != genesis.server_key;
        if descriptor.ledger_id() != id || first_differs {
            let path = directory.join(descriptor_name(descriptor.serial()));
            return Err(DaemonError::keys(path, "describes another ledger than the log holds"));
        }
        Ok(())
    }

    /// Makes the next RSA key and its descriptor, and makes them the current ones. Returns the new descriptor.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] or [`DaemonError::Io`]; the current key is still the current one then.
    pub fn rotate(root: &Path, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Descriptor, DaemonError> {
        let keys = ServerKeys::load(root, now)?;
        let directory = root.join(KEYS);
        let old = &keys.current.descriptor;
        let Some(serial) = old.serial().checked_add(1) else {
            return Err(DaemonError::keys(directory, "there is no higher serial"));
        };
        let private = PrivateKey::generate(rng);
        let descriptor = Descriptor::make(&keys.log_key, old.ledger_id(), serial, private.public());
        write_serial(&directory, &private, &descriptor, now)
            .map_err(DaemonError::io_at("writing", &directory))?;
        forget_before(&directory, old.serial());
        Ok(descriptor)
    }
}

/// Removes the keys that are never accepted again. One that stays for now goes with the next rotation.
fn forget_before(directory: &Path, serial: u64) {
    let Ok(serials) = serials(directory) else { return };
    for old in serials.into_iter().filter(|old| *old < serial) {
        for name in [pem_name(old), since_name(old), descriptor_name(old)] {
            if let Err(error) = files::remove_if_there(&directory.join(&name)) {
                tracing::warn!(%error, name, "a key that is not accepted any more could not be removed");
            }
        }
    }
}

impl EncryptionKey {
    fn load(directory: &Path, serial: u64) -> Result<EncryptionKey, DaemonError> {
        let path = directory.join(descriptor_name(serial));
        let descriptor =
            Descriptor::parse(&read_text(&path)?).map_err(|error| DaemonError::keys(&path, error))?;
        if descriptor.serial() != serial {
            return Err(DaemonError::keys(path, "has another serial inside than in its name"));
        }
        let path = directory.join(pem_name(serial));
        let private = PrivateKey::from_pkcs8_pem(&read_text(&path)?, None)
            .map_err(|error| DaemonError::keys(&path, error))?;
        if private.public() != descriptor.encryption_key() {
            return Err(DaemonError::keys(path, "is not the key that its descriptor names"));
        }
        Ok(EncryptionKey { private, descriptor })
    }
}

fn load_log_key(directory: &Path, descriptor: &Descriptor) -> Result<LogKey, DaemonError> {
    let path = directory.join(LOG_SEED);
    let bytes = read(&path)?;
    let Some(seed) = bytes.as_array::<32>() else {
        return Err(DaemonError::keys(path, "is not 32 bytes long"));
    };
    let log_key = LogKey::from_seed(descriptor.log_key().origin(), seed)
        .map_err(|error| DaemonError::keys(&path, error))?;
    if log_key.public() != descriptor.log_key() {
        return Err(DaemonError::keys(path, "is not the key that the descriptor names"));
    }
    Ok(log_key)
}

fn load_since(directory: &Path, serial: u64) -> Result<Timestamp, DaemonError> {
    let path = directory.join(since_name(serial));
    let text = read_text(&path)?;
    let micros = text.strip_suffix('\n').and_then(|digits| digits.parse().ok());
    let micros = micros.ok_or_else(|| DaemonError::keys(&path, "does not hold a time in microseconds"))?;
    Ok(Timestamp::from_micros(micros))
}

/// The serials that have a descriptor, in order.
fn serials(directory: &Path) -> Result<Vec<u64>, DaemonError> {
    let unusable = |error: io::Error| DaemonError::keys(directory, error);
    let mut serials = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unusable)? {
        let name = entry.map_err(unusable)?.file_name();
        let serial = name.to_str().and_then(|name| name.strip_prefix("descriptor-")?.parse().ok());
        // Only the one spelling of a serial is a name that is written here.
        serials.extend(serial.filter(|serial| name == *descriptor_name(*serial)));
    }
    serials.sort_unstable();
    Ok(serials)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, DaemonError> {
    warn_if_open_to_others(path);
    std::fs::read(path).map(Zeroizing::new).map_err(|error| DaemonError::keys(path, error))
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, DaemonError> {
    warn_if_open_to_others(path);
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| DaemonError::keys(path, error))
}

fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        tracing::warn!("{} is open to other users; it should have mode 0600", path.display());
    }
}

fn pem_name(serial: u64) -> String {
    format!("enc-{serial}.pem")
}

fn descriptor_name(serial: u64) -> String {
    format!("descriptor-{serial}")
}

fn since_name(serial: u64) -> String {
    format!("since-{serial}")
}
