//! Members as people name them: by handle, or by the number of an account behind a `#`.
//!
//! A number alone names nobody. An older ledger may hold a member whose handle is "002", and whoever writes 2 may
//! mean either: money would go to the wrong one of two people.

use std::fmt;
use std::str::FromStr;

use super::question;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::client::proofs::{Registrant, fetch_registrant};
use crate::domain::AccountId;
use crate::domain::accounts::Handle;
use crate::refusal;

/// A member as somebody named one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// The account of this number, written `#2`.
    Number(AccountId),
    /// The member with this handle, which has a letter.
    Handle(Handle),
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<User, String> {
        if let Some(digits) = text.strip_prefix('#') {
            let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|_| plain);
            return number.map(|number| User::Number(AccountId(number))).ok_or_else(|| {
                format!("{text:?} is no number of an account, which is written like #2, in a shell '#2'")
            });
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = match text.trim_start_matches('0') {
                "" => "2",
                number => number,
            };
            return Err(format!(
                "{text:?} is no handle, which has a letter; the account of a number is written '#{number}', with the \
                 quotes in a shell"
            ));
        }
        Handle::of_newcomer(text).map(User::Handle).map_err(|error| {
            format!(
                "{text:?} names no member ({error}); expected a handle, or a number of an account like '#2'"
            )
        })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            User::Number(account) => write!(f, "#{account}"),
            User::Handle(handle) => handle.fmt(f),
        }
    }
}

/// Finds out who is meant, and has the ledger prove it: the number and the handle are those of one registration.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_user` when there is no such member, [`ClientError::Integrity`] when the
/// server's answer does not hold.
pub fn find_member(member: &mut Member, user: &User) -> Result<Registrant, ClientError> {
    let handle = match user {
        User::Number(account) => return fetch_registrant(member, *account),
        User::Handle(handle) => handle,
    };
    let found = match member.ask(&question::MemberOf(handle.as_str().to_owned())) {
        Ok(found) => found.account,
        Err(ClientError::Refused(mut refusal)) if refusal.name == refusal::INVALID_USER => {
            refusal.message = format!("there is no member of the name {handle}");
            return Err(ClientError::Refused(refusal));
        }
        Err(error) => return Err(error),
    };
    let registrant = fetch_registrant(member, found)?;
    if !registrant.handle.eq_ignore_ascii_case(handle.as_str()) {
        return Err(ClientError::Integrity(format!(
            "the server says that {handle} is account {found}, which is registered as {}",
            registrant.handle
        )));
    }
    Ok(registrant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_letter_is_a_handle_and_a_number_stands_behind_a_sign() {
        let handle = |text: &str| User::Handle(Handle::new(text).unwrap());
        for (text, user) in [
            ("bob", handle("bob")),
            ("002a", handle("002a")),
            ("1e5", handle("1e5")),
            ("#2", User::Number(AccountId(2))),
            ("#18446744073709551615", User::Number(AccountId(u64::MAX))),
        ] {
            assert_eq!(text.parse(), Ok(user.clone()), "{text}");
            assert_eq!(user.to_string(), text);
        }
        for text in [
            "2",
            "002",
            "99",
            "1.2",
            "",
            "#",
            "#0",
            "#02",
            "#+2",
            "#-2",
            "# 2",
            "#18446744073709551616",
            "##2",
        ] {
            assert!(text.parse::<User>().is_err(), "{text:?}");
        }
        assert!("002".parse::<User>().unwrap_err().contains("written '#2'"));
    }
}
