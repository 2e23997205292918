//! The target for the states of a session: bytes of a stranger at every point of a handshake and after it.
//!
//! The first byte chooses where the stranger begins, the second how the bytes are cut on their way. Whatever comes, the
//! session neither panics nor depends on the cuts, and once it is closed it says nothing more.

use std::sync::LazyLock;

use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::rsa::PrivateKey;
use ledgerd::crypto::{KeyId, LedgerId, SIGNATURE_BYTES_MAX, Signature};
use ledgerd::session::{
    ChannelSettings, ClientEnv, ClientSession, Descriptor, PeerEnv, PeerEvent, PeerIdentity, PeerSession,
    ServerEnv, ServerEvent, ServerIdentity, ServerSession, Stage, TicketSettings, TicketTable,
};
use ledgerd::time::Now;

/// Where a stranger's bytes begin. The number is the first byte of an input, less than [`Beginning::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Beginning {
    /// At the first byte of a connection.
    Start = 0,
    /// While the server opens the secret of a good hello.
    AwaitDecap = 1,
    /// After the server's answer to a good hello.
    SentHello = 2,
    /// On an open channel, as frames.
    Open = 3,
    /// On an open channel, as one message that a good client sends.
    Message = 4,
    /// In a good handshake of which one byte is changed: two bytes say which, the third is added to it.
    Changed = 5,
    /// At the first byte of a connection to a member who listens.
    Listener = 6,
    /// As a server's answer to a client.
    Answer = 7,
}

impl Beginning {
    /// How many there are.
    pub const COUNT: u8 = 8;

    fn of(byte: u8) -> Beginning {
        match byte % Beginning::COUNT {
            0 => Beginning::Start,
            1 => Beginning::AwaitDecap,
            2 => Beginning::SentHello,
            3 => Beginning::Open,
            4 => Beginning::Message,
            5 => Beginning::Changed,
            6 => Beginning::Listener,
            _ => Beginning::Answer,
        }
    }
}

/// The names of a ledger and its server, and one client's hello with the secret in it, which costs an RSA operation.
struct World {
    identity: ServerIdentity,
    descriptor: Descriptor,
    hello: Vec<u8>,
    secret: [u8; 32],
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = PrivateKey::from_pkcs8_pem(include_str!("../../fixtures/keys/server.pem"), None).unwrap();
    let log_key = LogKey::from_seed("ledger.example/test", &[9; 32]).unwrap();
    let descriptor = Descriptor::make(&log_key, LedgerId([7; 32]), 1, key.public(), None);
    let identity = ServerIdentity::new(b"block 0", descriptor.clone(), None).unwrap();
    let (_, hello) = client(&descriptor);
    let mut server = Server::new();
    server.session.receive(&hello, &mut server.world.env(&identity));
    let Some(ServerEvent::Decap { ciphertext, .. }) = server.session.poll_event() else {
        panic!("a good hello asks for its secret");
    };
    let secret = *key.decap(&mut Seeded::new("decap"), &ciphertext, &[0; 32]);
    World { identity, descriptor, hello, secret }
});

/// A client whose hello is the same every time.
fn client(descriptor: &Descriptor) -> (ClientSession, Vec<u8>) {
    let mut client = ClientSession::full(descriptor, None, &mut Seeded::new("client"));
    let hello = client.take_output();
    (client, hello)
}

/// A hello that the server of the target takes.
pub fn client_hello() -> Vec<u8> {
    WORLD.hello.clone()
}

/// What is around a server's session.
struct Around {
    rng: Seeded,
    tickets: TicketTable,
    settings: ChannelSettings,
}

impl Around {
    fn env<'a>(&'a mut self, identity: &'a ServerIdentity) -> ServerEnv<'a> {
        ServerEnv {
            now: Now::default(),
            rng: &mut self.rng,
            tickets: &mut self.tickets,
            identity,
            settings: &self.settings,
            checkpoint_note: "a checkpoint note\n",
            note_told: false,
        }
    }
}

/// A server's session, and what it said so far.
struct Server {
    session: ServerSession,
    world: Around,
    events: Vec<ServerEvent>,
    output: Vec<u8>,
}

