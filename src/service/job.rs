//! Work that takes longer than the reactor may wait, and is done by helper threads. A job owns its bytes and shares nothing.
//! Its result comes back to the service, which alone decides what follows.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::ConnectionId;
use super::sealed_check::SealedCheck;
use crate::audit::{self, AuditError, Report};
use crate::crypto::rsa::{MODULUS_BYTES, PrivateKey};
use crate::crypto::{KeyId, KeyPolicyError, LedgerId, Signature, VerifyingKey};
use crate::domain::Rejection;
use crate::eventlog::Storage;
use crate::journal;
use crate::ledger::{RebuildError, RebuiltTree, TreeRebuild};
use crate::password::{
    KE1_BYTES, KE2_BYTES, LoginStarted, OpaqueError, RECORD_BYTES, REQUEST_BYTES, RESPONSE_BYTES, ServerSetup,
};
use crate::session::KeySlot;
use crate::wire::SideCredential;

/// The helper that a job goes to. A lane never holds up another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// RSA private operations, of 6 ms each. There is one thread for them, and their results are released on a grid of 2 ms.
    Private,
    /// Signature checks, of 20 to 60 µs each.
    Signatures,
    /// Checks of the whole log.
    Log,
    /// Work on the file of stored hashes, which is made anew here so that it does not wait behind a check of the log.
    Tree,
    /// Log-ins by password, of some 100 µs a step. Their results are released on the grid as well.
    Passwords,
    /// Writing the journal and looking into it. There is one thread, so that whoever looks sees what was to be written before.
    Journal,
}

/// The server's private keys, which the helpers hold and the loop does not.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The key of the newest descriptor.
    pub current: PrivateKey,
    /// The key before the current one, as long as hellos for it are accepted.
    pub previous: Option<PrivateKey>,
    /// A secret that makes the answers to bad ciphertexts unpredictable. Every process has a new one.
    pub reject: Zeroizing<[u8; 32]>,
    /// What answers log-ins by password; none where nobody logs in by password.
    pub passwords: Option<ServerSetup>,
}

