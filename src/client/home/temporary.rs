//! A home for a test of the client, gone when the test ends.

use super::Home;

/// A new home, and the directory that it goes with.
pub(in crate::client) fn home() -> (tempfile::TempDir, Home) {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::open(Some(directory.path())).unwrap();
    (directory, home)
}
