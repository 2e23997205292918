//! Commands on their way: written down before they leave, sent until their deadline, and never done twice.

mod idempotency;
mod run_book;
mod standing;
mod submitter;
mod once;
mod earlier;

pub use earlier::{Earlier, resolve_earlier_runs};
pub use idempotency::{IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyKey};
pub(in crate::client) use once::submit_with_id;
pub use once::{Submitted, submit_once};
pub(super) use once::{end_left_behind, is_untold};
pub(super) use once::{refuse_key_of_cheque, settle_sealed, submit_sealed_once};
pub use run_book::{Leftover, RunBook, RunKind, Runner, Unresolved, leftovers};
pub use submitter::{DEADLINE, News, Outcome, Submitter, submit_one};
