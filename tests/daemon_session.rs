//! Members of the real daemon over real sockets: through the loop, the helpers and the disk, and back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledgerd::chain::{CommandId, Header};
use ledgerd::crypto::{SigningKey, random};
use ledgerd::domain::orders::{Decimal, Operation, Order, PlaceOrders, StockName};
use ledgerd::domain::{AccountId, Command, accounts, orders};
use ledgerd::session::{ClientAuth, ClientEnv, ClientEvent, ClientSession, ClientTicket, Descriptor};
use ledgerd::time::{Monotonic, Now, Timestamp};
use ledgerd::wire::{self, Figures, Push, Reply, Request, Submission};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::{DEADLINE, Daemon, place};

/// Orders sent without waiting for their answers.
const FLOOD: u32 = 300;

fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mono = Monotonic(Duration::from_micros(wall.as_micros() as u64));
    Now { wall: Timestamp::from_micros(wall.as_micros() as u64), mono, ..Now::default() }
}

/// A client that waits for everything.
struct Client {
    stream: TcpStream,
    session: ClientSession,
    descriptor: Descriptor,
    ticket: Option<ClientTicket>,
}

impl Client {
    fn connect(daemon: &Daemon, descriptor: &Descriptor, auth: Option<ClientAuth>) -> Client {
        let session = ClientSession::full(descriptor, auth, &mut random::os());
        Client::shake_hands(daemon, descriptor, session)
    }

    fn resume(daemon: &Daemon, descriptor: &Descriptor, ticket: &ClientTicket) -> Client {
        let session = ClientSession::resume(ticket, &mut random::os());
        Client::shake_hands(daemon, descriptor, session)
    }

    fn shake_hands(daemon: &Daemon, descriptor: &Descriptor, session: ClientSession) -> Client {
        let stream = daemon.connect();
        let mut client = Client { stream, session, descriptor: descriptor.clone(), ticket: None };
        client.write();
        while !matches!(client.event(), ClientEvent::Opened { .. }) {}
        client.write();
        client
    }

    fn write(&mut self) {
        self.stream.write_all(&self.session.take_output()).unwrap();
    }

    /// The next event; reads until there is one.
    fn event(&mut self) -> ClientEvent {
        loop {
            match self.session.poll_event() {
                Some(ClientEvent::Ticket(ticket)) => self.ticket = Some(ticket),
                Some(event) => return event,
                None => {
                    let mut bytes = vec![0; self.session.room().min(16 << 10)];
                    let count = self.stream.read(&mut bytes).unwrap();
                    assert!(count > 0, "the daemon closed the connection");
                    let mut rng = random::os();
                    self.session.receive(&bytes[..count], &mut ClientEnv { now: now(), rng: &mut rng });
                }
            }
        }
    }

    fn send(&mut self, id: u32, request: &Request<'_>) {
        let mut rng = random::os();
        let mut env = ClientEnv { now: now(), rng: &mut rng };
        self.session.send_message(&wire::seal(id, request), &mut env).unwrap();
        self.write();
    }

    fn reply(&mut self) -> (u32, Reply) {
        match self.event() {
            ClientEvent::Message(message) => wire::open(&message).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, request: &Request<'_>) -> Reply {
        self.send(1, request);
        self.reply().1
    }

    fn submit(&mut self, id: u32, account: AccountId, key: &SigningKey, command: &Command) {
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: self.descriptor.ledger_id(),
            account,
            key_id: key.public().key_id(),
            command_id: CommandId(random::bytes(&mut random::os())),
            issued_at: now().wall.millis(),
            tag,
        };
        let message = header.message(&body);
        let signature = key.sign(&mut random::os(), &[&message]);
        self.send(id, &Request::Submit(Submission { message: &message, signature: &signature }));
    }

