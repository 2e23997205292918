//! Replies wait for the batch, and the batch waits a moment for more.

use std::time::Duration;

use rand_core::CryptoRng;

use super::outbox::Commit;
use super::{ConnectionId, Service};
use crate::session::SendError;
use crate::time::{Monotonic, Now};
use crate::wire::Reply;

/// How long a batch is left open for commands whose signatures are being checked: about what a sync takes.
const GATHERING: Duration = Duration::from_millis(1);

/// Blocks of a batch that is not left open for more.
const GATHERED: u64 = 64;

impl Service {
    /// Whether the batch is left open for a moment: commands are on their way back from their signature checks, and
    /// one sync for all of them is worth more than one for each. What has seen its blocks waits with it. A checkpoint
    /// may not leave before it is kept, nor word of a code before its use is: then the tick ends at once.
    pub(super) fn awaits_more(&mut self, now: Now) -> bool {
        let blocks = self.ledger.open_batch();
        let wanted = self.checks_under_way > 0 && (1..GATHERED).contains(&blocks);
        let presses = self.note.leaves() || self.secrets.are_pressing();
        if !wanted || presses || self.shutting_down || !self.postponed.is_empty() {
            return false;
        }
        let due = *self.commit_due.get_or_insert(Monotonic(now.mono.0 + GATHERING));
        now.mono < due
    }

    /// Sends what may leave.
    pub(super) fn release_held(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        for held in self.outbox.take_leaving() {
            let sent = self.with_env(held.connection, now, rng, |connection, env| {
                connection.held_bytes = connection.held_bytes.saturating_sub(held.message.len());
                connection.session.send_message(&held.message, env)
            });
            match sent {
                Some(Err(SendError::TooLong)) => {
                    tracing::error!(connection = %held.connection, "a reply is longer than a message may be");
                }
                Some(Err(SendError::NotOpen)) => {
                    tracing::debug!(connection = %held.connection, "a reply came after the end of its session");
                }
                Some(Ok(())) | None => {}
            }
        }
    }

    /// Holds a reply until the batch of this tick is durable, because it may say something of its blocks.
    pub(super) fn hold(&mut self, connection: ConnectionId, request: u32, reply: Reply) {
        let saw_open = self.ledger.open_batch() > 0 && !self.is_durable(&reply);
        let seen = if saw_open { self.outbox.open() } else { self.outbox.durable() };
        self.put_out(connection, request, &reply, seen);
    }

    /// Holds a reply that says nothing of the open batch, but leaves in its order with the others of its connection.
    pub(super) fn hold_durable(&mut self, connection: ConnectionId, request: u32, reply: Reply) {
        self.put_out(connection, request, &reply, self.outbox.durable());
    }

    /// A duplicate of what is durable says nothing of the open batch.
    fn is_durable(&self, reply: &Reply) -> bool {
        matches!(reply, Reply::Accepted(accepted) if accepted.index < self.ledger.committed().size)
    }

