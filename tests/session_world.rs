//! A server, its keys and a client, for the tests of the channel: a reactor in twenty lines.

use std::time::Duration;

use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::rsa::PrivateKey;
use ledgerd::crypto::{KeyId, LedgerId, SigningKey};
use ledgerd::session::{
    ChannelSettings, ClientAuth, ClientEnv, ClientEvent, ClientSession, Descriptor, KeySlot, ServerEnv,
    ServerEvent, ServerIdentity, ServerSession, TicketSettings, TicketTable,
};
use ledgerd::time::{Monotonic, Now, Timestamp};

/// The account that is registered in every world, with the key [`World::client_key`].
pub(crate) const ACCOUNT: u64 = 42;

/// A key in `fixtures/keys` to encrypt to; making one takes too long for a test.
pub(crate) fn key(name: &str) -> PrivateKey {
    PrivateKey::from_pkcs8_pem(pem(name), None).unwrap()
}

/// A key in `fixtures/keys` to sign with.
pub(crate) fn signing_key(name: &str) -> SigningKey {
    SigningKey::from_pkcs8_pem(pem(name), None).unwrap()
}

fn pem(name: &str) -> &'static str {
    match name {
        "server" => include_str!("../fixtures/keys/server.pem"),
        "server_next" => include_str!("../fixtures/keys/server_next.pem"),
        "client" => include_str!("../fixtures/keys/client.pem"),
        "ed25519_device" => include_str!("../fixtures/keys/ed25519_device.pem"),
        "other" => include_str!("../fixtures/keys/other.pem"),
        _ => panic!("no key {name}"),
    }
}

pub(crate) struct World {
    pub(crate) now: Now,
    pub(crate) rng: Seeded,
    pub(crate) tickets: TicketTable,
    pub(crate) identity: ServerIdentity,
    pub(crate) settings: ChannelSettings,
    pub(crate) server_key: PrivateKey,
    pub(crate) previous_key: Option<PrivateKey>,
    pub(crate) client_key: SigningKey,
    pub(crate) revoked: bool,
}

impl World {
    pub(crate) fn new(seed: &str) -> World {
        let server_key = key("server");
        let log_key = LogKey::from_seed("ledger.example/test", &[9; 32]).unwrap();
        let descriptor = Descriptor::make(&log_key, LedgerId([7; 32]), 1, server_key.public(), None);
        World {
            now: Now {
                wall: Timestamp::from_millis(1_700_000_000_000),
                mono: Monotonic(Duration::from_secs(5)),
                ..Now::default()
            },
            rng: Seeded::new(seed),
            tickets: TicketTable::new(TicketSettings::default()),
            identity: ServerIdentity::new(b"block 0", descriptor, None).unwrap(),
            settings: ChannelSettings::default(),
            server_key,
            previous_key: None,
            client_key: signing_key("client"),
            revoked: false,
        }
    }

    /// Gives the server its next key; the one before it is still accepted.
    pub(crate) fn rotate(&mut self) {
        let log_key = LogKey::from_seed("ledger.example/test", &[9; 32]).unwrap();
        let next = key("server_next");
        let previous = self.identity.current().clone();
        let current = Descriptor::make(&log_key, LedgerId([7; 32]), 2, next.public(), None);
        self.identity = ServerIdentity::new(b"block 0", current, Some(previous)).unwrap();
        self.previous_key = Some(std::mem::replace(&mut self.server_key, next));
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.now.mono.0 += Duration::from_secs(seconds);
        self.now.wall = self.now.wall.plus_micros(seconds * 1_000_000);
    }

    pub(crate) fn auth(&self) -> Option<ClientAuth> {
        Some(ClientAuth { account: ACCOUNT, key: self.client_key.clone() })
    }

    pub(crate) fn client_id(&self) -> (u64, KeyId) {
        (ACCOUNT, self.client_key.public().key_id())
    }

    pub(crate) fn server_env(&mut self) -> ServerEnv<'_> {
        ServerEnv {
            now: self.now,
            rng: &mut self.rng,
            tickets: &mut self.tickets,
            identity: &self.identity,
            settings: &self.settings,
            checkpoint_note: "a checkpoint note\n",
            note_told: false,
        }
    }

    pub(crate) fn client_env(&mut self) -> ClientEnv<'_> {
        ClientEnv { now: self.now, rng: &mut self.rng }
    }

    /// Gives bytes to the server, answers what it asks for, returns what it reports.
    pub(crate) fn serve(&mut self, server: &mut ServerSession, bytes: &[u8]) -> Vec<ServerEvent> {
        let mut rest = bytes;
        let mut seen = Vec::new();
        loop {
            let (now, later) = rest.split_at(server.room().min(rest.len()));
            server.receive(now, &mut self.server_env());
            rest = later;
            while let Some(event) = server.poll_event() {
                match event {
                    ServerEvent::Decap { slot, ciphertext } => {
                        let key = match slot {
                            KeySlot::Current => self.server_key.clone(),
                            KeySlot::Previous => self.previous_key.clone().unwrap(),
                        };
                        let secret = key.decap(&mut self.rng, &ciphertext, &[0x55; 32]);
                        server.decapped(&secret, &mut self.server_env());
                    }
                    ServerEvent::VerifyClientAuth { account, key_id, signed, signature } => {
                        let key = self.client_key.public().clone();
                        let good = !self.revoked
                            && (account, key_id) == self.client_id()
                            && key.verify(&[&signed], &signature).is_ok();
                        server.client_auth_verified(good, &mut self.server_env());
                    }
                    event => seen.push(event),
                }
            }
            if rest.is_empty() || server.wants_close() {
                return seen;
            }
        }
    }

    /// Gives bytes to the client and returns what it reports.
    pub(crate) fn answer(&mut self, client: &mut ClientSession, bytes: &[u8]) -> Vec<ClientEvent> {
        let mut rest = bytes;
        while !rest.is_empty() && !client.wants_close() {
            let (now, later) = rest.split_at(client.room().min(rest.len()));
            client.receive(now, &mut self.client_env());
            rest = later;
        }
        std::iter::from_fn(|| client.poll_event()).collect()
    }

    /// Carries bytes both ways until nobody has any more to say.
    pub(crate) fn settle(&mut self, ends: &mut Ends) -> (Vec<ServerEvent>, Vec<ClientEvent>) {
        let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
        loop {
            let (up, down) = (ends.client.take_output(), ends.server.take_output());
            if up.is_empty() && down.is_empty() {
                return (at_server, at_client);
            }
            at_server.extend(self.serve(&mut ends.server, &up));
            at_client.extend(self.answer(&mut ends.client, &down));
        }
    }

    pub(crate) fn full(&mut self, auth: Option<ClientAuth>) -> Ends {
        let client = ClientSession::full(self.identity.current(), auth, &mut self.rng);
        Ends { server: ServerSession::new(), client }
    }

    /// A channel that is open, with all its events seen.
    pub(crate) fn open(&mut self, auth: Option<ClientAuth>) -> Ends {
        let mut ends = self.full(auth);
        self.settle(&mut ends);
        assert_eq!(ends.server.stage(), ledgerd::session::Stage::Open);
        ends
    }
}

/// Both ends of a connection.
pub(crate) struct Ends {
    pub(crate) server: ServerSession,
    pub(crate) client: ClientSession,
}
