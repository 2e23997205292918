//! What travels when somebody joins, logs in or sets a password: see `docs/passwords.md`. Byte strings of a fixed length are
//! sequences of 32 bytes, which postcard encodes as the bytes themselves.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::chain::Inclusion;
use crate::crypto::KeyId;
use crate::domain::AccountId;
use crate::password::RECORD_BYTES;

use super::WrongCodes;

/// The first message of a log-in, KE1: 96 bytes.
pub type LoginRequest = [[u8; 32]; 3];

/// Its answer, KE2: 320 bytes.
pub type LoginChallenge = [[u8; 32]; 10];

/// What proves the password, KE3: 64 bytes.
pub type LoginProof = [[u8; 32]; 2];

/// The answer to the first message of a registration: 64 bytes.
pub type RegistrationResponse = [[u8; 32]; 2];

/// The record of a password: 192 bytes.
pub type Record = [[u8; 32]; 6];

/// Cuts bytes of a fixed length into the sequences that travel. What is longer or shorter is cut off or stays zero, which no
/// message of the protocol is.
pub fn in_sequences<const N: usize>(bytes: &[u8]) -> [[u8; 32]; N] {
    let mut out = [[0; 32]; N];
    out.as_flattened_mut().iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

/// Puts the sequences that travel together again: `M` is 32 times `N`.
pub fn put_together<const N: usize, const M: usize>(sequences: &[[u8; 32]; N]) -> [u8; M] {
    let mut out = [0; M];
    out.iter_mut().zip(sequences.as_flattened()).for_each(|(to, from)| *to = *from);
    out
}

/// What a command with the commit of a credential has beside it: everything that the commit covers and the command does not
/// say.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideCredential {
    /// The number of the server's set-up.
    pub opaque: u32,
    /// The memory of a guess, in KiB.
    pub m_kib: u32,
    /// The passes of a guess.
    pub t: u32,
    /// The lanes of a guess.
    pub p: u32,
    /// The record.
    pub record: Record,
    /// What roams, of [`crate::password::BLOB_BYTES_MAX`] bytes at most.
    pub blob: ByteBuf,
}

/// What an account gets after its password or its recovery code was right.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlocked {
    /// The account.
    pub account: AccountId,
    /// The number of the credential.
    pub epoch: u32,
    /// The key that roams.
    pub key_id: KeyId,
    /// The record.
    pub record: Record,
    /// What roams.
    pub blob: ByteBuf,
    /// The stored bytes of the block with the commit of the credential.
    pub block: ByteBuf,
    /// The proof that the block is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// The newest signed checkpoint, as a note.
    pub note: String,
    /// Carries the second factor over to the session that is opened with the key: good once, and for a minute. None where no code
    /// was asked for.
    pub factor: Option<[u8; 32]>,
    /// The wrong codes of the account since the last good one.
    pub wrong_codes: WrongCodes,
}

impl Unlocked {
    /// The record as the protocol has it.
    pub fn record(&self) -> [u8; RECORD_BYTES] {
        put_together(&self.record)
    }
}

impl fmt::Debug for SideCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SideCredential([redacted])")
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unlocked(account {}, epoch {}, [redacted])", self.account, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_fixed_length_travel_as_they_are() {
        let record: [u8; 192] = std::array::from_fn(|at| at as u8);
        let sequences: Record = in_sequences(&record);
        assert_eq!(crate::codec::encode(&sequences), record);
        assert_eq!(put_together::<6, 192>(&sequences), record);
    }
}
