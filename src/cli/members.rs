//! How a member is named in what is printed.

use super::amounts::Field;
use crate::domain::AccountId;
use crate::text::escape;

/// Who received it.
pub(super) fn to_fields(account: AccountId, handle: &str) -> [Field; 2] {
    [("to", account.0.into()), ("to_handle", handle.into())]
}

/// The number of an account, with or without a `#` before it.
pub(super) fn account_number(text: &str) -> Result<AccountId, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let number =
        digits.parse().ok().filter(|number| *number > 0 && digits.bytes().all(|b| b.is_ascii_digit()));
    number.map(AccountId).ok_or_else(|| format!("{text:?} is no number of an account, such as 7 or '#7'"))
}

/// A member by handle and number, for people.
pub(super) fn whom(handle: &str, account: AccountId) -> String {
    format!("{} (#{account})", escape(handle))
}
