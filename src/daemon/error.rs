//! Why the daemon does not serve, or serves no longer, and the exit code that says so to whoever started it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::config::ConfigError;
use crate::crypto::LedgerId;
use crate::eventlog::LogError;
use crate::ledger::CheckpointFileError;
use crate::reactor::Failure;
use crate::terminal::exit::Exit;
use crate::vault::{BackupError, VaultError};

/// See the module.
#[derive(Debug)]
pub enum DaemonError {
    /// The arguments make no sense.
    Usage(String),
    /// The configuration cannot be used.
    Config(ConfigError),
    /// The directory is there and is no ledger; nothing in it was touched.
    NotALedger {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A key file, or what belongs to it, cannot be used.
    Keys {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The address cannot be listened on.
    Listen {
        /// As it was given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another process uses the directory.
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other process, if it could be read.
        pid: Option<u32>,
    },
    /// The system refuses something that has to be durable, or that a daemon needs.
    Io {
        /// What was being done.
        operation: String,
        /// What the system says.
        source: io::Error,
    },
    /// The log is damaged, or its disk fails.
    Log(LogError),
    /// The vault is not the one that belongs to the log, or is damaged.
    Vault(VaultError),
    /// A backup of a vault cannot be read or written.
    Backup(BackupError),
    /// A backup is of the vault of another ledger.
    OtherLedgersBackup(LedgerId),
    /// At the start, a file or folder was found that this process may not use as it has to while it serves.
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The checkpoint that was kept is none of this ledger's, or it can be neither read nor replaced.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: CheckpointFileError,
    },
}

impl DaemonError {
    /// For `map_err`: the system refused to do something.
    pub(super) fn io(operation: &str) -> impl Fn(io::Error) -> DaemonError + Copy {
        move |source| DaemonError::Io { operation: operation.to_owned(), source }
    }

    /// For `map_err`: the system refused to do something with a file or directory.
    pub(super) fn io_at(verb: &str, path: &Path) -> impl Fn(io::Error) -> DaemonError + Copy {
        move |source| DaemonError::Io { operation: format!("{verb} {}", path.display()), source }
    }

    /// For `map_err`, at the start: what an operator can put right is told apart from a disk that fails.
    pub(super) fn at_start(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> DaemonError {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory => DaemonError::Unusable { path: path.clone(), operation, source },
            _ => DaemonError::Io { operation: format!("{operation} {}", path.display()), source },
        }
    }

    /// For `map_err`: the same for the log of the ledger in `data`.
    pub(super) fn log_at_start(data: &Path) -> impl FnOnce(LogError) -> DaemonError {
        move |error| match error {
            LogError::Io { file, operation, source } => {
                DaemonError::at_start(operation, &data.join(file))(source)
            }
            other => DaemonError::Log(other),
        }
    }

    /// For errors of a key file.
    pub(super) fn keys(path: impl Into<PathBuf>, reason: impl fmt::Display) -> DaemonError {
        DaemonError::Keys { path: path.into(), reason: reason.to_string() }
    }

    /// What the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            DaemonError::Backup(BackupError::Damaged) => Exit::Integrity,
            DaemonError::Backup(BackupError::Io(_)) => Exit::Io,
            DaemonError::Usage(_)
            | DaemonError::NotALedger { .. }
            | DaemonError::Backup(_)
            | DaemonError::OtherLedgersBackup(_) => Exit::Usage,
            DaemonError::Log(error) if error.is_damage() => Exit::Integrity,
            DaemonError::Vault(VaultError::Io { .. }) => Exit::Io,
            DaemonError::Vault(VaultError::Key { .. } | VaultError::KeyUnread { .. }) => Exit::Config,
            DaemonError::Vault(_) => Exit::Integrity,
            DaemonError::Checkpoint { source: CheckpointFileError::NotOurs(_), .. } => Exit::Integrity,
            DaemonError::Log(_) | DaemonError::Io { .. } => Exit::Io,
            DaemonError::InUse { .. } => Exit::Busy,
            DaemonError::Config(_)
            | DaemonError::Keys { .. }
            | DaemonError::Listen { .. }
            | DaemonError::Unusable { .. }
            | DaemonError::Checkpoint { .. } => Exit::Config,
        }
    }
}

impl From<VaultError> for DaemonError {
    fn from(error: VaultError) -> DaemonError {
        DaemonError::Vault(error)
    }
}

impl From<BackupError> for DaemonError {
    fn from(error: BackupError) -> DaemonError {
        DaemonError::Backup(error)
    }
}

impl From<ConfigError> for DaemonError {
    fn from(error: ConfigError) -> DaemonError {
        DaemonError::Config(error)
    }
}

impl From<LogError> for DaemonError {
    fn from(error: LogError) -> DaemonError {
        DaemonError::Log(error)
    }
}

impl From<Failure<LogError>> for DaemonError {
    fn from(failure: Failure<LogError>) -> DaemonError {
        match failure {
            Failure::Handler(error) => DaemonError::Log(error),
            Failure::System(operation, source) => DaemonError::Io { operation: operation.to_owned(), source },
        }
    }
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DaemonError::Usage(message) => f.write_str(message),
            DaemonError::Config(error) => error.fmt(f),
            DaemonError::NotALedger { path, reason } => {
                write!(f, "{} {reason}; nothing was touched", path.display())
            }
            DaemonError::Keys { path, reason } => write!(f, "{}: {reason}", path.display()),
            DaemonError::Listen { address, source } => write!(f, "cannot listen on {address}: {source}"),
            DaemonError::InUse { path, pid: Some(pid) } => {
                write!(f, "{} is in use by process {pid}", path.display())
            }
            DaemonError::InUse { path, pid: None } => {
                write!(f, "{} is in use by another process", path.display())
            }
            DaemonError::Io { operation, source } => write!(f, "{operation}: {source}"),
            DaemonError::Log(error) => error.fmt(f),
            DaemonError::Vault(error) => write!(f, "{}: {error}", error.name()),
            DaemonError::Backup(error) => error.fmt(f),
            DaemonError::OtherLedgersBackup(ledger_id) => {
                write!(f, "this is a backup of the vault of another ledger, {ledger_id}")
            }
            DaemonError::Unusable { path, operation, source } => {
                write!(f, "{}: this process cannot {operation} it: {source}", path.display())
            }
            DaemonError::Checkpoint { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for DaemonError {}
