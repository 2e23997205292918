//! What a payment is for, in the words of whoever pays.

use unicode_normalization::is_nfc;

/// Bytes of a memo at most.
pub const MEMO_BYTES_MAX: usize = 96;

/// Whether a text may be the memo of a payment: short, in Unicode's form NFC, without control characters.
pub(super) fn is_memo(text: &str) -> bool {
    text.len() <= MEMO_BYTES_MAX && !text.chars().any(char::is_control) && is_nfc(text)
}
