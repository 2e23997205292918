//! Log-in by e-mail and password. The password never authorises anything: it fetches the signing key, which lies wrapped at
//! the server, and which the server cannot unwrap without guessing the password.
//!
//! The protocol is OPAQUE (RFC 9807) with ristretto255, SHA-512 and 3DH. The client stretches the password with Argon2id
//! (RFC 9106), the server never sees it.
//!
//! ```text
//! stretch      what one guess at a password costs
//! suite        the algorithms of the protocol
//! setup        the server's keys for log-ins, and the line of its descriptor that names them
//! kept         what of these keys lies in files
//! opaque       the protocol as both sides step through it
//! wrap         a secret under a key, for one purpose
//! recovery     the code that stands in for a forgotten password
//! blob         what roams: the signing key under VK, and VK under the password and under the recovery code
//! credential   what the server keeps of an account's password, and the trace of it in a block
//! e_mail       how the server names the e-mail of a log-in without keeping it
//! ```

mod blob;
mod credential;
mod e_mail;
mod kept;
mod opaque;
mod recovery;
mod setup;
mod stretch;
mod suite;
mod wrap;

pub use blob::{BLOB_BYTES_MAX, Blob, BlobError, VaultKey};
pub use credential::Credential;
pub use e_mail::{IndexKey, normalised_e_mail};
pub use kept::{KeptSetup, OPAQUE_FILE, OPAQUE_FILE_BYTES, with_checksum, without_checksum};
pub use opaque::{
    ClientLogin, ClientRegistration, KE1_BYTES, KE2_BYTES, KE3_BYTES, LoginFinished, LoginStarted,
    REQUEST_BYTES, RESPONSE_BYTES, Registered, context, normalised_password,
};
pub use recovery::{RecoveryCode, RecoveryCodeError, RecoverySecrets};
pub use setup::{LoginKeys, OPAQUE_NUMBER, OpaqueKey, SETUP_BYTES, ServerSetup};
pub use stretch::Stretch;
pub use suite::{ExportKey, OpaqueError, RECORD_BYTES};
