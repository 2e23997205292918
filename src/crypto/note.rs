//! Signed notes (<https://c2sp.org/signed-note>): text that a person can read, with Ed25519 signature lines
//! below it. The log key signs nothing else, which is what lets public witnesses read our checkpoints.
//!
//! The note's grammar is the `signed_note` crate's; the signatures are ours, because that crate verifies
//! leniently and with an older Ed25519.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use signed_note::{Note, VerificationError, Verifier, Verifiers};
use zeroize::Zeroizing;

/// Bytes of an origin at most, so that a descriptor, which holds it twice, keeps within its cap.
pub const ORIGIN_BYTES_MAX: usize = 200;

/// The signature type of plain Ed25519 in C2SP notes.
const ED25519: u8 = 1;

/// Why a note, a name or a verifier key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// The origin is empty, too long, or holds white space, a plus sign or control characters.
    Origin,
    /// Not text, a blank line and signature lines.
    Malformed,
    /// No signature line is by this key.
    NotSigned,
    /// A signature line names this key and does not verify.
    BadSignature,
    /// Not a verifier key of the form `name+keyid+base64`, or its identifier is not that of its key.
    Vkey,
    /// The 32 bytes are not a usable Ed25519 public key.
    Key,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoteError::Origin => {
                "the origin must be 1 to 200 bytes without white space, '+' or control characters"
            }
            NoteError::Malformed => "not a signed note",
            NoteError::NotSigned => "the note is not signed by this key",
            NoteError::BadSignature => "a signature on the note is wrong",
            NoteError::Vkey => "not a verifier key of the form name+keyid+base64",
            NoteError::Key => "not a usable Ed25519 public key",
        })
    }
}

impl std::error::Error for NoteError {}

/// An Ed25519 key with a name and a C2SP signature type: what a verifier key `name+keyid+base64(type ‖ key)` says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NotePublicKey {
    kind: u8,
    name: String,
    key: VerifyingKey,
    key_id: u32,
}

impl NotePublicKey {
    /// # Errors
    /// [`NoteError::Origin`] or [`NoteError::Key`]; keys of low order are refused.
    pub(super) fn new(kind: u8, name: &str, bytes: &[u8; 32]) -> Result<NotePublicKey, NoteError> {
        let bad = |c: char| c.is_control() || c.is_whitespace();
        if name.len() > ORIGIN_BYTES_MAX || name.chars().any(bad) || !signed_note::is_key_name_valid(name) {
            return Err(NoteError::Origin);
        }
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NoteError::Key)?;
        if key.is_weak() {
            return Err(NoteError::Key);
        }
        let key_id = signed_note::key_id(name, &typed(kind, bytes));
        Ok(NotePublicKey { kind, name: name.to_owned(), key, key_id })
    }

    /// Reads a verifier key of this type.
    ///
    /// # Errors
    /// [`NoteError::Vkey`], or as for [`NotePublicKey::new`].
    pub(super) fn parse(kind: u8, vkey: &str) -> Result<NotePublicKey, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(_), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Vkey);
        };
        let mut bytes = [0; 33];
        let decoded = Base64::decode(base64, &mut bytes).map_err(|_| NoteError::Vkey)?;
        let Some((_, key)) = decoded.split_first().filter(|(found, _)| **found == kind) else {
            return Err(NoteError::Vkey);
        };
        let key = NotePublicKey::new(kind, name, key.try_into().map_err(|_| NoteError::Vkey)?)?;
        // One key, one spelling: comparing with what we would write checks the identifier as well.
        if key.to_string() == vkey { Ok(key) } else { Err(NoteError::Vkey) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn key_id(&self) -> u32 {
        self.key_id
    }
}

impl fmt::Display for NotePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base64 = Base64::encode_string(&typed(self.kind, self.key.as_bytes()));
        write!(f, "{}+{:08x}+{base64}", self.name, self.key_id)
    }
}

