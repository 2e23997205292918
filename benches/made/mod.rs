//! What the benchmarks are made of: a ledger with three members, and commands without end. `ledger` and `domain` check
//! no signatures, so that one serves every command there; where they are checked, [`signature`] makes a true one.
//! [`daemon`] is the real program instead, and [`load`] what it is asked and how long it takes to answer.

pub(crate) mod daemon;
pub(crate) mod load;

use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ledgerd::chain::{CommandId, Genesis, Header, Message, block_hash};
use ledgerd::crypto::note::LogKey;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::rsa::PrivateKey;
use ledgerd::crypto::{KeyId, LedgerId, SIGNATURE_BYTES_MAX, Signature, SigningKey};
use ledgerd::domain::orders::{Currency, Decimal, Operation, Order, PlaceOrders, Price, StockName};
use ledgerd::domain::payments::{Pay, Payment};
use ledgerd::domain::{AccountId, Command, Settings, accounts, orders, payments};
use ledgerd::eventlog::{self, Disk, Options, Storage};
use ledgerd::ledger::Ledger;
use ledgerd::time::Timestamp;

/// The time of every block, more or less, and of every command.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// What every member owns: no benchmark ever spends it.
pub(crate) const GRANT: u64 = 1 << 60;

/// Signs nothing, and is as long as a signature.
pub(crate) const NO_SIGNATURE: [u8; SIGNATURE_BYTES_MAX] = [0x5a; SIGNATURE_BYTES_MAX];

static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    let key = |pem: &str| SigningKey::from_pkcs8_pem(pem, None).unwrap();
    [
        key(include_str!("../../fixtures/keys/client.pem")),
        key(include_str!("../../fixtures/keys/other.pem")),
        key(include_str!("../../fixtures/keys/server_next.pem")),
    ]
});

/// The key of account 1, 2 or 3.
pub(crate) fn key(account: u64) -> &'static SigningKey {
    &KEYS[account as usize - 1]
}

/// The key that hellos are encrypted to.
pub(crate) fn server_key() -> PrivateKey {
    PrivateKey::from_pkcs8_pem(include_str!("../../fixtures/keys/server.pem"), None).unwrap()
}

/// A directory for a benchmark's files, on the disk that holds `target/`: `/tmp` may be memory.
pub(crate) fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The storage of a directory.
pub(crate) fn storage(path: &Path) -> Arc<dyn Storage> {
    Arc::new(Disk::new(path))
}

/// A new ledger with accounts 1, 2 and 3.
pub(crate) fn ledger(storage: &Arc<dyn Storage>) -> Ledger {
    let settings = Settings { opening_grant: GRANT, ..Settings::default() };
    let genesis = Genesis {
        origin: "bench.example/ledger".to_owned(),
        log_key: *LogKey::from_seed("bench.example/ledger", &[7; 32]).unwrap().public().bytes(),
        server_key: key(1).public().spki().to_vec(),
        nonce: [3; 32],
        settings: settings.write(),
    };
    let genesis = genesis.to_block(NOW);
    let ledger_id = LedgerId(block_hash(&genesis).0);
    let rng = &mut Seeded::new("a ledger");
    eventlog::create(storage.as_ref(), ledger_id, &genesis, Options::default(), rng).unwrap();
    let (mut ledger, _) = Ledger::open(storage, Options::default()).unwrap();
    register(&mut ledger);
    ledger
}

/// Makes accounts 1, 2 and 3 of a ledger that has none.
pub(crate) fn register(ledger: &mut Ledger) {
    for account in 1..=3 {
        let message = registration(ledger.ledger_id(), account);
        propose(ledger, &message, &signature(account, &message));
    }
    ledger.commit(&mut Seeded::new("members")).unwrap();
}

/// The signed bytes with which an account is made.
fn registration(ledger_id: LedgerId, account: u64) -> Vec<u8> {
    let public_key = key(account).public().spki().to_vec();
    let register = accounts::Register { handle: format!("member-{account}"), public_key };
    let command = Command::Accounts(accounts::Command::Register(register));
    message_of(ledger_id, AccountId::NONE, key(account).public().key_id(), 0, &command)
}

/// The bytes that account 1, 2 or 3 signs for its command `number`.
pub(crate) fn message(ledger_id: LedgerId, account: u64, number: u64, command: &Command) -> Vec<u8> {
    message_of(ledger_id, AccountId(account), key(account).public().key_id(), number, command)
}

fn message_of(
    ledger_id: LedgerId,
    account: AccountId,
    key_id: KeyId,
    number: u64,
    command: &Command,
) -> Vec<u8> {
    let (tag, body) = command.encode();
    // As spread as the random ids of clients: an odd factor keeps them apart.
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let command_id = CommandId(id);
    Header { ledger_id, account, key_id, command_id, issued_at: NOW.millis(), tag }.message(&body)
}

/// A true signature.
pub(crate) fn signature(account: u64, message: &[u8]) -> Signature {
    key(account).sign(&mut Seeded::new("a signature"), &[message])
}

/// What the daemon does with a command whose signature was checked.
pub(crate) fn propose(ledger: &mut Ledger, message: &[u8], signature: &[u8]) {
    let message = Message::parse(message).unwrap();
    let command = Command::decode(message.header.tag, message.body).unwrap();
    ledger.propose(message, signature, command, NOW).unwrap();
}

/// A command of so many orders.
pub(crate) fn orders(count: usize) -> Command {
    let order = |n: usize| Order {
        operation: if n.is_multiple_of(2) { Operation::Buy } else { Operation::Sell },
        stock_name: StockName::new("AAPL").unwrap(),
        quantity: Decimal::from(n as u64 % 900 + 1),
        price: Some(Price {
            amount: Decimal::new(1_760_000 + n as u64 % 1_000, 4).unwrap(),
            currency: Currency::new("USD").ok(),
        }),
    };
    let orders = (0..count).map(order).collect();
    Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }))
}

/// A command of so many payments of account 1, to accounts 2 and 3 in turn.
pub(crate) fn pay(count: usize) -> Command {
    let payment = |n: usize| Payment {
        to: AccountId(2 + n as u64 % 2),
        amount: n as i64 % 900 + 1,
        memo: "invoice 2026-11".to_owned(),
    };
    let payments = (0..count).map(payment).collect();
    Command::Payments(payments::Command::Pay(Pay { payments }))
}

/// How long one call takes, over so many of them.
pub(crate) fn time<T>(count: u32, mut work: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        black_box(work());
    }
    start.elapsed() / count
}

/// Nanoseconds that one of `count` takes.
pub(crate) fn nanos_each(all: Duration, count: u64) -> f64 {
    all.as_nanos() as f64 / count as f64
}

/// How many of `count` fit into a second.
pub(crate) fn a_second(all: Duration, count: u64) -> f64 {
    count as f64 / all.as_secs_f64()
}