    fn status(&mut self) -> Figures {
        match self.ask(&Request::Status) {
            Reply::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    /// One of the server's figures.
    fn figure(&mut self, name: &str) -> u64 {
        self.status().number(name).unwrap()
    }
}

fn key(pem: &str) -> SigningKey {
    SigningKey::from_pkcs8_pem(pem, None).unwrap()
}

fn register(daemon: &Daemon, descriptor: &Descriptor, handle: &str, key: &SigningKey) -> Reply {
    let public_key = key.public().spki().to_vec();
    let register = accounts::Register { handle: handle.to_owned(), public_key };
    let mut client = Client::connect(daemon, descriptor, None);
    let command = Command::Accounts(accounts::Command::Register(register));
    client.submit(1, AccountId::NONE, key, &command);
    client.reply().1
}

fn an_order() -> Command {
    let stock_name = StockName::new("AAPL").unwrap();
    let order = Order { operation: Operation::Buy, stock_name, quantity: Decimal::from(1), price: None };
    Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders: vec![order] }))
}

#[test]
fn members_register_send_a_flood_of_orders_and_find_them_after_a_crash() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let descriptor = daemon.get_key().1;
    let alice = key(include_str!("../fixtures/keys/client.pem"));
    assert!(matches!(register(&daemon, &descriptor, "alice", &alice), Reply::Accepted(_)));
    let other = key(include_str!("../fixtures/keys/other.pem"));
    let taken = register(&daemon, &descriptor, "ALICE", &other);
    assert!(matches!(taken, Reply::Refused(_)), "{taken:?}");

    let auth = ClientAuth { account: 1, key: alice.clone() };
    let mut client = Client::connect(&daemon, &descriptor, Some(auth));
    for id in 1..=FLOOD {
        client.submit(id, AccountId(1), &alice, &an_order());
    }
    // Whichever helper is faster, commands are answered and stand in the order in which they came.
    for id in 1..=FLOOD {
        match client.reply() {
            (answered, Reply::Accepted(accepted)) => {
                assert_eq!((answered, accepted.index), (id, u64::from(id) + 1));
            }
            other => panic!("{other:?}"),
        }
    }
    let status = client.status();
    let number = |figures: &Figures, name| figures.number(name).unwrap();
    assert_eq!(number(&status, "blocks"), u64::from(FLOOD) + 2);
    assert_eq!(number(&status, "commands_accepted"), u64::from(FLOOD) + 1);
    assert!(number(&status, "resident_bytes") > 0 && number(&status, "handshakes_full") == 3, "{status:?}");

    let ticket = client.ticket.take().unwrap();
    let mut resumed = Client::resume(&daemon, &descriptor, &ticket);
    let of_resumed = resumed.status();
    assert_eq!(number(&of_resumed, "handshakes_full"), 3);
    assert_eq!(number(&of_resumed, "handshakes_resumed"), 1);

    // The check of the whole log runs beside all this, and says how it ended.
    resumed.send(9, &Request::Verify);
    let verdict = loop {
        match resumed.reply() {
            (9, Reply::Push(Push::Progress(progress))) => assert!(progress.done <= progress.total),
            (9, Reply::Verification(verdict)) => break verdict,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((verdict.blocks, verdict.findings_total), (number(&status, "blocks"), 0), "{verdict:?}");

    daemon.signal(Signal::KILL);
    assert_eq!(daemon.ended().code, None);
    let daemon = Daemon::start(&path, &[]);
    let (blocks, head) = (number(&status, "blocks"), status.text("head").unwrap());
    assert!(daemon.ready_line.contains(&format!("blocks={blocks} head={head}")));
    let auth = ClientAuth { account: 1, key: alice };
    let mut client = Client::connect(&daemon, &descriptor, Some(auth));
    assert_eq!(client.figure("orders"), u64::from(FLOOD));
    daemon.stop();
}

/// A daemon with these settings and one member, who is connected.
fn with_a_member(settings: &str) -> (TempDir, Daemon, Descriptor, ClientAuth, Client) {
    let (dir, path) = place();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, settings).unwrap();
    let daemon = Daemon::start(&path, &["--config", config.to_str().unwrap()]);
    let descriptor = daemon.get_key().1;
    let alice = key(include_str!("../fixtures/keys/client.pem"));
    assert!(matches!(register(&daemon, &descriptor, "alice", &alice), Reply::Accepted(_)));
    let auth = ClientAuth { account: 1, key: alice };
    let client = Client::connect(&daemon, &descriptor, Some(auth.clone()));
    (dir, daemon, descriptor, auth, client)
}

