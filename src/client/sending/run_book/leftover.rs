//! Run books that runs left behind: what their commands are, and when nothing in them is needed any more.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::record::{self, Contents, Record, Unresolved};
use super::{FOLDER, Ids, REPEATED_MS, Run, RunKind, SUFFIX};
use crate::chain::CommandId;
use crate::client::{ClientError, Home, clock};
use crate::crypto::LedgerId;
use crate::domain::AccountId;

/// What a run left behind. Nobody else touches it while this exists.
#[derive(Debug)]
pub struct Leftover {
    pub(super) name: String,
    pub(super) home: Home,
    /// Holds the lock.
    pub(super) file: File,
    pub(super) contents: Contents,
}

impl Leftover {
    /// What the run was about.
    pub(super) fn run(&self) -> Option<&Run> {
        self.contents.run.as_ref()
    }

    /// The commands without a known outcome, in the order in which they were sent.
    pub fn open(&self) -> &[Unresolved] {
        &self.contents.open
    }

    /// Notes that a command stands in a block. Its run, repeated, tells it.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn stands(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.append(&Record::Stands(id))?;
        self.contents.stands.insert(id);
        Ok(())
    }

    /// Notes that nothing came of a command.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn refused(&mut self, id: CommandId) -> Result<(), ClientError> {
        self.append(&Record::Refused(id))
    }

    fn append(&mut self, record: &Record) -> Result<(), ClientError> {
        let path = self.home.path(&self.name);
        self.file.write_all(&record.encode()).map_err(ClientError::file(&path))
    }

    /// Every outcome in it is known: it goes, unless the same command, given again, still has something to tell or
    /// to go on with.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn resolved(self) -> Result<(), ClientError> {
        let Contents { run, stands, told, .. } = &self.contents;
        let needed = run.as_ref().is_some_and(|run| match (&run.ids, run.kind) {
            // The key says all that the run book could.
            (Ids::Key(_), _) => false,
            (Ids::Seed(_), RunKind::Lines) => is_recent(run),
            (Ids::Seed(_), _) => !stands.is_empty() || !told.is_empty(),
        });
        if needed { Ok(()) } else { self.remove() }
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub(super) fn remove(self) -> Result<(), ClientError> {
        self.home.remove(&self.name)
    }
}

/// Whether a stream may still be gone on with.
pub(super) fn is_recent(run: &Run) -> bool {
    run.started_ms.saturating_add(REPEATED_MS) > clock::now().wall.millis()
}

/// What earlier runs of an account's have left on a ledger. Run books of runs that are still going on are left
/// alone, and so are those of others; of those that are damaged `damaged` is told.
///
/// # Errors
/// [`ClientError::File`].
pub fn leftovers(
    home: &Home,
    ledger_id: LedgerId,
    account: AccountId,
    damaged: &mut dyn FnMut(ClientError),
) -> Result<Vec<Leftover>, ClientError> {
    let mut found = Vec::new();
    for name in names(home)? {
        match take(home, &name) {
            Ok(Some(left)) => match left.run() {
                // Its run ended before anything could leave.
                None => left.remove()?,
                Some(run) if (run.ledger_id, run.account) == (ledger_id, account) => found.push(left),
                Some(_) => {}
            },
            Ok(None) => {}
            Err(error @ ClientError::Config(_)) => damaged(error),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The one that a run of this content left behind, if there is one.
pub(super) fn find(home: &Home, wanted: &Run) -> Result<Option<Leftover>, ClientError> {
    for name in names(home)? {
        let Some(left) = take(home, &name)? else { continue };
        if left.run().is_some_and(|run| run.is_repeated_by(wanted)) {
            return Ok(Some(left));
        }
    }
    Ok(None)
}

/// Whether there are run books at all, of living runs or of others.
///
/// # Errors
/// [`ClientError::File`].
pub(in crate::client) fn is_left_behind(home: &Home) -> Result<bool, ClientError> {
    Ok(!names(home)?.is_empty())
}

fn names(home: &Home) -> Result<Vec<String>, ClientError> {
    let names = home.list(FOLDER)?.into_iter().filter(|name| name.ends_with(SUFFIX));
    Ok(names.map(|name| format!("{FOLDER}/{name}")).collect())
}

/// Locks and reads a run book; none if its run is going on, or it is gone by now.
fn take(home: &Home, name: &str) -> Result<Option<Leftover>, ClientError> {
    let path = home.path(name);
    let Some((file, bytes)) = lock_and_read(&path).map_err(ClientError::file(&path))? else {
        return Ok(None);
    };
    let contents = record::read(&bytes).map_err(|damaged| {
        ClientError::Config(format!(
            "{}: damaged at byte {}. It tells which commands of an earlier run may have been sent: look at what \
             stands in the ledger (`copy`, `statement`), then remove the file",
            path.display(),
            damaged.offset
        ))
    })?;
    Ok(Some(Leftover { name: name.to_owned(), home: home.clone(), file, contents }))
}

fn lock_and_read(path: &Path) -> io::Result<Option<(File, Vec<u8>)>> {
    let mut file = match File::options().read(true).append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.try_lock().is_err() {
        return Ok(None);
    }
    // A run may have put another file in its place between the opening and the lock.
    let named = std::fs::metadata(path).ok();
    if named.is_none_or(|named| file.metadata().is_ok_and(|open| open.ino() != named.ino())) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some((file, bytes)))
}
