//! Transcript hash and key schedule. Nothing here knows which side it is on or how the shared input came
//! about, so that the handshake between peers can use it unchanged.

use sha3::{Digest as _, Sha3_256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{self, Digest, LedgerId};

/// 32 secret bytes that wipe themselves.
pub type Secret = Zeroizing<[u8; 32]>;

/// The running hash over everything that both sides have said, hellos as frames and the rest as messages.
#[derive(Clone)]
pub struct Transcript(Sha3_256);

impl Transcript {
    /// Starts with the server's descriptor, as SHA3-256 over its exact text, signature lines included.
    pub fn of_server(descriptor_hash: &Digest) -> Transcript {
        Transcript(Sha3_256::new_with_prefix(b"ledgerd/lsc1/transcript/1\0").chain_update(descriptor_hash.0))
    }

    /// Starts a handshake between peers of one ledger.
    pub fn of_peers(ledger: &LedgerId) -> Transcript {
        Transcript(Sha3_256::new_with_prefix(b"ledgerd/lsc1/peer/1\0").chain_update(ledger.0))
    }

    /// Adds bytes as they stand on the wire: a frame with its header.
    pub fn frame(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds an encrypted handshake message: its kind, the length of its payload, its payload. The padding of
    /// its record is not part of it.
    pub fn message(&mut self, kind: u8, payload: &[u8]) {
        self.0.update([kind]);
        self.0.update((payload.len() as u16).to_be_bytes());
        self.0.update(payload);
    }

    /// The hash up to here.
    pub fn hash(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transcript({})", Digest(self.hash()))
    }
}

/// Which side a secret belongs to: the one that sends under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client, or the dialling peer.
    Client,
    /// The server, or the listening peer.
    Server,
}

impl Side {
    /// The other end of the connection.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// The secret of one handshake, from which every key of the connection comes.
pub struct Schedule {
    prk: Secret,
    th1: [u8; 32],
}

impl Schedule {
    /// Mixes the transported or resumed secret with the X25519 secret, bound to both hellos.
    pub fn new(th1: [u8; 32], transported: &[u8; 32], ephemeral: &[u8; 32]) -> Schedule {
        let mut input = Zeroizing::new([0; 64]);
        input[..32].copy_from_slice(transported);
        input[32..].copy_from_slice(ephemeral);
        Schedule { prk: crypto::extract(&th1, &input[..]), th1 }
    }

    /// The secret under which `side` sends during the handshake.
    pub fn handshake(&self, side: Side) -> Secret {
        let label = match side {
            Side::Client => "c hs",
            Side::Server => "s hs",
        };
        expand(&self.prk, label, &self.th1)
    }

    /// The secret under which `side` sends once the channel is open.
    pub fn application(&self, side: Side, th4: &[u8; 32]) -> Secret {
        let label = match side {
            Side::Client => "c ap",
            Side::Server => "s ap",
        };
        expand(&self.prk, label, th4)
    }

    /// The secret from which tickets of this connection come.
    pub fn resumption(&self, th4: &[u8; 32]) -> Secret {
        expand(&self.prk, "res", th4)
    }

    /// A secret for uses outside the channel that are bound to it.
    pub fn exporter(&self, th4: &[u8; 32]) -> Secret {
        expand(&self.prk, "exp", th4)
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schedule([redacted])")
    }
}

/// The key of the records sent under a secret.
pub fn record_key(secret: &Secret) -> Zeroizing<[u8; 64]> {
    expand(secret, "key", b"")
}

/// The secret that follows after a key update.
pub fn next_secret(secret: &Secret) -> Secret {
    expand(secret, "upd", b"")
}

/// The proof that the sender under a handshake secret saw this transcript.
pub fn finished(handshake_secret: &Secret, transcript: &[u8; 32]) -> [u8; 32] {
    crypto::mac(&expand(handshake_secret, "finished", b""), &[transcript])
}

/// The secret that a ticket stands for.
pub fn ticket_psk(resumption: &Secret, ticket_id: &[u8; 16]) -> Secret {
    expand(resumption, "psk", ticket_id)
}

/// The proof that the sender of a resumption hello holds the ticket's secret.
pub fn binder(psk: &Secret, transcript: &[u8; 32]) -> [u8; 32] {
    crypto::mac(&expand(&crypto::extract(&[0; 32], &psk[..]), "res binder", b""), &[transcript])
}

/// Compares proofs in constant time.
pub fn same(left: &[u8; 32], right: &[u8]) -> bool {
    left[..].ct_eq(right).into()
}

/// HKDF-Expand with the label form of TLS 1.3 under our own prefix.
fn expand<const N: usize>(secret: &Secret, label: &str, context: &[u8]) -> Zeroizing<[u8; N]> {
    const PREFIX: &[u8] = b"lsc1 ";
    let length = (N as u16).to_be_bytes();
    let label_length = [(PREFIX.len() + label.len()) as u8];
    let context_length = [context.len() as u8];
    let info = [&length[..], &label_length, PREFIX, label.as_bytes(), &context_length, context];
    crypto::expand(secret, &info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_a_schedule_differs_from_every_other() {
        let schedule = Schedule::new([1; 32], &[2; 32], &[3; 32]);
        let th4 = [4; 32];
        let c_hs = schedule.handshake(Side::Client);
        let res = schedule.resumption(&th4);
        let mut all = vec![
            *schedule.handshake(Side::Server),
            *schedule.application(Side::Client, &th4),
            *schedule.application(Side::Server, &th4),
            *schedule.exporter(&th4),
            *next_secret(&c_hs),
            *ticket_psk(&res, &[0; 16]),
            *ticket_psk(&res, &[1; 16]),
            finished(&c_hs, &th4),
            binder(&c_hs, &th4),
            *c_hs,
            *res,
            *Schedule::new([1; 32], &[3; 32], &[2; 32]).handshake(Side::Client),
        ];
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn an_absent_message_and_an_empty_message_are_different_transcripts() {
        let start = Transcript::of_server(&Digest([9; 32]));
        let mut with = start.clone();
        with.message(3, b"");
        assert_ne!(start.hash(), with.hash());
        assert_ne!(start.hash(), Transcript::of_peers(&LedgerId([9; 32])).hash());
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Schedule::new([1; 32], &[2; 32], &[3; 32])), "Schedule([redacted])");
    }
}
