//! Where a key of a member is, and the trace of a password that fetches it.

use serde::{Deserialize, Serialize};

use super::numbered::numbered;

numbered! {
    /// Where the private half of a key is, by its owner's word.
    pub enum Custody("custody") {
        /// In a file of its owner's.
        File = 0 "file",
        /// Kept by the server, sealed under a password of its owner's.
        Roaming = 1 "roaming",
        /// In one device, which it does not leave.
        Device = 2 "device",
    }
}

/// The trace in a block of a password registration that is kept beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialCommit {
    /// The number of the registration among those of the account, from 1.
    pub epoch: u32,
    /// The digest of the whole registration.
    pub commit: [u8; 32],
}
