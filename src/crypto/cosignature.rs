//! Cosignatures of checkpoints (<https://c2sp.org/tlog-cosignature>, Ed25519): a witness says when it saw a
//! checkpoint, and that it is consistent with everything it saw before.
//!
//! A signature line holds `key id u32 ‖ time u64 ‖ signature[64]`; what is signed is
//! `"cosignature/v1\ntime <seconds>\n"` and the checkpoint's text.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use signed_note::{VerificationError, Verifier, Verifiers};
use zeroize::Zeroizing;

use super::note::{NoteError, NotePublicKey};

/// The signature type of Ed25519 cosignatures in C2SP notes.
const COSIGNATURE: u8 = 4;

/// Bytes of a time and a signature.
const TIMED_SIGNATURE_BYTES: usize = 72;

/// Who cosigns: name and public key, as a C2SP verifier key says them.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessPublicKey(NotePublicKey);

/// The key of a witness. Signs cosignatures, nothing else. Wipes itself, prints nothing.
#[derive(Clone)]
pub struct WitnessKey {
    signing: SigningKey,
    public: WitnessPublicKey,
}

/// What is signed.
fn signed_bytes(seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

impl WitnessPublicKey {
    /// A public key from the witness's name and 32 bytes.
    ///
    /// # Errors
    /// [`NoteError::Origin`] or [`NoteError::Key`].
    pub fn new(name: &str, bytes: &[u8; 32]) -> Result<WitnessPublicKey, NoteError> {
        NotePublicKey::new(COSIGNATURE, name, bytes).map(WitnessPublicKey)
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The C2SP key identifier.
    pub fn key_id(&self) -> u32 {
        self.0.key_id()
    }

    /// The note's text and when this witness cosigned it, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::NotSigned`] or [`NoteError::BadSignature`].
    pub fn verify_note<'a>(&self, note: &'a str) -> Result<(&'a str, u64), NoteError> {
        let (text, timed) = super::note::verify(note, self)?;
        let (seconds, _) = split(&timed).ok_or(NoteError::Malformed)?;
        Ok((text, seconds))
    }
}

fn split(timed: &[u8]) -> Option<(u64, Signature)> {
    let (seconds, signature) = timed.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*seconds);
    (timed.len() == TIMED_SIGNATURE_BYTES && i64::try_from(seconds).is_ok()).then_some(())?;
    Some((seconds, Signature::from_slice(signature).ok()?))
}

impl WitnessKey {
    /// A witness's key from its name and 32-byte seed.
    ///
    /// # Errors
    /// [`NoteError::Origin`] when the name cannot stand in a note.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<WitnessKey, NoteError> {
        let signing = SigningKey::from_bytes(seed);
        let public = WitnessPublicKey::new(name, signing.verifying_key().as_bytes())?;
        Ok(WitnessKey { signing, public })
    }

    /// The seed, to be stored.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> &WitnessPublicKey {
        &self.public
    }

    /// The signature line over a checkpoint's text, newline included, made at `seconds` since the Unix epoch.
    #[expect(clippy::expect_used, reason = "the name was checked")]
    pub fn cosign(&self, text: &str, seconds: u64) -> String {
        let mut timed = seconds.to_be_bytes().to_vec();
        timed.extend_from_slice(&self.signing.sign(&signed_bytes(seconds, text)).to_bytes());
        let (name, id) = (self.public.name().to_owned(), self.public.key_id());
        let line = signed_note::Signature::new(name, id, timed).expect("the name was checked");
        String::from_utf8(line.to_bytes()).expect("a signature line is text")
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WitnessKey([redacted])")
    }
}

impl fmt::Display for WitnessPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for WitnessPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WitnessPublicKey {
    type Err = NoteError;

    fn from_str(vkey: &str) -> Result<WitnessPublicKey, NoteError> {
        NotePublicKey::parse(COSIGNATURE, vkey).map(WitnessPublicKey)
    }
}

impl Verifier for WitnessPublicKey {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn key_id(&self) -> u32 {
        self.0.key_id()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(message) else { return false };
        split(signature).is_some_and(|(seconds, signature)| {
            self.0.key().verify_strict(&signed_bytes(seconds, text), &signature).is_ok()
        })
    }
}

impl Verifiers for WitnessPublicKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == self.name() && id == self.key_id() {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::note::LogKey;

    const TEXT: &str = "ledger.example/prod\n7\nabc\n";

    fn keys() -> (LogKey, WitnessKey) {
        let log = LogKey::from_seed("ledger.example/prod", &[3; 32]).unwrap();
        (log, WitnessKey::from_seed("witness.example", &[5; 32]).unwrap())
    }

    #[test]
    fn a_cosignature_stands_beside_the_logs_signature_and_says_when() {
        let (log, witness) = keys();
        let note = format!("{}{}", log.sign_note(TEXT), witness.cosign(TEXT, 1_679_315_147));
        assert_eq!(witness.public().verify_note(&note), Ok((TEXT, 1_679_315_147)));
        assert_eq!(log.public().verify_note(&note), Ok(TEXT));
        let other = WitnessKey::from_seed("witness.example", &[6; 32]).unwrap();
        assert_eq!(other.public().verify_note(&note), Err(NoteError::NotSigned));
        assert_eq!(
            log.public().to_string().parse::<WitnessPublicKey>(),
            Err(NoteError::Vkey),
            "another type"
        );
        assert_eq!(witness.public().to_string().parse(), Ok(witness.public().clone()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (log, witness) = keys();
        let note = format!("{}{}", log.sign_note(TEXT), witness.cosign(TEXT, 9));
        let line = note.rfind("— witness").unwrap();
        for at in (0..TEXT.len()).chain(line..note.len()) {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(witness.public().verify_note(&changed).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn a_plain_signature_by_the_same_key_is_no_cosignature() {
        let (log, witness) = keys();
        let plain = LogKey::from_seed("witness.example", &[5; 32]).unwrap().sign_note(TEXT);
        let line = plain.strip_prefix(&format!("{TEXT}\n")).unwrap();
        let note = format!("{}{line}", log.sign_note(TEXT));
        assert_eq!(witness.public().verify_note(&note).unwrap_err(), NoteError::NotSigned);
    }

    proptest::proptest! {
        #[test]
        fn text_of_a_stranger_never_panics(text in "\\PC{0,80}\n\n— witness.example \\PC{0,80}\n") {
            let (_, witness) = keys();
            proptest::prop_assert!(witness.public().verify_note(&text).is_err());
            proptest::prop_assert!(text.parse::<WitnessPublicKey>().is_err());
        }
    }
}
