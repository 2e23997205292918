//! The server's descriptor: a signed note that names the ledger, the log key and the key to encrypt to. It is
//! what a client verifies before it says anything, and what both sides start their transcript with.
//!
//! ```text
//! ledger.example/prod
//! ledgerd-server-descriptor v1
//! ledger <base64 ledger_id>
//! log-key ed25519 <base64, 32 bytes>
//! serial 7
//! suites 1
//! enc-key rsa3072-oaep-sha3-256 <base64 SPKI DER>
//! opaque-key 1 ristretto255 <base64, 32 bytes> argon2id <m KiB> <t> <p>
//!
//! — ledger.example/prod <base64(keyid4 ‖ ed25519 signature)>
//! ```
//! The last line is there only where members log in by password. Line 2 can never be a decimal number, so a descriptor is never a checkpoint although one key signs both.

use std::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding as _};

use crate::crypto::KeyPolicyError;
use crate::crypto::note::{LogKey, LogPublicKey, NoteError};
use crate::crypto::rsa::PublicKey;
use crate::crypto::{Digest, LedgerId, sha3};
use crate::password::OpaqueKey;

/// Bytes of a descriptor at most.
pub const DESCRIPTOR_BYTES_MAX: usize = 2 << 10;

/// Why a descriptor is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// Longer than [`DESCRIPTOR_BYTES_MAX`].
    TooLong,
    /// Not the lines of a descriptor, each in its one spelling.
    Form,
    /// The note around it is not right.
    Note(NoteError),
    /// The key to encrypt to breaks the key policy.
    Key(KeyPolicyError),
    /// The descriptor does not offer suite 1.
    Suite,
    /// It is signed by another log key than the pinned one.
    OtherLogKey,
    /// It belongs to another ledger than the pinned one.
    OtherLedger,
    /// Its serial is lower than one seen before.
    Rollback {
        /// The serial it has.
        serial: u64,
        /// The highest one seen.
        seen: u64,
    },
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DescriptorError::TooLong => f.write_str("the server's descriptor is too long"),
            DescriptorError::Form => f.write_str("not a server descriptor"),
            DescriptorError::Note(error) => write!(f, "the server's descriptor: {error}"),
            DescriptorError::Key(error) => write!(f, "the server's key: {error}"),
            DescriptorError::Suite => f.write_str("the server offers no suite that this program knows"),
            DescriptorError::OtherLogKey => f.write_str("the server's log key has changed"),
            DescriptorError::OtherLedger => f.write_str("the server serves another ledger"),
            DescriptorError::Rollback { serial, seen } => {
                write!(f, "the server's descriptor is number {serial}, but number {seen} was seen before")
            }
        }
    }
}

impl std::error::Error for DescriptorError {}

/// A descriptor whose signature is right under the log key that it names.
#[derive(Clone, PartialEq, Eq)]
pub struct Descriptor {
    text: String,
    hash: Digest,
    ledger_id: LedgerId,
    log_key: LogPublicKey,
    serial: u64,
    encryption_key: PublicKey,
    opaque_key: Option<OpaqueKey>,
}

impl Descriptor {
    /// Makes and signs a descriptor. Every new serial must come with a new key. With `opaque_key` members log in by password.
    pub fn make(
        log_key: &LogKey,
        ledger_id: LedgerId,
        serial: u64,
        encryption_key: &PublicKey,
        opaque_key: Option<&OpaqueKey>,
    ) -> Descriptor {
        let log_public = log_key.public();
        let text = log_key.sign_note(&body(log_public, &ledger_id, serial, "1", encryption_key, opaque_key));
        Descriptor {
            hash: hash(&text),
            text,
            ledger_id,
            log_key: log_public.clone(),
            serial,
            encryption_key: encryption_key.clone(),
            opaque_key: opaque_key.copied(),
        }
    }

