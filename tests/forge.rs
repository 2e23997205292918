//! Makes blocks for tests: as an honest server makes them, and as no honest server would. Everything comes
//! from a seed, so that the same calls always give the same bytes.

// A bench takes this file in from another folder, and would look for the next one there.
#[path = "forge/keys.rs"]
mod keys;
#[path = "forge/persons.rs"]
pub(crate) mod persons;
#[path = "forge/shop.rs"]
pub(crate) mod shop;

use std::convert::Infallible;
use std::sync::LazyLock;

use ledgerd::chain::receipt::KeyBlock;
use ledgerd::chain::tree::StoredHashes;
use ledgerd::chain::{
    Block, Checkpoint, CommandId, Frontier, Genesis, Header, Inclusion, LeafHash, Link, Message, Receipt,
    block_hash,
};
use ledgerd::codec;
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::{Digest, KeyKind, LedgerId, SigningKey, random, sha3};
use ledgerd::domain::Settings;
use ledgerd::domain::payments::{Cheque, ChequeId};
use ledgerd::domain::{self, AccountId, Command, State, Tag, accounts, orders, payments};
use ledgerd::ledger::{Transaction, context_of};
use ledgerd::time::Timestamp;
use serde_bytes::ByteBuf;

/// The name of the ledgers made here.
pub(crate) const ORIGIN: &str = "ledger.example/test";

/// 2026-01-01T00:00:00Z, when the ledgers made here begin, in microseconds.
pub(crate) const START_US: u64 = 1_767_225_600_000_000;

static SERVER: LazyLock<SigningKey> = LazyLock::new(|| key(include_str!("../fixtures/keys/server.pem")));
static MEMBERS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    [
        key(include_str!("../fixtures/keys/client.pem")),
        key(include_str!("../fixtures/keys/other.pem")),
        key(include_str!("../fixtures/keys/server_next.pem")),
    ]
});

static DEVICES: LazyLock<[SigningKey; 3]> = LazyLock::new(|| [1, 2, 3].map(ed25519_key));

fn key(pem: &str) -> SigningKey {
    SigningKey::from_pkcs8_pem(pem, None).unwrap()
}

/// The key of RSA that member 0, 1 or 2 joins with.
pub(crate) fn member_key(member: usize) -> &'static SigningKey {
    &MEMBERS[member]
}

/// The key in the device of member 0, 1 or 2, once [`Forge::add_key`] has made it one of the member's.
pub(crate) fn device_key(member: usize) -> &'static SigningKey {
    &DEVICES[member]
}

/// A key of Ed25519: the same one for the same number, another one for each other number.
pub(crate) fn ed25519_key(number: u64) -> SigningKey {
    SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new(u64::MAX - number))
}

/// A key of RSA that is no member's.
pub(crate) fn spare_key() -> &'static SigningKey {
    &SERVER
}

/// The log key of every ledger made here.
pub(crate) fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

/// A generator that repeats itself: SHA3-256 over a seed and a counter.
#[derive(Clone, Debug)]
pub(crate) struct Seeded {
    seed: u64,
    counter: u64,
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded { seed, counter: 0 }
    }
}

impl rand_core::TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(random::bytes(self)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(random::bytes(self)))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            self.counter += 1;
            let block = sha3(&[&self.seed.to_be_bytes(), &self.counter.to_be_bytes()]);
            chunk.copy_from_slice(&block.0[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Seeded {}

/// The tree over some blocks, with every hash that proofs need.
#[derive(Clone)]
pub(crate) struct Tree {
    pub(crate) frontier: Frontier,
    pub(crate) hashes: Vec<[u8; 32]>,
}

impl StoredHashes for Tree {
    fn stored_hash(&self, number: u64) -> Option<[u8; 32]> {
        self.hashes.get(number as usize).copied()
    }
}

impl Tree {
    pub(crate) fn over(blocks: &[Vec<u8>]) -> Tree {
        let (mut frontier, mut hashes) = (Frontier::default(), Vec::new());
        for block in blocks {
            frontier.push(LeafHash::of_block(block), |hash| hashes.push(hash));
        }
        Tree { frontier, hashes }
    }

    pub(crate) fn note(&self) -> String {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        log_key().sign_note(&Checkpoint { origin: ORIGIN.to_owned(), size, root }.text())
    }

    pub(crate) fn inclusion(&self, index: usize) -> Inclusion {
        Inclusion::prove(self.frontier.size(), index as u64, self).unwrap()
    }
}

/// The receipt that a server with these blocks gives for one of them, honest or not: `keys` are the indexes of the blocks
/// which are to show whose key signed it.
pub(crate) fn receipt(blocks: &[Vec<u8>], index: usize, keys: &[usize]) -> Receipt {
    let tree = Tree::over(blocks);
    let key = |&at: &usize| KeyBlock { block: blocks[at].clone(), inclusion: tree.inclusion(at) };
    Receipt {
        index: index as u64,
        block: blocks[index].clone(),
        inclusion: tree.inclusion(index),
        keys: keys.iter().map(key).collect(),
        note: tree.note(),
    }
}

/// A ledger in memory, as its blocks.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) blocks: Vec<Vec<u8>>,
    pub(crate) ledger_id: LedgerId,
    pub(crate) rng: Seeded,
    link: Link,
    state: State,
    now: Timestamp,
}

/// A block before it is linked in, open to every change.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) index: u64,
    pub(crate) timestamp: Timestamp,
    pub(crate) previous_hash: Digest,
    pub(crate) author: AccountId,
    pub(crate) author_previous: Option<u64>,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) event: Vec<u8>,
}