/// Asks until nothing goes in any more: the daemon has stopped reading, and in the end it hangs up. How often that was.
fn ask_until_hung_up_on(deaf: &mut Client) -> u64 {
    deaf.stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut asked = 0;
    loop {
        let mut rng = random::os();
        let mut env = ClientEnv { now: now(), rng: &mut rng };
        deaf.session.send_message(&wire::seal(1, &Request::Status), &mut env).unwrap();
        if let Err(error) = deaf.stream.write_all(&deaf.session.take_output()) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it was not hung up on");
            return asked;
        }
        asked += 1;
    }
}

#[test]
fn who_asks_and_does_not_listen_is_not_read_from_and_holds_up_nobody() {
    let settings = "output_stalled_ms = 1500\noutput_bytes_max = 16384";
    let (_dir, daemon, descriptor, auth, mut deaf) = with_a_member(settings);
    let asked = ask_until_hung_up_on(&mut deaf);
    let mut client = Client::connect(&daemon, &descriptor, Some(auth));
    assert_eq!(client.figure("connections"), 1);
    let taken = client.figure("resident_bytes");
    assert!(taken < 256 << 20, "{asked} questions took {taken} bytes");
    daemon.stop();
}

#[test]
fn who_stops_listening_long_after_the_handshake_is_hung_up_on_as_well() {
    let settings = "first_frame_ms = 300\noutput_stalled_ms = 1500\noutput_bytes_max = 16384";
    let (_dir, daemon, descriptor, auth, mut deaf) = with_a_member(settings);
    // Until the first deadline of the connection is past; the next is that of an idle one, in ten minutes.
    let begun = deaf.figure("uptime_us");
    while deaf.figure("uptime_us") < begun + 600_000 {}
    ask_until_hung_up_on(&mut deaf);
    assert_eq!(Client::connect(&daemon, &descriptor, Some(auth)).figure("connections"), 1);
    daemon.stop();
}

#[test]
fn nobody_registers_a_handle_without_a_letter_though_the_rules_once_allowed_it() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let descriptor = daemon.get_key().1;
    let alice = key(include_str!("../fixtures/keys/client.pem"));
    for handle in ["002", "1.2", "..."] {
        let Reply::Refused(refusal) = register(&daemon, &descriptor, handle, &alice) else {
            panic!("{handle}")
        };
        assert_eq!(refusal.name, "invalid_handle");
        assert!(refusal.message.contains("at least one letter"), "{}", refusal.message);
    }
    assert!(matches!(register(&daemon, &descriptor, "002a", &alice), Reply::Accepted(_)));
    daemon.stop();
}

#[test]
fn a_flood_of_junk_leaves_a_few_lines_in_the_log_and_their_number() {
    const JUNK: u32 = 1_000;
    let (_dir, daemon, descriptor, _, mut client) = with_a_member("");
    for id in 1..=JUNK {
        client.send(id, &Request::Submit(Submission { message: b"junk", signature: b"" }));
    }
    for _ in 1..=JUNK {
        assert!(matches!(client.reply().1, Reply::Refused(refusal) if refusal.name == "malformed_command"));
    }
    for id in 0..100 {
        let mut stranger = daemon.connect();
        stranger.write_all(b"G").unwrap();
        assert_eq!(stranger.read(&mut [0]).unwrap(), 0, "{id}");
    }
    drop(Client::connect(&daemon, &descriptor, None));
    daemon.signal(Signal::TERM);
    let log = daemon.ended().stderr;
    let lines = |what: &str| log.lines().filter(|line| line.contains(what)).count() as u32;
    let left_out = |what: &str| -> u32 {
        let counts = log.lines().filter(|line| line.contains("lines left out of the log"));
        let counts = counts.flat_map(|line| line.split(' ').filter_map(|word| word.strip_prefix(what)));
        counts.map(|count| count.parse::<u32>().unwrap()).sum()
    };
    let (written, failed) = (lines("command refused"), lines("handshake failed"));
    assert!(
        (1..100).contains(&written) && (1..100).contains(&failed),
        "{written} and {failed} lines:\n{log}"
    );
    assert_eq!(written + left_out("refused="), JUNK, "{log}");
    assert_eq!(failed + left_out("failed="), 100, "{log}");
}

