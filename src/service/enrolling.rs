//! A second factor that is not there yet: it lives in the session that has asked for it, and in nothing else, until a command
//! with a code of it is accepted.

use crate::second_factor::{Secret, SpareCodes};

/// See the module.
pub(super) struct Enrolling {
    /// The secret; none where the one before stays.
    pub(super) secret: Option<Secret>,
    /// The hashes of the spare codes.
    pub(super) spare: SpareCodes,
}
