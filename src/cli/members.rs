//! How a member is named in what is printed.

use super::amounts::Field;
use crate::domain::AccountId;
use crate::text::escape;

/// Who received it.
pub(super) fn to_fields(account: AccountId, handle: &str) -> [Field; 2] {
    [("to", account.0.into()), ("to_handle", handle.into())]
}

/// A member by handle and number, for people.
pub(super) fn whom(handle: &str, account: AccountId) -> String {
    format!("{} (#{account})", escape(handle))
}
