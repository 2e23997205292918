//! `ledgerctl tiles`: a ledger as static files, for exactly one signed checkpoint.
#![expect(clippy::disallowed_methods, reason = "the files are written for others to read")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use super::export::holds_sealed;
use super::findings::sentence;
use super::ledger_files::{directory, no_verdict};
use crate::audit::{export, holds_sealed_text, tiles_checkpoint};
use crate::chain::tiles::{CHECKPOINT, TileFile, TileWriter};
use crate::chain::{Checkpoint, Frontier, Genesis, LeafHash, TreeRoot};
use crate::cli::context::Context;
use crate::cli::named_files::read_handed_on;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::crypto::note::LogPublicKey;
use crate::eventlog::Disk;
use crate::ledger::CHECKPOINT_FILE;
use crate::terminal::exit::Exit;

/// Write a ledger as static files (C2SP tlog-tiles) that any web server can hand out.
///
/// Written for the newest signed checkpoint that the daemon has shown; a folder that is behind is continued.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "tiles", example = "ledgerctl tiles /var/lib/ledgerd /srv/www/ledger")]
pub struct Tiles {
    /// the ledger's directory
    #[argh(positional)]
    pub directory: PathBuf,

    /// the folder to write
    #[argh(positional)]
    pub out: PathBuf,

    /// another signed checkpoint of this ledger to write the files for
    #[argh(option)]
    pub checkpoint: Option<PathBuf>,

    /// blocks with sealed texts too: their bytes are ciphertext, which outlasts an erasure in every copy
    #[argh(switch)]
    pub with_sealed: bool,
}

/// The folder of the tiles in OUT.
const TILES: &str = "tile";

impl Run for Tiles {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let disk = directory(&self.directory)?;
        let file = self.checkpoint.clone().unwrap_or_else(|| self.directory.join(CHECKPOINT_FILE));
        let not_one = |absent| ClientError::Usage(format!("{}: not a checkpoint: {absent}", file.display()));
        let note = Checkpoint::find_note(&read_handed_on(&file)?).map_err(not_one)?;
        let before = written_before(&self.out)?;
        let (checkpoint, sealed) = check(&self.directory, &disk, (&file, &note), before.as_ref())?;
        if let Some(index) = sealed.filter(|_| !self.with_sealed) {
            return Err(holds_sealed(&self.directory, index));
        }
        let written = write(&self.directory, &disk, &self.out, checkpoint.size)?;
        replace(&self.out.join(CHECKPOINT), note.as_bytes())
            .map_err(|error| ClientError::File(self.out.join(CHECKPOINT), error))?;
        if context.out.json {
            let (size, root) = (checkpoint.size, checkpoint.root);
            let value = serde_json::json!({ "size": size, "root": root.to_string(), "files": written });
            context.out.line(&value.to_string())?;
        } else {
            context.out.note(&format!("{written} files written for {} blocks", checkpoint.size));
        }
        Ok(Exit::Done)
    }
}

/// The checkpoint of an earlier run, if there was one. The folder has to be one for tiles, or nothing yet.
fn written_before(out: &Path) -> Result<Option<Checkpoint>, ClientError> {
    let refused = |reason: &str| ClientError::Usage(format!("{}: {reason}", out.display()));
    if is_in_ledger(out) {
        return Err(refused(
            "in a ledger's directory, where nothing else may be written: name another folder",
        ));
    }
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(&error.to_string())),
    };
    let before = tiles_checkpoint(&Disk::new(out)).map_err(|error| no_verdict(out, &error))?;
    if before.is_some() && out.join(TILES).is_dir() {
        return Ok(before);
    }
    // What an interrupted first run has left is ours; whatever else is there belongs to somebody.
    let ours = |name: &str| {
        [TILES, CHECKPOINT, "lost+found"].contains(&name) || name.strip_suffix(".tmp") == Some(CHECKPOINT)
    };
    let mut names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    match names.find(|name| !ours(name)) {
        Some(name) => Err(refused(&format!("not a folder of tiles: it holds {name:?}; name an empty one"))),
        None => Ok(before),
    }
}

/// Whether a folder, there or not yet, is a ledger's directory or lies in one.
fn is_in_ledger(out: &Path) -> bool {
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let there = absolute.ancestors().find_map(|folder| folder.canonicalize().ok());
    let is_ledger = |folder: &Path| folder.join("log").is_dir() && folder.join("anchor").exists();
    there.is_some_and(|folder| folder.ancestors().any(is_ledger))
}

