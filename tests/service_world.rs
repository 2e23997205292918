//! The daemon's service without sockets and without threads: members with any address, who say what they like, and a
//! loop that turns when it is told to.

mod founded;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ledgerd::chain::{CommandId, Genesis, Header, Message, block_hash};
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{LedgerId, SIGNATURE_BYTES_MAX, SigningKey};
use ledgerd::domain::payments::{self, Pay, Payment};
use ledgerd::domain::{AccountId, Command, Settings, accounts};
use ledgerd::driven::{ConnectionId, Handler as _};
use ledgerd::eventlog::{self, LogError, Options, SimDisk, Storage};
use ledgerd::ledger::Ledger;
use ledgerd::limits::Limits;
use ledgerd::password::{OpaqueKey, ServerSetup, Stretch};
use ledgerd::service::{Job, Keys, Service};
use ledgerd::session::{ClientAuth, ClientEnv, ClientEvent, ClientSession, ClientTicket, Descriptor};
use ledgerd::time::{Monotonic, Now, Timestamp};
use ledgerd::wire::{self, Reply, Request, Submission};

use crate::forge::member_key;
use crate::session_world::key;
use founded::Founded;

/// When every world begins, in milliseconds.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// The cost of a guess at a password here: hardly any, because nobody guesses.
pub(crate) const STRETCH: Stretch = Stretch { m_kib: 8, t: 1, p: 1 };

const OPTIONS: Options = Options { segment_bytes: 4 << 20, block_bytes_max: 1 << 20 };

/// What every member has at first.
pub(crate) const GRANT: u64 = 1_000_000;

pub(crate) fn log_key() -> LogKey {
    LogKey::from_seed("service.example/ledger", &[5; 32]).unwrap()
}

/// A ledger before it is served.
pub(crate) struct Founding {
    ledger: Ledger,
    rng: Seeded,
    commands: u64,
}

impl Founding {
    /// A block of a member, whose signature nobody looks at any more.
    pub(crate) fn push(&mut self, member: Option<usize>, key: &SigningKey, command: Command) -> u64 {
        let (tag, body) = command.encode();
        self.commands += 1;
        let mut id = [0xff; 16];
        id[..8].copy_from_slice(&self.commands.to_be_bytes());
        let header = Header {
            ledger_id: self.ledger.ledger_id(),
            account: AccountId(member.map_or(0, |member| member as u64 + 1)),
            key_id: key.public().key_id(),
            command_id: CommandId(id),
            issued_at: START_MS,
            tag,
        };
        let message = header.message(&body);
        let message = Message::parse(&message).unwrap();
        let wall = Timestamp::from_millis(START_MS);
        let placement = self.ledger.propose(message, &[0; SIGNATURE_BYTES_MAX], command, wall).unwrap();
        self.ledger.commit(&mut self.rng).unwrap();
        placement.index
    }

    /// A member pays so many times one unit, with one command and this memo.
    pub(crate) fn pay(&mut self, from: usize, to: usize, times: usize, memo: &str) -> u64 {
        let payment = Payment { to: AccountId(to as u64 + 1), amount: 1, memo: memo.to_owned() };
        let pay = payments::Command::Pay(Pay { payments: vec![payment; times] });
        self.push(Some(from), member_key(from), Command::Payments(pay))
    }
}

/// See the module.
pub(crate) struct World {
    pub(crate) service: Service,
    founded: Founded,
    pub(crate) disk: SimDisk,
    pub(crate) now: Now,
    pub(crate) descriptor: Descriptor,
    pub(crate) rng: Seeded,
    next_connection: u64,
    next_command: u64,
    keys: Keys,
    pub(crate) jobs: Vec<Job>,
    /// Whether the helpers do nothing until they are told to.
    pub(crate) helpers_wait: bool,
    outputs: BTreeMap<ConnectionId, Vec<u8>>,
    /// Whose output nobody takes.
    pub(crate) deaf: BTreeSet<ConnectionId>,
    pub(crate) closed: BTreeSet<ConnectionId>,
}

/// One end of a connection, and what was heard there.
pub(crate) struct Client {
    pub(crate) id: ConnectionId,
    pub(crate) session: ClientSession,
    to_server: Vec<u8>,
    pub(crate) ticket: Option<ClientTicket>,
    pub(crate) replies: Vec<(u32, Reply)>,
    pub(crate) is_open: bool,
}