    fn put_out(&mut self, id: ConnectionId, request: u32, reply: &Reply, seen: Commit) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        connection.held_bytes += self.outbox.put(id, request, reply, seen);
        let account = connection.account();
        if let Reply::Refused(refusal) = reply {
            self.note_refusal(account, refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::Report;
    use crate::chain::{CommandId, Genesis, Header, Message, block_hash};
    use crate::crypto::note::LogKey;
    use crate::crypto::random::Seeded;
    use crate::crypto::rsa::PrivateKey;
    use crate::crypto::{LedgerId, SigningKey};
    use crate::domain::{AccountId, Command, Query, Settings, accounts, payments};
    use crate::eventlog::{self, Options, SimDisk, Storage};
    use crate::ledger::{CHECKPOINT_FILE, CheckpointFile, Ledger, Placement};
    use crate::limits::Limits;
    use crate::service::Secrets;
    use crate::service::door::{Caller, Connection};
    use crate::session::{Descriptor, ServerIdentity, ServerSession};
    use crate::time::{SinceBoot, Timestamp};
    use crate::vault::Kek;
    use crate::wire::{self, Accepted, Request, Submission};

    const ALICE: &str = include_str!("../../fixtures/keys/client.pem");
    const BOB: &str = include_str!("../../fixtures/keys/other.pem");
    const BALANCE: Request<'static> = Request::Ask(Query::Payments(payments::Query::Balance));
    const MEMBER: ConnectionId = ConnectionId(1);
    const STRANGER: ConnectionId = ConnectionId(2);
    const NOW: Now = Now {
        wall: Timestamp::from_millis(1_700_000_000_000),
        mono: Monotonic(Duration::ZERO),
        boot: SinceBoot(Duration::ZERO),
    };

    fn key(pem: &str) -> SigningKey {
        SigningKey::from_pkcs8_pem(pem, None).unwrap()
    }

    /// Has the rules decide a registration, whose signature nobody looks at here.
    fn register(ledger: &mut Ledger, handle: &str, pem: &str) -> Placement {
        let spki = key(pem).public().spki().to_vec();
        let command = Command::Accounts(accounts::Command::Register(accounts::Register {
            handle: handle.to_owned(),
            public_key: spki,
        }));
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: ledger.ledger_id(),
            account: AccountId::NONE,
            key_id: key(pem).public().key_id(),
            command_id: CommandId([1; 16]),
            issued_at: NOW.wall.millis(),
            tag,
        };
        let message = header.message(&body);
        ledger.propose(Message::parse(&message).unwrap(), &[0; 384], command, NOW.wall).unwrap()
    }

    /// A service with one member, who is connected, and a stranger.
    fn service() -> (Service, SimDisk) {
        let server = include_str!("../../fixtures/keys/server.pem");
        let server = PrivateKey::from_pkcs8_pem(server, None).unwrap();
        let log_key = LogKey::from_seed("ledger.example/held", &[3; 32]).unwrap();
        let genesis = Genesis {
            origin: "ledger.example/held".to_owned(),
            log_key: *log_key.public().bytes(),
            server_key: server.public().spki().to_vec(),
            nonce: [0; 32],
            settings: Settings::default().write(),
        };
        let genesis = genesis.to_block(NOW.wall);
        let id = LedgerId(block_hash(&genesis).0);
        let (disk, options) = (SimDisk::new(), Options { segment_bytes: 64 << 10, ..Options::default() });
        let rng = &mut Seeded::new("held");
        eventlog::create(&disk, id, &genesis, options, rng).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let (mut ledger, _) = Ledger::open(&storage, options).unwrap();
        register(&mut ledger, "alice", ALICE);
        ledger.commit(rng).unwrap();
        let descriptor = Descriptor::make(&log_key, id, 1, server.public(), None);
        let identity = ServerIdentity::new(&genesis, descriptor, None).unwrap();
        let secrets = Secrets::open(&storage, &ledger, Kek { number: 1, key: [7; 32].into() }, None).unwrap();
        let file = CheckpointFile::open(Arc::clone(&storage), CHECKPOINT_FILE, log_key.public()).unwrap();
        let mut service = Service::new(ledger, secrets, storage, identity, log_key, file, Limits::default());
        let member = Caller::Member(AccountId(1), key(ALICE).public().key_id());
        for (id, caller) in [(MEMBER, member), (STRANGER, Caller::Anonymous)] {
            let mut connection = Connection::new(([127, 0, 0, 1], 1).into(), ServerSession::new(), NOW.mono);
            connection.opened(caller, NOW.mono);
            service.door.connections.insert(id, connection);
        }
        (service, disk)
    }

    /// Has a request dispatched on a connection of its own, so that no other reply holds its answer up.
    fn ask(service: &mut Service, of: ConnectionId, id: u32, request: &Request<'_>) {
        let caller = service.door.connections[&of].caller;
        let mut connection = Connection::new(([127, 0, 0, 1], 1).into(), ServerSession::new(), NOW.mono);
        connection.opened(caller, NOW.mono);
        let own = ConnectionId(100 + u64::from(id));
        service.door.connections.insert(own, connection);
        service.dispatch(own, &wire::seal(id, request), NOW, &mut Seeded::new("dispatch"));
    }

    /// What leaves now, by request.
    fn leaving(service: &mut Service) -> Vec<(u32, String)> {
        let told = service.outbox.take_leaving();
        let told = told.iter().map(|held| match wire::open::<Reply>(&held.message).unwrap() {
            (request, Reply::Refused(refusal)) => (request, refusal.name),
            (request, other) => {
                let name: String = format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect();
                (request, name)
            }
        });
        told.collect()
    }

    fn named<const N: usize>(expected: [(u32, &str); N]) -> Vec<(u32, String)> {
        expected.map(|(request, name)| (request, name.to_owned())).to_vec()
    }

    #[test]
    fn while_a_batch_is_open_only_those_answers_leave_that_saw_nothing_of_its_blocks() {
        let (mut service, disk) = service();
        ask(&mut service, MEMBER, 1, &Request::Verify);
        service.start_verification();
        ask(&mut service, MEMBER, 2, &BALANCE);

        let placement = register(&mut service.ledger, "bob", BOB);
        let accepted = Accepted {
            index: placement.index,
            hash: placement.hash,
            timestamp: placement.timestamp,
            event: placement.event.into(),
            duplicate: false,
        };
        service.hold(STRANGER, 3, Reply::Accepted(accepted));
        service.log_progress(1, 2);
        ask(&mut service, MEMBER, 4, &Request::Ask(Query::Accounts(accounts::Query::Member("bob"))));
        ask(&mut service, MEMBER, 5, &Request::Checkpoint);
        ask(&mut service, MEMBER, 6, &Request::Inclusions { indexes: vec![0], size: 2 });
        ask(&mut service, MEMBER, 7, &Request::Inclusions { indexes: vec![2], size: 3 });
        ask(&mut service, MEMBER, 8, &Request::Copy { from: 0, limit: 9, concerning: false });
        ask(&mut service, STRANGER, 9, &BALANCE);
        let nonsense = Submission { message: b"nonsense", signature: &[0; 384] };
        ask(&mut service, MEMBER, 10, &Request::Submit(nonsense));
        service.log_verified(Ok(Box::new(Report::default())), NOW);

        let saw_nothing = [
            (2, "Answer"),
            (1, "Push"),
            (5, "Checkpoint"),
            (6, "Inclusions"),
            (7, "no_such_proof"),
            (9, "not_authenticated"),
            (1, "Verification"),
        ];
        assert_eq!(leaving(&mut service), named(saw_nothing));
        // A disk that fills up meanwhile takes nothing back: the batch has its room.
        disk.set_capacity(Some(disk.used()));
        assert_eq!(service.ledger.commit(&mut Seeded::new("full")).unwrap(), 1);
        service.outbox.became_durable(service.outbox.open());
        assert_eq!(
            leaving(&mut service),
            named([(3, "Accepted"), (4, "Answer"), (8, "CopyPage"), (10, "malformed_command")])
        );
    }
}
