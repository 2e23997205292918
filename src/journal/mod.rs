//! The server's own record of who asked for what: sessions that were opened, questions and refusals, each by its code. It is
//! neither log nor cache: nothing is proven by it, nothing is derived from it, and its oldest part goes when it is large.
//!
//! ```text
//! record     the format of a record, 32 bytes
//! codes      the numbers of everything that is recorded
//! gathering  what was noted and is on its way to the disk, with counts
//! files      the files of records: writing, dropping the oldest, reading
//! ```
//!
//! The journal must never be in the way: noting something is one look into a map of bounded size, what touches a disk is a
//! job for a helper thread, and what fails is told in the daemon's log and changes nothing else. The format is that of
//! `docs/journal.md`.

mod record;
mod codes;
mod files;
mod gathering;

pub use codes::{
    Code, Kind, PURCHASE_KEY_GIVEN, QUESTIONS_FROM, REQUESTS_FROM, SESSION_OPENED, SESSION_RESUMED,
    described, of_refusal,
};
pub use files::{Page, RECORDS_PER_PAGE_MAX, Read, Write};
pub use gathering::Journal;
pub use record::{RECORD_BYTES, Record};