impl Forge {
    /// A ledger with its genesis block.
    pub(crate) fn new(seed: u64) -> Forge {
        Forge::with_settings(seed, vec![])
    }

    fn with_settings(seed: u64, settings: Vec<(String, String)>) -> Forge {
        let mut rng = Seeded::new(seed);
        let genesis = Genesis {
            origin: ORIGIN.to_owned(),
            log_key: *log_key().public().bytes(),
            server_key: SERVER.public().spki().to_vec(),
            nonce: random::bytes(&mut rng),
            settings,
        };
        Forge::from_genesis(&genesis, rng)
    }

    /// A ledger with three members, who received 1 000 units each; the first is an operator.
    pub(crate) fn with_money(seed: u64) -> Forge {
        let operator = Some(member_key(0).public().key_id());
        let settings = Settings { opening_grant: 1_000, operator, ..Settings::default() };
        let mut forge = Forge::with_settings(seed, settings.write());
        for (member, handle) in ["anna", "bert", "cleo"].into_iter().enumerate() {
            let draft = forge.registration(member, handle);
            forge.push(&draft);
        }
        forge
    }

    /// A ledger with this genesis block.
    pub(crate) fn from_genesis(genesis: &Genesis, rng: Seeded) -> Forge {
        let now = Timestamp::from_micros(START_US);
        let bytes = genesis.to_block(now);
        let ledger_id = LedgerId(block_hash(&bytes).0);
        let mut link = Link::default();
        link.advance(&Block::parse(&bytes).unwrap(), Digest(ledger_id.0));
        // Some tests forge settings that no ledger has.
        let settings = Settings::read(&genesis.settings).unwrap_or_default();
        let state = State { settings, ..State::default() };
        Forge { blocks: vec![bytes], ledger_id, rng, link, state, now }
    }

    /// A ledger with three members and `orders` orders, placed in turn.
    pub(crate) fn with_orders(seed: u64, orders: usize) -> Forge {
        let mut forge = Forge::new(seed);
        for (member, handle) in ["anna", "bert", "cleo"].into_iter().enumerate() {
            let draft = forge.registration(member, handle);
            forge.push(&draft);
        }
        for n in 0..orders {
            let draft = forge.order(n % 3, n as u64 % 9 + 1);
            forge.push(&draft);
        }
        forge
    }

    /// Member `member` joins.
    pub(crate) fn registration(&mut self, member: usize, handle: &str) -> Draft {
        let public_key = member_key(member).public().spki().to_vec();
        let register = accounts::Register { handle: handle.to_owned(), public_key };
        self.draft(member, AccountId::NONE, &Command::Accounts(accounts::Command::Register(register)))
    }

    /// Member `member`, who has account `member` + 1, places one order of the first schema, as the recorded logs hold them.
    pub(crate) fn order(&mut self, member: usize, quantity: u64) -> Draft {
        let command = order_of(quantity);
        self.draft(member, AccountId(member as u64 + 1), &command)
    }

    /// A cheque over 70 units, from member `payer` to member `payee`.
    pub(crate) fn cheque(&self, payer: usize, payee: usize, id: u8) -> Cheque {
        Cheque {
            ledger_id: self.ledger_id,
            payer: AccountId(payer as u64 + 1),
            key_id: member_key(payer).public().key_id(),
            cheque_id: ChequeId([id; 16]),
            payee: AccountId(payee as u64 + 1),
            amount: 70,
            expires_ms: START_US / 1_000 + 86_400_000,
            memo: "tea".to_owned(),
        }
    }

    /// Member `member` settles a cheque that member `payer` has signed.
    pub(crate) fn settlement(&mut self, member: usize, payer: usize, cheque: &Cheque) -> Draft {
        let signed = cheque.encode();
        let signature = member_key(payer).sign(&mut self.rng, &[&signed]).to_vec();
        self.settlement_of(member, &signed, &signature)
    }

    /// Member `member` settles whatever bytes these are, under whatever signature.
    pub(crate) fn settlement_of(&mut self, member: usize, cheque: &[u8], signature: &[u8]) -> Draft {
        let header = Header {
            ledger_id: self.ledger_id,
            account: AccountId(member as u64 + 1),
            key_id: member_key(member).public().key_id(),
            command_id: CommandId(random::bytes(&mut self.rng)),
            issued_at: self.now.millis(),
            tag: payments::SETTLE,
        };
        let body = codec::encode(&(ByteBuf::from(cheque), ByteBuf::from(signature)));
        self.draft_message(member, &header, &body)
    }

