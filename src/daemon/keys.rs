//! `keys/`: what the server proves itself with. The directory has mode 0700, every file 0600.
//!
//! ```text
//! log.seed             32 bytes: the Ed25519 log key, for the life of the ledger
//! enc-<serial>.pem     RSA-3072, PKCS#8: the key that hellos are encrypted to
//! descriptor-<serial>  the exact text of the signed descriptor that names it
//! current              "<serial> <time> <checksum>": the newest of them, and since when (ms since the Unix epoch)
//! vault-<n>            the key of the vault: see `vault`
//! opaque-1, index      the keys for log-ins by password: see `passwords`
//! ```
//!
//! Every flipped bit in a file of a key that is in use is noticed at the next start: of a key that works by chance, or
//! works otherwise than its file says, nobody could say what it is.
//!
//! Putting `current` in place is the moment at which a rotation happens. What a rotation that was cut off left
//! beside it counts for nothing, and the next one replaces it.
#![expect(clippy::disallowed_methods, reason = "the key files are read and written here")]

use std::io;
use std::path::Path;
use std::time::Duration;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::DaemonError;
use super::files::{self, KEYS};
use super::passwords::{self, INDEX, OPAQUE_FILE, PasswordKeys};
use crate::chain::Genesis;
use crate::crypto::LedgerId;
use crate::crypto::note::LogKey;
use crate::crypto::rsa::PrivateKey;
use crate::eventlog::{Disk, Storage, replace};
use crate::session::Descriptor;
use crate::time::Timestamp;

/// The log key's file name.
const LOG_SEED: &str = "log.seed";
/// The file that says which key is the current one.
const CURRENT: &str = "current";

/// The files of a ledger's first keys.
pub(super) const FIRST_FILES: [&str; 6] =
    [LOG_SEED, OPAQUE_FILE, INDEX, "enc-1.pem", "descriptor-1", CURRENT];

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
    /// What log-ins by password need; none where nobody logs in by password.
    pub passwords: Option<PasswordKeys>,
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
    pub(super) passwords: Option<PasswordKeys>,
}

impl FirstKeys {
    /// Writes `keys/` of a new ledger. The caller makes the folder's own name durable.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn write(&self, storage: &dyn Storage, ledger: LedgerId, now: Timestamp) -> io::Result<()> {
        match storage.create_dir(KEYS) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        replace(storage, &in_keys(LOG_SEED), self.log_key.seed().as_slice())?;
        if let Some(passwords) = &self.passwords {
            passwords.write(storage)?;
        }
        let opaque_key = self.passwords.as_ref().map(PasswordKeys::opaque_key);
        let public = self.private.public();
        let descriptor = Descriptor::make(&self.log_key, ledger, FIRST_SERIAL, public, opaque_key.as_ref());
        write_serial(storage, &self.private, &descriptor, now)
    }
}

/// Writes the files of one serial; the one that makes it count comes last.
fn write_serial(
    storage: &dyn Storage,
    private: &PrivateKey,
    descriptor: &Descriptor,
    now: Timestamp,
) -> io::Result<()> {
    let serial = descriptor.serial();
    replace(storage, &in_keys(&pem_name(serial)), private.to_pkcs8_pem(None).as_bytes())?;
    replace(storage, &in_keys(&descriptor_name(serial)), descriptor.text().as_bytes())?;
    replace(storage, &in_keys(CURRENT), current_line(serial, now.millis()).as_bytes())
}

/// A key file's path from the ledger's directory.
fn in_keys(name: &str) -> String {
    format!("{KEYS}/{name}")
}

/// What `current` holds. The checksum is CRC-32C of what stands before it.
fn current_line(serial: u64, since: u64) -> String {
    let fields = format!("{serial} {since} ");
    format!("{fields}{:08x}\n", crc32c::crc32c(fields.as_bytes()))
}

impl ServerKeys {
    /// Reads `keys/` and checks that its files belong together.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that cannot be used.
    pub fn load(root: &Path, now: Timestamp) -> Result<ServerKeys, DaemonError> {
        let directory = root.join(KEYS);
        let (serial, since) = load_current(&directory)?;
        let current = EncryptionKey::load(&directory, serial)?;
        let log_key = load_log_key(&directory, &current.descriptor)?;
        let until = since.plus_micros(PREVIOUS_KEY_ACCEPTED.as_micros() as u64);
        let before = serial.checked_sub(1).filter(|before| *before >= FIRST_SERIAL && now < until);
        let previous = before.map(|serial| EncryptionKey::load(&directory, serial)).transpose()?;
        if let Some(previous) = &previous {
            let same = previous.descriptor.ledger_id() == current.descriptor.ledger_id()
                && previous.descriptor.log_key() == current.descriptor.log_key();
            if !same {
                let path = directory.join(descriptor_name(previous.descriptor.serial()));
                return Err(DaemonError::keys(path, "is not of the same server as the descriptor after it"));
            }
        }
        let previous_until = previous.is_some().then_some(until);
        let passwords = PasswordKeys::of_descriptor(root, &current.descriptor)?;
        Ok(ServerKeys { log_key, current, previous, previous_until, passwords })
    }

