//! The channel between two members: an honest pair, and everybody who stands between them.

use std::time::Duration;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{LedgerId, SigningKey};
use ledgerd::session::{CloseReason, Fault, PeerEnv, PeerEvent, PeerIdentity, PeerSession, Stage};
use ledgerd::time::{Monotonic, Now, Timestamp};
use proptest::prelude::*;

use crate::session_world::signing_key;

const LEDGER: LedgerId = LedgerId([7; 32]);
const NOTE: &str = "a checkpoint";

/// Member 1 dials member 2.
struct Pair {
    keys: [SigningKey; 2],
    rng: Seeded,
    dialler: PeerSession,
    listener: PeerSession,
    /// What either side reported beside its questions.
    events: [Vec<PeerEvent>; 2],
    /// What the RSA operations of either side made: signatures are not the same twice.
    verified: Vec<bool>,
}

fn identity(account: u64, key: &SigningKey, ledger_id: LedgerId) -> PeerIdentity {
    PeerIdentity { ledger_id, account, key_id: key.public().key_id() }
}

fn env<'a>(rng: &'a mut Seeded) -> PeerEnv<'a> {
    let now = Now {
        wall: Timestamp::from_millis(1_000),
        mono: Monotonic(Duration::from_secs(1)),
        ..Now::default()
    };
    PeerEnv { now, rng, checkpoint_note: NOTE }
}

impl Pair {
    fn new(seed: &str) -> Pair {
        Pair::of(seed, LEDGER, 2)
    }

    fn of(seed: &str, listeners_ledger: LedgerId, wanted: u64) -> Pair {
        let keys = [signing_key("client"), signing_key("other")];
        let mut rng = Seeded::new(seed);
        let dialler = PeerSession::dial(identity(1, &keys[0], LEDGER), wanted, &mut rng);
        let listener = PeerSession::listen(identity(2, &keys[1], listeners_ledger));
        Pair { keys, rng, dialler, listener, events: [Vec::new(), Vec::new()], verified: Vec::new() }
    }

    fn side(&mut self, side: usize) -> &mut PeerSession {
        if side == 0 { &mut self.dialler } else { &mut self.listener }
    }

    /// Hands bytes to a side and answers its questions as its world would.
    fn hand(&mut self, side: usize, bytes: &[u8]) {
        let mut rng = Seeded::new(&format!("{side} {}", self.verified.len()));
        self.side(side).receive(bytes, &mut env(&mut rng));
        while let Some(event) = self.side(side).poll_event() {
            match event {
                PeerEvent::Sign(signed) => {
                    let signature = self.keys[side].sign(&mut self.rng, &[&signed]);
                    self.side(side).signed(signature, &mut env(&mut rng));
                }
                PeerEvent::Verify { account, key_id, signed, signature } => {
                    let registered = &self.keys[1 - side];
                    let good = (account, key_id) == (2 - side as u64, registered.public().key_id())
                        && registered.public().verify(&[&signed], &signature).is_ok();
                    self.verified.push(good);
                    self.side(side).verified(good, &mut env(&mut rng));
                }
                other => self.events[side].push(other),
            }
        }
    }

    fn take(&mut self, side: usize) -> Vec<u8> {
        self.side(side).take_output()
    }

    /// Carries bytes until nothing is left to carry; `tamper` sees what is under way: from which side, how many
    /// flights before it.
    fn run(&mut self, tamper: &mut dyn FnMut(usize, usize, &mut Vec<u8>)) {
        for flight in 0..8 {
            let from = flight % 2;
            let mut bytes = self.take(from);
            tamper(from, flight, &mut bytes);
            if !bytes.is_empty() {
                self.hand(1 - from, &bytes);
            }
        }
    }

    fn are_open(&self) -> [bool; 2] {
        [self.dialler.stage() == Stage::Open, self.listener.stage() == Stage::Open]
    }
}

#[test]
fn an_honest_pair_opens_talks_and_closes() {
    let mut pair = Pair::new("honest");
    pair.run(&mut |_, _, _| {});
    assert_eq!(pair.are_open(), [true, true]);
    let [PeerEvent::Opened { account: 2, params: Some(params) }] = &pair.events[0][..] else {
        panic!("{:?}", pair.events)
    };
    assert_eq!((params.checkpoint_note.as_slice(), params.ticket_lifetime_s), (NOTE.as_bytes(), 0));
    assert_eq!(pair.events[1], [PeerEvent::Opened { account: 1, params: None }]);
    let mut rng = Seeded::new("talk");
    let long = vec![5; 40_000];
    pair.dialler.send_message(&long, &mut env(&mut rng)).unwrap();
    pair.listener.send_message(b"yes", &mut env(&mut rng)).unwrap();
    pair.run(&mut |_, _, _| {});
    assert_eq!(pair.events[0].last(), Some(&PeerEvent::Message(b"yes".to_vec())));
    assert_eq!(pair.events[1].last(), Some(&PeerEvent::Message(long)));
    pair.listener.close(&mut env(&mut rng));
    pair.run(&mut |_, _, _| {});
    assert_eq!(pair.events[0].last(), Some(&PeerEvent::Closed(CloseReason::Remote)));
    assert!(pair.dialler.wants_close() && pair.listener.wants_close());
}