/// Checks that a key signed the note and returns its text, final newline included, and the signature. Lines of
/// other keys are not looked at.
///
/// # Errors
/// [`NoteError::Malformed`], [`NoteError::NotSigned`] or [`NoteError::BadSignature`].
pub(super) fn verify<'a>(note: &'a str, key: &impl Verifiers) -> Result<(&'a str, Vec<u8>), NoteError> {
    let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| NoteError::Malformed)?;
    let (verified, _) = parsed.verify(key).map_err(|error| match error {
        signed_note::NoteError::UnverifiedNote => NoteError::NotSigned,
        signed_note::NoteError::InvalidSignature { .. } => NoteError::BadSignature,
        _ => NoteError::Malformed,
    })?;
    let text = note.get(..parsed.text().len()).ok_or(NoteError::Malformed)?;
    let line = verified.first().ok_or(NoteError::NotSigned)?;
    Ok((text, line.signature().to_vec()))
}

/// The text of a signed note, final newline included, if it has the form of one. Whether a signature holds is not
/// looked at.
pub fn text_of(note: &str) -> Option<&str> {
    let parsed = Note::from_bytes(note.as_bytes()).ok()?;
    note.get(..parsed.text().len())
}

/// The public half of a log key with the origin it signs as: what a C2SP verifier key says.
#[derive(Clone, PartialEq, Eq)]
pub struct LogPublicKey(NotePublicKey);

impl LogPublicKey {
    /// A public key from its 32 bytes and the origin.
    ///
    /// # Errors
    /// [`NoteError::Origin`] or [`NoteError::Key`]; keys of low order are refused.
    pub fn new(origin: &str, bytes: &[u8; 32]) -> Result<LogPublicKey, NoteError> {
        NotePublicKey::new(ED25519, origin, bytes).map(LogPublicKey)
    }

    /// The name that the key signs as.
    pub fn origin(&self) -> &str {
        self.0.name()
    }

    /// The 32 bytes of the key.
    pub fn bytes(&self) -> &[u8; 32] {
        self.0.key().as_bytes()
    }

    /// The C2SP key identifier, which stands before the signature in a signature line.
    pub fn key_id(&self) -> u32 {
        self.0.key_id()
    }

    /// Checks that this key signed the note and returns its text, final newline included. Further signature
    /// lines by others (witnesses) may follow and are not looked at.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::NotSigned`] or [`NoteError::BadSignature`].
    pub fn verify_note<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        verify(note, self).map(|(text, _)| text)
    }
}

/// The C2SP verifier key: `origin+keyid+base64(type ‖ key)`.
impl fmt::Display for LogPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LogPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LogPublicKey {
    type Err = NoteError;

    fn from_str(vkey: &str) -> Result<LogPublicKey, NoteError> {
        NotePublicKey::parse(ED25519, vkey).map(LogPublicKey)
    }
}

impl Verifier for LogPublicKey {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn key_id(&self) -> u32 {
        self.0.key_id()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.key().verify_strict(message, &signature).is_ok())
    }
}

impl Verifiers for LogPublicKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == self.0.name() && id == self.0.key_id() {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}

/// The log key: signs server descriptors and checkpoints, nothing else. Wipes itself, prints nothing.
#[derive(Clone)]
pub struct LogKey {
    signing: SigningKey,
    public: LogPublicKey,
}

impl LogKey {
    /// A log key from its 32-byte seed and the origin it signs as.
    ///
    /// # Errors
    /// [`NoteError::Origin`] when the origin cannot stand in a note.
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<LogKey, NoteError> {
        let signing = SigningKey::from_bytes(seed);
        let public = LogPublicKey::new(origin, signing.verifying_key().as_bytes())?;
        Ok(LogKey { signing, public })
    }

