//! The test vectors of the channel (`fixtures/vectors/channel.txt`): whole connections between the real client
//! and the real server, taken apart by a second implementation of the key schedule that shares no code with
//! the first. `UPDATE_VECTORS=1` writes the file anew; do that only together with a new protocol version.

use std::fmt::Write as _;

use aes_siv::KeyInit as _;
use hmac::Mac as _;
use ledgerd::chain::{Block, Message, block_hash};
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::{LedgerId, sha3};
use ledgerd::session::{ClientEvent, ClientSession, ClientTicket, ServerSession};
use sha3::Sha3_256;
use x25519_dalek::{PublicKey as EphemeralKey, StaticSecret};

use crate::session_world::{ACCOUNT, Ends, World, signing_key};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/channel.txt");

#[test]
fn the_vectors_are_what_the_channel_does() {
    let mut book = Book::default();
    book.text("Test vectors of the channel LSC/1. Fields: README.md. All values but text are hexadecimal.");
    descriptor(&mut book);
    anonymous(&mut book);
    let ticket = authenticated(&mut book);
    resumption(&mut book, &ticket);
    authenticated_with_device_key(&mut book);
    book.compare(FILE);
}

fn descriptor(book: &mut Book) {
    let world = world();
    let descriptor = world.identity.current();
    book.section("descriptor");
    book.put("log_seed", &[9; 32]);
    book.put("log_public", descriptor.log_key().bytes());
    book.put("ledger_id", &descriptor.ledger_id().0);
    book.put("server_spki", world.server_key.public().spki());
    book.put("server_key_id", &world.server_key.public().key_id().0);
    book.put("client_spki", world.client_key.public().spki());
    book.put("client_key_id", &world.client_key.public().key_id().0);
    book.put("descriptor", descriptor.text().as_bytes());
    book.put("descriptor_hash", &descriptor.hash().0);
    book.text(&format!("vkey = {}", descriptor.log_key()));
    book.text(&format!("fingerprint = {}", descriptor.fingerprint()));
    // What a server says when asked for its key.
    let (mut world, mut server) = (world, ServerSession::new());
    world.serve(&mut server, &ledgerd::session::get_key_frame());
    book.put("get_key", &ledgerd::session::get_key_frame());
    book.put("key_info", &server.take_output());
    let parsed = ledgerd::session::Descriptor::parse(world.identity.current().text()).unwrap();
    let again = LogKey::from_seed("ledger.example/test", &[9; 32]).unwrap();
    assert_eq!(parsed.check_pin(again.public(), &LedgerId([7; 32]), 1), Ok(()));
}

fn anonymous(book: &mut Book) {
    book.section("anonymous");
    let mut world = world();
    let (mut ends, mut run) = start_full(book, &mut world, false, "anonymous");
    ends.client.send_message(b"hello", &mut world.client_env()).unwrap();
    ends.client.send_message(&[0x61; 1_022], &mut world.client_env()).unwrap();
    world.advance(3_600);
    ends.client.send_message(b"after an hour", &mut world.client_env()).unwrap();
    ends.client.ping(*b"pingpong", &mut world.client_env()).unwrap();
    finish(book, &mut world, &mut ends, &mut run, true);
}

fn authenticated(book: &mut Book) -> ClientTicket {
    book.section("authenticated");
    let mut world = world();
    let (mut ends, mut run) = start_full(book, &mut world, true, "authenticated");
    ends.client.send_message(b"hello", &mut world.client_env()).unwrap();
    finish(book, &mut world, &mut ends, &mut run, false);
    run.ticket.unwrap()
}

/// The record of the client's authentication is as long as where RSA signs.
fn authenticated_with_device_key(book: &mut Book) {
    book.section("authenticated with a device key");
    let mut world = world();
    world.client_key = signing_key("ed25519_device");
    book.put("client_spki", world.client_key.public().spki());
    book.put("client_key_id", &world.client_key.public().key_id().0);
    let (mut ends, mut run) = start_full(book, &mut world, true, "device");
    ends.client.send_message(b"hello", &mut world.client_env()).unwrap();
    finish(book, &mut world, &mut ends, &mut run, false);
    assert!(run.ticket.is_some());
}

