//! `fixtures/vectors/command.txt` holds a ledger of three blocks with every intermediate value: genesis, a
//! registration and an order. This test computes every value again from the inputs that stand there, so that
//! the file says what the program does; a second implementation does the same and is then compatible.

use std::collections::{BTreeMap, BTreeSet};

use ledgerd::chain::{
    Block, Checkpoint, CommandId, Frontier, Genesis, Header, LeafHash, Link, Message, block_hash,
};
use ledgerd::codec;
use ledgerd::crypto::VerifyingKey;
use ledgerd::crypto::{self, KeyId, LedgerId};
use ledgerd::domain::accounts::{self, Register, Registered};
use ledgerd::domain::orders::{
    self, Operation, OrdersPlaced,
    v1::{Currency, Order, PlaceOrders, Price, StockName},
};
use ledgerd::domain::{self, AccountId, Command, Event, Happened, State};
use ledgerd::ledger::context_of;
use ledgerd::time::Timestamp;

/// The file: values by name, as bytes.
struct Vectors(BTreeMap<String, Vec<u8>>);

impl Vectors {
    fn read() -> Vectors {
        let text = include_str!("../fixtures/vectors/command.txt");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let values: Vec<_> = lines
            .map(|line| {
                let (name, hex) = line.split_once(" = ").expect("name = hex");
                (name.to_owned(), const_hex::decode(hex).expect("hexadecimal digits"))
            })
            .collect();
        let count = values.len();
        let vectors = Vectors(values.into_iter().collect());
        assert_eq!(vectors.0.len(), count, "a name stands twice");
        vectors
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("{name} is missing"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name).to_vec()).unwrap()
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{name} has another length than {N}"))
    }

    fn u64(&self, name: &str) -> u64 {
        u64::from_be_bytes(self.array(name))
    }
}

/// The inputs of the two commands, in the order of their blocks.
fn command(vectors: &Vectors, name: &str) -> Command {
    match name {
        "register" => Command::Accounts(accounts::Command::Register(Register {
            handle: vectors.text("register.handle"),
            public_key: vectors.bytes("client.public_key").to_vec(),
        })),
        "orders" => {
            let price = Price {
                ten_thousandths: vectors.u64("orders.price_ten_thousandths"),
                currency: Some(Currency(vectors.array("orders.price_currency"))),
            };
            let order = Order {
                operation: Operation::Buy,
                stock_name: StockName::new(&vectors.text("orders.stock_name")).unwrap(),
                quantity: vectors.u64("orders.quantity"),
                price: Some(price),
            };
            let second = Order { operation: Operation::Sell, quantity: 1, price: None, ..order };
            Command::Orders(orders::Command::PlaceOrdersV1(PlaceOrders { orders: vec![order, second] }))
        }
        _ => unreachable!(),
    }
}

/// A chain that grows block by block.
#[derive(Default)]
struct Ledger {
    link: Link,
    tree: Frontier,
    state: State,
    computed: Vec<(String, Vec<u8>)>,
}

impl Ledger {
    fn say(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.computed.push((name.into(), bytes.into()));
    }

    /// Takes a block in and writes down what follows from its bytes.
    fn append(&mut self, name: &str, bytes: Vec<u8>) {
        let hash = block_hash(&bytes);
        let block = Block::parse(&bytes).unwrap();
        self.link.check(&block).unwrap();
        self.link.advance(&block, hash);
        let leaf = LeafHash::of_block(&bytes);
        self.tree.push(leaf, |_| {});
        self.say(format!("{name}.hash"), hash.0);
        self.say(format!("{name}.leaf"), leaf.0);
        self.say(format!("{name}.block"), bytes);
    }

    fn run_command(&mut self, vectors: &Vectors, name: &str, ledger_id: LedgerId, key_id: KeyId) {
        let command = command(vectors, name);
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id,
            account: AccountId(vectors.u64(&format!("{name}.account"))),
            key_id,
            command_id: CommandId(vectors.array(&format!("{name}.command_id"))),
            issued_at: vectors.u64(&format!("{name}.issued_at")),
            tag,
        };
        let message = header.message(&body);
        let timestamp = Timestamp::from_micros(vectors.u64(&format!("{name}.timestamp")));
        let context = context_of(&Message::parse(&message).unwrap(), timestamp, self.link.next_index());
        let event = domain::decide(&self.state, &command, &context).unwrap();
        let block = Block {
            index: context.index,
            timestamp: context.timestamp,
            previous_hash: self.link.head(),
            author: context.author,
            author_previous: self.link.last_of(context.author),
            message: &message,
            signature: vectors.bytes(&format!("{name}.signature")),
            event: &event.encode(),
        };
        self.say(format!("{name}.schema"), tag.schema.to_be_bytes());
        self.say(format!("{name}.kind"), tag.kind.to_be_bytes());
        self.say(format!("{name}.message_sha3"), Message::parse(&message).unwrap().digest().0);
        self.say(format!("{name}.event"), event.encode());
        self.append(name, block.encode());
        let happened = Happened::of(command, event).unwrap();
        domain::apply(&mut self.state, &happened, &context, &mut |_, _| ()).unwrap();
        self.say(format!("{name}.body"), body);
        self.say(format!("{name}.message"), message);
    }
}

