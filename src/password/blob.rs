//! What roams: the signing key under VK, and VK under the password and under the recovery code.
//!
//! ```text
//! blob = wrap(export_key, pw, VK)[80] ‖ wrap(R, rec, VK)[80] ‖ SHA3-256("ledgerd/rec-auth/1\0" ‖ A)[32] ‖ wrap(VK, ck, PKCS#8 of the signing key)
//! ```
//! A change of the password makes the first part anew, a recovery the first three; the last one stays for as long as the key.

use std::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::recovery::{RecoveryCode, RecoverySecrets};
use super::suite::ExportKey;
use super::wrap::{Place, Purpose, WRAP_BYTES};
use crate::crypto::{KeyId, LedgerId, PrivateKeyError, SigningKey, random};

/// Bytes of a blob at most.
pub const BLOB_BYTES_MAX: usize = 3_072;

/// Bytes of VK under anything.
const VAULT_KEY_WRAP_BYTES: usize = 32 + WRAP_BYTES;

/// Bytes before the wrapped signing key.
const FIXED_BYTES: usize = 2 * VAULT_KEY_WRAP_BYTES + 32;

/// VK: the secret under which a signing key roams, made once for each key. It wipes itself.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; 32]>);

impl VaultKey {
    /// Makes the VK of a signing key.
    pub fn generate(rng: &mut dyn CryptoRng) -> VaultKey {
        VaultKey(Zeroizing::new(random::bytes(rng)))
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey([redacted])")
    }
}

/// Why a blob gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// It does not have the length of one.
    Malformed,
    /// It does not open with what the password or the code has given.
    NotOpened,
    /// What is in it is not the key that it is said to be.
    OtherKey,
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlobError::Malformed => "what the server keeps of the signing key is cut off",
            BlobError::NotOpened => "what the server keeps of the signing key does not open",
            BlobError::OtherKey => "what the server keeps is another key than it says",
        })
    }
}

impl std::error::Error for BlobError {}

/// A blob. It is of no use without a password or a recovery code.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

impl Blob {
    /// Makes the blob of a new key.
    ///
    /// # Errors
    /// [`PrivateKeyError`], which no key causes that is in use.
    pub fn new(
        ledger_id: LedgerId,
        key: &SigningKey,
        vault_key: &VaultKey,
        export_key: &ExportKey,
        code: &RecoveryCode,
    ) -> Result<Blob, PrivateKeyError> {
        let place = Place { ledger_id, key_id: key.public().key_id() };
        let wrapped_key = place.wrap(&vault_key.0[..], Purpose::SigningKey, &key.to_pkcs8_der()?);
        Ok(Blob::put_together(place, vault_key, export_key, code, &wrapped_key))
    }

    fn put_together(
        place: Place,
        vault_key: &VaultKey,
        export_key: &ExportKey,
        code: &RecoveryCode,
        wrapped_key: &[u8],
    ) -> Blob {
        let RecoverySecrets { wraps, shown } = code.secrets();
        let password = place.wrap(&export_key[..], Purpose::Password, &vault_key.0[..]);
        let recovery = place.wrap(&wraps[..], Purpose::Recovery, &vault_key.0[..]);
        let authenticator = RecoverySecrets::authenticator(&shown);
        Blob([&password[..], &recovery, &authenticator, wrapped_key].concat())
    }

    /// Takes bytes for a blob.
    ///
    /// # Errors
    /// [`BlobError::Malformed`] if no blob has so many bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Blob, BlobError> {
        let has_a_length = (FIXED_BYTES + WRAP_BYTES + 1..=BLOB_BYTES_MAX).contains(&bytes.len());
        if has_a_length { Ok(Blob(bytes)) } else { Err(BlobError::Malformed) }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The parts in their order: VK under the password, VK under the code, what authenticates the code, the signing key.
    fn parts(&self) -> Option<[&[u8]; 4]> {
        let (password, rest) = self.0.split_at_checked(VAULT_KEY_WRAP_BYTES)?;
        let (recovery, rest) = rest.split_at_checked(VAULT_KEY_WRAP_BYTES)?;
        let (authenticator, key) = rest.split_at_checked(32)?;
        Some([password, recovery, authenticator, key])
    }

    /// Whether this is the A of the account's recovery code.
    pub fn knows_code(&self, shown: &[u8; 32]) -> bool {
        let authenticator = RecoverySecrets::authenticator(shown);
        self.parts().is_some_and(|[_, _, kept, _]| kept.ct_eq(&authenticator).into())
    }