impl World {
    /// Three members, the first of them an operator, and whatever else the ledger begins with.
    pub(crate) fn new(limits: Limits, found: impl FnOnce(&mut Founding)) -> World {
        let server_key = key("server");
        let genesis = Genesis {
            origin: "service.example/ledger".to_owned(),
            log_key: *log_key().public().bytes(),
            server_key: server_key.public().spki().to_vec(),
            nonce: [3; 32],
            settings: Settings {
                opening_grant: GRANT,
                operator: Some(member_key(0).public().key_id()),
                ..Settings::default()
            }
            .write(),
        };
        let genesis = genesis.to_block(Timestamp::from_millis(START_MS));
        let ledger_id = LedgerId(block_hash(&genesis).0);
        let disk = SimDisk::new();
        let mut rng = Seeded::new("service world");
        eventlog::create(&disk, ledger_id, &genesis, OPTIONS, &mut rng).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
        let mut founding = Founding { ledger, rng, commands: 0 };
        for member in 0..3 {
            let public_key = member_key(member).public().spki().to_vec();
            let register = accounts::Register { handle: format!("member-{member}"), public_key };
            let command = Command::Accounts(accounts::Command::Register(register));
            founding.push(None, member_key(member), command);
        }
        found(&mut founding);
        let Founding { ledger, rng, .. } = founding;
        let setup = ServerSetup::generate(&mut Seeded::new("passwords"));
        let opaque = OpaqueKey { server_key: setup.public_key(), stretch: STRETCH };
        let descriptor = Descriptor::make(&log_key(), ledger_id, 1, server_key.public(), Some(&opaque));
        let founded = Founded { genesis, descriptor: descriptor.clone(), opaque, limits };
        let service = founded.serve(&disk, ledger);
        World {
            service,
            founded,
            disk,
            now: Now {
                wall: Timestamp::from_millis(START_MS + 1_000),
                mono: Monotonic(Duration::from_secs(1)),
                ..Now::default()
            },
            descriptor,
            rng,
            next_connection: 0,
            next_command: 0,
            keys: Keys {
                current: server_key,
                previous: None,
                reject: [0; 32].into(),
                passwords: Some(setup),
            },
            jobs: Vec::new(),
            helpers_wait: false,
            outputs: BTreeMap::new(),
            deaf: BTreeSet::new(),
            closed: BTreeSet::new(),
        }
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now.mono.0 += time;
        self.now.wall = self.now.wall.plus_micros(time.as_micros() as u64);
        self.now.boot.0 += time;
    }

    /// Somebody connects and says nothing.
    pub(crate) fn knock(&mut self, ip: &str) -> ConnectionId {
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let peer = (ip.parse::<std::net::IpAddr>().unwrap(), 1_024).into();
        self.service.connected(id, peer, self.now, &mut self.rng);
        self.turn();
        id
    }

    /// A connection is gone.
    pub(crate) fn hang_up(&mut self, id: ConnectionId) {
        self.service.hung_up(id, self.now, &mut self.rng);
        self.closed.insert(id);
        self.turn();
    }

    /// What has come on a connection on which nobody speaks the protocol.
    pub(crate) fn output(&self, id: ConnectionId) -> Vec<u8> {
        self.outputs.get(&id).cloned().unwrap_or_default()
    }

    /// Whether the server holds this connection.
    pub(crate) fn holds(&self, id: ConnectionId) -> bool {
        !self.closed.contains(&id) && !self.service.is_finished(id)
    }

    /// One turn of the loop. What leaves it is taken at once, except by those who are deaf.
    pub(crate) fn turn(&mut self) {
        self.try_turn().unwrap();
    }

    /// The same, where the disk may fail.
    pub(crate) fn try_turn(&mut self) -> Result<(), LogError> {
        self.wait(Duration::from_millis(1));
        self.service.end_tick(self.now, &mut self.rng)?;
        self.jobs.extend(self.service.take_jobs());
        for id in self.service.touched() {
            let output = self.service.output(id).to_vec();
            if self.deaf.contains(&id) && !output.is_empty() {
                self.service.written(id, 0, self.now);
                continue;
            }
            self.outputs.entry(id).or_default().extend_from_slice(&output);
            self.service.written(id, output.len(), self.now);
            if self.service.is_finished(id) && self.service.output(id).is_empty() {
                self.service.hung_up(id, self.now, &mut self.rng);
                self.closed.insert(id);
            }
        }
        if !self.helpers_wait {
            self.help();
        }
        Ok(())
    }

