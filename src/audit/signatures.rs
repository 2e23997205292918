//! Signatures, checked in chunks: one costs as much as everything else about a block taken twenty times, so
//! several threads may share them. What is found does not depend on how many threads there are.

use std::num::NonZeroUsize;

use super::findings::{Findings, Place};
use crate::crypto::rsa::PublicKey;

/// Signatures in a chunk. About a fifth of a second on one thread, which is how long a cancelled audit can
/// go on.
const CHUNK_COUNT: usize = 1_024;

/// Bytes of messages in a chunk, beyond the last one.
const CHUNK_BYTES: usize = 4 << 20;

/// Signatures that wait to be checked.
#[derive(Debug)]
pub(super) struct Signatures {
    threads: NonZeroUsize,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    checked: u64,
}

/// One signature with all that is needed to check it, and to say where it stands if it is wrong.
#[derive(Debug)]
struct Waiting {
    step: u64,
    file: String,
    offset: u64,
    index: Option<u64>,
    key: PublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    kind: SignatureKind,
}

/// What somebody signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum SignatureKind {
    /// The author a command.
    Command,
    /// The payer a payment order.
    PaymentOrder,
}

impl Signatures {
    pub(super) fn new(threads: NonZeroUsize) -> Signatures {
        Signatures { threads, waiting: Vec::new(), waiting_bytes: 0, checked: 0 }
    }

    /// How many were checked so far.
    pub(super) fn checked(&self) -> u64 {
        self.checked
    }

    /// Takes one that `key` should have made over `message`; checks all that wait when they are enough.
    pub(super) fn push(
        &mut self,
        findings: &mut Findings,
        (step, place): (u64, Place<'_>),
        kind: SignatureKind,
        key: PublicKey,
        (message, signature): (&[u8], &[u8]),
    ) {
        self.waiting.push(Waiting {
            step,
            file: place.file.to_owned(),
            offset: place.offset,
            index: place.index,
            key,
            message: message.to_vec(),
            signature: signature.to_vec(),
            kind,
        });
        self.waiting_bytes = self.waiting_bytes.saturating_add(message.len());
        if self.waiting.len() >= CHUNK_COUNT || self.waiting_bytes >= CHUNK_BYTES {
            self.flush(findings);
        }
    }

    /// Checks all that wait.
    pub(super) fn flush(&mut self, findings: &mut Findings) {
        let share = self.waiting.len().div_ceil(self.threads.get()).max(1);
        let mut wrong: Vec<&Waiting> = Vec::new();
        if self.threads.get() == 1 {
            wrong.extend(self.waiting.iter().filter(|waiting| !waiting.holds()));
        } else {
            std::thread::scope(|scope| {
                let check = |part: &'_ [Waiting]| part.iter().map(Waiting::holds).collect::<Vec<bool>>();
                let parts: Vec<_> = self.waiting.chunks(share).collect();
                let threads: Vec<_> =
                    parts.iter().map(|&part| (part, scope.spawn(move || check(part)))).collect();
                for (part, thread) in threads {
                    // A thread that died has vouched for nothing.
                    let held = thread.join().unwrap_or_default();
                    let held = held.into_iter().chain(std::iter::repeat(false));
                    wrong.extend(part.iter().zip(held).filter(|(_, held)| !held).map(|(waiting, _)| waiting));
                }
            });
        }
        for waiting in wrong {
            let place = Place { file: &waiting.file, offset: waiting.offset, index: waiting.index };
            let (name, reason) = match waiting.kind {
                SignatureKind::Command => {
                    ("bad_signature", "the signature is not the author's over this command")
                }
                SignatureKind::PaymentOrder => (
                    "bad_order_signature",
                    "the signature in this command is not the payer's over the payment order",
                ),
            };
            findings.push(waiting.step, place.finding(name, reason));
        }
        self.checked = self.checked.saturating_add(self.waiting.len() as u64);
        self.waiting.clear();
        self.waiting_bytes = 0;
    }
}

impl Waiting {
    fn holds(&self) -> bool {
        self.key.verify_pss(&[&self.message], &self.signature).is_ok()
    }
}
