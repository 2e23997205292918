//! A handle as a type: what exists as a [`Handle`] is valid.

use std::fmt;

/// Bytes of the shortest handle.
pub const HANDLE_BYTES_MIN: usize = 3;
/// Bytes of the longest handle.
pub const HANDLE_BYTES_MAX: usize = 64;

/// A member's public name, as it was written. Compare [`Handle::folded`] to find out whether two clash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Handle(String);

/// Why a text is no handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHandle {
    /// Shorter than [`HANDLE_BYTES_MIN`] or longer than [`HANDLE_BYTES_MAX`].
    Length(usize),
    /// A character that is not an ASCII letter, a digit or one of `._-`.
    Character(char),
    /// No letter, so that it could be taken for the number of an account.
    NoLetter,
}

impl Handle {
    /// Takes a text if it is a handle.
    ///
    /// # Errors
    /// [`InvalidHandle`] with the rule that it breaks.
    pub fn new(text: &str) -> Result<Handle, InvalidHandle> {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(c) = text.chars().find(|c| !allowed(c)) {
            return Err(InvalidHandle::Character(c));
        }
        if !(HANDLE_BYTES_MIN..=HANDLE_BYTES_MAX).contains(&text.len()) {
            return Err(InvalidHandle::Length(text.len()));
        }
        Ok(Handle(text.to_owned()))
    }

    /// Takes a text if somebody who joins may choose it. A ledger may hold older handles without a letter: the rule
    /// of registration, [`Handle::new`], allows them for ever.
    ///
    /// # Errors
    /// [`InvalidHandle`] with the rule that it breaks.
    pub fn of_newcomer(text: &str) -> Result<Handle, InvalidHandle> {
        let handle = Handle::new(text)?;
        if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            return Err(InvalidHandle::NoLetter);
        }
        Ok(handle)
    }

    /// The handle as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which handles are unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidHandle::Length(length) => {
                write!(f, "a handle has {HANDLE_BYTES_MIN} to {HANDLE_BYTES_MAX} characters, not {length}")
            }
            InvalidHandle::Character(c) => {
                write!(f, "a handle has ASCII letters, digits and ._- only, not {:?}", c)
            }
            InvalidHandle::NoLetter => f.write_str(
                "a handle has at least one letter, so that nobody takes it for the number of an account",
            ),
        }
    }
}

impl std::error::Error for InvalidHandle {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_has_3_to_64_letters_digits_and_three_signs() {
        assert!(Handle::new("a.B_-9").is_ok());
        assert!(Handle::new(&"x".repeat(64)).is_ok());
        assert_eq!(Handle::new("ab"), Err(InvalidHandle::Length(2)));
        assert_eq!(Handle::new(&"x".repeat(65)), Err(InvalidHandle::Length(65)));
        assert_eq!(Handle::new("a@b.org"), Err(InvalidHandle::Character('@')));
        assert_eq!(Handle::new("zoë"), Err(InvalidHandle::Character('ë')));
        assert_eq!(Handle::new(""), Err(InvalidHandle::Length(0)));
    }

    #[test]
    fn a_newcomers_handle_has_a_letter_and_older_handles_of_digits_stay_handles() {
        for text in ["002", "1.2", "...", "12-34_56"] {
            assert!(Handle::new(text).is_ok(), "{text}");
            assert_eq!(Handle::of_newcomer(text), Err(InvalidHandle::NoLetter), "{text}");
        }
        assert!(Handle::of_newcomer("002a").is_ok());
        assert_eq!(Handle::of_newcomer("12"), Err(InvalidHandle::Length(2)));
    }
}