/// The ticket of the section before, at a server that remembers it.
fn resumption(book: &mut Book, ticket: &ClientTicket) {
    book.section("resumption");
    let mut world = world();
    let (mut ends, mut run) = start_full(&mut Book::default(), &mut world, true, "authenticated");
    ends.client.send_message(b"hello", &mut world.client_env()).unwrap();
    finish(&mut Book::default(), &mut world, &mut ends, &mut run, false);
    assert_eq!(run.ticket.as_ref(), Some(ticket));

    let (mut draws, mut rng) = (Seeded::new("resumption client"), Seeded::new("resumption client"));
    let client = ClientSession::resume(ticket, &mut rng);
    let client_random: [u8; 32] = random::bytes(&mut draws);
    let ephemeral = StaticSecret::from(random::bytes::<32>(&mut draws));
    let psk = run.psk.unwrap();
    let mut ends = Ends { server: ServerSession::new(), client };
    let hello = ends.client.take_output();
    let t0 = t0(&world);
    let binder_secret = expand(&mac(&[0; 32], &psk), "res binder", b"", 32);
    let binder_hash = sha3(&[&t0, &hello[..91]]).0;
    assert_eq!(mac(&binder_secret, &binder_hash)[..], hello[91..]);
    book.put("ticket_id", &ticket.id);
    book.put("psk", &psk);
    book.put("client_random", &client_random);
    book.put("client_ephemeral_secret", ephemeral.as_bytes());
    book.put("client_ephemeral", EphemeralKey::from(&ephemeral).as_bytes());
    book.put("binder_secret", &binder_secret);
    book.put("binder_hash", &binder_hash);
    book.put("resume_hello", &hello);
    let mut run = answer(book, &mut world, &mut ends, Start { t0, hello, ephemeral, x: psk }, "resumption");
    ends.client.send_message(b"hello", &mut world.client_env()).unwrap();
    finish(book, &mut world, &mut ends, &mut run, false);
}

fn world() -> World {
    World::new("vectors")
}

fn t0(world: &World) -> Vec<u8> {
    let descriptor_hash = sha3(&[world.identity.current().text().as_bytes()]);
    [&b"ledgerd/lsc1/transcript/1\0"[..], &descriptor_hash.0].concat()
}

/// What the client knows once its hello has left.
struct Start {
    t0: Vec<u8>,
    hello: Vec<u8>,
    ephemeral: StaticSecret,
    x: [u8; 32],
}

/// A connection whose handshake keys are known.
struct Run {
    transcript: Vec<u8>,
    prk: [u8; 32],
    client_handshake: Vec<u8>,
    psk: Option<[u8; 32]>,
    ticket: Option<ClientTicket>,
}

fn start_full(book: &mut Book, world: &mut World, auth: bool, seed: &str) -> (Ends, Run) {
    let name = format!("{seed} client");
    let (mut draws, mut rng) = (Seeded::new(&name), Seeded::new(&name));
    let auth = if auth { world.auth() } else { None };
    let client = ClientSession::full(world.identity.current(), auth, &mut rng);
    let client_random: [u8; 32] = random::bytes(&mut draws);
    let ephemeral = StaticSecret::from(random::bytes::<32>(&mut draws));
    let (st, oaep_seed): ([u8; 32], [u8; 32]) = (random::bytes(&mut draws), random::bytes(&mut draws));
    let mut ends = Ends { server: ServerSession::new(), client };
    let hello = ends.client.take_output();
    assert_eq!(
        (&hello[27..59], &hello[59..91]),
        (&client_random[..], &EphemeralKey::from(&ephemeral).as_bytes()[..])
    );
    book.put("client_random", &client_random);
    book.put("client_ephemeral_secret", ephemeral.as_bytes());
    book.put("client_ephemeral", EphemeralKey::from(&ephemeral).as_bytes());
    book.put("st", &st);
    book.put("oaep_seed", &oaep_seed);
    book.put("client_hello", &hello);
    let t0 = t0(world);
    let run = answer(book, world, &mut ends, Start { t0, hello, ephemeral, x: st }, seed);
    (ends, run)
}

