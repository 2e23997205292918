//! A ledger of pure functions: no disk, no network, no signature, but every other step that a command takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ledgerd::chain::{Block, CommandId, Header, Link, Message, block_hash};
use ledgerd::codec;
use ledgerd::crypto::{KeyId, LedgerId, SIGNATURE_BYTES_MAX, SigningKey};
use ledgerd::domain::accounts::Handle;
use ledgerd::domain::{
    self, AccountId, Command, Event, Happened, Rejection, Settings, State, Tag, accounts, orders, payments,
};
use ledgerd::ledger::context_of;
use ledgerd::time::Timestamp;
use serde::Serialize;

/// A command as a hostile client could write it: nothing in it is checked by its type.
#[derive(Clone, Debug)]
pub(super) enum RawCommand {
    Register {
        handle: String,
        key: String,
    },
    PlaceOrders(Vec<RawOrder>),
    /// The first schema of the same.
    PlaceOrdersV1(Vec<RawOrderV1>),
    Pay(Vec<RawPayment>),
    Issue {
        to: u64,
        amount: i64,
    },
    Settle(RawCheque),
    RevokeCheque(u8),
    GrantRole(u64, u8),
    RevokeRole(u64, u8),
    /// Seconds from the start of the story, which may be before it.
    VouchClock(i64),
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RawPayment {
    pub(super) to: u64,
    pub(super) amount: i64,
    pub(super) memo: String,
}

#[derive(Clone, Debug)]
pub(super) struct RawCheque {
    pub(super) payer: u64,
    /// Name of the payer's key.
    pub(super) key: String,
    pub(super) payee: u64,
    pub(super) amount: u64,
    /// Number of the cheque.
    pub(super) cheque: u8,
    /// Seconds from the start of the story.
    pub(super) expires: u64,
    pub(super) memo: String,
    /// Which ledger: [`LEDGER`] is that of the story.
    pub(super) ledger: u8,
}

/// An order as it is encoded, put together by hand.
#[derive(Clone, Debug)]
pub(super) struct RawOrder {
    pub(super) operation: RawOperation,
    pub(super) stock_name: String,
    pub(super) quantity: RawDecimal,
    pub(super) price: Option<RawDecimal>,
    /// Empty for none.
    pub(super) currency: String,
}

/// Digits, and how many of them stand behind the point.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawDecimal {
    pub(super) mantissa: u64,
    pub(super) scale: u8,
}

impl RawOrder {
    fn encode(&self) -> Vec<u8> {
        let scales = (self.quantity.scale << 4) | self.price.map_or(0, |price| price.scale);
        // There is no bit for a third operation: an unknown bit is what comes closest.
        let operation = match self.operation {
            RawOperation::Buy => 0,
            RawOperation::Sell => 1,
            RawOperation::Hold => 128,
        };
        let price = if self.price.is_some() { 2 } else { 0 };
        let scaled = if scales == 0 { 0 } else { 4 };
        let mut bytes = vec![operation | price | scaled | ((self.currency.len() as u8) << 3)];
        bytes.extend(codec::encode(&self.stock_name));
        bytes.extend(codec::encode(&self.quantity.mantissa));
        if scales != 0 {
            bytes.push(scales);
        }
        bytes.extend(self.price.iter().flat_map(|price| codec::encode(&price.mantissa)));
        bytes.extend(self.currency.as_bytes());
        bytes
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RawOrderV1 {
    pub(super) operation: RawOperation,
    pub(super) stock_name: String,
    pub(super) quantity: u64,
    pub(super) price: Option<RawPriceV1>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) enum RawOperation {
    Buy,
    Sell,
    /// No such operation.
    Hold,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RawPriceV1 {
    pub(super) ten_thousandths: u64,
    pub(super) currency: Option<[u8; 3]>,
}

#[derive(Serialize)]
struct RawRegister {
    handle: String,
    #[serde(with = "serde_bytes")]
    public_key: Vec<u8>,
}

/// What came of a command.
#[derive(Debug)]
pub(super) enum Outcome {
    Account(u64),
    FirstOrder(u64),
    Balance(u64),
    Holders(u64),
    /// Milliseconds that the block is ahead of the time vouched for.
    Vouched(u64),
    Settled(u64),
    ChequeRevoked(u64),
    Refused(Rejection),
    Undecodable,
}

/// What a scenario may ask about the state.
pub(super) enum Question {
    Accounts,
    Handle(String),
    Key(String),
    Orders,
    OrdersOf(u64),
    Issued,
    Operators,
    BalanceOf(u64),
}

/// Public keys by name: 1 to 4 are good, the others are those that the key policy refuses.
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
    good.chain(refused).collect()
});

fn spki(key: &str) -> &'static [u8] {
    KEYS.get(key).unwrap_or_else(|| panic!("there is no key {key}"))
}