    /// The signing key and its VK, by the password.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn open_by_password(
        &self,
        ledger_id: LedgerId,
        key_id: KeyId,
        export_key: &ExportKey,
    ) -> Result<(SigningKey, VaultKey), BlobError> {
        let [wrap, ..] = self.parts().ok_or(BlobError::Malformed)?;
        self.open(Place { ledger_id, key_id }, (&export_key[..], Purpose::Password, wrap))
    }

    /// The signing key and its VK, by the recovery code.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn open_by_code(
        &self,
        ledger_id: LedgerId,
        key_id: KeyId,
        code: &RecoveryCode,
    ) -> Result<(SigningKey, VaultKey), BlobError> {
        let [_, wrap, ..] = self.parts().ok_or(BlobError::Malformed)?;
        self.open(Place { ledger_id, key_id }, (&code.secrets().wraps[..], Purpose::Recovery, wrap))
    }

    fn open(
        &self,
        place: Place,
        (key, purpose, wrap): (&[u8], Purpose, &[u8]),
    ) -> Result<(SigningKey, VaultKey), BlobError> {
        let [.., wrapped_key] = self.parts().ok_or(BlobError::Malformed)?;
        let opened = place.unwrap(key, purpose, wrap).ok_or(BlobError::NotOpened)?;
        let mut vault_key = VaultKey(Zeroizing::new([0; 32]));
        if opened.len() != vault_key.0.len() {
            return Err(BlobError::Malformed);
        }
        vault_key.0.copy_from_slice(&opened);
        let der = place.unwrap(&vault_key.0[..], Purpose::SigningKey, wrapped_key);
        let key = SigningKey::from_pkcs8_der(&der.ok_or(BlobError::NotOpened)?);
        let key = key.map_err(|_| BlobError::OtherKey)?;
        if key.public().key_id() == place.key_id { Ok((key, vault_key)) } else { Err(BlobError::OtherKey) }
    }

    /// The blob after a change of the password: all but its first part stays byte for byte.
    pub fn with_password(
        &self,
        (ledger_id, key_id): (LedgerId, KeyId),
        vault_key: &VaultKey,
        export_key: &ExportKey,
    ) -> Blob {
        let wrap = Place { ledger_id, key_id }.wrap(&export_key[..], Purpose::Password, &vault_key.0[..]);
        let rest = self.0.get(VAULT_KEY_WRAP_BYTES..).unwrap_or_default();
        Blob([&wrap[..], rest].concat())
    }

    /// The blob after a recovery, with a new password and a new code: the wrapped signing key stays byte for byte.
    pub fn with_password_and_code(
        &self,
        (ledger_id, key_id): (LedgerId, KeyId),
        vault_key: &VaultKey,
        export_key: &ExportKey,
        code: &RecoveryCode,
    ) -> Blob {
        let wrapped_key = self.0.get(FIXED_BYTES..).unwrap_or_default();
        Blob::put_together(Place { ledger_id, key_id }, vault_key, export_key, code, wrapped_key)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        ClientLogin, ClientRegistration, Credential, IndexKey, OpaqueError, OpaqueKey, ServerSetup, Stretch,
        context,
    };
    use super::*;
    use crate::crypto::KeyKind;
    use crate::crypto::random::Seeded;

    const LEDGER: LedgerId = LedgerId([7; 32]);
    const EXPORTER: [u8; 32] = [8; 32];
    const CHEAP: Stretch = Stretch { m_kib: 8, t: 1, p: 1 };
    const ID: [u8; 32] = [9; 32];

    struct World {
        rng: Seeded,
        setup: ServerSetup,
        key: OpaqueKey,
    }

    impl World {
        fn new() -> World {
            let mut rng = Seeded::new("blob");
            let setup = ServerSetup::generate(&mut rng);
            let key = OpaqueKey { server_key: setup.public_key(), stretch: CHEAP };
            World { rng, setup, key }
        }

        fn register(&mut self, password: &str) -> ([u8; 192], ExportKey) {
            let (client, request) = ClientRegistration::start(password, &mut self.rng).unwrap();
            let response = self.setup.register(&request, &ID).unwrap();
            let done = client.finish(password, &response, (LEDGER, &self.key), &mut self.rng).unwrap();
            (done.record, done.export_key)
        }

        /// A log-in whose two ends see these exporters.
        fn log_in(
            &mut self,
            password: &str,
            record: Option<&[u8; 192]>,
            exporters: [[u8; 32]; 2],
        ) -> Result<ExportKey, OpaqueError> {
            let (client, ke1) = ClientLogin::start(password, &mut self.rng).unwrap();
            let at_server = context(LEDGER, CHEAP, &exporters[0]);
            let (started, ke2) =
                self.setup.start_login(record, &ke1, &ID, (LEDGER, &at_server), &mut self.rng).unwrap();
            let done = client.finish(password, &ke2, (LEDGER, &self.key), &exporters[1], &mut self.rng)?;
            started.finish(&done.ke3, (LEDGER, &at_server)).map(|()| done.export_key)
        }
    }

    #[test]
    fn the_right_password_gives_the_key_that_registration_gave_and_only_on_the_same_channel() {
        let mut world = World::new();
        let (record, export_key) = world.register("correct horse");
        let same = [EXPORTER; 2];
        assert_eq!(world.log_in("correct horse", Some(&record), same).unwrap(), export_key);
        assert_eq!(world.log_in("correct house", Some(&record), same), Err(OpaqueError::NotRight));
        assert_eq!(world.log_in("correct horse", None, same), Err(OpaqueError::NotRight), "no such e-mail");
        let between = [EXPORTER, [0; 32]];
        assert_eq!(world.log_in("correct horse", Some(&record), between), Err(OpaqueError::NotRight));
        world.key.server_key = [0; 32];
        assert_eq!(world.log_in("correct horse", Some(&record), same), Err(OpaqueError::OtherServer));
    }

    #[test]
    fn a_key_comes_back_by_password_and_code_after_every_change() {
        let mut world = World::new();
        let signing = SigningKey::generate(KeyKind::Ed25519, &mut world.rng);
        let (key_id, vault_key) = (signing.public().key_id(), VaultKey::generate(&mut world.rng));
        let whose = (LEDGER, key_id);
        let code = RecoveryCode::generate(&mut world.rng);
        let (_, first) = world.register("first password");
        let (_, second) = world.register("second password");
        let joined = Blob::new(LEDGER, &signing, &vault_key, &first, &code).unwrap();
        let changed = joined.with_password(whose, &vault_key, &second);
        let next_code = RecoveryCode::generate(&mut world.rng);
        let recovered = changed.with_password_and_code(whose, &vault_key, &first, &next_code);
        let id =
            |opened: Result<(SigningKey, VaultKey), BlobError>| opened.map(|(key, _)| key.public().key_id());
        for (blob, password, old_password, code, other_code) in [
            (&joined, &first, &second, &code, &next_code),
            (&changed, &second, &first, &code, &next_code),
            (&recovered, &first, &second, &next_code, &code),
        ] {
            assert_eq!(id(blob.open_by_password(LEDGER, key_id, password)), Ok(key_id));
            assert_eq!(id(blob.open_by_password(LEDGER, key_id, old_password)), Err(BlobError::NotOpened));
            assert_eq!(id(blob.open_by_code(LEDGER, key_id, code)), Ok(key_id));
            assert_eq!(id(blob.open_by_code(LEDGER, key_id, other_code)), Err(BlobError::NotOpened));
            assert!(blob.knows_code(&code.secrets().shown) && !blob.knows_code(&other_code.secrets().shown));
            assert!(!blob.knows_code(&code.secrets().wraps), "what wraps is not what is shown");
        }
        assert_eq!(joined.as_bytes()[80..], changed.as_bytes()[80..], "only the password's part is new");
        assert_eq!(joined.as_bytes()[192..], recovered.as_bytes()[192..], "the key's part is never new");
    }

    #[test]
    fn a_credential_comes_back_from_the_vault_as_it_was_and_its_commit_covers_every_part() {
        let mut world = World::new();
        let signing = SigningKey::generate(KeyKind::Ed25519, &mut world.rng);
        let (record, export_key) = world.register("a password");
        let code = RecoveryCode::generate(&mut world.rng);
        let vault_key = VaultKey::generate(&mut world.rng);
        let blob = Blob::new(LEDGER, &signing, &vault_key, &export_key, &code).unwrap();
        let kept = Credential::new(signing.public().key_id(), 1, &world.key, record, blob);
        let content = [kept.to_bytes(), vec![0; 100]].concat();
        assert_eq!(Credential::from_bytes(&content), Some(kept.clone()));
        assert_eq!(Credential::from_bytes(&kept.to_bytes()[..kept.to_bytes().len() - 1]), None);
        let commit = |credential: &Credential| credential.commit(LEDGER, &world.key.server_key);
        let mut blob = kept.blob.as_bytes().to_vec();
        blob[100] ^= 1;
        let others = [
            Credential { key_id: KeyId([1; 32]), ..kept.clone() },
            Credential { epoch: 2, ..kept.clone() },
            Credential { opaque: 2, ..kept.clone() },
            Credential { stretch: Stretch { t: 2, ..CHEAP }, ..kept.clone() },
            Credential { record: [0; 192], ..kept.clone() },
            Credential { blob: Blob::from_bytes(blob).unwrap(), ..kept.clone() },
        ];
        assert!(others.iter().all(|other| commit(other) != commit(&kept)));
        assert_ne!(kept.commit(LEDGER, &[0; 32]), commit(&kept));
        assert_eq!(IndexKey::from_bytes([1; 32]).as_bytes(), &[1; 32]);
    }
}
