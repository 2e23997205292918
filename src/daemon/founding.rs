//! Making a ledger, inside the directory that will be its own: that may be a mount point, or one whose parent
//! belongs to somebody else. A file that says that the ledger is unfinished is there before anything else, and goes
//! last. The order, in which every step is durable before the next:
//!
//! ```text
//! (DIR/LOCK is held) → UNFINISHED → fsync(DIR) → keys/* → log/, anchor → fsync(DIR) → remove UNFINISHED → fsync(DIR)
//! ```
//!
//! A ledger that loses one of its files stays a ledger, and its start says what is missing. Were there a mark that a
//! whole ledger bears instead, one that lost the mark would be taken for half-made, and be made anew.

use std::io;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;

use super::error::DaemonError;
use super::files::KEYS;
use super::keys::{FIRST_FILES, FirstKeys};
use super::lock::LOCK;
use super::passwords::PasswordKeys;
use crate::chain::{Genesis, block_hash};
use crate::crypto::note::LogKey;
use crate::crypto::rsa::PrivateKey;
use crate::crypto::{LedgerId, random};
use crate::domain::Settings;
use crate::eventlog::segment::LOG_DIR;
use crate::eventlog::{self, Access, Options, Storage, anchor, segment, write_all_at};
use crate::password::Stretch;
use crate::time::Timestamp;

/// The file that is there while a ledger is being made.
const UNFINISHED: &str = "UNFINISHED";

/// What the file says to a person who finds it.
const UNFINISHED_TEXT: &str = "ledgerd is making a ledger here, or was cut off while it did.\n\
    There is no ledger yet; the next start makes it anew.\n";

/// The names at the top of a ledger's directory that only a ledger has, all of them there from the start.
const LEDGER_NAMES: [&str; 4] = [LOCK, KEYS, anchor::PATH, LOG_DIR];

/// The name of the configuration file in the data directory.
pub(super) const CONFIG: &str = "ledgerd.toml";

/// Names that do not make a directory somebody else's: the operator's configuration, and what file systems have at
/// their root.
const NO_CONTENT: [&str; 4] = [CONFIG, "lost+found", ".snapshot", ".zfs"];

/// What makes the name of a ledger that was not named.
const DEFAULT_ORIGIN_PREFIX: &str = "ledgerd.local/";

/// What a new ledger is made of.
#[derive(Debug)]
pub struct Founding<'a> {
    /// Its name in checkpoints and descriptors; one is made up when none is given.
    pub origin: Option<&'a str>,
    /// How its log is written.
    pub options: Options,
    /// The time of its genesis block.
    pub now: Timestamp,
    /// What holds for its whole life.
    pub settings: &'a Settings,
    /// The cost of a guess at a password; none where nobody logs in by password.
    pub passwords: Option<Stretch>,
}

/// What is in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that counts.
    Nothing,
    /// What a start left that was cut off while it made a ledger, and nothing else.
    HalfMade,
    /// A ledger.
    Ledger,
    /// Something that is not ours, with the reason why it is not.
    Something(&'static str),
}

/// Says what is in a directory, from the names at its top.
pub(super) fn judge(names: &[String]) -> Found {
    let names: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !NO_CONTENT.contains(name)).collect();
    let ours = names.iter().filter(|name| LEDGER_NAMES.contains(name)).count();
    if names.iter().all(|name| *name == LOCK) {
        // The lock is taken before anything is made, and stays behind when that is cut off at once.
        Found::Nothing
    } else if names.contains(&UNFINISHED) {
        if ours + 1 == names.len() { Found::HalfMade } else { Found::Something(NOT_ONLY_HALF_MADE) }
    } else if ours >= 2 {
        // A ledger that lost one of its parts is still one, and opening it will say what is missing.
        Found::Ledger
    } else {
        Found::Something("is not empty and holds no ledger")
    }
}

const NOT_ONLY_HALF_MADE: &str =
    "holds a ledger that was never finished (see UNFINISHED there), and something else";

/// Whether a directory holds a ledger that was never finished, or is being made.
pub fn is_unfinished(directory: &Path) -> bool {
    directory.join(UNFINISHED).exists()
}