    /// Member `member` takes a cheque back.
    pub(crate) fn revocation(&mut self, member: usize, id: u8) -> Draft {
        let revoke = payments::RevokeCheque { cheque_id: ChequeId([id; 16]) };
        let command = Command::Payments(payments::Command::RevokeCheque(revoke));
        self.draft(member, AccountId(member as u64 + 1), &command)
    }

    /// A block for a command, signed with a member's first key, with the event that the rules give or, if they refuse, the
    /// event of an order.
    pub(crate) fn draft(&mut self, member: usize, author: AccountId, command: &Command) -> Draft {
        self.draft_by(member_key(member), author, command)
    }

    /// The same, signed with whichever key.
    pub(crate) fn draft_by(&mut self, key: &SigningKey, author: AccountId, command: &Command) -> Draft {
        let (tag, body) = command.encode();
        let header = self.header(key, author, tag);
        self.draft_message_by(key, &header, &body)
    }

    /// The header of a message that this key signs now.
    pub(crate) fn header(&mut self, key: &SigningKey, author: AccountId, tag: Tag) -> Header {
        Header {
            ledger_id: self.ledger_id,
            account: author,
            key_id: key.public().key_id(),
            command_id: CommandId(random::bytes(&mut self.rng)),
            issued_at: self.now.millis(),
            tag,
        }
    }

    /// A block for any message, signed with a member's first key.
    pub(crate) fn draft_message(&mut self, member: usize, header: &Header, body: &[u8]) -> Draft {
        self.draft_message_by(member_key(member), header, body)
    }

    /// The same, signed with whichever key. The header says which key it is said to be.
    pub(crate) fn draft_message_by(&mut self, key: &SigningKey, header: &Header, body: &[u8]) -> Draft {
        self.now = self.now.plus_micros(250_000);
        let message = header.message(body);
        let signature = key.sign(&mut self.rng, &[&message]).to_vec();
        let author = header.account;
        let (index, timestamp) = (self.link.next_index(), self.link.next_timestamp(self.now));
        let context = context_of(&Message::parse(&message).unwrap(), timestamp, index);
        let command = Command::decode(header.tag, body).ok();
        let event = command.and_then(|command| domain::decide(&self.state, &command, &context).ok());
        let placed = orders::OrdersPlaced { first_order: self.state.orders.count() };
        let event = event.unwrap_or(domain::Event::Orders(orders::Event::OrdersPlaced(placed)));
        Draft {
            index,
            timestamp,
            previous_hash: self.link.head(),
            author,
            author_previous: self.link.last_of(author),
            message,
            signature,
            event: event.encode(),
        }
    }

    /// Links a block in, whatever it says.
    pub(crate) fn push(&mut self, draft: &Draft) {
        let block = draft.block();
        let bytes = block.encode();
        if let Ok(transaction) = Transaction::decode(&block, self.ledger_id) {
            // What is impossible is what some forgeries are about.
            let _impossible =
                domain::apply(&mut self.state, &transaction.happened, &transaction.context, &mut |_, _| ());
        }
        self.link.advance(&block, block_hash(&bytes));
        self.blocks.push(bytes);
    }

    /// What replaying the blocks yields.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Lets days pass.
    pub(crate) fn wait_days(&mut self, days: u64) {
        self.now = self.now.plus_micros(days * ledgerd::limits::DAY_MICROS);
    }

    /// Lets the time pass after which the money of an account that is erased by now may be paid out.
    pub(crate) fn wait_until_paying_out(&mut self) {
        self.now = self.now.plus_micros(ledgerd::limits::PAY_OUT_WAIT_MICROS);
    }

    /// Hash of the last block.
    pub(crate) fn head(&self) -> Digest {
        self.link.head()
    }
}

impl Draft {
    /// The bytes of its block.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.block().encode()
    }

    fn block(&self) -> Block<'_> {
        Block {
            index: self.index,
            timestamp: self.timestamp,
            previous_hash: self.previous_hash,
            author: self.author,
            author_previous: self.author_previous,
            message: &self.message,
            signature: &self.signature,
            event: &self.event,
        }
    }

    /// The block with this event, whatever the rules say.
    pub(crate) fn with_event(self, event: &domain::Event) -> Draft {
        Draft { event: event.encode(), ..self }
    }

    /// The header and the body of its message.
    pub(crate) fn message_parts(&self) -> (Header, Vec<u8>) {
        let message = Message::parse(&self.message).unwrap();
        (message.header, message.body.to_vec())
    }
}

/// The command that places one order of the first schema.
fn order_of(quantity: u64) -> Command {
    let order = orders::v1::Order {
        operation: if quantity.is_multiple_of(2) { orders::Operation::Buy } else { orders::Operation::Sell },
        stock_name: orders::v1::StockName::new("AAPL").unwrap(),
        quantity,
        price: Some(orders::v1::Price {
            ten_thousandths: 1_760_000 + quantity,
            currency: Some(orders::v1::Currency(*b"USD")),
        }),
    };
    Command::Orders(orders::Command::PlaceOrdersV1(orders::v1::PlaceOrders { orders: vec![order] }))
}
