//! What operators do to others: giving and taking roles, and saying what time it is.

use crate::client::ClientError;
use crate::client::link::Member;
use crate::client::sending::{Submitted, submit_once};
use crate::domain::accounts::{self, GrantRole, RevokeRole, Role, VouchClock};
use crate::domain::{AccountId, Command};
use crate::time::Timestamp;

/// Gives a role to an account.
///
/// # Errors
/// As for [`submit_once`].
pub fn grant(
    member: &mut Member,
    account: AccountId,
    role: Role,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let granted = accounts::Command::GrantRole(GrantRole { account, role });
    submit_once(member, &Command::Accounts(granted), None, again)
}

/// Takes a role away from an account.
///
/// # Errors
/// As for [`submit_once`].
pub fn revoke(
    member: &mut Member,
    account: AccountId,
    role: Role,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let revoked = accounts::Command::RevokeRole(RevokeRole { account, role });
    submit_once(member, &Command::Accounts(revoked), None, again)
}

/// Says for an operator that it is `time`.
///
/// # Errors
/// As for [`submit_once`].
pub fn vouch_clock(
    member: &mut Member,
    time: Timestamp,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let vouched = accounts::Command::VouchClock(VouchClock { time_ms: time.millis() });
    submit_once(member, &Command::Accounts(vouched), None, again)
}