/// The keys and the first block of a new ledger.
pub(super) struct Made {
    pub(super) keys: FirstKeys,
    genesis: Vec<u8>,
    id: LedgerId,
}

impl Made {
    /// Makes up what a new ledger begins with. Takes of the order of a second.
    pub(super) fn new(founding: &Founding<'_>, rng: &mut dyn CryptoRng) -> Result<Made, DaemonError> {
        let origin = founding.origin.map_or_else(|| made_up_origin(rng), str::to_owned);
        let log_key = LogKey::from_seed(&origin, &random::bytes(rng))
            .map_err(|error| DaemonError::Usage(format!("--origin {origin:?}: {error}")))?;
        tracing::info!(origin, "making a new ledger; its keys take a moment");
        let passwords = founding.passwords.map(|stretch| PasswordKeys::generate(stretch, rng));
        let keys = FirstKeys { log_key, private: PrivateKey::generate(rng), passwords };
        Ok(Made::of(keys, founding, random::bytes(rng)))
    }

    fn of(keys: FirstKeys, founding: &Founding<'_>, nonce: [u8; 32]) -> Made {
        let genesis = Genesis {
            origin: keys.log_key.public().origin().to_owned(),
            log_key: *keys.log_key.public().bytes(),
            server_key: keys.private.public().spki().to_vec(),
            nonce,
            settings: founding.settings.write(),
        };
        let genesis = genesis.to_block(founding.now);
        let id = LedgerId(block_hash(&genesis).0);
        Made { keys, genesis, id }
    }

    /// Writes the ledger into a directory that holds nothing, or what a start left that was cut off. `root` is the
    /// directory's name, for messages.
    ///
    /// # Errors
    /// [`DaemonError`]: the directory holds no ledger then, or a whole one that nobody was told of.
    pub(super) fn write(
        &self,
        storage: &dyn Storage,
        root: &Path,
        founding: &Founding<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<LedgerId, DaemonError> {
        mark_unfinished(storage).map_err(failed("writing", root, UNFINISHED))?;
        clear(storage, root)?;
        self.keys.write(storage, self.id, founding.now).map_err(failed("writing", root, KEYS))?;
        eventlog::create(storage, self.id, &self.genesis, founding.options, rng)?;
        storage.remove(UNFINISHED).map_err(failed("removing", root, UNFINISHED))?;
        storage.sync_dir("").map_err(failed("syncing", root, ""))?;
        Ok(self.id)
    }
}

/// For `map_err`: the system refused to do something with a file of the new ledger.
fn failed(verb: &str, root: &Path, name: &str) -> impl Fn(io::Error) -> DaemonError + use<> {
    let operation = format!("{verb} {}", root.join(name).display());
    move |source| DaemonError::Io { operation: operation.clone(), source }
}

fn made_up_origin(rng: &mut dyn CryptoRng) -> String {
    format!("{DEFAULT_ORIGIN_PREFIX}{}", const_hex::encode(random::bytes::<8>(rng)))
}

/// Notes, durably, that what is in the directory is not a ledger yet.
fn mark_unfinished(storage: &dyn Storage) -> io::Result<()> {
    match storage.open(UNFINISHED, Access::CreateNew) {
        Ok(mut file) => {
            write_all_at(file.as_mut(), UNFINISHED_TEXT.as_bytes(), 0)?;
            file.sync_data()?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    storage.sync_dir("")
}

/// Removes what a start left that was cut off. Everything is looked at before anything is removed: files of a ledger
/// that somebody has put there since are none of ours.
fn clear(storage: &dyn Storage, root: &Path) -> Result<(), DaemonError> {
    let failed = |name: &str| failed("clearing", root, name);
    let not_ours = || DaemonError::NotALedger { path: root.to_owned(), reason: NOT_ONLY_HALF_MADE };
    let served = match anchor::read(storage).map_err(failed(anchor::PATH))? {
        Some(anchor) => anchor.durable > 1,
        None => false,
    };
    let of_keys = |name: &str| FIRST_FILES.contains(&name.strip_suffix(".tmp").unwrap_or(name));
    let keys = names(storage, KEYS).map_err(failed(KEYS))?;
    let log = names(storage, LOG_DIR).map_err(failed(LOG_DIR))?;
    let first_segment = segment::path(0);
    if served
        || !keys.iter().all(|name| of_keys(name))
        || !log.iter().all(|name| format!("{LOG_DIR}/{name}") == first_segment)
    {
        return Err(not_ours());
    }
    let inside = |folder: &'static str, names: Vec<String>| {
        names.into_iter().map(move |name| format!("{folder}/{name}"))
    };
    let leftovers = inside(KEYS, keys).chain(inside(LOG_DIR, log)).chain([anchor::PATH.to_owned()]);
    for name in leftovers {
        match storage.remove(&name) {
            Ok(()) => {
                tracing::warn!("removed {}: a start that was cut off left it", root.join(&name).display())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&name)(error)),
        }
    }
    Ok(())
}

/// The names in a folder; none where there is no folder.
fn names(storage: &dyn Storage, folder: &str) -> io::Result<Vec<String>> {
    match storage.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// What is under a path, and nothing is changed.
pub(super) fn look(path: &Path) -> Result<Found, DaemonError> {
    let failed = DaemonError::io_at("looking at", path);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_dir() => return Ok(Found::Something("is not a directory")),
        Ok(_) => {}
    }
    Ok(judge(&eventlog::Disk::new(path).list("").map_err(failed)?))
}

/// What a directory is called that holds no ledger, for whoever needs one.
pub(super) fn no_ledger(path: PathBuf, found: Found) -> DaemonError {
    let reason = match found {
        Found::Something(reason) => reason,
        Found::HalfMade => "holds a ledger that was never finished: ledgerd makes it anew at its next start",
        Found::Nothing | Found::Ledger => "does not hold a ledger",
    };
    DaemonError::NotALedger { path, reason }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::crypto::random::Seeded;
    use crate::eventlog::{Fault, SimDisk, Survival};
    use crate::ledger::Ledger;

    const OPTIONS: Options = Options { segment_bytes: 64 << 10, block_bytes_max: 16 << 10 };

    fn founding(settings: &Settings) -> Founding<'_> {
        let passwords = Some(Stretch::default());
        Founding { origin: None, options: OPTIONS, now: Timestamp::from_millis(5), settings, passwords }
    }