    /// Checks that the descriptors are those of the ledger with this id.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the descriptor.
    pub fn check_id(&self, root: &Path, id: LedgerId) -> Result<(), DaemonError> {
        check_descriptor(root, &self.current.descriptor, id)
    }

    /// Checks that the keys are those that a ledger's genesis block names.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that belongs to another ledger.
    pub fn check_ledger(&self, root: &Path, genesis: &Genesis, id: LedgerId) -> Result<(), DaemonError> {
        self.check_id(root, id)?;
        let log_key = self.log_key.public();
        if *log_key.bytes() != genesis.log_key || log_key.origin() != genesis.origin {
            let path = root.join(KEYS).join(LOG_SEED);
            return Err(DaemonError::keys(path, "is not the log key that the genesis block names"));
        }
        let first = self.current.descriptor.serial() == FIRST_SERIAL;
        if first && self.current.private.public().spki() != genesis.server_key {
            let path = root.join(KEYS).join(pem_name(FIRST_SERIAL));
            return Err(DaemonError::keys(path, "is not the key that the genesis block names"));
        }
        Ok(())
    }

    /// Makes the next RSA key and its descriptor, and makes them the current ones. Returns the new descriptor.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] or [`DaemonError::Io`]; the current key is still the current one then.
    pub fn rotate(root: &Path, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Descriptor, DaemonError> {
        let keys = ServerKeys::load(root, now)?;
        keys.next(root, keys.passwords.as_ref(), now, rng)
    }

    /// Makes the next RSA key and a descriptor that names these keys for log-ins, or none.
    ///
    /// # Errors
    /// As for [`ServerKeys::rotate`].
    pub(super) fn next(
        &self,
        root: &Path,
        passwords: Option<&PasswordKeys>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Descriptor, DaemonError> {
        let directory = root.join(KEYS);
        let old = &self.current.descriptor;
        let Some(serial) = old.serial().checked_add(1) else {
            return Err(DaemonError::keys(directory, "there is no higher serial"));
        };
        passwords::keep(root, passwords)?;
        let private = PrivateKey::generate(rng);
        let opaque_key = passwords.map(PasswordKeys::opaque_key);
        let (ledger_id, public) = (old.ledger_id(), private.public());
        let descriptor = Descriptor::make(&self.log_key, ledger_id, serial, public, opaque_key.as_ref());
        write_serial(&Disk::new(root), &private, &descriptor, now)
            .map_err(DaemonError::io_at("writing", &directory))?;
        if let Some(never_again) = old.serial().checked_sub(1) {
            forget(&directory, never_again);
        }
        Ok(descriptor)
    }
}

/// The newest descriptor, read without the private keys beside it.
///
/// # Errors
/// [`DaemonError::Keys`] names the file that cannot be used.
pub(super) fn newest_descriptor(root: &Path) -> Result<Descriptor, DaemonError> {
    let directory = root.join(KEYS);
    let (serial, _) = load_current(&directory)?;
    load_descriptor(&directory, serial)
}

/// Checks that a descriptor is one of the ledger with this id.
///
/// # Errors
/// [`DaemonError::Keys`] names the descriptor.
pub(super) fn check_descriptor(
    root: &Path,
    descriptor: &Descriptor,
    id: LedgerId,
) -> Result<(), DaemonError> {
    if descriptor.ledger_id() == id {
        return Ok(());
    }
    let path = root.join(KEYS).join(descriptor_name(descriptor.serial()));
    Err(DaemonError::keys(path, "describes another ledger than the log holds"))
}

/// Removes a key that is never accepted again. One that cannot be removed is still not accepted.
fn forget(directory: &Path, serial: u64) {
    for name in [pem_name(serial), descriptor_name(serial)] {
        if let Err(error) = files::remove_if_there(&directory.join(&name)) {
            tracing::warn!(%error, name, "a key that is not accepted any more could not be removed");
        }
    }
}

impl EncryptionKey {
    fn load(directory: &Path, serial: u64) -> Result<EncryptionKey, DaemonError> {
        let descriptor = load_descriptor(directory, serial)?;
        let path = directory.join(pem_name(serial));
        let text = read_text(&path)?;
        let private =
            PrivateKey::from_pkcs8_pem(&text, None).map_err(|error| DaemonError::keys(&path, error))?;
        if private.to_pkcs8_pem(None) != text {
            return Err(DaemonError::keys(
                path,
                "holds a key, but not as it was written: the file is damaged",
            ));
        }
        if private.public() != descriptor.encryption_key() {
            return Err(DaemonError::keys(path, "is not the key that its descriptor names"));
        }
        Ok(EncryptionKey { private, descriptor })
    }
}

fn load_descriptor(directory: &Path, serial: u64) -> Result<Descriptor, DaemonError> {
    let path = directory.join(descriptor_name(serial));
    let descriptor =
        Descriptor::parse(&read_text(&path)?).map_err(|error| DaemonError::keys(&path, error))?;
    if descriptor.serial() != serial {
        return Err(DaemonError::keys(path, "has another serial inside than in its name"));
    }
    Ok(descriptor)
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

/// The current serial, and since when.
fn load_current(directory: &Path) -> Result<(u64, Timestamp), DaemonError> {
    let path = directory.join(CURRENT);
    let text = read_text(&path)?;
    let mut fields = text.split(' ').map(|field| field.parse::<u64>().ok());
    let (Some(Some(serial)), Some(Some(since))) = (fields.next(), fields.next()) else {
        return Err(DaemonError::keys(path, "does not hold a serial, a time and a checksum"));
    };
    if current_line(serial, since) != *text {
        return Err(DaemonError::keys(
            path,
            "does not have the checksum that stands in it: the file is damaged",
        ));
    }
    Ok((serial, Timestamp::from_millis(since)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random;
    use crate::password::Stretch;

    const ORIGIN: &str = "ledger.example/keys";
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn made() -> (tempfile::TempDir, LedgerId) {
        let dir = tempfile::tempdir().unwrap();
        let log_key = LogKey::from_seed(ORIGIN, &[4; 32]).unwrap();
        let pem = include_str!("../../fixtures/keys/server.pem");
        let private = PrivateKey::from_pkcs8_pem(pem, None).unwrap();
        let id = LedgerId([6; 32]);
        let passwords = Some(PasswordKeys::generate(Stretch::default(), &mut random::os()));
        FirstKeys { log_key, private, passwords }.write(&Disk::new(dir.path()), id, NOW).unwrap();
        (dir, id)
    }

    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn keys_read_as_they_were_written_and_nobody_else_may_read_them() {
        let (dir, id) = made();
        let keys = ServerKeys::load(dir.path(), NOW).unwrap();
        assert_eq!(keys.current.descriptor.serial(), 1);
        assert_eq!(keys.current.descriptor.ledger_id(), id);
        assert_eq!(keys.log_key.public().origin(), ORIGIN);
        assert!(keys.previous.is_none() && keys.previous_until.is_none());
        let folder = dir.path().join(KEYS);
        assert_eq!(mode(&folder), 0o700);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        names.sort();
        assert_eq!(names, ["current", "descriptor-1", "enc-1.pem", "index", "log.seed", "opaque-1"]);
        assert!(FIRST_FILES.iter().all(|name| names.iter().any(|found| found == name)));
    }

    #[test]
    fn a_rotation_keeps_the_key_before_for_a_day_and_no_key_longer_than_that() {
        let (dir, _) = made();
        let first = ServerKeys::load(dir.path(), NOW).unwrap().current.descriptor;
        let second = ServerKeys::rotate(dir.path(), NOW, &mut random::os()).unwrap();
        assert_eq!(second.serial(), 2);
        assert_ne!(second.encryption_key(), first.encryption_key());

        let day_us = PREVIOUS_KEY_ACCEPTED.as_micros() as u64;
        let keys = ServerKeys::load(dir.path(), NOW.plus_micros(day_us - 1)).unwrap();
        assert_eq!(keys.current.descriptor, second);
        assert_eq!(keys.previous.unwrap().descriptor, first);
        assert_eq!(keys.previous_until, Some(NOW.plus_micros(day_us)));
        let keys = ServerKeys::load(dir.path(), NOW.plus_micros(day_us)).unwrap();
        assert!(keys.previous.is_none());

        let third = ServerKeys::rotate(dir.path(), NOW, &mut random::os()).unwrap();
        let keys = ServerKeys::load(dir.path(), NOW).unwrap();
        assert_eq!((keys.current.descriptor, keys.previous.unwrap().descriptor), (third, second));
        assert!(!dir.path().join(KEYS).join("enc-1.pem").exists(), "it is never accepted again");
    }

    #[test]
    fn a_rotation_that_was_cut_off_has_not_happened_and_the_next_one_happens() {
        let (dir, _) = made();
        let folder = dir.path().join(KEYS);
        std::fs::write(folder.join("enc-2.pem"), "half a key").unwrap();
        std::fs::write(folder.join("descriptor-2.tmp"), "").unwrap();
        assert_eq!(ServerKeys::load(dir.path(), NOW).unwrap().current.descriptor.serial(), 1);
        let descriptor = ServerKeys::rotate(dir.path(), NOW, &mut random::os()).unwrap();
        assert_eq!(ServerKeys::load(dir.path(), NOW).unwrap().current.descriptor, descriptor);
    }

    #[test]
    fn every_file_that_is_missing_or_wrong_is_named() {
        for name in ["current", "descriptor-1", "enc-1.pem", "log.seed"] {
            for content in [None, Some(&b""[..]), Some(b"nonsense\n"), Some(&[0xff; 32])] {
                let (dir, _) = made();
                let path = dir.path().join(KEYS).join(name);
                match content {
                    None => std::fs::remove_file(&path).unwrap(),
                    Some(content) => std::fs::write(&path, content).unwrap(),
                }
                let error = ServerKeys::load(dir.path(), NOW).unwrap_err();
                assert!(error.to_string().contains(name), "{error}");
                assert_eq!(error.exit(), crate::terminal::exit::Exit::Config);
            }
        }
    }

    /// Flips bits of a file, from each `step` of them one, and expects that every one of them is noticed.
    fn flip(dir: &Path, name: &str, step: usize) {
        let path = dir.join(KEYS).join(name);
        let good = std::fs::read(&path).unwrap();
        let first = random::bytes::<1>(&mut random::os())[0] as usize % step;
        for bit in (first..good.len() * 8).step_by(step) {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            let error = ServerKeys::load(dir, NOW).map(|_| format!("bit {bit} of {name}")).unwrap_err();
            assert!(error.to_string().contains(name), "bit {bit} of {name}: {error}");
            assert_eq!(error.exit(), crate::terminal::exit::Exit::Config);
        }
        std::fs::write(&path, good).unwrap();
    }

    #[test]
    fn a_flipped_bit_in_any_file_is_noticed_and_the_file_is_named() {
        let (dir, _) = made();
        ServerKeys::rotate(dir.path(), NOW, &mut random::os()).unwrap();
        // A flipped bit in a key costs the arithmetic of a whole key.
        for (name, step) in [
            ("current", 1),
            ("log.seed", 3),
            ("descriptor-1", 97),
            ("descriptor-2", 97),
            ("enc-1.pem", 499),
            ("enc-2.pem", 499),
        ] {
            flip(dir.path(), name, step);
        }
        ServerKeys::load(dir.path(), NOW).unwrap();
    }

    #[test]
    fn a_key_of_somebody_else_is_not_taken_for_the_one_that_was_described() {
        let (dir, id) = made();
        let pem = dir.path().join(KEYS).join("enc-1.pem");
        let own = std::fs::read(&pem).unwrap();
        std::fs::write(&pem, include_str!("../../fixtures/keys/other.pem")).unwrap();
        let error = ServerKeys::load(dir.path(), NOW).unwrap_err().to_string();
        assert!(error.contains("enc-1.pem"), "{error}");

        std::fs::write(&pem, own).unwrap();
        let keys = ServerKeys::load(dir.path(), NOW).unwrap();
        let genesis = Genesis {
            origin: ORIGIN.to_owned(),
            log_key: *keys.log_key.public().bytes(),
            server_key: keys.current.private.public().spki().to_vec(),
            nonce: [0; 32],
            settings: Vec::new(),
        };
        let judge = |genesis: &Genesis, id| {
            keys.check_ledger(dir.path(), genesis, id).map_err(|error| error.to_string())
        };
        assert_eq!(judge(&genesis, id), Ok(()));
        let named = |judged: Result<(), String>, name: &str| judged.is_err_and(|error| error.contains(name));
        assert!(named(judge(&genesis, LedgerId([7; 32])), "descriptor-1"));
        assert!(named(judge(&Genesis { log_key: [1; 32], ..genesis.clone() }, id), "log.seed"));
        assert!(named(judge(&Genesis { origin: "else".into(), ..genesis.clone() }, id), "log.seed"));
        assert!(named(judge(&Genesis { server_key: Vec::new(), ..genesis }, id), "enc-1.pem"));
    }
}
