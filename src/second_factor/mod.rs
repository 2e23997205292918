//! The second factor: codes of a telephone that change every 30 seconds (RFC 6238), and spare codes that stand in for it.
//! Nothing here knows of accounts, vaults or messages.
//!
//! ```text
//! totp     the secret of the codes, and which step of time a code is of
//! spare    the spare codes, each good once
//! ```

mod spare;
mod totp;

pub use spare::{SPARE_CODE_BYTES, SPARE_CODES, SpareCode, SpareCodes};
pub use totp::{SECRET_BYTES, STEP_SECONDS, Secret};