    /// A ledger that can be told from another one by its number.
    fn made(number: u8, settings: &Settings) -> Made {
        let pem = include_str!("../../fixtures/keys/server.pem");
        let private = PrivateKey::from_pkcs8_pem(pem, None).unwrap();
        let log_key = LogKey::from_seed("ledger.example/founding", &[number; 32]).unwrap();
        let passwords = Some(PasswordKeys::generate(Stretch::default(), &mut Seeded::new("passwords")));
        Made::of(FirstKeys { log_key, private, passwords }, &founding(settings), [number; 32])
    }

    fn write(made: &Made, disk: &SimDisk, settings: &Settings) -> Result<LedgerId, DaemonError> {
        made.write(disk, Path::new("DIR"), &founding(settings), &mut Seeded::new("founding"))
    }

    /// A ledger that is there is there whole, and none of another attempt is.
    fn check(disk: &SimDisk, made: &Made, what: &str) {
        let ledger = Ledger::open(&(Arc::new(disk.clone()) as Arc<dyn Storage>), OPTIONS);
        let (ledger, _) = ledger.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((ledger.ledger_id(), ledger.committed().size), (made.id, 1), "{what}");
        assert_eq!(
            disk.bytes("keys/log.seed").as_deref(),
            Some(made.keys.log_key.seed().as_slice()),
            "{what}"
        );
        for name in FIRST_FILES {
            assert!(
                disk.bytes(&format!("keys/{name}")).is_some_and(|bytes| !bytes.is_empty()),
                "{what}: {name}"
            );
        }
        let image = disk.image();
        let litter = image.keys().find(|name| name.ends_with(".tmp") && name.starts_with("keys/"));
        assert_eq!((litter, image.get(UNFINISHED)), (None, None), "{what}");
    }

