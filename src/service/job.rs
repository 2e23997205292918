//! Work that takes longer than the reactor may wait. Jobs own their bytes, share nothing, and come back as
//! results; only the service decides what follows from one.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::ConnectionId;
use crate::audit::{self, AuditError, Report};
use crate::crypto::rsa::{MODULUS_BYTES, PrivateKey};
use crate::crypto::{KeyId, KeyPolicyError, Signature, VerifyingKey};
use crate::domain::Rejection;
use crate::eventlog::Storage;
use crate::ledger::{RebuildError, RebuiltTree, TreeRebuild};
use crate::session::KeySlot;

/// Which helper a job goes to. No lane can hold up another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// RSA private operations: 6 ms each, one thread, results released on a grid of 2 ms.
    Private,
    /// Signature checks: 0.2 ms each.
    Signatures,
    /// Reading the whole log.
    Log,
    /// Making the file of stored hashes anew, for which nobody waits behind a check of the log.
    Tree,
}

/// The server's private RSA keys, held by the private lane alone.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The key of the newest descriptor.
    pub current: PrivateKey,
    /// The key before it, while it is accepted.
    pub previous: Option<PrivateKey>,
    /// Makes the answers to bad ciphertexts unpredictable; new in every process.
    pub reject: Zeroizing<[u8; 32]>,
}

/// Something to compute.
pub enum Job {
    /// Take the secret out of a hello.
    Decap {
        /// Whose hello.
        connection: ConnectionId,
        /// For which key.
        slot: KeySlot,
        /// The OAEP ciphertext.
        ciphertext: Box<[u8; MODULUS_BYTES]>,
    },
    /// Check that a client holds its key.
    VerifyClient {
        /// Whose.
        connection: ConnectionId,
        /// DER of the key that the client claims to hold; of any key, if there is no such account or it has another one.
        key: Vec<u8>,
        /// Whether it is the account's key. Without that the check takes the same time and fails: how long an answer
        /// takes says nothing about who is a member.
        known: bool,
        /// The signed bytes.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// Check the signature of a command.
    VerifyCommand(CommandCheck),
    /// Check the whole log from disk.
    VerifyLog {
        /// The data directory.
        storage: Arc<dyn Storage>,
        /// How many blocks.
        up_to: u64,
        /// Threads for signatures beside the one that reads. One until whoever runs the job knows of more cores;
        /// what is found does not depend on it.
        threads: NonZeroUsize,
        /// Set when nobody waits for the answer any more.
        cancelled: Arc<AtomicBool>,
    },
    /// Make the file of stored hashes anew.
    RebuildTree(TreeRebuild),
}

/// A command whose signature is to be checked; comes back with the verdict.
pub struct CommandCheck {
    /// Who sent it.
    pub connection: ConnectionId,
    /// Its place among the commands of that connection.
    pub sequence: u64,
    /// The key to check with.
    pub key: CheckingKey,
    /// M.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The further signatures that it carries.
    pub endorsements: Vec<EndorsementCheck>,
}

/// Bytes of a command that is hashed in less time than its signature takes.
const QUICK_BYTES_MAX: usize = 4 << 10;

/// A further signature in a command, which is checked along with it.
pub enum EndorsementCheck {
    /// It is checked.
    Signature {
        /// Whose key.
        key: CheckingKey,
        /// What was signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
        /// Name and sentence of the refusal where it does not hold.
        refusal: (&'static str, &'static str),
    },
    /// There is nothing to check it with: no account has the key that is named.
    Unknown(Rejection),
}

/// The key that a signature is checked with.
pub enum CheckingKey {
    /// It is ready for use.
    Ready(VerifyingKey),
    /// DER `SubjectPublicKeyInfo`, of a stranger or of a member: it is held against the key policy and made ready by whoever
    /// checks with it.
    Spki(Vec<u8>),
}

/// What came of a job.
pub enum JobResult {
    /// The secret of a hello, or bytes that depend on the ciphertext alone.
    Decapped {
        /// Whose hello.
        connection: ConnectionId,
        /// 32 bytes.
        secret: Zeroizing<[u8; 32]>,
    },
    /// Whether a client holds its key.
    ClientVerified {
        /// Whose.
        connection: ConnectionId,
        /// Its key, ready for use, if it does.
        key: Option<VerifyingKey>,
    },
    /// Whether a command was signed by its author.
    CommandVerified {
        /// What was checked.
        check: CommandCheck,
        /// The verdict.
        verdict: SignatureVerdict,
    },
    /// How far the check of the log is.
    LogProgress {
        /// Bytes read.
        done: u64,
        /// Bytes to read.
        total: u64,
    },
    /// The check of the log is done.
    LogVerified(Result<Box<Report>, AuditError>),
    /// The file of stored hashes was made anew, or could not be.
    TreeRebuilt(Result<RebuiltTree, RebuildError>),
}

/// Whether a command was signed by all who have to sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// It was.
    Good,
    /// It was not.
    Bad,
    /// Its author signed it, but a further signature in it does not hold: name and sentence of the refusal.
    BadEndorsement(&'static str, &'static str),
    /// Its author signed it, but a further signature in it is of a key that no account has.
    UnknownEndorser(Rejection),
    /// The stranger's key is not one that the ledger accepts.
    BadKey(KeyPolicyError),
}