    /// The helpers do all that they were given.
    pub(crate) fn help(&mut self) {
        for job in std::mem::take(&mut self.jobs) {
            let (service, now) = (&mut self.service, self.now);
            let mut results = Vec::new();
            job.run(&self.keys, &mut self.rng, &mut |result| results.push(result));
            for result in results {
                service.answered(result, now, &mut self.rng);
            }
        }
    }

    /// A member connects with its key.
    pub(crate) fn member(&mut self, ip: &str, member: usize) -> Client {
        let auth = ClientAuth { account: member as u64 + 1, key: member_key(member).clone() };
        let session = ClientSession::full(&self.descriptor, Some(auth), &mut self.rng);
        self.open(ip, session)
    }

    /// A member connects with another of its keys.
    pub(crate) fn member_by(&mut self, ip: &str, member: usize, key: &SigningKey) -> Client {
        let auth = ClientAuth { account: member as u64 + 1, key: key.clone() };
        let session = ClientSession::full(&self.descriptor, Some(auth), &mut self.rng);
        self.open(ip, session)
    }

    /// A command of a member, signed with another of its keys.
    pub(crate) fn command_by(&mut self, member: usize, key: &SigningKey, command: &Command) -> Signed {
        self.next_command += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next_command.to_be_bytes());
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: self.ledger_id(),
            account: AccountId(member as u64 + 1),
            key_id: key.public().key_id(),
            command_id: CommandId(id),
            issued_at: START_MS + 1_000,
            tag,
        };
        let message = header.message(&body);
        let signature = key.sign(&mut self.rng, &[&message]).to_vec();
        Signed { message, signature }
    }

    /// The next command has the id of the one before.
    pub(crate) fn use_the_id_again(&mut self) {
        self.next_command -= 1;
    }

    /// The next command has another id than any before.
    pub(crate) fn use_another_id(&mut self) {
        self.next_command += 1;
    }

    /// The id that the next command will have.
    pub(crate) fn next_id(&self) -> CommandId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(self.next_command + 1).to_be_bytes());
        CommandId(id)
    }

    /// A member pays one unit to another.
    pub(crate) fn payment(&mut self, from: usize, to: usize) -> Signed {
        let payment = Payment { to: AccountId(to as u64 + 1), amount: 1, memo: String::new() };
        let pay = payments::Command::Pay(Pay { payments: vec![payment] });
        self.command(from, START_MS + 1_000, &Command::Payments(pay), true)
    }

    /// The ledger that is served.
    pub(crate) fn ledger_id(&self) -> LedgerId {
        self.descriptor.ledger_id()
    }

    /// Somebody connects and says that it is this account, with the key of this member.
    pub(crate) fn claim(&mut self, ip: &str, account: u64, member: usize) -> Client {
        let auth = ClientAuth { account, key: member_key(member).clone() };
        let session = ClientSession::full(&self.descriptor, Some(auth), &mut self.rng);
        self.open(ip, session)
    }

    /// Somebody without an account connects.
    pub(crate) fn stranger(&mut self, ip: &str) -> Client {
        let session = ClientSession::full(&self.descriptor, None, &mut self.rng);
        self.open(ip, session)
    }

    /// A member connects with a ticket.
    pub(crate) fn resume(&mut self, ip: &str, ticket: &ClientTicket) -> Client {
        let session = ClientSession::resume(ticket, &mut self.rng);
        self.open(ip, session)
    }

    fn open(&mut self, ip: &str, session: ClientSession) -> Client {
        let id = self.knock(ip);
        let (to_server, replies) = (Vec::new(), Vec::new());
        let mut client = Client { id, session, to_server, ticket: None, replies, is_open: false };
        for _ in 0..8 {
            self.exchange(&mut client);
        }
        client
    }

    /// Puts a request on its way.
    pub(crate) fn send(&mut self, client: &mut Client, request: u32, what: &Request<'_>) {
        let mut env = ClientEnv { now: self.now, rng: &mut self.rng };
        client.session.send_message(&wire::seal(request, what), &mut env).unwrap();
    }

    /// A command of a member, signed as it should be or not at all.
    pub(crate) fn command(&mut self, member: usize, issued_at: u64, command: &Command, good: bool) -> Signed {
        self.command_with(member, issued_at, command, good, &|_| ())
    }

    /// A command of a member that was changed before it was signed.
    pub(crate) fn command_with(
        &mut self,
        member: usize,
        issued_at: u64,
        command: &Command,
        good: bool,
        change: &dyn Fn(&mut Vec<u8>),
    ) -> Signed {
        self.next_command += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next_command.to_be_bytes());
        let (tag, body) = command.encode();
        let registers = matches!(command, Command::Accounts(accounts::Command::Register(_)));
        let account = if registers { AccountId::NONE } else { AccountId(member as u64 + 1) };
        let key = member_key(member);
        let ledger_id = self.descriptor.ledger_id();
        let key_id = key.public().key_id();
        let header = Header { ledger_id, account, key_id, command_id: CommandId(id), issued_at, tag };
        let mut message = header.message(&body);
        change(&mut message);
        let signature = match good {
            true => key.sign(&mut self.rng, &[&message]).to_vec(),
            false => vec![0; SIGNATURE_BYTES_MAX],
        };
        Signed { message, signature }
    }

    /// Carries what the client has to say as far as there is room, turns the loop once, and carries back what it says.
    pub(crate) fn exchange(&mut self, client: &mut Client) {
        self.carry(client);
        self.turn();
        self.hear(client);
    }

    /// Carries what the client has to say as far as there is room for it.
    pub(crate) fn carry(&mut self, client: &mut Client) {
        client.to_server.extend(client.session.take_output());
        while !client.to_server.is_empty() && !self.closed.contains(&client.id) {
            let room = self.service.input_room(client.id).min(client.to_server.len());
            if room == 0 {
                break;
            }
            let bytes: Vec<u8> = client.to_server.drain(..room).collect();
            self.service.received(client.id, &bytes, self.now, &mut self.rng);
        }
    }

    /// What has come for the client.
    pub(crate) fn hear(&mut self, client: &mut Client) {
        let bytes = self.outputs.remove(&client.id).unwrap_or_default();
        let mut rest = &bytes[..];
        while !rest.is_empty() && client.session.room() > 0 {
            let (now, later) = rest.split_at(client.session.room().min(rest.len()));
            client.session.receive(now, &mut ClientEnv { now: self.now, rng: &mut self.rng });
            rest = later;
            while let Some(event) = client.session.poll_event() {
                match event {
                    ClientEvent::Opened { .. } => client.is_open = true,
                    ClientEvent::Ticket(ticket) => client.ticket = Some(ticket),
                    ClientEvent::Message(message) => client.replies.push(wire::open(&message).unwrap()),
                    ClientEvent::Closed(_) => client.is_open = false,
                    ClientEvent::Params(_) | ClientEvent::Pong(_) => {}
                }
            }
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, client: &mut Client, request: &Request<'_>) -> Reply {
        self.send(client, 1, request);
        let before = client.replies.len();
        for _ in 0..100 {
            self.exchange(client);
            if client.replies.len() > before {
                return client.replies.remove(before).1;
            }
        }
        panic!("no answer came to {request:?}");
    }

    /// Submits, and waits for the answer.
    pub(crate) fn submit(&mut self, client: &mut Client, command: &Signed) -> Reply {
        self.ask(client, &command.request())
    }
}