    fn choices(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if below == 0 { 0 } else { seed % below }
        }
    }

    #[test]
    fn a_ledger_that_is_cut_off_at_any_call_is_none_or_whole_and_the_next_start_makes_it() {
        let settings = Settings::default();
        let attempts = [made(1, &settings), made(2, &settings), made(3, &settings)];
        let calls = {
            let disk = SimDisk::new();
            write(&attempts[0], &disk, &settings).unwrap();
            let calls = disk.calls();
            check(&disk, &attempts[0], "undisturbed");
            calls
        };
        assert!(calls > 20, "{calls}");
        let survivals = [Survival::Nothing, Survival::Everything, Survival::Prefix, Survival::Sectors];
        for (cut, survival) in (0..calls).flat_map(|cut| survivals.map(|survival| (cut, survival))) {
            let what = format!("cut off at call {cut}, {survival:?} survives");
            let disk = SimDisk::new();
            disk.fail_call(cut, Fault::PowerLoss);
            assert!(write(&attempts[0], &disk, &settings).is_err(), "{what}");
            disk.crash(survival, &mut choices(cut + 1));
            match judge(&disk.list("").unwrap()) {
                Found::Ledger => check(&disk, &attempts[0], &what),
                Found::Nothing | Found::HalfMade => {
                    // The second attempt is cut off as well, somewhere.
                    let again = disk.copy();
                    again.fail_call(again.calls() + choices(cut + 7)(calls), Fault::PowerLoss);
                    if write(&attempts[1], &again, &settings).is_err() {
                        again.crash(survival, &mut choices(cut + 3));
                    }
                    if judge(&again.list("").unwrap()) != Found::Ledger {
                        write(&attempts[2], &again, &settings).unwrap();
                        check(&again, &attempts[2], &what);
                    }
                    write(&attempts[1], &disk, &settings).unwrap();
                    check(&disk, &attempts[1], &what);
                }
                Found::Something(reason) => panic!("{what}: {reason}"),
            }
        }
        // What was told of is there after the power fails.
        let disk = SimDisk::new();
        write(&attempts[0], &disk, &settings).unwrap();
        disk.crash(Survival::Nothing, &mut choices(1));
        check(&disk, &attempts[0], "told");
    }

    #[test]
    fn files_of_a_ledger_that_was_served_are_not_cleared_away_though_a_mark_says_unfinished() {
        let settings = Settings::default();
        let made = made(1, &settings);
        for stray in ["log/00000000000000000009.seg", "keys/enc-2.pem", "keys/letter"] {
            let disk = SimDisk::new();
            write(&made, &disk, &settings).unwrap();
            disk.put(UNFINISHED, b"");
            disk.put(stray, b"dear");
            let before = disk.image();
            let error = write(&made, &disk, &settings).unwrap_err();
            assert!(error.to_string().contains(UNFINISHED), "{error}");
            assert_eq!(disk.image(), before, "{stray}");
        }
        for (stray, found) in [("tree", Found::Something(NOT_ONLY_HALF_MADE)), ("log", Found::HalfMade)] {
            assert_eq!(judge(&[LOCK, UNFINISHED, KEYS, stray].map(str::to_owned)), found);
        }
    }

    #[test]
    fn what_a_file_system_has_at_its_root_and_the_operators_configuration_are_no_content() {
        let judge = |names: &[&str]| judge(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(judge(&[]), Found::Nothing);
        assert_eq!(judge(&["lost+found", ".snapshot", ".zfs", CONFIG]), Found::Nothing);
        assert_eq!(judge(&["lost+found", LOCK]), Found::Nothing);
        assert_eq!(judge(&["lost+found", LOCK, UNFINISHED]), Found::HalfMade);
        assert_eq!(judge(&["lost+found", KEYS, "log"]), Found::Ledger);
        assert_eq!(judge(&[LOCK, KEYS, "anchor", "log", "tree", "checkpoint"]), Found::Ledger);
        for other in [&["letter"][..], &["lost+found", "letter"], &["log"], &[UNFINISHED, "letter"]] {
            assert!(matches!(judge(other), Found::Something(_)), "{other:?}");
        }
    }
}