    /// Reads a descriptor and checks its signature under the log key that it names itself. Whether that is the
    /// right log key is for the pin ([`Descriptor::check_pin`]) or the person who sees the fingerprint to say.
    ///
    /// # Errors
    /// [`DescriptorError`], all but its last three.
    pub fn parse(text: &str) -> Result<Descriptor, DescriptorError> {
        if text.len() > DESCRIPTOR_BYTES_MAX {
            return Err(DescriptorError::TooLong);
        }
        let form = DescriptorError::Form;
        let mut lines = text.split('\n');
        let origin = lines.next().ok_or(form)?;
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).ok_or(form);
        field("ledgerd-server-descriptor v1")?;
        let ledger_id = LedgerId(decode32(field("ledger ")?)?);
        let log_key = decode32(field("log-key ed25519 ")?)?;
        let serial: u64 = field("serial ")?.parse().map_err(|_| form)?;
        let suites = field("suites ")?;
        let spki = Base64::decode_vec(field("enc-key rsa3072-oaep-sha3-256 ")?).map_err(|_| form)?;
        let opaque_key = match lines.next().and_then(|line| line.strip_prefix(OpaqueKey::LINE_BEGIN)) {
            Some(values) => Some(OpaqueKey::parse(values).ok_or(form)?),
            None => None,
        };
        let log_key = LogPublicKey::new(origin, &log_key).map_err(DescriptorError::Note)?;
        let signed = log_key.verify_note(text).map_err(DescriptorError::Note)?;
        let encryption_key = PublicKey::from_spki(&spki).map_err(DescriptorError::Key)?;
        // One descriptor, one spelling: write it again and compare, which leaves no room for extra lines,
        // leading zeros or the like.
        if signed != body(&log_key, &ledger_id, serial, suites, &encryption_key, opaque_key.as_ref()) {
            return Err(form);
        }
        if !suites.split(' ').any(|suite| suite == "1") {
            return Err(DescriptorError::Suite);
        }
        let (hash, text) = (hash(text), text.to_owned());
        Ok(Descriptor { text, hash, ledger_id, log_key, serial, encryption_key, opaque_key })
    }

    /// Compares a descriptor with what is known of the server.
    ///
    /// # Errors
    /// [`DescriptorError::OtherLogKey`], [`DescriptorError::OtherLedger`] or [`DescriptorError::Rollback`].
    pub fn check_pin(
        &self,
        log_key: &LogPublicKey,
        ledger: &LedgerId,
        serial: u64,
    ) -> Result<(), DescriptorError> {
        if self.log_key != *log_key {
            return Err(DescriptorError::OtherLogKey);
        }
        if self.ledger_id != *ledger {
            return Err(DescriptorError::OtherLedger);
        }
        if self.serial < serial {
            return Err(DescriptorError::Rollback { serial: self.serial, seen: serial });
        }
        Ok(())
    }

    /// The exact text, signature lines included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA3-256 over the exact text: where transcripts start.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The ledger that the server serves.
    pub fn ledger_id(&self) -> LedgerId {
        self.ledger_id
    }

    /// The key that signed it, with the origin.
    pub fn log_key(&self) -> &LogPublicKey {
        &self.log_key
    }

    /// Counts the server's descriptors.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The key to encrypt to.
    pub fn encryption_key(&self) -> &PublicKey {
        &self.encryption_key
    }

    /// The key for log-ins by password, with the cost of a guess; none where nobody logs in by password.
    pub fn opaque_key(&self) -> Option<&OpaqueKey> {
        self.opaque_key.as_ref()
    }

    /// The server's fingerprint, for people to compare.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.log_key.bytes(), &self.ledger_id)
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Descriptor({}, serial {})", self.log_key.origin(), self.serial)
    }
}

/// The fingerprint of a server, for people to compare: `SHA3-256:` and base64 without padding.
pub fn fingerprint(log_key: &[u8; 32], ledger_id: &LedgerId) -> String {
    let digest = sha3(&[b"ledgerd/server-id/1\0", log_key, &ledger_id.0]);
    format!("SHA3-256:{}", Base64Unpadded::encode_string(&digest.0))
}

/// Whether a text is a whole fingerprint, of whichever server.
pub fn is_fingerprint(text: &str) -> bool {
    let digest = text.strip_prefix("SHA3-256:").and_then(|text| Base64Unpadded::decode_vec(text).ok());
    digest.is_some_and(|digest| digest.len() == 32)
}

fn hash(text: &str) -> Digest {
    sha3(&[text.as_bytes()])
}

fn body(
    log_key: &LogPublicKey,
    ledger: &LedgerId,
    serial: u64,
    suites: &str,
    encryption_key: &PublicKey,
    opaque_key: Option<&OpaqueKey>,
) -> String {
    let opaque_key = opaque_key.map(|key| format!("{}{key}\n", OpaqueKey::LINE_BEGIN)).unwrap_or_default();
    format!(
        "{}\nledgerd-server-descriptor v1\nledger {}\nlog-key ed25519 {}\nserial {serial}\nsuites {suites}\n\
         enc-key rsa3072-oaep-sha3-256 {}\n{opaque_key}",
        log_key.origin(),
        Base64::encode_string(&ledger.0),
        Base64::encode_string(log_key.bytes()),
        Base64::encode_string(encryption_key.spki()),
    )
}