impl Client {
    /// Keeps back the second half of what it has to say.
    pub(crate) fn split_off_half(&mut self) -> Vec<u8> {
        self.to_server.extend(self.session.take_output());
        self.to_server.split_off(self.to_server.len() / 2)
    }

    /// Says what was kept back.
    pub(crate) fn resume_with(&mut self, rest: Vec<u8>) {
        self.to_server.extend(rest);
    }
}

/// A command and its signature.
pub(crate) struct Signed {
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn id(&self) -> CommandId {
        Message::parse(&self.message).unwrap().header.command_id
    }

    /// The same command of a member, issued at another time.
    pub(crate) fn issued_at(&self, member: usize, issued_at: u64, world: &mut World) -> Signed {
        let Message { header, body, .. } = Message::parse(&self.message).unwrap();
        let message = Header { issued_at, ..header }.message(body);
        let signature = member_key(member).sign(&mut world.rng, &[&message]).to_vec();
        Signed { message, signature }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request::Submit(Submission { message: &self.message, signature: &self.signature })
    }

    pub(crate) fn request_with<'a>(&'a self, side: &'a [u8]) -> Request<'a> {
        let submission = Submission { message: &self.message, signature: &self.signature };
        Request::SubmitWith { submission, side }
    }
}

/// The name of a refusal.
pub(crate) fn refused(reply: Reply) -> String {
    match reply {
        Reply::Refused(refusal) => refusal.name,
        other => panic!("{other:?}"),
    }
}