/// Reads the blocks that the checkpoint is over: its signature, its root, and that it extends what was written
/// before. Gives the first block that holds sealed texts, too.
fn check(
    directory: &Path,
    disk: &Disk,
    (file, note): (&Path, &str),
    before: Option<&Checkpoint>,
) -> Result<(Checkpoint, Option<u64>), ClientError> {
    let bad = |text: String| ClientError::Integrity(format!("{}: {text}", file.display()));
    let (mut frontier, mut log_key, mut wanted, mut root_before) = (Frontier::default(), None, None, None);
    let mut sealed = None;
    each_block(directory, disk, u64::MAX, &mut |bytes| {
        if frontier.size() == 0 {
            let genesis = Genesis::from_block(bytes).ok();
            log_key =
                genesis.and_then(|(genesis, _)| LogPublicKey::new(&genesis.origin, &genesis.log_key).ok());
            wanted = log_key.as_ref().and_then(|key| Checkpoint::of_note(note, key).ok());
        }
        let size = wanted.as_ref().map_or(0, |wanted: &Checkpoint| wanted.size);
        if frontier.size() < size {
            if sealed.is_none() && holds_sealed_text(bytes) {
                sealed = Some(frontier.size());
            }
            frontier.push(LeafHash::of_block(bytes), |_| ());
        }
        if before.is_some_and(|before| before.size == frontier.size()) {
            root_before = Some(frontier.root());
        }
        Ok(frontier.size() < size)
    })?;
    let Some(wanted) = wanted else {
        // About the ledger, another one's checkpoint says nothing.
        let key = log_key.map_or_else(String::new, |key| format!(", whose key is {key}"));
        let text = format!("{}: not a checkpoint that this ledger signed{key}", file.display());
        return Err(ClientError::Usage(text));
    };
    if frontier.size() < wanted.size {
        return Err(bad(format!("it is over {} blocks, the ledger has {}", wanted.size, frontier.size())));
    }
    if frontier.root() != wanted.root {
        return Err(bad(format!("its root is {}, that of the blocks {}", wanted.root, frontier.root())));
    }
    extends(before, &wanted, root_before)?;
    Ok((wanted, sealed))
}

fn extends(
    before: Option<&Checkpoint>,
    wanted: &Checkpoint,
    root: Option<TreeRoot>,
) -> Result<(), ClientError> {
    let Some(before) = before else { return Ok(()) };
    if before.size > wanted.size {
        return Err(ClientError::Integrity(format!(
            "the folder is for {} blocks already, the checkpoint for {}",
            before.size, wanted.size
        )));
    }
    if before.origin != wanted.origin || root != Some(before.root) {
        return Err(ClientError::Integrity(format!(
            "the folder is of another history: its root over {} blocks is {}",
            before.size, before.root
        )));
    }
    Ok(())
}

/// Writes what is not there yet; gives the number of files.
fn write(directory: &Path, disk: &Disk, out: &Path, size: u64) -> Result<u64, ClientError> {
    let (mut writer, mut written, mut left) = (TileWriter::default(), 0, size);
    let mut emit = |file: TileFile<'_>| -> Result<(), ClientError> {
        let path = out.join(file.path);
        match fs::read(&path) {
            // The same bytes, or what an interrupted run has left.
            Ok(bytes) if bytes == file.bytes => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ClientError::File(path, error));
            }
            _ => {}
        }
        written += 1;
        replace(&path, file.bytes).map_err(|error| ClientError::File(path, error))
    };
    each_block(directory, disk, size, &mut |bytes| {
        left -= 1;
        writer.push(bytes, &mut emit).map(|()| left > 0)
    })?;
    writer.finish(&mut emit)?;
    Ok(written)
}

/// Visits the first blocks of a ledger until `visit` wants no more.
fn each_block(
    directory: &Path,
    disk: &Disk,
    size: u64,
    visit: &mut dyn FnMut(&[u8]) -> Result<bool, ClientError>,
) -> Result<(), ClientError> {
    let (mut failed, mut count) = (None, 0);
    let exported = export(disk, &mut |bytes, _| {
        count += 1;
        match visit(bytes) {
            Ok(more) => more && count < size,
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    match exported.map_err(|error| no_verdict(directory, &error))?.damage {
        Some(finding) => Err(ClientError::Integrity(sentence(&finding))),
        None => Ok(()),
    }
}

/// Replaces a file as a whole, durably, and readable for a web server.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let mut file = fs::File::create(&name)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&name, path)?;
    fs::File::open(folder)?.sync_all()
}