/// Lets the server answer, and follows its answer up to the transcript th2.
fn answer(book: &mut Book, world: &mut World, ends: &mut Ends, start: Start, seed: &str) -> Run {
    world.rng = Seeded::new(&format!("{seed} server"));
    world.serve(&mut ends.server, &start.hello);
    let answer = ends.server.take_output();
    let (server_hello, finished) = answer.split_at(71);
    let theirs: [u8; 32] = server_hello[39..].try_into().unwrap();
    let es = start.ephemeral.diffie_hellman(&EphemeralKey::from(theirs));
    let mut transcript = [&start.t0[..], &start.hello, server_hello].concat();
    let th1 = sha3(&[&transcript]).0;
    let prk = mac(&th1, &[&start.x[..], es.as_bytes()].concat());
    let (c_hs, s_hs) = (expand(&prk, "c hs", &th1, 32), expand(&prk, "s hs", &th1, 32));
    let server_ephemeral =
        StaticSecret::from(random::bytes::<32>(&mut Seeded::new(&format!("{seed} server"))));
    assert_eq!(EphemeralKey::from(&server_ephemeral).as_bytes(), &theirs);
    book.put("server_random", &server_hello[7..39]);
    book.put("server_ephemeral_secret", server_ephemeral.as_bytes());
    book.put("server_ephemeral", &theirs);
    book.put("server_hello", server_hello);
    book.put("es", es.as_bytes());
    book.put("th1", &th1);
    book.put("prk", &prk);
    book.put("c_hs", &c_hs);
    book.put("s_hs", &s_hs);
    book.put("c_hs_key", &expand(&c_hs, "key", b"", 64));
    book.put("s_hs_key", &expand(&s_hs, "key", b"", 64));
    book.put("fin_c", &expand(&c_hs, "finished", b"", 32));
    book.put("fin_s", &expand(&s_hs, "finished", b"", 32));
    let message = book.record("sfin", &expand(&s_hs, "key", b"", 64), 0, finished);
    assert_eq!(message[0], 2);
    assert_eq!(message[3..35], mac(&expand(&s_hs, "finished", b"", 32), &th1));
    transcript.extend(message);
    book.put("th2", &sha3(&[&transcript]).0);
    world.rng = Seeded::new(&format!("{seed} client signature"));
    world.answer(&mut ends.client, &answer);
    world.rng = Seeded::new(&format!("{seed} ticket"));
    Run { transcript, prk, client_handshake: c_hs, psk: None, ticket: None }
}

/// Follows the client's flight and what the server says to it.
fn finish(book: &mut Book, world: &mut World, ends: &mut Ends, run: &mut Run, close: bool) {
    let flight = ends.client.take_output();
    let mut records = split(&flight).into_iter().peekable();
    let key = expand(&run.client_handshake, "key", b"", 64);
    let mut sequence = 0;
    if records.peek().is_some_and(|record| record.len() > 400) {
        let th2 = sha3(&[&run.transcript]).0;
        let key_id = world.client_key.public().key_id().0;
        let context = &b"ledgerd/lsc1/client-auth/1\0"[..];
        let parts = [context, &world.identity.ledger_id().0, &ACCOUNT.to_be_bytes(), &key_id, &th2];
        book.put("cauth_signed", &parts.concat());
        let message = book.record("cauth", &key, sequence, records.next().unwrap());
        assert_eq!(world.client_key.public().verify(&parts, &message[43..]), Ok(()));
        run.transcript.extend(message);
        book.put("th3", &sha3(&[&run.transcript]).0);
        sequence += 1;
    }
    let proof = mac(&expand(&run.client_handshake, "finished", b"", 32), &sha3(&[&run.transcript]).0);
    let message = book.record("cfin", &key, sequence, records.next().unwrap());
    assert_eq!(message[..], [&[4, 0, 32][..], &proof].concat());
    run.transcript.extend(message);
    let th4 = sha3(&[&run.transcript]).0;
    book.put("th4", &th4);
    let secret = |label| expand(&run.prk, label, &th4, 32);
    let (c_ap, s_ap, res) = (secret("c ap"), secret("s ap"), secret("res"));
    for (name, value) in [("c_ap", &c_ap), ("s_ap", &s_ap), ("res", &res), ("exporter", &secret("exp"))] {
        book.put(name, value);
    }
    book.flight("client", c_ap, &records.collect::<Vec<_>>());
    world.serve(&mut ends.server, &flight);
    ends.server.send_message(b"welcome", &mut world.server_env()).unwrap();
    if close {
        ends.server.close(&mut world.server_env());
    }
    let reply = ends.server.take_output();
    let messages = book.flight("server", s_ap, &split(&reply));
    if let Some(ticket) = messages.iter().find(|message| message[0] == 0x20) {
        let psk = expand(&res, "psk", &ticket[3..19], 32);
        book.put("ticket_psk", &psk);
        run.psk = psk.try_into().ok();
    }
    let events = world.answer(&mut ends.client, &reply);
    assert!(events.contains(&ClientEvent::Message(b"welcome".to_vec())), "{events:?}");
    let ticket = |event| if let ClientEvent::Ticket(ticket) = event { Some(ticket) } else { None };
    run.ticket = events.into_iter().find_map(ticket);
}