fn decode32(base64: &str) -> Result<[u8; 32], DescriptorError> {
    let bytes = Base64::decode_vec(base64).map_err(|_| DescriptorError::Form)?;
    bytes.try_into().map_err(|_| DescriptorError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rsa::PrivateKey;

    const SERVER: &str = include_str!("../../fixtures/keys/server.pem");

    fn key() -> PublicKey {
        PrivateKey::from_pkcs8_pem(SERVER, None).unwrap().public().clone()
    }

    fn log_key() -> LogKey {
        LogKey::from_seed("ledger.example/prod", &[1; 32]).unwrap()
    }

    fn made() -> Descriptor {
        Descriptor::make(&log_key(), LedgerId([5; 32]), 7, &key(), None)
    }

    fn opaque_key() -> OpaqueKey {
        OpaqueKey { server_key: [6; 32], stretch: crate::password::Stretch::default() }
    }

    fn made_for_passwords() -> Descriptor {
        Descriptor::make(&log_key(), LedgerId([5; 32]), 7, &key(), Some(&opaque_key()))
    }

    #[test]
    fn a_descriptor_reads_as_it_was_made() {
        let made = made();
        assert_eq!(Descriptor::parse(made.text()).unwrap(), made);
        assert_eq!(made.text().lines().nth(4), Some("serial 7"));
        assert_eq!(made.fingerprint().len(), "SHA3-256:".len() + 43);
        let made = made_for_passwords();
        assert_eq!(Descriptor::parse(made.text()).unwrap().opaque_key(), Some(&opaque_key()));
        let longest = LogKey::from_seed(&"o".repeat(200), &[1; 32]).unwrap();
        let longest = Descriptor::make(&longest, LedgerId([5; 32]), u64::MAX, &key(), Some(&opaque_key()));
        assert!(longest.text().len() <= DESCRIPTOR_BYTES_MAX, "{}", longest.text().len());
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_refused() {
        let made = made_for_passwords();
        for at in 0..made.text().len() {
            let mut bytes = made.text().to_owned().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(Descriptor::parse(&text).is_err(), "byte {at}");
            }
            if let Some(cut) = made.text().get(..at) {
                assert!(Descriptor::parse(cut).is_err(), "cut at {at}");
            }
        }
    }

    /// Correctly signed by the right key, and yet not a descriptor.
    #[test]
    fn signed_text_in_another_spelling_is_refused() {
        let good = body(log_key().public(), &LedgerId([5; 32]), 7, "1", &key(), None);
        let with_password = body(log_key().public(), &LedgerId([5; 32]), 7, "1", &key(), Some(&opaque_key()));
        let sign = |text: &str| Descriptor::parse(&log_key().sign_note(text)).map(|_| ());
        assert_eq!(sign(&good), Ok(()));
        assert_eq!(sign(&with_password), Ok(()));
        assert_eq!(sign(&good.replace("suites 1", "suites 1 2")), Ok(()));
        assert_eq!(sign(&good.replace("suites 1", "suites 2")), Err(DescriptorError::Suite));
        assert_eq!(sign(&good.replace("suites 1", "suites 11")), Err(DescriptorError::Suite));
        let checkpoint = "ledger.example/prod\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        for text in [
            &good.replace("serial 7", "serial 07"),
            &good.replace("serial 7", "serial +7"),
            &good.replace("serial 7", "serial 18446744073709551616"),
            &good.replace("v1\n", "v1 \n"),
            &good.replace("v1\n", "v2\n"),
            &format!("{good}more\n"),
            &format!("{with_password}more\n"),
            &with_password.replace("argon2id 65536", "argon2id +65536"),
            &with_password.replace("opaque-key 1", "opaque-key 2"),
            &good.replace("=\nlog-key", "\nlog-key"),
            checkpoint,
        ] {
            assert_eq!(sign(text), Err(DescriptorError::Form), "{text}");
        }
        let other = LogKey::from_seed("ledger.example/prod", &[2; 32]).unwrap();
        assert_eq!(
            Descriptor::parse(&other.sign_note(&good)),
            Err(DescriptorError::Note(NoteError::NotSigned))
        );
        assert_eq!(Descriptor::parse(&"a".repeat(2049)), Err(DescriptorError::TooLong));
    }

    #[test]
    fn a_pin_refuses_another_key_another_ledger_and_a_lower_serial() {
        let made = made();
        let (log, other) = (log_key(), LogKey::from_seed("ledger.example/prod", &[2; 32]).unwrap());
        assert_eq!(made.check_pin(log.public(), &LedgerId([5; 32]), 7), Ok(()));
        assert_eq!(made.check_pin(log.public(), &LedgerId([5; 32]), 6), Ok(()));
        let error = made.check_pin(other.public(), &LedgerId([5; 32]), 7);
        assert_eq!(error, Err(DescriptorError::OtherLogKey));
        let error = made.check_pin(log.public(), &LedgerId([6; 32]), 7);
        assert_eq!(error, Err(DescriptorError::OtherLedger));
        let error = made.check_pin(log.public(), &LedgerId([5; 32]), 8);
        assert_eq!(error, Err(DescriptorError::Rollback { serial: 7, seen: 8 }));
    }
}
