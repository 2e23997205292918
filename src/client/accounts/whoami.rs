//! The member's own account, as the ledger has it.

use crate::client::ClientError;
use crate::client::link::{Member, question};
use crate::domain::AccountId;
use crate::wire::Figures;

/// What the ledger knows of the member.
#[derive(Clone, Debug)]
pub struct Me {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// All that the server tells, those two included: a client shows lines that it does not know as well.
    pub told: Figures,
}

/// Asks what the ledger knows of the member.
///
/// # Errors
/// [`ClientError::Integrity`] when the server answers for another account.
pub fn fetch_me(member: &mut Member) -> Result<Me, ClientError> {
    let told = member.ask(&question::Whoami)?;
    let account = told.number("user_id").map(AccountId).ok_or_else(ClientError::other_answer)?;
    if account.0 != member.account().account {
        return Err(ClientError::Integrity("the server answers for another account".to_owned()));
    }
    let handle = told.text("handle").ok_or_else(ClientError::other_answer)?.to_owned();
    Ok(Me { account, handle, told })
}
