//! The protocol (RFC 9807) as both sides step through it, over the bytes that are sent. The server identifies itself by the
//! id of its ledger, the client by nothing, and the context binds a log-in to the channel in which it happens.

use std::fmt;

use opaque_ke::{
    ClientLoginFinishParameters, ClientRegistrationFinishParameters, CredentialFinalization,
    CredentialRequest, CredentialResponse, Identifiers, RegistrationRequest, RegistrationResponse,
    ServerLogin, ServerLoginParameters, ServerRegistration,
};
use rand_core::CryptoRng;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::setup::{OPAQUE_NUMBER, OpaqueKey, ServerSetup};
use super::stretch::Stretch;
use super::suite::{Bridge, ExportKey, OpaqueError, RECORD_BYTES, Suite};
use crate::crypto::LedgerId;

/// Bytes of the first message of a registration.
pub const REQUEST_BYTES: usize = 32;
/// Bytes of its answer.
pub const RESPONSE_BYTES: usize = 64;
/// Bytes of the first message of a log-in.
pub const KE1_BYTES: usize = 96;
/// Bytes of its answer.
pub const KE2_BYTES: usize = 320;
/// Bytes of the message that proves the password.
pub const KE3_BYTES: usize = 64;

/// What a log-in is bound to: the ledger, the set-up and the channel, by its exporter.
pub fn context(ledger_id: LedgerId, stretch: Stretch, exporter: &[u8; 32]) -> Vec<u8> {
    let mut out = b"ledgerd/opaque/1\0".to_vec();
    out.extend_from_slice(&ledger_id.0);
    for number in [OPAQUE_NUMBER, stretch.m_kib, stretch.t, stretch.p] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(exporter);
    out
}

/// A password as it goes into the protocol: UTF-8 in the form NFC, otherwise unchanged, so that it is the same from whatever
/// keyboard.
pub fn normalised_password(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

fn identifiers(ledger_id: &LedgerId) -> Identifiers<'_> {
    Identifiers { client: None, server: Some(&ledger_id.0) }
}

/// Copies what has this length by the algorithms' definition; none of anything else.
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], OpaqueError> {
    bytes.try_into().map_err(|_| OpaqueError::Malformed)
}

/// A registration as the client makes it.
pub struct ClientRegistration(opaque_ke::ClientRegistration<Suite>);

/// The outcome of a registration at the client.
pub struct Registered {
    /// What the server keeps.
    pub record: [u8; RECORD_BYTES],
    /// What wraps the secrets that roam.
    pub export_key: ExportKey,
}

