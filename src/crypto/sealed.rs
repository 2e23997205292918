//! Sealed text: what is private stands inside a signed command as ciphertext, under the key of a *scope*. Whoever destroys
//! that key makes the text unreadable for ever, and every hash, signature and proof over the command still holds.
//!
//! ```text
//! scope[16]            = SHA3-256("ledgerd/scope/1\0" ‖ ledger_id ‖ account u64 ‖ key_id ‖ command_id)[..16], of the command that opens it
//! scope_key[32]        = SHA3-256("ledgerd/scope-key/1\0" ‖ ledger_id ‖ scope ‖ K_scope)
//! leaf[32]             = HKDF-Expand(K_scope, "ledgerd/leaf/1\0" ‖ command_id ‖ field u16)
//! k[64] ‖ commit[32]   = HKDF-Expand(leaf, "ledgerd/seal/1\0" ‖ place)
//! place                = ledger_id ‖ author u64 ‖ scope ‖ command_id ‖ field u16
//! plain                = length u16 ‖ UTF-8 ‖ zeros
//! text                 = AES-256-SIV(k; AD = place ‖ commit; plain)
//! ```
//! HKDF is that of RFC 5869 with SHA3-256, AES-256-SIV that of RFC 5297 with one string of associated data, integers are
//! big-endian. There is no nonce: a key seals one text of one field of one command. `commit` is a key commitment, which
//! AES-SIV alone does not have: a text that opens under two keys cannot be made.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use unicode_normalization::is_nfc;
use zeroize::Zeroizing;

use super::{KeyId, LedgerId, expand, random, sha3};

/// Bytes of a plaintext with its length and padding: the smallest that fits is taken, so that a length is told only roughly.
const PLAIN_BYTES: [usize; 7] = [32, 64, 128, 256, 512, 1_024, 2_048];

/// Bytes of the length before a text.
const LENGTH_BYTES: usize = 2;

/// Bytes of AES-SIV's synthetic initialisation vector, which is the tag as well.
const TAG_BYTES: usize = 16;

/// Bytes of UTF-8 that a field can hold.
pub const SEALED_TEXT_BYTES_MAX: usize = 2_046;

/// Names a scope: what one key seals, and what is destroyed with it. Shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeId(pub [u8; 16]);

impl ScopeId {
    /// The scope that a command opens, given account and key of its author and its id. A registration's account is 0. No two
    /// commands of a ledger agree in all three, so that nobody can aim at another's scope.
    pub fn opened_by(ledger_id: LedgerId, account: u64, key_id: KeyId, command_id: &[u8; 16]) -> ScopeId {
        let account = account.to_be_bytes();
        let parts: [&[u8]; 5] = [b"ledgerd/scope/1\0", &ledger_id.0, &account, &key_id.0, command_id];
        ScopeId(sha3(&parts).first_half())
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<16>::new().format(&self.0))
    }
}

impl fmt::Debug for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The secret of a scope, K_scope. It wipes itself.
#[derive(Clone)]
pub struct ScopeKey(Zeroizing<[u8; 32]>);

impl ScopeKey {
    /// Makes a key for a scope that is about to be opened.
    pub fn generate(rng: &mut dyn CryptoRng) -> ScopeKey {
        ScopeKey(Zeroizing::new(random::bytes(rng)))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> ScopeKey {
        ScopeKey(Zeroizing::new(bytes))
    }

    /// Its bytes, for the channel and the vault.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the command that opens the scope says of the key: nobody can show another one afterwards.
    pub fn commitment(&self, ledger_id: LedgerId, scope: ScopeId) -> [u8; 32] {
        sha3(&[b"ledgerd/scope-key/1\0", &ledger_id.0, &scope.0, &self.0[..]]).0
    }

    /// The secret of one field of one command. It opens nothing else, so that it can be shown to somebody who has to read
    /// that one text.
    pub fn leaf(&self, command_id: &[u8; 16], field: u16) -> Leaf {
        Leaf(expand(&self.0, &[b"ledgerd/leaf/1\0", command_id, &field.to_be_bytes()]))
    }
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeKey([redacted])")
    }
}

/// Where a sealed text stands. It is bound to that place: moved to another one it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// Number of the account that signs the command; 0 for a registration.
    pub author: u64,
    /// The scope whose key it is under.
    pub scope: ScopeId,
    /// Id of the command.
    pub command_id: [u8; 16],
    /// Number of the sealed field within the command, from 0, in the order of its encoding.
    pub field: u16,
}

impl Place {
    fn to_bytes(self) -> [u8; 74] {
        let mut out = [0; 74];
        let (ledger_id, rest) = out.split_at_mut(32);
        let (author, rest) = rest.split_at_mut(8);
        let (scope, rest) = rest.split_at_mut(16);
        let (command_id, field) = rest.split_at_mut(16);
        ledger_id.copy_from_slice(&self.ledger_id.0);
        author.copy_from_slice(&self.author.to_be_bytes());
        scope.copy_from_slice(&self.scope.0);
        command_id.copy_from_slice(&self.command_id);
        field.copy_from_slice(&self.field.to_be_bytes());
        out
    }
}

