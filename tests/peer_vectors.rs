//! The test vectors of the channel between peers (`fixtures/vectors/peer.txt`): a whole connection between the
//! real dialler and the real listener, taken apart by the second implementation of the key schedule.
//! `UPDATE_VECTORS=1` writes the file anew; do that only together with a new protocol version.

use std::time::Duration;

use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::{LedgerId, SigningKey, sha3};
use ledgerd::session::{PeerEnv, PeerEvent, PeerIdentity, PeerSession, Stage};
use ledgerd::time::{Monotonic, Now, Timestamp};
use x25519_dalek::{PublicKey as EphemeralKey, StaticSecret};

use crate::session_vectors::{Book, expand, mac, split};
use crate::session_world::signing_key;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/peer.txt");
const LEDGER: LedgerId = LedgerId([7; 32]);

/// One end of the connection and the world around it.
struct Side {
    /// What the book calls it.
    name: &'static str,
    session: PeerSession,
    identity: PeerIdentity,
    key: SigningKey,
    rng: Seeded,
    seen: Vec<PeerEvent>,
}

fn identity(account: u64, key: &SigningKey) -> PeerIdentity {
    PeerIdentity { ledger_id: LEDGER, account, key_id: key.public().key_id() }
}

fn env(rng: &mut Seeded) -> PeerEnv<'_> {
    let wall = Timestamp::from_millis(1_700_000_000_000);
    let now = Now { wall, mono: Monotonic(Duration::from_secs(5)), ..Now::default() };
    PeerEnv { now, rng, checkpoint_note: "a checkpoint note\n" }
}

impl Side {
    fn new(name: &'static str, account: u64, key: SigningKey, session: PeerSession, rng: Seeded) -> Side {
        Side { name, session, identity: identity(account, &key), key, rng, seen: Vec::new() }
    }

    /// Takes bytes from the other side, signs and verifies as it is asked to, and gives what it answers.
    fn hear(&mut self, bytes: &[u8], other: &SigningKey) -> Vec<u8> {
        self.session.receive(bytes, &mut env(&mut self.rng));
        while let Some(event) = self.session.poll_event() {
            match event {
                PeerEvent::Sign(signed) => {
                    let mut rng = Seeded::new(&format!("peer {} signature", self.name));
                    let signature = self.key.sign(&mut rng, &[&signed]);
                    self.session.signed(signature, &mut env(&mut self.rng));
                }
                PeerEvent::Verify { signed, signature, .. } => {
                    let good = other.public().verify(&[&signed], &signature).is_ok();
                    self.session.verified(good, &mut env(&mut self.rng));
                }
                event => self.seen.push(event),
            }
        }
        self.session.take_output()
    }

    /// What it draws from its generator: first the ephemeral secret, then the random.
    fn draws(&self, book: &mut Book) -> ([u8; 32], StaticSecret) {
        let mut draws = Seeded::new(&format!("peer {}", self.name));
        let secret = StaticSecret::from(random::bytes::<32>(&mut draws));
        let random: [u8; 32] = random::bytes(&mut draws);
        book.put(&format!("{}_random", self.name), &random);
        book.put(&format!("{}_ephemeral_secret", self.name), secret.as_bytes());
        book.put(&format!("{}_ephemeral", self.name), EphemeralKey::from(&secret).as_bytes());
        (random, secret)
    }

    fn put_identity(&self, book: &mut Book) {
        book.put(&format!("{}_account", self.name), &self.identity.account.to_be_bytes());
        book.put(&format!("{}_spki", self.name), self.key.public().spki());
        book.put(&format!("{}_key_id", self.name), &self.identity.key_id.0);
    }
}

/// The transcript as both sides count it, and the keys of one of them in the handshake.
struct Reader<'a> {
    book: &'a mut Book,
    transcript: Vec<u8>,
}

impl Reader<'_> {
    fn hash(&self) -> [u8; 32] {
        sha3(&[&self.transcript]).0
    }

    /// Reads the authentication and the Finished with which a side answers: its first two records under this
    /// handshake secret. Gives what stands behind the proof in the Finished.
    fn authentication(&mut self, side: &Side, role: u8, secret: &[u8], records: &[&[u8]]) -> Vec<u8> {
        let (letter, kinds) = if role == 0 { ('c', [3, 4]) } else { ('s', [5, 2]) };
        let names = [format!("{letter}auth"), format!("{letter}fin")];
        let record_key = expand(secret, "key", b"", 64);
        let PeerIdentity { ledger_id, account, key_id } = side.identity;
        let hash = self.hash();
        let parts = [b"ledgerd/lsc1/peer-auth/1\0".as_slice(), &[role], &ledger_id.0];
        let signed = [&parts.concat()[..], &account.to_be_bytes(), &key_id.0, &hash].concat();
        self.book.put(&format!("{}_signed", names[0]), &signed);
        let auth = self.book.record(&names[0], &record_key, 0, records[0]);
        assert_eq!(auth[..3], [&[kinds[0]], &424_u16.to_be_bytes()[..]].concat());
        assert_eq!(auth[3..43], [&account.to_be_bytes()[..], &key_id.0].concat());
        assert_eq!(side.key.public().verify(&[&signed], &auth[43..]), Ok(()));
        self.transcript.extend(auth);
        let before = self.hash();
        self.book.put(if role == 0 { "th3" } else { "th_sauth" }, &before);
        let finished = self.book.record(&names[1], &record_key, 1, records[1]);
        assert_eq!(finished[0], kinds[1]);
        assert_eq!(finished[3..35], mac(&expand(secret, "finished", b"", 32), &before));
        self.transcript.extend(&finished);
        let after = self.hash();
        self.book.put(if role == 0 { "th4" } else { "th2" }, &after);
        finished[35..].to_vec()
    }
}