    /// The seed, to be stored.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> &LogPublicKey {
        &self.public
    }

    /// Signs text of our own making: whole lines, no control characters but newlines.
    ///
    /// # Panics
    /// When the text is not whole lines, or is longer than a note may be: a mistake of the caller.
    #[expect(clippy::expect_used, reason = "what is signed is our own text, never a stranger's")]
    pub fn sign_note(&self, text: &str) -> String {
        let signature = self.signing.sign(text.as_bytes()).to_bytes().to_vec();
        let line =
            signed_note::Signature::new(self.public.origin().to_owned(), self.public.key_id(), signature)
                .expect("the origin was checked");
        let note = Note::new(text.as_bytes(), &[line]).expect("whole lines without control characters");
        String::from_utf8(note.to_bytes()).expect("a note is text")
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey([redacted])")
    }
}

/// The key with its C2SP type before it.
fn typed(kind: u8, key: &[u8; 32]) -> [u8; 33] {
    let mut typed = [kind; 33];
    typed[1..].copy_from_slice(key);
    typed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LogKey {
        LogKey::from_seed("ledger.example/prod", &[3; 32]).unwrap()
    }

    /// The example of the note format's own documentation, made by its Go implementation.
    #[test]
    fn the_published_example_verifies() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let note = format!(
            "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
        let key: LogPublicKey = vkey.parse().unwrap();
        assert_eq!(key.to_string(), vkey);
        assert_eq!(key.verify_note(&note), Ok(text));
    }

    #[test]
    fn every_changed_byte_of_a_note_is_noticed() {
        let key = key();
        let text = "ledger.example/prod\n7\nabc\n";
        let note = key.sign_note(text);
        assert_eq!(key.public().verify_note(&note), Ok(text));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(other) = String::from_utf8(bytes) {
                assert!(key.public().verify_note(&other).is_err(), "byte {at}");
            }
            if let Some(cut) = note.get(..at) {
                assert!(key.public().verify_note(cut).is_err(), "cut at {at}");
            }
        }
        let other = LogKey::from_seed("ledger.example/prod", &[4; 32]).unwrap();
        assert_eq!(other.public().verify_note(&note), Err(NoteError::NotSigned));
    }

    #[test]
    fn a_witness_may_add_its_line() {
        let (key, witness) = (key(), LogKey::from_seed("witness.example", &[5; 32]).unwrap());
        let (note, theirs) = (key.sign_note("text\n"), witness.sign_note("text\n"));
        let both = format!("{note}{}", theirs.strip_prefix("text\n\n").unwrap());
        assert_eq!(key.public().verify_note(&both), Ok("text\n"));
        assert_eq!(witness.public().verify_note(&both), Ok("text\n"));
    }

    #[test]
    fn verifier_keys_have_one_spelling_and_origins_are_checked() {
        let vkey = key().public().to_string();
        assert_eq!(vkey.parse::<LogPublicKey>().unwrap(), *key().public());
        for at in 0..vkey.len() {
            let mut bytes = vkey.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(String::from_utf8(bytes).unwrap().parse::<LogPublicKey>().is_err(), "byte {at}");
            assert!(vkey[..at].parse::<LogPublicKey>().is_err());
        }
        for origin in ["", "a b", "a+b", "a\nb", "a\u{7f}b", &"a".repeat(201)] {
            assert_eq!(LogKey::from_seed(origin, &[3; 32]).unwrap_err(), NoteError::Origin, "{origin:?}");
        }
        assert_eq!(LogPublicKey::new("a", &[0; 32]).unwrap_err(), NoteError::Key, "a point of low order");
        assert_eq!(format!("{:?}", key()), "LogKey([redacted])");
    }

    proptest! {
        #[test]
        fn text_of_a_stranger_never_panics(text in "\\PC{0,80}\n\n— \\PC{0,40}\n") {
            prop_assert!(key().public().verify_note(&text).is_err());
            prop_assert!(text.parse::<LogPublicKey>().is_err());
        }
    }
}