impl RawCommand {
    fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            RawCommand::Register { handle, key } => {
                let register = RawRegister { handle: handle.clone(), public_key: spki(key).to_vec() };
                (accounts::REGISTER, codec::encode(&register))
            }
            RawCommand::PlaceOrders(list) => {
                let mut bytes = codec::encode(&list.len());
                bytes.extend(list.iter().flat_map(RawOrder::encode));
                (orders::PLACE_ORDERS, bytes)
            }
            RawCommand::PlaceOrdersV1(list) => (orders::PLACE_ORDERS_V1, codec::encode(list)),
            RawCommand::Pay(list) => (payments::PAY, codec::encode(list)),
            RawCommand::Issue { to, amount } => (payments::ISSUE, codec::encode(&(to, amount))),
            RawCommand::Settle(cheque) => {
                let cheque = payments::Cheque {
                    ledger_id: LedgerId([cheque.ledger; 32]),
                    payer: AccountId(cheque.payer),
                    key_id: KeyId::of_spki(spki(&cheque.key)),
                    cheque_id: payments::ChequeId([cheque.cheque; 16]),
                    payee: AccountId(cheque.payee),
                    amount: cheque.amount,
                    expires_ms: START_MS + 1_000 * cheque.expires,
                    memo: cheque.memo.clone(),
                };
                let bytes = serde_bytes::ByteBuf::from(cheque.encode());
                let signature = serde_bytes::ByteBuf::from(vec![0; SIGNATURE_BYTES_MAX]);
                (payments::SETTLE, codec::encode(&(bytes, signature)))
            }
            RawCommand::RevokeCheque(cheque) => (payments::REVOKE_CHEQUE, codec::encode(&[*cheque; 16])),
            RawCommand::GrantRole(account, role) => (accounts::GRANT_ROLE, codec::encode(&(account, role))),
            RawCommand::RevokeRole(account, role) => (accounts::REVOKE_ROLE, codec::encode(&(account, role))),
            RawCommand::VouchClock(seconds) => {
                let time_ms = START_MS.saturating_add_signed(1_000 * seconds);
                (accounts::VOUCH_CLOCK, codec::encode(&time_ms))
            }
        }
    }
}

/// When a story begins, in milliseconds since the Unix epoch.
const START_MS: u64 = 1_700_000_000_000;

/// The byte that the ledger's id is made of.
pub(super) const LEDGER: u8 = 1;

/// State, chain, and the bytes of every block.
#[derive(Default)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) blocks: Vec<Vec<u8>>,
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
        let (tag, body) = command.encode();
        let Ok(decoded) = Command::decode(tag, &body) else { return Outcome::Undecodable };
        assert_eq!(decoded.encode(), (tag, body.clone()), "one value, one encoding");
        let index = self.link.next_index();
        let timestamp = self.link.next_timestamp(Timestamp::from_millis(START_MS));
        let header = Header {
            ledger_id: LedgerId([LEDGER; 32]),
            account: AccountId(author),
            key_id: KeyId::of_spki(spki(signer)),
            command_id: CommandId(u128::from(index).to_be_bytes()),
            issued_at: timestamp.millis(),
            tag,
        };
        let message = header.message(&body);
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
        match event {
            Event::Accounts(accounts::Event::Registered(registered)) => {
                Outcome::Account(registered.account.0)
            }
            Event::Accounts(accounts::Event::RoleGranted(granted)) => Outcome::Holders(granted.holders),
            Event::Accounts(accounts::Event::RoleRevoked(revoked)) => Outcome::Holders(revoked.holders),
            Event::Accounts(accounts::Event::ClockVouched(vouched)) => Outcome::Vouched(vouched.ahead_ms),
            Event::Orders(orders::Event::OrdersPlaced(placed)) => Outcome::FirstOrder(placed.first_order),
            Event::Payments(payments::Event::Paid(paid)) => Outcome::Balance(paid.balance),
            Event::Payments(payments::Event::Issued(issued)) => Outcome::Balance(issued.balance),
            Event::Payments(payments::Event::Settled(settled)) => Outcome::Settled(settled.settlement),
            Event::Payments(payments::Event::ChequeRevoked(revoked)) => {
                Outcome::ChequeRevoked(revoked.revocation)
            }
        }
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

    /// The state's answer, as a scenario writes it.
    pub(super) fn answer(&self, question: &Question) -> String {
        let or_nobody = |account: Option<AccountId>| match account {
            Some(account) => account.to_string(),
            None => "nobody".to_owned(),
        };
        match question {
            Question::Accounts => self.state.accounts.count().to_string(),
            Question::Handle(handle) => {
                or_nobody(self.state.accounts.by_handle(&Handle::new(handle).unwrap()))
            }
            Question::Key(key) => or_nobody(self.state.accounts.by_key(&KeyId::of_spki(spki(key)))),
            Question::Orders => self.state.orders.count().to_string(),
            Question::Issued => self.state.payments.issued().to_string(),
            Question::Operators => self.state.accounts.holders(accounts::Role::Operator).to_string(),
            Question::BalanceOf(account) => self.state.payments.balance(AccountId(*account)).to_string(),
            Question::OrdersOf(account) => {
                let tally = self.state.orders.tally(AccountId(*account));
                format!("{} buy, {} sell", tally.buy, tally.sell)
            }
        }
    }
}