/// A computation for a helper thread.
pub enum Job {
    /// Takes the secret out of a hello.
    Decap {
        /// The connection over which the hello came.
        connection: ConnectionId,
        /// The server key that the hello was encrypted to.
        slot: KeySlot,
        /// The OAEP ciphertext.
        ciphertext: Box<[u8; MODULUS_BYTES]>,
    },
    /// Checks that a client holds the key that it claims.
    VerifyClient {
        /// The connection of the client.
        connection: ConnectionId,
        /// DER of the key that the client claims to hold. If there is no such account, or the account has no such key, this is
        /// some other key.
        key: Vec<u8>,
        /// Whether `key` is one of the account's keys. If not, the check takes the same time and fails, so that the time of an
        /// answer says nothing about who is a member.
        known: bool,
        /// The signed bytes.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// Checks the signatures of a command.
    VerifyCommand(CommandCheck),
    /// Checks the whole log from disk.
    VerifyLog {
        /// The data directory.
        storage: Arc<dyn Storage>,
        /// The number of blocks to check, from the first on.
        up_to: u64,
        /// The number of threads that check signatures beside the thread that reads. It is 1 until whoever runs the job
        /// knows of more cores. The findings do not depend on it.
        threads: NonZeroUsize,
        /// A flag that is set when nobody waits for the answer any more.
        cancelled: Arc<AtomicBool>,
    },
    /// Makes the file of stored hashes anew.
    RebuildTree(TreeRebuild),
    /// Makes a step of a log-in, or of the registration of a password.
    Password(PasswordJob),
    /// Writes records of the journal.
    WriteJournal {
        /// The data directory.
        storage: Arc<dyn Storage>,
        /// The records.
        write: journal::Write,
    },
    /// Looks into the journal.
    ReadJournal(LookIntoJournal),
}

/// A step of a log-in, or of the registration of a password.
pub struct PasswordJob {
    /// The connection over which it came.
    pub connection: ConnectionId,
    /// Id of the request.
    pub request: u32,
    /// The ledger, which the server names itself by.
    pub ledger_id: LedgerId,
    /// What the e-mail is called in the protocol.
    pub credential_id: [u8; 32],
    /// The step.
    pub step: PasswordStep,
}

/// Which step it is.
pub enum PasswordStep {
    /// The answer to the first message of a registration.
    Register {
        /// The message.
        request: [u8; REQUEST_BYTES],
    },
    /// The answer to the first message of a log-in.
    LogIn {
        /// The record of the account; none if nobody has the e-mail.
        record: Option<Box<[u8; RECORD_BYTES]>>,
        /// The message.
        ke1: Box<[u8; KE1_BYTES]>,
        /// What the log-in is bound to.
        context: Vec<u8>,
    },
}

/// The answer to a step.
pub enum PasswordAnswer {
    /// The answer to the first message of a registration.
    Registered([u8; RESPONSE_BYTES]),
    /// The answer to the first message of a log-in, with what its proof is checked with.
    Started(Box<LoginStarted>, Box<[u8; KE2_BYTES]>),
}

/// A look into the journal, for somebody who waits for it.
pub struct LookIntoJournal {
    /// The data directory.
    pub storage: Arc<dyn Storage>,
    /// The connection over which it was asked for.
    pub connection: ConnectionId,
    /// The id of the request.
    pub request: u32,
    /// What is looked for.
    pub read: journal::Read,
}

/// A command whose signatures are to be checked. The check comes back with the verdict.
pub struct CommandCheck {
    /// The connection over which the command came.
    pub connection: ConnectionId,
    /// The place of the command among those of its connection.
    pub sequence: u64,
    /// The key to check the author's signature with.
    pub key: CheckingKey,
    /// The signed bytes, M.
    pub message: Vec<u8>,
    /// The author's signature over M.
    pub signature: Vec<u8>,
    /// The further signatures that the command carries.
    pub endorsements: Vec<EndorsementCheck>,
    /// What opens the sealed fields of the command, if it has any.
    pub sealed: Option<SealedCheck>,
    /// The credential that came beside the command, if it brings one.
    pub credential: Option<Box<SideCredential>>,
    /// The code of the second factor that came beside the command, if it brings one.
    pub code: Option<Zeroizing<String>>,
}

/// Bytes of a command, at most, that is hashed in less time than the check of its signature takes.
const QUICK_BYTES_MAX: usize = 4 << 10;

/// A further signature in a command, which is checked along with the author's.
pub enum EndorsementCheck {
    /// The signature is checked with a key.
    Signature {
        /// The key of the endorser.
        key: CheckingKey,
        /// The bytes that were signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
        /// The name and the sentence of the refusal where the signature does not hold.
        refusal: (&'static str, &'static str),
    },
    /// The signature cannot be checked, because the member never had the key that is named. The rejection says so.
    Unknown(Rejection),
}

/// The key that a signature is checked with.
pub enum CheckingKey {
    /// A key that is ready for use.
    Ready(VerifyingKey),
    /// DER `SubjectPublicKeyInfo` of a stranger's or a member's key. The helper that checks with the key holds it against the key
    /// policy and makes it ready.
    Spki(Vec<u8>),
}

/// The result of a job.
pub enum JobResult {
    /// The secret of a hello or, for a bad ciphertext, bytes that depend on the ciphertext alone.
    Decapped {
        /// The connection over which the hello came.
        connection: ConnectionId,
        /// The secret, or the bytes in its place.
        secret: Zeroizing<[u8; 32]>,
    },
    /// The answer to whether a client holds its key.
    ClientVerified {
        /// The connection of the client.
        connection: ConnectionId,
        /// The client's key, ready for use, if the client holds it; none otherwise.
        key: Option<VerifyingKey>,
    },
    /// The verdict on the signatures of a command.
    CommandVerified {
        /// The check, with its command. The keys in it are ready for use now.
        check: CommandCheck,
        /// The verdict.
        verdict: SignatureVerdict,
    },
    /// The answer to a step of a log-in.
    PasswordAnswered {
        /// The connection over which it came.
        connection: ConnectionId,
        /// Id of the request.
        request: u32,
        /// The answer.
        answer: Result<PasswordAnswer, OpaqueError>,
    },
    /// The progress of a check of the log.
    LogProgress {
        /// Bytes that were read.
        done: u64,
        /// Bytes that there are to read.
        total: u64,
    },
    /// The findings of a check of the log, or the reason why it could not be done.
    LogVerified(Result<Box<Report>, AuditError>),
    /// The new file of stored hashes, or the reason why it could not be made.
    TreeRebuilt(Result<RebuiltTree, RebuildError>),
    /// Word of records of the journal that were to be written: how many could not be, and why.
    JournalWritten(Result<(), (u64, io::Error)>),
    /// A page of the journal.
    JournalRead {
        /// The connection over which it was asked for.
        connection: ConnectionId,
        /// The id of the request.
        request: u32,
        /// The page, or the reason why there is none.
        page: io::Result<journal::Page>,
    },
}

/// The verdict on whether a command was signed by all who have to sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// All signatures hold.
    Good,
    /// The author's signature does not hold.
    Bad,
    /// The author's signature holds, but a further signature does not: the name and the sentence of the refusal.
    BadEndorsement(&'static str, &'static str),
    /// The author's signature holds, but a further signature names a key that the member never had: the rejection.
    UnknownEndorser(Rejection),
    /// A key in the command breaks the key policy.
    BadKey(KeyPolicyError),
}

