//! A password becomes what the server keeps: a record of the protocol, and the blob with what roams.

use crate::client::link::{Connection, KnownServer};
use crate::client::{ClientError, Home};
use crate::crypto::{KeyKind, LedgerId, SigningKey, random};
use crate::password::{
    Blob, ClientRegistration, Credential, OpaqueError, OpaqueKey, RecoveryCode, Registered, VaultKey,
    normalised_password,
};
use crate::refusal;
use crate::wire::{Refusal, Side, SideCredential, in_sequences, put_together};

use super::question;

/// What a new roaming key needs, made before anything is sent: it takes a second.
pub struct Roaming {
    /// The signing key.
    pub key: SigningKey,
    /// The secret under which it roams.
    pub vault_key: VaultKey,
    /// The recovery code, which is shown once.
    pub code: RecoveryCode,
}

/// Makes what a new roaming key needs.
pub fn make_roaming(kind: KeyKind, code: RecoveryCode) -> Roaming {
    let rng = &mut random::os();
    let key = SigningKey::generate(kind, rng);
    Roaming { key, vault_key: VaultKey::generate(rng), code }
}

/// Refuses a server whose fingerprint nobody has compared: a false one would be handed a record to guess the password against.
///
/// # Errors
/// [`ClientError::Usage`].
pub fn check_compared(server: &KnownServer) -> Result<(), ClientError> {
    if server.compared {
        return Ok(());
    }
    Err(ClientError::Usage(format!(
        "the server at {} was pinned without a look at its fingerprint, and a false server would be handed what it needs to \
         guess the password: compare {} with what its operator says, and run `ledgerctl getKey --fingerprint` with it; or \
         say --force",
        server.address(),
        server.fingerprint()
    )))
}

/// The server's key for log-ins.
pub(super) fn opaque_key_of(home: &Home, server: &KnownServer) -> Result<OpaqueKey, ClientError> {
    let descriptor = server.descriptor(home)?;
    let key = descriptor.opaque_key().ok_or_else(|| {
        let sentence = "this server has no log-ins by password, as far as this home knows; `ledgerctl getKey` looks again";
        ClientError::Refused(Refusal::fail(refusal::NO_PASSWORDS, sentence))
    })?;
    if !key.stretch.is_acceptable() {
        return Err(ClientError::Integrity(format!(
            "the server asks for {} a guess at a password, which is less or more than this program does",
            key.stretch
        )));
    }
    Ok(*key)
}

/// Registers a password for an e-mail address over this connection. Stretches the password, which takes a good part of a
/// second.
pub(super) fn register(
    connection: &mut Connection,
    (ledger_id, key): (LedgerId, &OpaqueKey),
    (e_mail, password): (&str, &str),
) -> Result<Registered, ClientError> {
    let (rng, password) = (&mut random::os(), normalised_password(password));
    let (client, request) = ClientRegistration::start(&password, rng).map_err(refused)?;
    let response = connection.ask(&question::Register { e_mail: e_mail.to_owned(), request })?;
    client.finish(&password, &put_together(&response), (ledger_id, key), rng).map_err(refused)
}

/// What a command with this credential has beside it.
pub(super) fn side_of(credential: &Credential) -> Side {
    let Credential { opaque, stretch, record, blob, .. } = credential;
    let (m_kib, t, p) = (stretch.m_kib, stretch.t, stretch.p);
    let (record, blob) = (in_sequences(record), blob.as_bytes().to_vec().into());
    let credential = SideCredential { opaque: *opaque, m_kib, t, p, record, blob };
    Side { credential: Some(credential), ..Side::default() }
}

/// The blob of a key that roams from now on.
pub(super) fn first_blob(
    ledger_id: LedgerId,
    roaming: &Roaming,
    registered: &Registered,
) -> Result<Blob, ClientError> {
    let Roaming { key, vault_key, code } = roaming;
    Blob::new(ledger_id, key, vault_key, &registered.export_key, code)
        .map_err(|error| ClientError::Unexpected(error.to_string()))
}

/// Why a step of the protocol was not made.
pub(super) fn refused(error: OpaqueError) -> ClientError {
    match error {
        OpaqueError::NotRight => {
            ClientError::Refused(Refusal::fail(refusal::INVALID_LOGIN, OpaqueError::NotRight))
        }
        OpaqueError::Malformed | OpaqueError::OtherServer => ClientError::Integrity(error.to_string()),
    }
}