/// A sealed text as it stands in a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The commitment to the key that opens it.
    pub commit: [u8; 32],
    /// The ciphertext, the tag before it: 48, 80, 144, 272, 528, 1,040 or 2,064 bytes.
    #[serde(with = "serde_bytes")]
    pub text: Vec<u8>,
}

impl Sealed {
    /// Whether the ciphertext has one of the lengths that there are. Without a key nothing more can be said of it.
    pub fn has_a_length(&self) -> bool {
        PLAIN_BYTES.iter().any(|plain| plain + TAG_BYTES == self.text.len())
    }
}

/// Why a text cannot be sealed, or a sealed one is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// It does not open: another key, another place, other bytes, or padding that is not the one that there is.
    Broken,
    /// It opens, and is no text that may be kept: not UTF-8, not in the form NFC, or with control characters.
    InvalidText,
    /// It has more than [`SEALED_TEXT_BYTES_MAX`] bytes.
    TooLong,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::Broken => f.write_str("the sealed text does not open in this place with this key"),
            SealError::InvalidText => {
                f.write_str("the text is not UTF-8 in the form NFC without control characters but line feeds")
            }
            SealError::TooLong => write!(f, "the text has more than {SEALED_TEXT_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for SealError {}

/// The secret of one field of one command. It wipes itself.
#[derive(Clone)]
pub struct Leaf(Zeroizing<[u8; 32]>);

impl Leaf {
    /// The leaf with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Leaf {
        Leaf(Zeroizing::new(bytes))
    }

    /// Its bytes: whoever has them reads this text.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals a text for its place. The same text in the same place has the same bytes, so that a command that is made anew
    /// is the same command.
    ///
    /// # Errors
    /// [`SealError::InvalidText`], [`SealError::TooLong`].
    pub fn seal(&self, place: &Place, text: &str) -> Result<Sealed, SealError> {
        if !is_keepable(text) {
            return Err(SealError::InvalidText);
        }
        let plain = pad(text)?;
        let (key, commit) = self.keys(place);
        let sealed = Aes256Siv::new((&*key).into()).encrypt([associated(place, &commit)], &plain);
        Ok(Sealed { commit, text: sealed.map_err(|_| SealError::TooLong)? })
    }

    /// Opens the text of a place. What it holds is the only text that it can hold.
    ///
    /// # Errors
    /// [`SealError::Broken`], [`SealError::InvalidText`].
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<Zeroizing<String>, SealError> {
        let (key, commit) = self.keys(place);
        if !bool::from(commit.ct_eq(&sealed.commit)) || !sealed.has_a_length() {
            return Err(SealError::Broken);
        }
        let opened = Aes256Siv::new((&*key).into()).decrypt([associated(place, &commit)], &sealed.text);
        let plain = Zeroizing::new(opened.map_err(|_| SealError::Broken)?);
        let text = std::str::from_utf8(unpad(&plain)?).map_err(|_| SealError::InvalidText)?;
        if is_keepable(text) { Ok(Zeroizing::new(text.to_owned())) } else { Err(SealError::InvalidText) }
    }

    /// The key of AES-SIV and the commitment to it.
    fn keys(&self, place: &Place) -> (Zeroizing<[u8; 64]>, [u8; 32]) {
        let both: Zeroizing<[u8; 96]> = expand(&self.0, &[b"ledgerd/seal/1\0", &place.to_bytes()]);
        let (mut key, mut commit) = (Zeroizing::new([0; 64]), [0; 32]);
        key.copy_from_slice(&both[..64]);
        commit.copy_from_slice(&both[64..]);
        (key, commit)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaf([redacted])")
    }
}

fn associated(place: &Place, commit: &[u8; 32]) -> Vec<u8> {
    [&place.to_bytes()[..], commit].concat()
}

/// Whether a text may be kept: it has one spelling, and no characters that only steer a terminal.
fn is_keepable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n') && is_nfc(text)
}

/// A text with its length before it and zeros behind it.
fn pad(text: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let bytes = padded(text.len()).ok_or(SealError::TooLong)?;
    let length = u16::try_from(text.len()).map_err(|_| SealError::TooLong)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes));
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(text.as_bytes());
    plain.resize(bytes, 0);
    Ok(plain)
}

/// Bytes of the plaintext of a text with so many bytes.
fn padded(length: usize) -> Option<usize> {
    PLAIN_BYTES.into_iter().find(|bytes| LENGTH_BYTES + length <= *bytes)
}

