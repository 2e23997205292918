//! Directories that are there after a power cut, and files that may be gone.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// The directory's name.
pub(super) const KEYS: &str = "keys";

/// Makes a directory that only its owner may enter, with those above it that are missing, each of them durable. One
/// that is there already stays as it is.
pub(super) fn create_private_dirs(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else { return Ok(()) };
    create_dirs(parent)?;
    create_dir(DirBuilder::new().mode(0o700), path, parent)
}

fn create_dirs(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else { return Ok(()) };
    create_dirs(parent)?;
    create_dir(&DirBuilder::new(), path, parent)
}

fn create_dir(builder: &DirBuilder, path: &Path, parent: &Path) -> io::Result<()> {
    match builder.create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_dir(parent),
    }
}

/// Makes a directory's names durable.
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file if it is there.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
