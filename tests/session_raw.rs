//! A client that does as it likes: the handshake written out by hand from the specification, so that the tests
//! can say at each step what no honest client would say. It shares the key schedule and the record layer with
//! the real one, and nothing else.

use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::rsa::PublicKey;
use ledgerd::session::Descriptor;
use ledgerd::session::record::{Kind, Opener, Sealer};
use ledgerd::session::schedule::{self, Schedule, Secret, Side, Transcript};
use x25519_dalek::{PublicKey as EphemeralKey, StaticSecret};

/// The fields of a client's hello.
pub(crate) struct RawHello {
    pub(crate) frame: Vec<u8>,
    pub(crate) ephemeral: StaticSecret,
    pub(crate) secret: [u8; 32],
}

/// A well-formed hello to the server of this descriptor.
pub(crate) fn hello(descriptor: &Descriptor, rng: &mut Seeded) -> RawHello {
    let secret = random::bytes(rng);
    let ciphertext = descriptor.encryption_key().encrypt_oaep(rng, &secret);
    hello_with(descriptor.encryption_key(), &ciphertext, secret, rng)
}

/// A hello with any ciphertext.
pub(crate) fn hello_with(
    key: &PublicKey,
    ciphertext: &[u8; 384],
    secret: [u8; 32],
    rng: &mut Seeded,
) -> RawHello {
    let ephemeral = StaticSecret::from(random::bytes::<32>(rng));
    let random: [u8; 32] = random::bytes(rng);
    let mut frame = b"\x10\x01\xd8LSC1\x00\x01\x00\x01".to_vec();
    frame.extend_from_slice(&key.key_id().0[..16]);
    frame.extend_from_slice(&random);
    frame.extend_from_slice(EphemeralKey::from(&ephemeral).as_bytes());
    frame.extend_from_slice(ciphertext);
    assert_eq!(frame.len(), 475);
    RawHello { frame, ephemeral, secret }
}

/// A hello that resumes, given the ticket's name and secret.
pub(crate) fn resume_hello(
    descriptor: &Descriptor,
    id: &[u8; 16],
    psk: &Secret,
    rng: &mut Seeded,
) -> RawHello {
    let ephemeral = StaticSecret::from(random::bytes::<32>(rng));
    let random: [u8; 32] = random::bytes(rng);
    let mut frame = b"\x12\x00\x78LSC1\x00\x01\x00\x01".to_vec();
    frame.extend_from_slice(id);
    frame.extend_from_slice(&random);
    frame.extend_from_slice(EphemeralKey::from(&ephemeral).as_bytes());
    let mut bound = Transcript::of_server(&descriptor.hash());
    bound.frame(&frame);
    frame.extend_from_slice(&schedule::binder(psk, &bound.hash()));
    assert_eq!(frame.len(), 123);
    RawHello { frame, ephemeral, secret: **psk }
}

/// The handshake after the server's proof was checked.
pub(crate) struct RawHandshake {
    pub(crate) transcript: Transcript,
    pub(crate) schedule: Schedule,
    pub(crate) client_secret: Secret,
    pub(crate) sealer: Sealer,
}

impl RawHandshake {
    /// Reads the server's hello and proof.
    pub(crate) fn new(descriptor: &Descriptor, hello: &RawHello, answer: &[u8]) -> RawHandshake {
        let (server_hello, rest) = answer.split_at(71);
        assert_eq!(server_hello[..7], *b"\x11\x00\x44\x00\x01\x00\x01");
        let theirs: [u8; 32] = server_hello[39..].try_into().unwrap();
        let shared = hello.ephemeral.diffie_hellman(&EphemeralKey::from(theirs));
        let mut transcript = Transcript::of_server(&descriptor.hash());
        transcript.frame(&hello.frame);
        transcript.frame(server_hello);
        let th1 = transcript.hash();
        let schedule = Schedule::new(th1, &hello.secret, shared.as_bytes());
        let server_secret = schedule.handshake(Side::Server);
        let length = 3 + usize::from(u16::from_be_bytes([rest[1], rest[2]]));
        let (finished, rest) = rest.split_at(length);
        assert!(rest.is_empty(), "the server waits for the client's proof now");
        let mut finished = finished.to_vec();
        let (kind, payload) = Opener::new(server_secret.clone()).open(&mut finished).unwrap();
        assert_eq!(kind, Kind::ServerFinished);
        assert_eq!(payload[..32], schedule::finished(&server_secret, &th1));
        transcript.message(kind as u8, payload);
        let client_secret = schedule.handshake(Side::Client);
        let sealer = Sealer::new(client_secret.clone(), Default::default());
        RawHandshake { transcript, schedule, client_secret, sealer }
    }

    /// Says anything under the handshake keys.
    pub(crate) fn say(&mut self, kind: Kind, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.sealer.seal(kind, &[payload], &mut out).unwrap();
        self.transcript.message(kind as u8, payload);
        out
    }

    /// Ends the handshake properly: the last record, and the keys of the open channel.
    pub(crate) fn finish(mut self) -> (Vec<u8>, RawOpen) {
        let proof = schedule::finished(&self.client_secret, &self.transcript.hash());
        let out = self.say(Kind::ClientFinished, &proof);
        let th4 = self.transcript.hash();
        let open = RawOpen {
            sealer: Sealer::new(self.schedule.application(Side::Client, &th4), Default::default()),
            opener: Opener::new(self.schedule.application(Side::Server, &th4)),
            resumption: self.schedule.resumption(&th4),
        };
        (out, open)
    }
}

/// The open channel.
pub(crate) struct RawOpen {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
    pub(crate) resumption: Secret,
}

impl RawOpen {
    /// Says anything.
    pub(crate) fn say(&mut self, kind: Kind, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.sealer.seal(kind, &[payload], &mut out).unwrap();
        out
    }

    /// Opens all records of the server's output.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<(Kind, Vec<u8>)> {
        let mut rest = bytes;
        let mut heard = Vec::new();
        while !rest.is_empty() {
            let (record, more) = rest.split_at(3 + usize::from(u16::from_be_bytes([rest[1], rest[2]])));
            let mut record = record.to_vec();
            let (kind, payload) = self.opener.open(&mut record).unwrap();
            heard.push((kind, payload.to_vec()));
            rest = more;
        }
        heard
    }
}
