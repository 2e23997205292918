//! A member who listens, without sockets: diallers who are many, silent or gone keep nobody else out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{LedgerId, SIGNATURE_BYTES_MAX, Signature};
use ledgerd::driven::{ConnectionId, Handler as _};
use ledgerd::peer::{Job, Listener};
use ledgerd::session::{PeerIdentity, PeerSession};
use ledgerd::time::{Monotonic, Now, SinceBoot, Timestamp};

use crate::session_world::signing_key;

const OWN: u64 = 2;

/// A listener, and diallers at any address.
struct World {
    listener: Listener,
    now: Now,
    rng: Seeded,
    next: u64,
    /// Signatures that the helper was asked for.
    signed: Vec<ConnectionId>,
}

fn identity(account: u64, name: &str) -> PeerIdentity {
    PeerIdentity { ledger_id: LedgerId([1; 32]), account, key_id: signing_key(name).public().key_id() }
}

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

impl World {
    fn new() -> World {
        let listener = Listener::new(identity(OWN, "client"), String::new(), Box::new(|_| ()));
        let mono = Monotonic(Duration::from_secs(1));
        let now = Now { wall: Timestamp::from_millis(1), mono, boot: SinceBoot(mono.0) };
        World { listener, now, rng: Seeded::new("listener"), next: 0, signed: Vec::new() }
    }

    /// Somebody connects, and says nothing yet.
    fn connect(&mut self, from: u8) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        self.now.mono.0 += Duration::from_micros(1);
        self.listener.connected(id, SocketAddr::new(address(from), 1), self.now, &mut self.rng);
        id
    }

    /// Somebody connects and says hello.
    fn dial(&mut self, from: u8) -> ConnectionId {
        let id = self.connect(from);
        let session = PeerSession::dial(identity(1, "other"), OWN, &mut self.rng);
        self.listener.received(id, session.output(), self.now, &mut self.rng);
        self.turn();
        id
    }

    /// The other side is gone.
    fn hang_up(&mut self, id: ConnectionId) {
        self.listener.hung_up(id, self.now, &mut self.rng);
    }

    /// A turn of the loop.
    fn turn(&mut self) {
        self.listener.end_tick(self.now, &mut self.rng).unwrap();
        let signs = self.listener.take_jobs().into_iter().filter_map(|job| match job {
            Job::Sign { id, .. } => Some(id),
            _ => None,
        });
        self.signed.extend(signs);
    }

    /// The helper has signed one handshake.
    fn sign_one(&mut self, done: ConnectionId) {
        let signature = Signature::from_bytes(&[0; SIGNATURE_BYTES_MAX]).unwrap();
        let answer = ledgerd::peer::Answer::Signed { id: done, signature };
        self.listener.answered(answer, self.now, &mut self.rng);
        self.turn();
    }

    fn is_in(&self, id: ConnectionId) -> bool {
        !self.listener.is_finished(id)
    }
}

#[test]
fn hellos_of_those_who_hung_up_are_not_signed() {
    let mut world = World::new();
    for _ in 0..3_000 {
        let id = world.dial(9);
        world.hang_up(id);
        world.turn();
    }
    assert_eq!(world.signed.len(), 2, "the helper has no more than it had begun with");
    let honest = world.dial(1);
    world.sign_one(ConnectionId(0));
    assert_eq!(world.signed.last(), Some(&honest), "the next signature is that of whoever is there");
}

#[test]
fn silent_diallers_take_no_place_from_those_who_come_from_elsewhere() {
    let mut world = World::new();
    let honest = world.connect(1);
    let silent: Vec<ConnectionId> = (0..500).map(|_| world.connect(9)).collect();
    assert!(world.is_in(honest), "who came from elsewhere stays");
    assert!(!world.is_in(silent[0]) && world.is_in(silent[499]), "the oldest of the many made room");
    let late = world.dial(2);
    assert!(world.is_in(late) && world.is_in(honest));
    assert_eq!(world.signed, [late]);
    let places = silent.iter().filter(|id| world.is_in(**id)).count();
    assert_eq!(places, 30, "32 places for strangers, two of which are taken by others");
}
