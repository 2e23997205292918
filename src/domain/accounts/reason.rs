//! Words that commands of accounts hold: why an account is erased or its second factor ended, and how somebody came to set a new
//! password.

use crate::domain::numbered::numbered;

numbered! {
    /// The reason for an erasure. It stands in the block for ever, and so says no more than it has to.
    pub enum EraseReason("reason") {
        /// The member wants it, and signs for it.
        OwnWish = 0 "own_wish",
        /// The member asked for it in another way, as without a key.
        Requested = 1 "requested",
        /// A law or a court demands it.
        Law = 2 "law",
        /// The account was misused.
        Misuse = 3 "misuse",
        /// Anything else.
        Other = 4 "other",
    }
}

numbered! {
    /// The reason for which an operator ends a member's second factor.
    pub enum ResetReason("reason") {
        /// The device is lost, and so are the spare codes.
        Lost = 0 "lost",
        /// Somebody else may have the device or the codes.
        Stolen = 1 "stolen",
        /// The server's vault has lost what the codes are checked with.
        Vault = 2 "vault",
        /// Anything else.
        Other = 3 "other",
    }
}

numbered! {
    /// What somebody who sets a new password came with.
    pub enum CredentialVia("way to a password") {
        /// The password before it.
        Password = 0 "password",
        /// The recovery code, which is spent with that.
        Recovery = 1 "recovery",
    }
}
