//! How a process ends: every exit code there is. Anything else, 101, 134 or a signal, is a bug.

use std::process::ExitCode;

/// What an exit code means. Never renumbered: scripts rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// An unexpected failure.
    Unexpected = 1,
    /// Wrong usage or unreadable input, or an unknown server not confirmed; nothing was sent.
    Usage = 2,
    /// Refused; nothing changed.
    Refused = 3,
    /// The server could not be reached, is busy, or a read was cut off; nothing changed.
    Unreachable = 4,
    /// The outcome of a signed command is unknown; the next invocation resolves it.
    Unknown = 5,
    /// It was done and is durable, but that could not be told, or its receipt could not be written.
    Untold = 6,
    /// Integrity violation: damage, broken chain, bad proof, rollback, fork, changed server.
    Integrity = 65,
    /// I/O error on the way to durability.
    Io = 74,
    /// A ledger's directory, or a home, is in use by another process.
    Busy = 75,
    /// Configuration, key files or home files unusable.
    Config = 78,
}

/// Every exit code with its meaning, as README.md and the man pages have it.
pub const MEANINGS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "unexpected failure"),
    (2, "wrong usage or unreadable input, or an unknown server that nobody confirmed; nothing was sent"),
    (3, "refused, nothing changed: a rule, a conflict, a full disk, no authenticated session"),
    (4, "the server could not be reached, is busy, or a read was cut off; nothing changed"),
    (5, "the outcome of a signed command is unknown; the next invocation resolves it"),
    (
        6,
        "done and durable, but it could not be told or the receipt could not be written; the sentence names the block. The same command again tells it, and does nothing a second time",
    ),
    (
        65,
        "integrity violation: damaged log, broken chain, bad proof, rollback, fork, changed server key, wrong fingerprint",
    ),
    (74, "I/O error on the way to durability (ledgerd)"),
    (75, "in use by another process: a ledger's directory, a home (after 30 seconds)"),
    (78, "configuration, key files, or a file that the daemon has to write unusable; the file is named"),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