impl ClientRegistration {
    /// Begins a registration; the second value goes to the server.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`], which no password causes that a person can type.
    pub fn start(
        password: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<(ClientRegistration, [u8; REQUEST_BYTES]), OpaqueError> {
        let begun = opaque_ke::ClientRegistration::start(&mut Bridge(rng), password.as_bytes())
            .map_err(|_| OpaqueError::Malformed)?;
        Ok((ClientRegistration(begun.state), fixed(&begun.message.serialize())?))
    }

    /// Ends it with the server's answer. Stretches the password, which takes a good part of a second.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`], [`OpaqueError::OtherServer`].
    pub fn finish(
        self,
        password: &str,
        response: &[u8; RESPONSE_BYTES],
        (ledger_id, key): (LedgerId, &OpaqueKey),
        rng: &mut dyn CryptoRng,
    ) -> Result<Registered, OpaqueError> {
        let response = RegistrationResponse::deserialize(response).map_err(|_| OpaqueError::Malformed)?;
        let parameters = ClientRegistrationFinishParameters::new(identifiers(&ledger_id), Some(&key.stretch));
        let done = self.0.finish(&mut Bridge(rng), password.as_bytes(), response, parameters);
        let done = done.map_err(|_| OpaqueError::Malformed)?;
        if done.server_s_pk.serialize()[..] != key.server_key {
            return Err(OpaqueError::OtherServer);
        }
        let export_key = Zeroizing::new(done.export_key.into());
        Ok(Registered { record: fixed(&done.message.serialize())?, export_key })
    }
}

/// A log-in as the client makes it.
pub struct ClientLogin(opaque_ke::ClientLogin<Suite>);

/// The outcome of a log-in at the client.
pub struct LoginFinished {
    /// What proves to the server that the password was right.
    pub ke3: [u8; KE3_BYTES],
    /// What unwraps the secrets that roam.
    pub export_key: ExportKey,
}

impl ClientLogin {
    /// Begins a log-in; the second value, KE1, goes to the server.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`], which no password causes that a person can type.
    pub fn start(
        password: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<(ClientLogin, [u8; KE1_BYTES]), OpaqueError> {
        let begun = opaque_ke::ClientLogin::start(&mut Bridge(rng), password.as_bytes())
            .map_err(|_| OpaqueError::Malformed)?;
        Ok((ClientLogin(begun.state), fixed(&begun.message.serialize())?))
    }

    /// Ends it with the server's answer. Stretches the password, which takes a good part of a second.
    ///
    /// # Errors
    /// [`OpaqueError::NotRight`] for a wrong password, an unknown e-mail, and a server or a channel that is not the one it is
    /// taken for; [`OpaqueError::Malformed`]; [`OpaqueError::OtherServer`].
    pub fn finish(
        self,
        password: &str,
        ke2: &[u8; KE2_BYTES],
        (ledger_id, key): (LedgerId, &OpaqueKey),
        exporter: &[u8; 32],
        rng: &mut dyn CryptoRng,
    ) -> Result<LoginFinished, OpaqueError> {
        let ke2 = CredentialResponse::deserialize(ke2).map_err(|_| OpaqueError::Malformed)?;
        let context = context(ledger_id, key.stretch, exporter);
        let parameters =
            ClientLoginFinishParameters::new(Some(&context), identifiers(&ledger_id), Some(&key.stretch));
        let done = self.0.finish(&mut Bridge(rng), password.as_bytes(), ke2, parameters);
        let done = done.map_err(|_| OpaqueError::NotRight)?;
        if done.server_s_pk.serialize()[..] != key.server_key {
            return Err(OpaqueError::OtherServer);
        }
        let export_key = Zeroizing::new(done.export_key.into());
        Ok(LoginFinished { ke3: fixed(&done.message.serialize())?, export_key })
    }
}

/// What the server remembers between the two messages of a log-in.
pub struct LoginStarted(ServerLogin<Suite>);

impl ServerSetup {
    /// Answers the first message of a registration, for the e-mail with this identifier.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn register(
        &self,
        request: &[u8; REQUEST_BYTES],
        credential_id: &[u8; 32],
    ) -> Result<[u8; RESPONSE_BYTES], OpaqueError> {
        let request = RegistrationRequest::deserialize(request).map_err(|_| OpaqueError::Malformed)?;
        let answer = ServerRegistration::<Suite>::start(&self.0, request, credential_id);
        fixed(&answer.map_err(|_| OpaqueError::Malformed)?.message.serialize())
    }

    /// Answers the first message of a log-in; the second value is KE2. Without a record the answer cannot be told from one
    /// with a record by who does not know the password.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn start_login(
        &self,
        record: Option<&[u8; RECORD_BYTES]>,
        ke1: &[u8; KE1_BYTES],
        credential_id: &[u8; 32],
        (ledger_id, context): (LedgerId, &[u8]),
        rng: &mut dyn CryptoRng,
    ) -> Result<(LoginStarted, [u8; KE2_BYTES]), OpaqueError> {
        let malformed = |_| OpaqueError::Malformed;
        let record = match record {
            Some(record) => {
                Some(ServerRegistration::<Suite>::deserialize(record).map_err(|_| OpaqueError::Malformed)?)
            }
            None => None,
        };
        let ke1 = CredentialRequest::deserialize(ke1).map_err(malformed)?;
        let parameters =
            ServerLoginParameters { context: Some(context), identifiers: identifiers(&ledger_id) };
        let started = ServerLogin::start(&mut Bridge(rng), &self.0, record, ke1, credential_id, parameters);
        let started = started.map_err(malformed)?;
        Ok((LoginStarted(started.state), fixed(&started.message.serialize())?))
    }
}

impl LoginStarted {
    /// Looks at the proof of the client.
    ///
    /// # Errors
    /// [`OpaqueError::NotRight`] if the client has not known the password; [`OpaqueError::Malformed`].
    pub fn finish(
        self,
        ke3: &[u8; KE3_BYTES],
        (ledger_id, context): (LedgerId, &[u8]),
    ) -> Result<(), OpaqueError> {
        let ke3 = CredentialFinalization::deserialize(ke3).map_err(|_| OpaqueError::Malformed)?;
        let parameters =
            ServerLoginParameters { context: Some(context), identifiers: identifiers(&ledger_id) };
        self.0.finish(ke3, parameters).map(drop).map_err(|_| OpaqueError::NotRight)
    }
}

impl fmt::Debug for LoginStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginStarted([redacted])")
    }
}