impl Job {
    /// Which helper the job goes to.
    pub fn lane(&self) -> Lane {
        match self {
            Job::Decap { .. } => Lane::Private,
            Job::VerifyClient { .. } | Job::VerifyCommand(_) => Lane::Signatures,
            Job::VerifyLog { .. } => Lane::Log,
            Job::RebuildTree(_) => Lane::Tree,
        }
    }

    /// Computes, and hands every result to `emit`. Runs on a helper thread, or inline in the simulator.
    pub fn run(self, keys: &Keys, rng: &mut dyn CryptoRng, emit: &mut dyn FnMut(JobResult)) {
        match self {
            Job::Decap { connection, slot, ciphertext } => {
                let key = match slot {
                    KeySlot::Current => &keys.current,
                    // A hello for a previous key that is gone meanwhile fails like any other garbage.
                    KeySlot::Previous => keys.previous.as_ref().unwrap_or(&keys.current),
                };
                let secret = key.decap(rng, &ciphertext, &keys.reject);
                emit(JobResult::Decapped { connection, secret });
            }
            Job::VerifyClient { connection, key, known, signed, signature } => {
                // The key is made ready here and not taken from those that are ready: whether somebody used it a moment
                // ago would show, too.
                let key = VerifyingKey::from_spki(&key);
                let signed = key.as_ref().is_ok_and(|key| key.verify(&[&signed], &signature).is_ok());
                let key = key.ok().filter(|_| known & signed);
                emit(JobResult::ClientVerified { connection, key });
            }
            Job::VerifyCommand(mut check) => {
                let verdict = check.verdict();
                emit(JobResult::CommandVerified { check, verdict });
            }
            Job::VerifyLog { storage, up_to, threads, cancelled } => {
                let request = audit::Request { up_to: Some(up_to), threads, ..audit::Request::default() };
                let report = audit::audit(
                    storage.as_ref(),
                    &request,
                    &mut |done, total| emit(JobResult::LogProgress { done, total }),
                    &|| cancelled.load(Ordering::Relaxed),
                );
                emit(JobResult::LogVerified(report.map(Box::new)));
            }
            Job::RebuildTree(rebuild) => emit(JobResult::TreeRebuilt(rebuild.run())),
        }
    }
}

impl CommandCheck {
    /// Whether there is no more to it than one signature of a member over a small command: some 20 µs, 60 without
    /// vector instructions.
    pub(super) fn is_quick(&self) -> bool {
        let prepared = matches!(self.key, CheckingKey::Ready(_));
        prepared && self.endorsements.is_empty() && self.message.len() <= QUICK_BYTES_MAX
    }

    /// How long the check takes, in such of small commands.
    pub(super) fn weight(&self) -> u64 {
        1 + (self.message.len() / QUICK_BYTES_MAX) as u64
    }

    /// Names the key that the command is checked with.
    pub(super) fn key_id(&self) -> KeyId {
        match &self.key {
            CheckingKey::Ready(key) => key.key_id(),
            CheckingKey::Spki(spki) => KeyId::of_spki(spki),
        }
    }

    /// Checks all that has to be signed. The keys are ready afterwards.
    pub(super) fn verdict(&mut self) -> SignatureVerdict {
        self.check().err().unwrap_or(SignatureVerdict::Good)
    }

    fn check(&mut self) -> Result<(), SignatureVerdict> {
        let key = self.key.make_ready().map_err(SignatureVerdict::BadKey)?;
        key.verify(&[&self.message], &self.signature).map_err(|_| SignatureVerdict::Bad)?;
        for endorsement in &mut self.endorsements {
            match endorsement {
                EndorsementCheck::Signature { key, signed, signature, refusal: (name, sentence) } => {
                    let key = key.make_ready().map_err(SignatureVerdict::BadKey)?;
                    key.verify(&[signed], signature)
                        .map_err(|_| SignatureVerdict::BadEndorsement(name, sentence))?;
                }
                EndorsementCheck::Unknown(rejection) => {
                    return Err(SignatureVerdict::UnknownEndorser(rejection.clone()));
                }
            }
        }
        Ok(())
    }

    /// The keys that are ready: worth keeping, where they are members'.
    pub(super) fn ready_keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        let endorsers = self.endorsements.iter().filter_map(|endorsement| match endorsement {
            EndorsementCheck::Signature { key, .. } => Some(key),
            EndorsementCheck::Unknown(_) => None,
        });
        std::iter::once(&self.key).chain(endorsers).filter_map(|key| match key {
            CheckingKey::Ready(key) => Some(key),
            CheckingKey::Spki(_) => None,
        })
    }
}

impl CheckingKey {
    fn make_ready(&mut self) -> Result<VerifyingKey, KeyPolicyError> {
        let key = match self {
            CheckingKey::Ready(key) => return Ok(key.clone()),
            CheckingKey::Spki(spki) => VerifyingKey::from_spki(spki)?,
        };
        *self = CheckingKey::Ready(key.clone());
        Ok(key)
    }
}
