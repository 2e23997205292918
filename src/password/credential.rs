//! What the server keeps of an account's password, beside the log, and its trace in a block.
//!
//! ```text
//! credential_commit = SHA3-256("ledgerd/credential/2\0" ‖ ledger_id ‖ key_id ‖ epoch u32 ‖ opaque u32 ‖ server_key[32] ‖ m_kib u32 ‖ t u32 ‖ p u32
//!                     ‖ SHA3-256(record[192]) ‖ blob)
//! content of the vault's entry = key_id[32] ‖ epoch u32 ‖ opaque u32 ‖ m_kib u32 ‖ t u32 ‖ p u32 ‖ record[192] ‖ blob length u16 ‖ blob
//! ```
//! An old record is as good as a password hash, which is why neither it nor the blob stands in the log.

use std::fmt;

use super::blob::Blob;
use super::setup::{OPAQUE_NUMBER, OpaqueKey};
use super::stretch::Stretch;
use super::suite::RECORD_BYTES;

use crate::crypto::{KeyId, LedgerId, sha3};
use crate::cutter::Cutter;

/// What the server keeps of an account's password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The signing key that it fetches.
    pub key_id: KeyId,
    /// Its number among those of the account, from 1.
    pub epoch: u32,
    /// The number of the server's set-up.
    pub opaque: u32,
    /// The cost of a guess, as it was when it was made.
    pub stretch: Stretch,
    /// What the protocol checks the password with.
    pub record: [u8; RECORD_BYTES],
    /// What roams.
    pub blob: Blob,
}

impl Credential {
    /// A credential under the set-up that there is.
    pub fn new(
        key_id: KeyId,
        epoch: u32,
        key: &OpaqueKey,
        record: [u8; RECORD_BYTES],
        blob: Blob,
    ) -> Credential {
        Credential { key_id, epoch, opaque: OPAQUE_NUMBER, stretch: key.stretch, record, blob }
    }

    /// What the command that brings it says of it, so that nobody can show another one afterwards.
    pub fn commit(&self, ledger_id: LedgerId, server_key: &[u8; 32]) -> [u8; 32] {
        let Stretch { m_kib, t, p } = self.stretch;
        let parts: [&[u8]; 11] = [
            b"ledgerd/credential/2\0",
            &ledger_id.0,
            &self.key_id.0,
            &self.epoch.to_be_bytes(),
            &self.opaque.to_be_bytes(),
            server_key,
            &m_kib.to_be_bytes(),
            &t.to_be_bytes(),
            &p.to_be_bytes(),
            &sha3(&[&self.record]).0,
            self.blob.as_bytes(),
        ];
        sha3(&parts).0
    }

    /// The content of its entry in the vault.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.key_id.0.to_vec();
        let Stretch { m_kib, t, p } = self.stretch;
        for number in [self.epoch, self.opaque, m_kib, t, p] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.record);
        out.extend_from_slice(&(self.blob.as_bytes().len() as u16).to_be_bytes());
        out.extend_from_slice(self.blob.as_bytes());
        out
    }

    /// Reads the content of an entry, with zeros behind it; none if it is no credential's.
    pub fn from_bytes(content: &[u8]) -> Option<Credential> {
        let mut cutter = Cutter(content);
        let key_id = KeyId(cutter.array()?);
        let (epoch, opaque) = (cutter.u32()?, cutter.u32()?);
        let stretch = Stretch { m_kib: cutter.u32()?, t: cutter.u32()?, p: cutter.u32()? };
        let record = cutter.array()?;
        let length = cutter.u16()?;
        let blob = cutter.bytes(length.into())?.to_vec();
        Some(Credential { key_id, epoch, opaque, stretch, record, blob: Blob::from_bytes(blob).ok()? })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential(of key {}, epoch {})", self.key_id, self.epoch)
    }
}