#[test]
fn asked_to_end_the_daemon_ends_soon_though_somebody_asks_and_does_not_listen() {
    let (_dir, daemon, _, _, mut deaf) = with_a_member("");
    deaf.stream.set_nonblocking(true).unwrap();
    // As much as goes in without any answer being read.
    let mut rng = random::os();
    for id in 1..1_000_000 {
        let mut env = ClientEnv { now: now(), rng: &mut rng };
        deaf.session.send_message(&wire::seal(id, &Request::Status), &mut env).unwrap();
        if deaf.stream.write_all(&deaf.session.take_output()).is_err() {
            break;
        }
    }
    let begun = std::time::Instant::now();
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    // Two seconds, and what a machine takes that is busy with other tests.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_file_at_its_size_limit_is_a_full_disk_and_not_the_end() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let descriptor = daemon.get_key().1;
    let alice = key(include_str!("../fixtures/keys/client.pem"));
    assert!(matches!(register(&daemon, &descriptor, "alice", &alice), Reply::Accepted(_)));
    daemon.stop();

    // The first segment fits under the limit, the next one does not, whatever unit this shell counts in.
    let daemon = Daemon::start_limited("-f 140", &path, &["--segment-bytes=1048576"]);
    let auth = ClientAuth { account: 1, key: alice.clone() };
    let mut client = Client::connect(&daemon, &descriptor, Some(auth.clone()));
    let mut accepted = 0;
    let refusal = loop {
        client.submit(1, AccountId(1), &alice, &an_order());
        match client.reply().1 {
            Reply::Accepted(_) => accepted += 1,
            Reply::Refused(refusal) => break refusal,
            other => panic!("{other:?}"),
        }
        assert!(accepted < 200, "the limit has no effect");
    };
    assert_eq!(refusal.name, "disk_full");
    let status = client.status();
    assert_eq!(status.text("mode"), Some("read_only"), "{status:?}");
    assert_eq!(status.number("orders"), Some(accepted));
    daemon.stop();

    // With room again, all that was accepted is there and more is taken.
    let daemon = Daemon::start(&path, &[]);
    let mut client = Client::connect(&daemon, &descriptor, Some(auth));
    assert_eq!(client.figure("orders"), accepted);
    client.submit(1, AccountId(1), &alice, &an_order());
    assert!(matches!(client.reply().1, Reply::Accepted(_)));
    daemon.stop();
}

#[test]
fn a_write_that_finds_no_room_in_a_segment_that_has_some_ends_the_daemon_and_nothing_acknowledged_is_lost() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let descriptor = daemon.get_key().1;
    let alice = key(include_str!("../fixtures/keys/client.pem"));
    assert!(matches!(register(&daemon, &descriptor, "alice", &alice), Reply::Accepted(_)));
    let auth = ClientAuth { account: 1, key: alice.clone() };
    let mut client = Client::connect(&daemon, &descriptor, Some(auth.clone()));
    client.submit(1, AccountId(1), &alice, &an_order());
    assert!(matches!(client.reply().1, Reply::Accepted(_)));

    // Of the next batch a part is written, and the rest is refused by the system.
    let segment = std::fs::read(path.join("log/00000000000000000000.seg")).unwrap();
    let end = segment.iter().rposition(|byte| *byte != 0).unwrap();
    daemon.limit_files(end as u64 + 200);
    client.submit(2, AccountId(1), &alice, &an_order());
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(74), "{outcome:?}");
    assert!(outcome.stderr.contains("write log/00000000000000000000.seg"), "{outcome:?}");
    assert_eq!(client.stream.read(&mut [0; 64]).unwrap_or(0), 0, "nobody was told anything");

    let daemon = Daemon::start(&path, &[]);
    let mut client = Client::connect(&daemon, &descriptor, Some(auth));
    assert_eq!(client.figure("orders"), 1);
    client.submit(1, AccountId(1), &alice, &an_order());
    assert!(matches!(client.reply().1, Reply::Accepted(_)));
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("torn"), "{outcome:?}");
}