/// The frames of a flight.
pub(crate) fn split(flight: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut frames) = (flight, Vec::new());
    while !rest.is_empty() {
        let (frame, more) = rest.split_at(3 + usize::from(u16::from_be_bytes([rest[1], rest[2]])));
        frames.push(frame);
        rest = more;
    }
    frames
}

pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = hmac::SimpleHmac::<Sha3_256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HKDF-Expand written out: RFC 5869, section 2.3, with the labels of the specification.
pub(crate) fn expand(secret: &[u8], label: &str, context: &[u8], length: usize) -> Vec<u8> {
    let label = format!("lsc1 {label}");
    let head = [&(length as u16).to_be_bytes()[..], &[label.len() as u8], label.as_bytes()].concat();
    let info = [&head[..], &[context.len() as u8], context].concat();
    let first = mac(secret, &[&info[..], &[1]].concat());
    let second = mac(secret, &[&first[..], &info, &[2]].concat());
    [first, second].concat()[..length].to_vec()
}

/// The file as it grows.
#[derive(Default)]
pub(crate) struct Book(pub(crate) String);

impl Book {
    /// Holds itself against what was recorded, or records it.
    pub(crate) fn compare(&self, file: &str) {
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(file, &self.0).unwrap();
        }
        let recorded = std::fs::read_to_string(file).unwrap();
        for (line, (now, then)) in self.0.lines().zip(recorded.lines()).enumerate() {
            assert_eq!(now, then, "line {}", line + 1);
        }
        assert_eq!(self.0, recorded);
    }

    pub(crate) fn text(&mut self, line: &str) {
        writeln!(self.0, "{line}").unwrap();
    }

    pub(crate) fn section(&mut self, name: &str) {
        write!(self.0, "\n[{name}]\n").unwrap();
    }

    pub(crate) fn put(&mut self, name: &str, bytes: &[u8]) {
        writeln!(self.0, "{name} = {}", const_hex::encode(bytes)).unwrap();
    }

    /// A block of the ledger with what its author signed, part by part.
    pub(crate) fn block(&mut self, bytes: &[u8]) {
        let block = Block::parse(bytes).unwrap();
        self.put("body", Message::parse(block.message).unwrap().body);
        self.put("message", block.message);
        self.put("signature", block.signature);
        self.put("event", block.event);
        self.put("block", bytes);
        self.put("hash", &block_hash(bytes).0);
    }

    /// Opens a record by hand, writes down both forms, returns kind, length and payload without the padding.
    pub(crate) fn record(&mut self, name: &str, key: &[u8], sequence: u64, frame: &[u8]) -> Vec<u8> {
        let mut siv = aes_siv::siv::Aes256Siv::new_from_slice(key).unwrap();
        let plain = siv.decrypt([&frame[..3], &sequence.to_be_bytes()], &frame[3..]).unwrap();
        self.put(&format!("{name}_plaintext"), &plain);
        self.put(&format!("{name}_record"), frame);
        let length = 3 + usize::from(u16::from_be_bytes([plain[1], plain[2]]));
        plain[..length].to_vec()
    }

    /// Opens the records of an open channel, following key updates.
    pub(crate) fn flight(&mut self, side: &str, mut secret: Vec<u8>, records: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let (mut epoch, mut sequence) = (0, 0);
        self.put(&format!("{side}_{epoch}_key"), &expand(&secret, "key", b"", 64));
        for record in records {
            let name = format!("{side}_{epoch}_{sequence}");
            let message = self.record(&name, &expand(&secret, "key", b"", 64), sequence, record);
            sequence += 1;
            if message[0] == 0x21 {
                secret = expand(&secret, "upd", b"", 32);
                (epoch, sequence) = (epoch + 1, 0);
                self.put(&format!("{side}_{epoch}_secret"), &secret);
                self.put(&format!("{side}_{epoch}_key"), &expand(&secret, "key", b"", 64));
            }
            messages.push(message);
        }
        messages
    }
}
