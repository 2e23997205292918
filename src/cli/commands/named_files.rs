//! Files that were named on the command line. What cannot be read is a mistake of usage: nothing was sent.
#![expect(clippy::disallowed_methods, reason = "these files were named by whoever runs the command")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::client::ClientError;

/// Opens a file to read, or standard input for `-`.
pub(super) fn open_source(name: &str) -> Result<Box<dyn Read + Send>, ClientError> {
    if name == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(name).map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
    Ok(Box::new(file))
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read_named(name: &str) -> Result<String, ClientError> {
    let mut text = String::new();
    let read = open_source(name)?.read_to_string(&mut text);
    read.map(|_| text).map_err(|error| ClientError::Usage(format!("{name}: {error}")))
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, ClientError> {
    std::fs::read_to_string(path).map_err(|error| ClientError::Usage(format!("{}: {error}", path.display())))
}

/// Replaces a file as a whole.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(|_| ()).map_err(|error| ClientError::File(path.to_owned(), error))
}