impl Server {
    fn new() -> Server {
        let world = Around {
            rng: Seeded::new("server"),
            tickets: TicketTable::new(TicketSettings::default()),
            settings: ChannelSettings::default(),
        };
        Server { session: ServerSession::new(), world, events: Vec::new(), output: Vec::new() }
    }

    /// Takes bytes in, in pieces, and answers what the session asks for, unless it is to wait.
    fn take(&mut self, mut bytes: &[u8], piece: usize, answers: bool) {
        while !bytes.is_empty() && !self.session.wants_close() {
            let count = piece.min(bytes.len()).min(self.session.room());
            if count == 0 {
                // It is full until something that it asked for is answered.
                assert!(!answers || self.session.input_bytes() > 0);
                break;
            }
            self.session.receive(&bytes[..count], &mut self.world.env(&WORLD.identity));
            bytes = &bytes[count..];
            self.answer(answers);
        }
        self.answer(answers);
    }

    fn answer(&mut self, answers: bool) {
        while let Some(event) = self.session.poll_event() {
            match &event {
                ServerEvent::Decap { .. } if answers => self.decapped(),
                ServerEvent::VerifyClientAuth { signature, .. } => {
                    let good = signature[0] & 1 == 0;
                    self.session.client_auth_verified(good, &mut self.world.env(&WORLD.identity));
                }
                _ => {}
            }
            self.events.push(event);
        }
        self.output.extend(self.session.take_output());
    }

    /// The secret of the good hello; for another one it is as good as any that a server makes up.
    fn decapped(&mut self) {
        self.session.decapped(&WORLD.secret, &mut self.world.env(&WORLD.identity));
    }
}

/// A server that has come as far as `beginning`, and the client that went along.
fn at(beginning: Beginning) -> (Server, ClientSession) {
    let mut server = Server::new();
    let (mut client, hello) = client(&WORLD.descriptor);
    if beginning == Beginning::Start {
        return (server, client);
    }
    server.take(&hello, hello.len(), beginning != Beginning::AwaitDecap);
    if matches!(beginning, Beginning::Open | Beginning::Message) {
        let finished = finished(&mut client, &server.output);
        server.take(&finished, finished.len(), true);
        assert_eq!(server.session.stage(), Stage::Open);
    }
    (server, client)
}

/// What a client says to a server's hello.
fn finished(client: &mut ClientSession, answer: &[u8]) -> Vec<u8> {
    let mut rng = Seeded::new("client's");
    client.receive(answer, &mut ClientEnv { now: Now::default(), rng: &mut rng });
    while client.poll_event().is_some() {}
    client.take_output()
}

/// See the module. Good is what leaves the session open, or lets it go on.
pub fn session(bytes: &[u8]) -> bool {
    let [beginning, piece, bytes @ ..] = bytes else { return false };
    let (beginning, piece) = (Beginning::of(*beginning), usize::from(*piece).max(1));
    match beginning {
        Beginning::Message => message(bytes),
        Beginning::Changed => changed(bytes),
        Beginning::Listener => listener(bytes, piece),
        Beginning::Answer => answer(bytes, piece),
        _ => {
            let mut whole = at(beginning).0;
            let mut pieces = at(beginning).0;
            let answers = beginning != Beginning::AwaitDecap;
            // A session takes no more than it has room for at once.
            whole.take(bytes, usize::MAX, answers);
            pieces.take(bytes, piece, answers);
            if !answers {
                for server in [&mut whole, &mut pieces] {
                    server.decapped();
                    server.answer(true);
                }
            }
            assert_eq!(pieces.events, whole.events, "{beginning:?} in pieces of {piece}");
            assert_eq!(pieces.output, whole.output, "{beginning:?} in pieces of {piece}");
            stays_closed(&mut whole);
            !whole.session.wants_close()
        }
    }
}

/// A closed session says nothing more, whatever comes.
fn stays_closed(server: &mut Server) {
    if server.session.wants_close() {
        server.session.receive(&WORLD.hello, &mut server.world.env(&WORLD.identity));
        assert_eq!((server.session.poll_event(), server.session.take_output().len()), (None, 0));
    }
}