impl Job {
    /// The helper that the job goes to.
    pub fn lane(&self) -> Lane {
        match self {
            Job::Decap { .. } => Lane::Private,
            Job::VerifyClient { .. } | Job::VerifyCommand(_) => Lane::Signatures,
            Job::VerifyLog { .. } => Lane::Log,
            Job::RebuildTree(_) => Lane::Tree,
            Job::Password(_) => Lane::Passwords,
            Job::WriteJournal { .. } | Job::ReadJournal(_) => Lane::Journal,
        }
    }

    /// Does the work, and hands every result to `emit`. A helper thread calls this, and the simulator calls it in its own loop.
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
            Job::Password(job) => {
                let PasswordJob { connection, request, .. } = job;
                let answer = keys.passwords.as_ref().ok_or(OpaqueError::NotRight);
                let answer = answer.and_then(|setup| job.answer(setup, rng));
                emit(JobResult::PasswordAnswered { connection, request, answer });
            }
            Job::WriteJournal { storage, write } => {
                let written = write.run(storage.as_ref());
                let records = write.records.len() as u64;
                emit(JobResult::JournalWritten(written.map_err(|error| (records, error))));
            }
            Job::ReadJournal(LookIntoJournal { storage, connection, request, read }) => {
                emit(JobResult::JournalRead { connection, request, page: read.run(storage.as_ref()) });
            }
        }
    }
}

impl PasswordJob {
    fn answer(self, setup: &ServerSetup, rng: &mut dyn CryptoRng) -> Result<PasswordAnswer, OpaqueError> {
        match self.step {
            PasswordStep::Register { request } => {
                setup.register(&request, &self.credential_id).map(PasswordAnswer::Registered)
            }
            PasswordStep::LogIn { record, ke1, context } => {
                let bound = (self.ledger_id, context.as_slice());
                let started = setup.start_login(record.as_deref(), &ke1, &self.credential_id, bound, rng);
                started.map(|(state, ke2)| PasswordAnswer::Started(Box::new(state), Box::new(ke2)))
            }
        }
    }
}

impl CommandCheck {
    /// Whether the check is no more than one signature of a member over a small command, which takes some 20 µs, and 60 µs
    /// without vector instructions.
    pub(super) fn is_quick(&self) -> bool {
        let prepared = matches!(self.key, CheckingKey::Ready(_));
        prepared
            && self.endorsements.is_empty()
            && self.sealed.is_none()
            && self.message.len() <= QUICK_BYTES_MAX
    }

    /// The time that the check takes, where the check of a small command counts 1.
    pub(super) fn weight(&self) -> u64 {
        1 + (self.message.len() / QUICK_BYTES_MAX) as u64
    }

    /// The id of the key that the command is checked with.
    pub(super) fn key_id(&self) -> KeyId {
        match &self.key {
            CheckingKey::Ready(key) => key.key_id(),
            CheckingKey::Spki(spki) => KeyId::of_spki(spki),
        }
    }

    /// Checks all signatures of the command, and if they hold opens its sealed fields. The keys are ready for use afterwards.
    pub(super) fn verdict(&mut self) -> SignatureVerdict {
        let verdict = self.check().err().unwrap_or(SignatureVerdict::Good);
        if let (SignatureVerdict::Good, Some(sealed)) = (&verdict, &mut self.sealed) {
            sealed.run(&self.message);
        }
        verdict
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

    /// The keys of this check that are ready for use. Those of members are worth keeping.
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
