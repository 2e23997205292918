//! A ledger of pure functions: no disk, no network, no signature, but every other step that a command takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ledgerd::chain::{Block, CommandId, Header, Link, Message, block_hash};
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{KeyId, KeyKind, LedgerId, SIGNATURE_BYTES_MAX, SigningKey};
use ledgerd::domain::{self, AccountId, Command, Event, Happened, Rejection, Settings, State};
use ledgerd::ledger::context_of;
use ledgerd::time::Timestamp;

use super::DOMAINS;
use super::domain::RawCommand;

/// What came of a command.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was accepted, and this is what a step says of it after the arrow.
    Accepted(String),
    Refused(Rejection),
    Undecodable,
}

/// Public keys by name: 1 to 4 are good and of RSA, d1 to d70 are good and of Ed25519, the others are those that the key
/// policy refuses.
static KEYS: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let good = [
        include_str!("../../fixtures/keys/client.pem"),
        include_str!("../../fixtures/keys/other.pem"),
        include_str!("../../fixtures/keys/server.pem"),
        include_str!("../../fixtures/keys/server_next.pem"),
    ];
    let good = good.iter().enumerate().map(|(number, pem)| {
        let key = SigningKey::from_pkcs8_pem(pem, None).unwrap();
        ((number + 1).to_string(), key.public().spki().to_vec())
    });
    let list = include_str!("../../fixtures/keys/refused.txt").lines();
    let refused = list.filter(|line| !line.starts_with('#')).map(|line| {
        let mut words = line.split(' ').skip(1);
        let (name, hex) = (words.next().unwrap(), words.next().unwrap());
        (name.to_owned(), if hex == "-" { Vec::new() } else { const_hex::decode(hex).unwrap() })
    });
    let devices = (1..=70).map(|number| {
        let name = format!("d{number}");
        let key = SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new(&name));
        (name, key.public().spki().to_vec())
    });
    let head = |point: &[u8]| [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0"[..], point].concat();
    let bad_devices =
        [("d_small_order", head(&[0; 32])), ("d_no_point", head(&[2; 32])), ("d_cut", head(&[7; 31]))];
    let bad_devices = bad_devices.map(|(name, spki)| (name.to_owned(), spki));
    good.chain(refused).chain(devices).chain(bad_devices).collect()
});

pub(super) fn spki(key: &str) -> &'static [u8] {
    KEYS.get(key).unwrap_or_else(|| panic!("there is no key {key}"))
}

/// When a story begins, in milliseconds since the Unix epoch.
pub(super) const START_MS: u64 = 1_700_000_000_000;

/// The byte that the ledger's id is made of.
pub(super) const LEDGER: u8 = 1;

/// State, chain, and the bytes of every block.
#[derive(Default)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) blocks: Vec<Vec<u8>>,
    /// Microseconds from the start of the story to the time that the server's clock shows.
    pub(super) clock_us: u64,
    link: Link,
}

impl World {
    /// What genesis says: minor units that a new account receives, and whose key is the operator's.
    pub(super) fn found(&mut self, opening_grant: u64, operator: Option<&str>) {
        let operator = operator.map(|key| KeyId::of_spki(spki(key)));
        let settings = Settings { opening_grant, operator, ..Settings::default() };
        assert_eq!(Settings::read(&settings.write()), Ok(settings.clone()));
        self.state = State::new(settings);
    }

    /// Lets `author` ask for something, signed with the key `signer`.
    pub(super) fn ask(&mut self, command: &RawCommand, author: u64, signer: &str) -> Outcome {
        let RawCommand { tag, body, .. } = command.clone();
        let Ok(decoded) = Command::decode(tag, &body) else { return Outcome::Undecodable };
        assert_eq!(decoded.encode(), (tag, body.clone()), "one value, one encoding");
        let index = self.link.next_index();
        let (message, timestamp) = self.message(command, author, signer);
        let context = context_of(&Message::parse(&message).unwrap(), timestamp, index);
        let event = match domain::decide(&self.state, &decoded, &context) {
            Ok(event) => event,
            Err(rejection) => return Outcome::Refused(rejection),
        };
        let event_bytes = event.encode();
        assert!(event_bytes.len() <= decoded.event_bytes_max(), "larger than what room is made for");
        let block = Block {
            index,
            timestamp: context.timestamp,
            previous_hash: self.link.head(),
            author: context.author,
            author_previous: self.link.last_of(context.author),
            message: &message,
            signature: &[0; SIGNATURE_BYTES_MAX],
            event: &event_bytes,
        };
        let bytes = block.encode();
        self.link.advance(&block, block_hash(&bytes));
        self.blocks.push(bytes);
        let happened = Happened::of(decoded, event.clone()).unwrap();
        domain::apply(&mut self.state, &happened, &context, &mut |_, _| ()).unwrap();
        let outcome = DOMAINS.iter().find_map(|domain| domain.outcome(&event));
        Outcome::Accepted(outcome.expect("an event is one of a domain"))
    }

    /// What the rules say of a command that would come next, in this state; none of bytes that are no command.
    pub(super) fn decided_in(
        &self,
        state: &State,
        command: &RawCommand,
        author: u64,
        signer: &str,
    ) -> Option<Result<Event, Rejection>> {
        let decoded = Command::decode(command.tag, &command.body).ok()?;
        let (message, timestamp) = self.message(command, author, signer);
        let context = context_of(&Message::parse(&message).unwrap(), timestamp, self.link.next_index());
        Some(domain::decide(state, &decoded, &context))
    }

    /// The time that the next block gets.
    pub(super) fn next_time(&self) -> Timestamp {
        self.link.next_timestamp(Timestamp::from_millis(START_MS).plus_micros(self.clock_us))
    }

    /// The message of a command that comes next, and the time of its block.
    fn message(&self, command: &RawCommand, author: u64, signer: &str) -> (Vec<u8>, Timestamp) {
        let timestamp = self.next_time();
        let header = Header {
            ledger_id: LedgerId([LEDGER; 32]),
            account: AccountId(author),
            key_id: KeyId::of_spki(spki(signer)),
            command_id: CommandId(u128::from(self.link.next_index()).to_be_bytes()),
            issued_at: timestamp.millis(),
            tag: command.tag,
        };
        (header.message(&command.body), timestamp)
    }

    /// The state that the blocks yield when nothing but their bytes is known.
    pub(super) fn replayed(&self) -> State {
        let (mut state, mut link) = (State::new(self.state.settings.clone()), Link::default());
        for bytes in &self.blocks {
            let block = Block::parse(bytes).unwrap();
            link.check(&block).unwrap();
            let message = Message::parse(block.message).unwrap();
            let happened = Happened::decode(message.header.tag, message.body, block.event).unwrap();
            let context = context_of(&message, block.timestamp, block.index);
            let event = Event::decode(block.event).unwrap();
            assert_eq!(
                domain::decide(&state, &happened.command(), &context),
                Ok(event),
                "decided the same again"
            );
            domain::apply(&mut state, &happened, &context, &mut |_, _| ()).unwrap();
            link.advance(&block, block_hash(bytes));
        }
        state
    }

    /// The state's answer, as a scenario writes it; none if no domain has such a question.
    pub(super) fn answer(&self, question: &str) -> Option<String> {
        let words: Vec<&str> = question.split_whitespace().collect();
        DOMAINS.iter().find_map(|domain| domain.answer(&self.state, &words))
    }
}