/// A message of a good client arrives as it was sent, or is too long to be sent.
fn message(bytes: &[u8]) -> bool {
    let (mut server, mut client) = at(Beginning::Message);
    let mut rng = Seeded::new("message");
    let sent = client.send_message(bytes, &mut ClientEnv { now: Now::default(), rng: &mut rng });
    let records = client.take_output();
    server.take(&records, records.len().max(1), true);
    if sent.is_err() {
        return false;
    }
    let arrived = server.events.iter().any(|event| *event == ServerEvent::Message(bytes.to_vec()));
    assert!(arrived || server.session.wants_close(), "a message was lost");
    arrived
}

/// A handshake with a changed byte opens nothing.
fn changed(bytes: &[u8]) -> bool {
    let [high, low, change, ..] = bytes else { return false };
    let (mut client, mut hello) = client(&WORLD.descriptor);
    let place = usize::from(u16::from_be_bytes([*high, *low]));
    let mut server = Server::new();
    if place < hello.len() {
        hello[place] = hello[place].wrapping_add(*change);
    }
    server.take(&hello, hello.len(), true);
    let mut finished = finished(&mut client, &server.output);
    let place = place.checked_sub(hello.len());
    if let Some(byte) = place.and_then(|place| finished.get_mut(place)) {
        *byte = byte.wrapping_add(*change);
    }
    let is_changed = hello != WORLD.hello || place.is_some_and(|place| place < finished.len());
    server.take(&finished, finished.len().max(1), true);
    let opened = server.session.stage() == Stage::Open;
    assert!(!opened || !is_changed || *change == 0, "byte {high} {low} plus {change} opened a channel");
    opened
}

/// Bytes to a member who listens. Nobody's signature is good.
fn listener(bytes: &[u8], piece: usize) -> bool {
    let run = |piece: usize| {
        let own = PeerIdentity { ledger_id: LedgerId([7; 32]), account: 2, key_id: KeyId([3; 32]) };
        let mut rng = Seeded::new("listener");
        let mut listener = PeerSession::listen(own);
        let (mut events, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() && !listener.wants_close() {
            let count = piece.min(rest.len()).min(listener.room());
            if count == 0 {
                break;
            }
            let mut env = PeerEnv { now: Now::default(), rng: &mut rng, checkpoint_note: "" };
            listener.receive(&rest[..count], &mut env);
            rest = &rest[count..];
            while let Some(event) = listener.poll_event() {
                let mut env = PeerEnv { now: Now::default(), rng: &mut rng, checkpoint_note: "" };
                match &event {
                    PeerEvent::Sign(_) => {
                        let nothing = Signature::from_bytes(&[0; SIGNATURE_BYTES_MAX]).unwrap();
                        listener.signed(nothing, &mut env);
                    }
                    PeerEvent::Verify { .. } => listener.verified(false, &mut env),
                    PeerEvent::Opened { .. } => panic!("opened for nobody"),
                    _ => {}
                }
                events.push(event);
            }
        }
        (events, listener.output().to_vec(), listener.wants_close())
    };
    let (whole, pieces) = (run(usize::MAX), run(piece));
    assert_eq!(pieces, whole, "in pieces of {piece}");
    !whole.2
}

/// Bytes to a client that has said hello. Nobody has the server's key, so nothing opens.
fn answer(bytes: &[u8], piece: usize) -> bool {
    let run = |piece: usize| {
        let (mut client, _) = client(&WORLD.descriptor);
        let mut rng = Seeded::new("answer");
        let (mut events, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() && !client.wants_close() {
            let count = piece.min(rest.len()).min(client.room());
            if count == 0 {
                break;
            }
            client.receive(&rest[..count], &mut ClientEnv { now: Now::default(), rng: &mut rng });
            rest = &rest[count..];
            events.extend(std::iter::from_fn(|| client.poll_event()));
        }
        (events, client.take_output(), client.wants_close(), client.stage())
    };
    let (whole, pieces) = (run(usize::MAX), run(piece));
    assert_eq!(pieces, whole, "in pieces of {piece}");
    assert_ne!(whole.3, Stage::Open, "whoever does not have the server's key opened a channel");
    !whole.2
}
