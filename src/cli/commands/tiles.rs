//! `ledgerctl tiles`: a ledger as static files, for exactly one signed checkpoint.
#![expect(clippy::disallowed_methods, reason = "the files are written for others to read")]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::Context;
use super::arguments::Tiles;
use super::named_files::read_text;
use super::offline::{directory, no_verdict, sentence};
use crate::audit::{export, tiles_checkpoint};
use crate::chain::tiles::{CHECKPOINT, TileFile, TileWriter};
use crate::chain::{Checkpoint, Frontier, Genesis, LeafHash, TreeRoot};
use crate::cli::exit::Exit;
use crate::client::ClientError;
use crate::crypto::note::LogPublicKey;
use crate::eventlog::Disk;
use crate::ledger::CHECKPOINT_FILE;

pub(super) fn run(context: &Context, command: &Tiles) -> Result<Exit, ClientError> {
    let disk = directory(&command.directory)?;
    let file = command.checkpoint.clone().unwrap_or_else(|| command.directory.join(CHECKPOINT_FILE));
    let note = read_text(&file)?;
    let before = written_before(&command.out)?;
    let checkpoint = check(&disk, &file, &note, before.as_ref())?;
    let written = write(&disk, &command.out, checkpoint.size)?;
    replace(&command.out.join(CHECKPOINT), note.as_bytes())
        .map_err(|error| ClientError::File(command.out.join(CHECKPOINT), error))?;
    context.out.note(&format!("{written} files written for {} blocks", checkpoint.size));
    Ok(Exit::Done)
}

/// The checkpoint of an earlier run, if there was one.
fn written_before(out: &Path) -> Result<Option<Checkpoint>, ClientError> {
    let unreadable = !out.join(CHECKPOINT).exists() && out.join("log").exists();
    if unreadable {
        return Err(ClientError::Usage(format!(
            "{}: a ledger's directory, not a folder for tiles",
            out.display()
        )));
    }
    tiles_checkpoint(&Disk::new(out)).map_err(|error| no_verdict(&error))
}

/// Reads the blocks that the checkpoint is over: its signature, its root, and that it extends what was written
/// before.
fn check(
    disk: &Disk,
    file: &Path,
    note: &str,
    before: Option<&Checkpoint>,
) -> Result<Checkpoint, ClientError> {
    let bad = |text: String| ClientError::Integrity(format!("{}: {text}", file.display()));
    let (mut frontier, mut log_key, mut wanted, mut root_before) = (Frontier::default(), None, None, None);
    each_block(disk, u64::MAX, &mut |bytes| {
        if frontier.size() == 0 {
            let genesis = Genesis::from_block(bytes).ok();
            log_key =
                genesis.and_then(|(genesis, _)| LogPublicKey::new(&genesis.origin, &genesis.log_key).ok());
            wanted = log_key.as_ref().and_then(|key| Checkpoint::of_note(note, key).ok());
        }
        let size = wanted.as_ref().map_or(0, |wanted: &Checkpoint| wanted.size);
        if frontier.size() < size {
            frontier.push(LeafHash::of_block(bytes), |_| ());
        }
        if before.is_some_and(|before| before.size == frontier.size()) {
            root_before = Some(frontier.root());
        }
        Ok(frontier.size() < size)
    })?;
    let Some(wanted) = wanted else {
        return Err(bad("not a checkpoint that this ledger signed".to_owned()));
    };
    if frontier.size() < wanted.size {
        return Err(bad(format!("it is over {} blocks, the ledger has {}", wanted.size, frontier.size())));
    }
    if frontier.root() != wanted.root {
        return Err(bad(format!("its root is {}, that of the blocks {}", wanted.root, frontier.root())));
    }
    extends(before, &wanted, root_before)?;
    Ok(wanted)
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
fn write(disk: &Disk, out: &Path, size: u64) -> Result<u64, ClientError> {
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
    each_block(disk, size, &mut |bytes| {
        left -= 1;
        writer.push(bytes, &mut emit).map(|()| left > 0)
    })?;
    writer.finish(&mut emit)?;
    Ok(written)
}

/// Visits the first blocks of a ledger until `visit` wants no more.
fn each_block(
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
    match exported.map_err(|error| no_verdict(&error))?.damage {
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