fn compute(vectors: &Vectors) -> Vec<(String, Vec<u8>)> {
    let mut ledger = Ledger::default();
    let genesis = Genesis {
        origin: vectors.text("genesis.origin"),
        log_key: vectors.array("genesis.log_key"),
        server_key: vectors.bytes("genesis.server_key").to_vec(),
        nonce: vectors.array("genesis.nonce"),
        settings: vec![(vectors.text("genesis.setting_key"), vectors.text("genesis.setting_value"))],
    };
    let timestamp = Timestamp::from_micros(vectors.u64("genesis.timestamp"));
    let block = genesis.to_block(timestamp);
    let (read, ledger_id) = Genesis::from_block(&block).unwrap();
    assert_eq!(read, genesis);
    ledger.say("genesis.event", [&[0, 1, 0, 0], &codec::encode(&genesis)[..]].concat());
    ledger.append("genesis", block);
    let key_id = KeyId::of_spki(vectors.bytes("client.public_key"));
    ledger.say("client.key_id", key_id.0);
    ledger.run_command(vectors, "register", ledger_id, key_id);
    ledger.run_command(vectors, "orders", ledger_id, key_id);
    let (size, root) = (ledger.tree.size(), ledger.tree.root());
    ledger.say("tree.root", root.0);
    ledger.say("tree.checkpoint_text", Checkpoint { origin: genesis.origin, size, root }.text());
    ledger.computed
}

const INPUTS: &[&str] = &[
    "genesis.origin",
    "genesis.log_key",
    "genesis.server_key",
    "genesis.nonce",
    "genesis.setting_key",
    "genesis.setting_value",
    "genesis.timestamp",
    "client.public_key",
    "register.handle",
    "register.account",
    "register.command_id",
    "register.issued_at",
    "register.timestamp",
    "register.signature",
    "orders.account",
    "orders.command_id",
    "orders.issued_at",
    "orders.timestamp",
    "orders.signature",
    "orders.stock_name",
    "orders.quantity",
    "orders.price_ten_thousandths",
    "orders.price_currency",
];

#[test]
fn every_value_of_the_vectors_follows_from_their_inputs() {
    let vectors = Vectors::read();
    let mut seen: BTreeSet<String> = INPUTS.iter().map(|name| (*name).to_owned()).collect();
    for (name, bytes) in compute(&vectors) {
        assert_eq!(const_hex::encode(vectors.bytes(&name)), const_hex::encode(bytes), "{name}");
        seen.insert(name);
    }
    let named: BTreeSet<String> = vectors.0.keys().cloned().collect();
    assert_eq!(named, seen, "every value is an input or computed");
}

#[test]
fn the_signatures_of_the_vectors_verify_and_cover_every_byte_of_the_message() {
    let vectors = Vectors::read();
    let key = VerifyingKey::from_spki(vectors.bytes("client.public_key")).unwrap();
    for name in ["register", "orders"] {
        let signature = vectors.bytes(&format!("{name}.signature"));
        let message = vectors.bytes(&format!("{name}.message"));
        assert_eq!(key.verify(&[message], signature), Ok(()), "{name}");
        for at in 0..message.len() {
            let mut other = message.to_vec();
            other[at] ^= 1;
            assert!(key.verify(&[&other], signature).is_err(), "{name}: byte {at}");
        }
        for bad in [&[][..], &signature[..383], &[signature, &[0]].concat(), &[0; 384]] {
            assert!(key.verify(&[message], bad).is_err(), "{name}: {} bytes", bad.len());
        }
    }
}

#[test]
fn the_blocks_of_the_vectors_replay_to_a_member_with_two_orders() {
    let vectors = Vectors::read();
    let mut state = State::default();
    for name in ["register", "orders"] {
        let block = Block::parse(vectors.bytes(&format!("{name}.block"))).unwrap();
        let message = Message::parse(block.message).unwrap();
        let happened = Happened::decode(message.header.tag, message.body, block.event).unwrap();
        domain::apply(
            &mut state,
            &happened,
            &context_of(&message, block.timestamp, block.index),
            &mut |_, _| (),
        )
        .unwrap();
    }
    let registered = Event::Accounts(accounts::Event::Registered(Registered { account: AccountId(1) }));
    assert_eq!(Event::decode(vectors.bytes("register.event")), Ok(registered));
    let placed = Event::Orders(orders::Event::OrdersPlaced(OrdersPlaced { first_order: 0 }));
    assert_eq!(Event::decode(vectors.bytes("orders.event")), Ok(placed));
    assert_eq!(state.accounts.get(AccountId(1)).unwrap().handle, "alice");
    assert_eq!(state.orders.count(), 2);
    assert_eq!(crypto::sha3(&[vectors.bytes("register.message")]).0, *vectors.bytes("register.message_sha3"));
}
