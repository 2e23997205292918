//! Signing a stream of commands in its order, on as many threads as there are cores where a signature takes long. With
//! RSA it takes milliseconds, in which a core does nothing else; with Ed25519 handing a command to a thread would cost as
//! much as signing it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::chain::CommandId;
use crate::client::link::Bell;
use crate::client::{Signed, Signer};
use crate::crypto::KeyKind;
use crate::domain::Command;

/// A command that is signed.
pub(super) struct SignedLine {
    /// Its line in the stream.
    pub(super) line: u64,
    /// Its id.
    pub(super) id: CommandId,
    /// The command.
    pub(super) signed: Signed,
}

/// A command that waits for its signature.
struct Unsigned {
    turn: u64,
    line: u64,
    id: CommandId,
    command: Command,
}

/// See the module.
pub(super) struct Signing {
    signer: Signer,
    /// Where commands go to be signed; nothing where they are signed at once.
    unsigned: Option<Sender<Unsigned>>,
    signed: Receiver<(u64, SignedLine)>,
    /// What was signed before its turn.
    early: BTreeMap<u64, SignedLine>,
    next_in: u64,
    next_out: u64,
}

impl Signing {
    /// Signs with `signer`; `bell` is rung when something is signed.
    pub(super) fn new(signer: Signer, bell: &Bell) -> Signing {
        let (outlet, signed) = channel();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let takes_long = match signer.key.public().kind() {
            KeyKind::Rsa3072 => true,
            KeyKind::Ed25519 => false,
        };
        let unsigned = (takes_long && cores > 1).then(|| {
            let (sender, receiver) = channel();
            let receiver = Arc::new(Mutex::new(receiver));
            for _ in 0..cores {
                let (signer, outlet, bell) = (signer.clone(), outlet.clone(), bell.clone());
                let receiver = Arc::clone(&receiver);
                // A thread ends when there is nothing more to sign, or nobody takes what was signed.
                thread::spawn(move || {
                    while let Some(unsigned) = next(&receiver) {
                        if outlet.send(sign(&signer, unsigned)).is_err() {
                            break;
                        }
                        bell.ring();
                    }
                });
            }
            sender
        });
        Signing { signer, unsigned, signed, early: BTreeMap::new(), next_in: 0, next_out: 0 }
    }

    /// Who signs.
    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Has a command signed.
    pub(super) fn push(&mut self, line: u64, id: CommandId, command: Command) {
        let unsigned = Unsigned { turn: self.next_in, line, id, command };
        self.next_in += 1;
        let kept = match &self.unsigned {
            Some(threads) => threads.send(unsigned).err().map(|error| error.0),
            None => Some(unsigned),
        };
        // Where there are no threads, or none is left, it is signed here.
        if let Some(unsigned) = kept {
            let (turn, signed) = sign(&self.signer, unsigned);
            self.early.insert(turn, signed);
        }
    }

    /// How many wait for their signature, or for their turn.
    pub(super) fn len(&self) -> usize {
        (self.next_in - self.next_out) as usize
    }

    /// The next one in the order of the stream, if it is signed.
    pub(super) fn pop(&mut self) -> Option<SignedLine> {
        while let Ok((turn, signed)) = self.signed.try_recv() {
            self.early.insert(turn, signed);
        }
        self.take()
    }

    /// The next one in the order of the stream, once it is signed; none if none waits.
    pub(super) fn wait(&mut self) -> Option<SignedLine> {
        while self.next_out < self.next_in {
            if let Some(signed) = self.pop() {
                return Some(signed);
            }
            // When no thread is left, nothing more is signed.
            let (turn, signed) = self.signed.recv().ok()?;
            self.early.insert(turn, signed);
        }
        None
    }

    fn take(&mut self) -> Option<SignedLine> {
        let signed = self.early.remove(&self.next_out)?;
        self.next_out += 1;
        Some(signed)
    }
}

/// The next command to sign; none when there will be no more.
fn next(unsigned: &Mutex<Receiver<Unsigned>>) -> Option<Unsigned> {
    unsigned.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn sign(signer: &Signer, unsigned: Unsigned) -> (u64, SignedLine) {
    let Unsigned { turn, line, id, command } = unsigned;
    (turn, SignedLine { line, id, signed: signer.sign(id, &command) })
}
