//! Why the money of an erased account is paid out.

use crate::domain::numbered::numbered;

numbered! {
    /// The reason for paying out what an erased account has. It stands in the block for ever, and so says no more than it
    /// has to.
    pub enum PayOutReason("reason") {
        /// The money goes to the heirs of whoever had the account.
        Heirs = 0 "heirs",
        /// Whoever had the account asked for the money.
        OwnerRequest = 1 "owner_request",
        /// A law or a court demands it.
        Law = 2 "law",
        /// The erasure, or a payment that the account received, was a mistake.
        Mistake = 3 "mistake",
        /// Anything else.
        Other = 4 "other",
    }
}