#[test]
fn the_peer_vectors_are_what_the_channel_does() {
    let mut book = Book::default();
    book.text("Test vector of the channel between peers. Fields: README.md. All values are hexadecimal.");
    book.section("peer");
    let (dialler_key, listener_key) = (signing_key("client"), signing_key("other"));
    let mut rng = Seeded::new("peer dialler");
    let session = PeerSession::dial(identity(1, &dialler_key), 2, &mut rng);
    let mut dialler = Side::new("dialler", 1, dialler_key.clone(), session, rng);
    let session = PeerSession::listen(identity(2, &listener_key));
    let mut listener = Side::new("listener", 2, listener_key.clone(), session, Seeded::new("peer listener"));
    book.put("ledger_id", &LEDGER.0);
    dialler.put_identity(&mut book);
    listener.put_identity(&mut book);

    let (random, dialler_secret) = dialler.draws(&mut book);
    let hello = dialler.session.take_output();
    let start = [&[0x13, 0, 72][..], b"LSC1", &[0, 1, 0, 1], &random].concat();
    assert_eq!(hello, [&start[..], EphemeralKey::from(&dialler_secret).as_bytes()].concat());
    book.put("peer_hello", &hello);

    let answer = listener.hear(&hello, &dialler_key);
    let (random, listener_secret) = listener.draws(&mut book);
    let records = split(&answer);
    let [reply, records @ ..] = &records[..] else { panic!("no answer") };
    let ephemeral = EphemeralKey::from(&listener_secret);
    assert_eq!(*reply, [&[0x14, 0, 68, 0, 1, 0, 1][..], &random, ephemeral.as_bytes()].concat());
    book.put("peer_reply", reply);

    let t0 = [&b"ledgerd/lsc1/peer/1\0"[..], &LEDGER.0].concat();
    let transcript = [&t0[..], &hello, reply].concat();
    let th1 = sha3(&[&transcript]).0;
    let es = dialler_secret.diffie_hellman(&ephemeral);
    let prk = mac(&th1, &[&[0; 32], &es.as_bytes()[..]].concat());
    let (c_hs, s_hs) = (expand(&prk, "c hs", &th1, 32), expand(&prk, "s hs", &th1, 32));
    book.put("t0", &t0);
    book.put("es", es.as_bytes());
    book.put("th1", &th1);
    book.put("prk", &prk);
    for (name, secret) in [("c_hs", &c_hs), ("s_hs", &s_hs)] {
        book.put(name, secret);
        book.put(&format!("{name}_key"), &expand(secret, "key", b"", 64));
    }
    book.put("fin_c", &expand(&c_hs, "finished", b"", 32));
    book.put("fin_s", &expand(&s_hs, "finished", b"", 32));
    let mut reader = Reader { book: &mut book, transcript };
    let params = reader.authentication(&listener, 1, &s_hs, records);
    let note = b"a checkpoint note\n";
    let fixed =
        [&1_700_000_000_000_u64.to_be_bytes()[..], &65_536_u32.to_be_bytes(), &[0; 4], &[0, 18]].concat();
    assert_eq!(params, [&fixed[..], note].concat());

    let mut flight = dialler.hear(&answer, &listener_key);
    dialler.session.send_message(b"hello", &mut env(&mut dialler.rng)).unwrap();
    flight.append(&mut dialler.session.take_output());
    let records = split(&flight);
    assert!(reader.authentication(&dialler, 0, &c_hs, &records).is_empty());
    let th4 = reader.hash();
    let (c_ap, s_ap) = (expand(&prk, "c ap", &th4, 32), expand(&prk, "s ap", &th4, 32));
    book.put("c_ap", &c_ap);
    book.put("s_ap", &s_ap);
    book.flight("dialler", c_ap, &records[2..]);
    assert!(listener.hear(&flight, &dialler_key).is_empty());
    listener.session.send_message(b"welcome", &mut env(&mut listener.rng)).unwrap();
    listener.session.close(&mut env(&mut listener.rng));
    let last = listener.session.take_output();
    book.flight("listener", s_ap, &split(&last));
    dialler.hear(&last, &listener_key);
    assert!(dialler.seen.contains(&PeerEvent::Message(b"welcome".to_vec())), "{:?}", dialler.seen);
    assert!(listener.seen.contains(&PeerEvent::Message(b"hello".to_vec())), "{:?}", listener.seen);
    assert_eq!([dialler.session.stage(), listener.session.stage()], [Stage::Closed; 2]);
    book.compare(FILE);
}
