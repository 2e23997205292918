//! Pages of the server's own record of who asked for what.

use serde::{Deserialize, Serialize};

use crate::domain::AccountId;

/// A place in the journal. Places are in the order in which records were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JournalPlace {
    /// The time in the name of a file, in milliseconds since the Unix epoch.
    pub file_ms: u64,
    /// The number of a record in it, from 0.
    pub record: u64,
}

/// A page of the journal: the server's word, which nothing proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPage {
    /// The lines of this page, in the order in which they were written.
    pub lines: Vec<JournalLine>,
    /// The place from which to ask for the next page; none if this page is the last.
    pub next: Option<JournalPlace>,
}

/// A line of the journal: something that happened within a minute, once or several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalLine {
    /// The time at which it happened first, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The account that asked; 0 for a caller without an account, and for the server itself.
    pub account: AccountId,
    /// The public name of that account; empty where there is none.
    pub handle: String,
    /// The number of what happened: see `docs/journal.md`.
    pub code: u16,
    /// How often it happened; 65,535 stands for that often or more.
    pub count: u16,
    /// The account that it is about; 0 for nobody, or for more accounts than are told apart.
    pub about: AccountId,
}