/// The text inside a plaintext. Every text has one padding.
fn unpad(plain: &[u8]) -> Result<&[u8], SealError> {
    let (length, rest) = plain.split_first_chunk::<LENGTH_BYTES>().ok_or(SealError::Broken)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (text, padding) = rest.split_at_checked(length).ok_or(SealError::Broken)?;
    let is_padding = padded(length) == Some(plain.len()) && padding.iter().all(|byte| *byte == 0);
    if is_padding { Ok(text) } else { Err(SealError::Broken) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place {
            ledger_id: LedgerId([1; 32]),
            author: 7,
            scope: ScopeId([2; 16]),
            command_id: [3; 16],
            field: 4,
        }
    }

    fn leaf() -> Leaf {
        ScopeKey::from_bytes([9; 32]).leaf(&place().command_id, place().field)
    }

    /// Seals a plaintext as it is, whatever stands in it.
    fn seal_plain(plain: &[u8]) -> Sealed {
        let (key, commit) = leaf().keys(&place());
        let text = Aes256Siv::new((&*key).into()).encrypt([associated(&place(), &commit)], plain).unwrap();
        Sealed { commit, text }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_in_its_place_to_the_same_text(text in "[^\\x00-\\x09\\x0b-\\x1f\\x7f-\\u{9f}]{0,300}") {
            let sealed = leaf().seal(&place(), &text);
            if is_nfc(&text) {
                let sealed = sealed.unwrap();
                prop_assert!(sealed.has_a_length());
                prop_assert_eq!(&leaf().seal(&place(), &text).unwrap(), &sealed);
                let opened = leaf().open(&place(), &sealed).unwrap();
                prop_assert_eq!(opened.as_str(), text);
            } else {
                prop_assert_eq!(sealed, Err(SealError::InvalidText));
            }
        }

        #[test]
        fn a_sealed_text_with_any_other_byte_is_broken(at in 0_usize..112, bit in 0_u8..8) {
            let mut sealed = leaf().seal(&place(), &"x".repeat(62)).unwrap();
            match at.checked_sub(32) {
                None => sealed.commit[at] ^= 1 << bit,
                Some(at) => sealed.text[at] ^= 1 << bit,
            }
            prop_assert_eq!(leaf().open(&place(), &sealed), Err(SealError::Broken));
        }
    }

    #[test]
    fn a_sealed_text_opens_in_no_other_place_and_under_no_other_key() {
        let sealed = leaf().seal(&place(), "between us").unwrap();
        let others = [
            Place { ledger_id: LedgerId([8; 32]), ..place() },
            Place { author: 8, ..place() },
            Place { scope: ScopeId([8; 16]), ..place() },
            Place { command_id: [8; 16], ..place() },
            Place { field: 8, ..place() },
        ];
        for other in others {
            assert_eq!(leaf().open(&other, &sealed), Err(SealError::Broken), "{other:?}");
        }
        let key = ScopeKey::from_bytes([9; 32]);
        for other in
            [key.leaf(&[8; 16], 4), key.leaf(&[3; 16], 8), ScopeKey::from_bytes([8; 32]).leaf(&[3; 16], 4)]
        {
            assert_eq!(other.open(&place(), &sealed), Err(SealError::Broken));
        }
    }

    #[test]
    fn a_text_has_the_smallest_padding_that_fits_and_no_other() {
        for (length, bytes) in
            [(0, 48), (30, 48), (31, 80), (62, 80), (63, 144), (1_022, 1_040), (2_046, 2_064)]
        {
            assert_eq!(leaf().seal(&place(), &"x".repeat(length)).unwrap().text.len(), bytes, "{length}");
        }
        assert_eq!(leaf().seal(&place(), &"x".repeat(2_047)), Err(SealError::TooLong));
        let text = |length: u8, behind: u8| [&[0, length][..], &[b'x'; 10], &[behind; 52]].concat();
        let broken = [
            // The padding is longer than it has to be, is not zeros, or is not there at all.
            text(10, 0),
            seal_with(32, 10, 1),
            seal_with(32, 31, 0),
            seal_with(33, 31, 0),
        ];
        for plain in broken {
            assert_eq!(leaf().open(&place(), &seal_plain(&plain)), Err(SealError::Broken), "{plain:?}");
        }
        assert_eq!(leaf().open(&place(), &seal_plain(&seal_with(32, 10, 0))).unwrap().as_str(), "xxxxxxxxxx");
    }

    /// A plaintext of so many bytes that says this length, with ten characters and then this byte.
    fn seal_with(bytes: usize, length: u8, behind: u8) -> Vec<u8> {
        let mut plain = [&[0, length][..], &[b'x'; 10]].concat();
        plain.resize(bytes, behind);
        plain
    }

    #[test]
    fn what_is_no_text_to_keep_is_neither_sealed_nor_taken_from_others() {
        for text in ["tab\t", "e\u{301}", "\u{9b}31m", "nul\0"] {
            assert_eq!(leaf().seal(&place(), text), Err(SealError::InvalidText), "{text:?}");
            let plain = pad(text).unwrap();
            assert_eq!(leaf().open(&place(), &seal_plain(&plain)), Err(SealError::InvalidText), "{text:?}");
        }
        let mut plain = seal_with(32, 10, 0);
        plain[4] = 0xff;
        assert_eq!(leaf().open(&place(), &seal_plain(&plain)), Err(SealError::InvalidText));
        assert!(leaf().seal(&place(), "two\nlines").is_ok());
    }

    #[test]
    fn secrets_are_not_printed_and_names_are() {
        let key = ScopeKey::from_bytes([9; 32]);
        assert_eq!(format!("{key:?} {:?}", leaf()), "ScopeKey([redacted]) Leaf([redacted])");
        assert_eq!(ScopeId([0xab; 16]).to_string(), "ab".repeat(16));
    }
}
