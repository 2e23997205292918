//! What travels inside the open channel: requests, replies and pushes; and what peers say to each other.
//!
//! A message is `version u8 ‖ id u32 big-endian ‖ canonical postcard`. The client chooses the ids of its
//! requests, never 0; a reply carries the id of its request, a push carries the id of the request that it
//! tells about. Variants are only ever appended; a message of another version ends the connection.

mod dialled;
mod figures;
mod journal;
mod password;
mod second_factor;
mod peer;
mod push;
mod refusal;
mod reply;
mod request;

pub use dialled::check_dialled;
pub use figures::{Figure, Figures};
pub use journal::{JournalLine, JournalPage, JournalPlace};
pub use password::{
    LoginChallenge, LoginProof, LoginRequest, Record, RegistrationResponse, SideCredential, Unlocked,
    in_sequences, put_together,
};
pub use peer::{Handover, PeerReply, PeerRequest};
pub use push::{Followings, Progress, Push};
pub use refusal::Refusal;
pub use reply::{
    Accepted, CheckpointNote, CopyPage, ErasureProof, Finding, OnlineMember, OnlinePage, Proofs, Reply,
    ScopeKeys, Verification,
};
pub use request::{Followed, ReceiptOf, Request, Side, Submission};
pub use second_factor::{FactorGiven, FactorOffer, WrongCodes};

use serde::{Deserialize, Serialize};

use crate::codec::{self, NotCanonical};

/// The version that every message starts with.
pub const VERSION: u8 = 1;

/// Bytes before the postcard part.
pub const ENVELOPE_BYTES: usize = 5;

/// Proofs of one answer at most.
pub const INCLUSIONS_MAX: usize = 256;

/// Scopes of one question at most.
pub const SCOPES_MAX: usize = 16;

/// Findings that a verification lists at most; it counts them all.
pub const FINDINGS_MAX: usize = 1_000;

/// Puts a request or a reply into its envelope.
pub fn seal<T: Serialize>(id: u32, value: &T) -> Vec<u8> {
    let mut message = vec![VERSION];
    message.extend_from_slice(&id.to_be_bytes());
    message.extend_from_slice(&codec::encode(value));
    message
}

/// Gives a sealed message another id.
pub fn readdress(message: &mut [u8], id: u32) {
    if let Some(bytes) = message.get_mut(1..ENVELOPE_BYTES) {
        bytes.copy_from_slice(&id.to_be_bytes());
    }
}

/// Takes a request or a reply out of its envelope.
///
/// # Errors
/// [`NotCanonical`] for another version, a short message, or a value that is not canonical.
pub fn open<'a, T: Deserialize<'a> + Serialize>(message: &'a [u8]) -> Result<(u32, T), NotCanonical> {
    let (head, body) = message.split_first_chunk::<ENVELOPE_BYTES>().ok_or(NotCanonical)?;
    let [version, id @ ..] = *head;
    if version != VERSION {
        return Err(NotCanonical);
    }
    Ok((u32::from_be_bytes(id), codec::strict(body)?))
}