/// Whatever single byte is flipped, the side that sees it does not open with the other.
#[test]
fn a_flipped_byte_in_any_flight_opens_nobody_to_anybody_else() {
    let mut lengths = [0; 3];
    Pair::new("lengths").run(&mut |_, flight, bytes| {
        if let Some(length) = lengths.get_mut(flight) {
            *length = bytes.len();
        }
    });
    assert!(lengths[0] == 75 && lengths[1] > 71 + 400 && lengths[2] > 400, "{lengths:?}");
    for (flight, length) in lengths.into_iter().enumerate() {
        // Every byte of what is in the clear and around the ends, some of the long sealed middle.
        for at in (0..length).filter(|at| *at < 90 || at % 53 == 0 || *at + 20 > length) {
            let mut pair = Pair::new("flipped");
            pair.run(&mut |_, number, bytes| {
                if number == flight {
                    bytes[at] ^= 1;
                }
            });
            assert_ne!(pair.are_open(), [true, true], "flight {flight}, byte {at}");
            let receiver = 1 - flight % 2;
            assert!(!pair.are_open()[receiver], "flight {flight}, byte {at}: the receiver believes it");
        }
    }
}

#[test]
fn a_flight_that_is_cut_anywhere_opens_nobody() {
    for flight in 0..3 {
        for keep in [0, 1, 2, 3, 40, 74, 100, 400] {
            let mut pair = Pair::new("cut");
            pair.run(&mut |_, number, bytes| {
                if number == flight {
                    bytes.truncate(keep.min(bytes.len().saturating_sub(1)));
                } else if number > flight {
                    bytes.clear();
                }
            });
            assert!(!pair.are_open()[1 - flight % 2], "flight {flight} cut to {keep}");
        }
    }
}

#[test]
fn a_dialler_takes_nobody_but_the_member_that_it_looked_up() {
    let mut pair = Pair::of("somebody else", LEDGER, 3);
    pair.run(&mut |_, _, _| {});
    assert_eq!(pair.are_open(), [false, false]);
    let closed = PeerEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::Handshake));
    assert_eq!(pair.events[0], [closed], "refused before its signature was even looked at");
    assert!(pair.verified.is_empty());
}

#[test]
fn members_of_different_ledgers_do_not_meet() {
    let mut pair = Pair::of("ledgers", LedgerId([8; 32]), 2);
    pair.run(&mut |_, _, _| {});
    assert_eq!(pair.are_open(), [false, false]);
}

/// Somebody in the middle has an X25519 key of its own for either side, and no RSA key: it can pass on what it
/// is told, and the signatures do not fit what the other side saw.
#[test]
fn a_relayed_authentication_does_not_verify() {
    let mut outer = Pair::new("outer");
    let mut inner = Pair::new("inner");
    // The dialler of `outer` is connected to the listener of `inner`, hellos replaced in between.
    let hello = outer.take(0);
    drop(inner.take(0));
    let mut replaced = hello.clone();
    let end = replaced.len();
    replaced[end - 32..].copy_from_slice(&[9; 32]);
    inner.hand(1, &replaced);
    let answer = inner.take(1);
    outer.hand(0, &answer);
    assert!(!outer.are_open()[0] && !inner.are_open()[1]);
}

#[test]
fn a_recorded_handshake_replayed_is_worth_nothing() {
    let mut first = Pair::new("recorded");
    let mut flights = Vec::new();
    first.run(&mut |from, _, bytes| {
        if from == 0 {
            flights.push(bytes.clone());
        }
    });
    assert_eq!(first.are_open(), [true, true]);
    let mut second = Pair::new("recorded");
    // The listener's randomness is another one.
    second.verified.push(true);
    for flight in flights.iter().filter(|flight| !flight.is_empty()) {
        second.hand(1, flight);
    }
    assert!(!second.are_open()[1]);
    assert_eq!(second.verified, [true], "not even a signature was looked at");
}

#[test]
fn points_of_low_order_are_refused_from_either_side() {
    for point in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
        for flight in 0..2 {
            let mut pair = Pair::new("low order");
            pair.run(&mut |_, number, bytes| {
                if number == flight {
                    let end = if flight == 0 { bytes.len() } else { 71 };
                    bytes[end - 32..end].copy_from_slice(&point);
                }
            });
            assert_eq!(pair.are_open(), [false, false]);
        }
    }
}

#[test]
fn a_server_session_and_a_peer_session_do_not_understand_each_other() {
    let mut pair = Pair::new("strangers");
    let mut world = crate::session_world::World::new("strangers");
    let mut server = ledgerd::session::ServerSession::new();
    let hello = pair.take(0);
    world.serve(&mut server, &hello);
    assert!(server.wants_close());
    let client =
        ledgerd::session::ClientSession::full(world.identity.current(), None, &mut Seeded::new("client"));
    pair.hand(1, client.output());
    assert!(pair.listener.wants_close());
}

proptest! {
    #[test]
    fn bytes_of_a_stranger_never_panic_either_side(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        kind in prop::sample::select(vec![0x13u8, 0x14, 0x20, 0x7e, 0x10]),
        side in 0..2usize,
    ) {
        let mut pair = Pair::new("fuzz");
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        pair.hand(side, &[&[kind, high, low][..], &bytes].concat());
        prop_assert!(!pair.are_open()[side]);
    }
}
