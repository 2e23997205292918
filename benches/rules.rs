//! What the rules cost: decoding a command, deciding it and applying it, for orders and for money, with one and with
//! 8,192 in a command, for stock and purchases, and for members who join. `cargo bench --bench rules`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ledgerd::crypto::LedgerId;
use ledgerd::domain::payments::{Cheque, ChequeId, RevokeCheque, Settle};
use ledgerd::domain::shop::purchases::{self, Buy, Wanted};
use ledgerd::domain::shop::{Consent, ItemId, LoadStock, LoadedItem, OpenShop};
use ledgerd::domain::{
    self, AccountId, Command, CommandId, Context, Happened, Role, Settings, State, accounts, payments, shop,
};

mod made;

use made::nanos_each;

const LEDGER: LedgerId = LedgerId([1; 32]);

fn main() {
    println!("ns for each order, payment, item or registration: decode | decide | apply");
    let again = |command: Command, times| vec![command; times];
    measure("orders, one in a command", 1, 1, &again(made::orders(1), 100_000));
    measure("orders, 8,192 in a command", 1, 8_192, &again(made::orders(8_192), 100));
    measure("payments, one in a command", 1, 1, &again(made::pay(1), 100_000));
    measure("payments, 8,192 in a command", 1, 8_192, &again(made::pay(8_192), 100));
    measure("cheques settled", 2, 1, &(0..100_000).map(settle).collect::<Vec<_>>());
    measure("cheques revoked", 1, 1, &(0..100_000).map(revoke).collect::<Vec<_>>());
    measure("stock, 8,192 items in a command", 1, 8_192, &again(load_stock("Card"), 100));
    measure(
        "stock, the same with names that are not ASCII",
        1,
        8_192,
        &again(load_stock("Pokémon カード"), 100),
    );
    measure("purchases, one item in each", 3, 1, &again(buy(1), 100_000));
    measure("purchases, 64 items in each", 3, 64, &again(buy(64), 2_000));
    measure_registration();
}

/// A ledger with accounts 1, 2 and 3. Account 1 is an operator and an agent, account 2 the till of a shop, and account 3 a customer.
fn state() -> State {
    let operator = Some(made::key(1).public().key_id());
    let mut state = State::new(Settings { opening_grant: made::GRANT, operator, ..Settings::default() });
    let mut add = |command: Command, context: Context<'_>| {
        let event = domain::decide(&state, &command, &context).unwrap();
        domain::apply(&mut state, &Happened::of(command, event).unwrap(), &context, &mut |_, _| ()).unwrap();
    };
    for account in 1..=3 {
        add(registration(account), context(AccountId::NONE, account, account));
    }
    let agent = accounts::GrantRole { account: AccountId(1), role: Role::Agent };
    add(Command::Accounts(accounts::Command::GrantRole(agent)), context(AccountId(1), 1, 4));
    let key_id = made::key(2).public().key_id();
    let consent = Some(Consent { key_id, signature: made::NO_SIGNATURE.to_vec() });
    let open = OpenShop { till: AccountId(2), consent, settings: vec![(6, 0)] };
    add(Command::Shop(shop::Command::OpenShop(open)), context(AccountId(1), 1, 5));
    let item = |number: u64| LoadedItem { name: format!("Shelf {number}"), n: 1_000_000, price: Some(1) };
    let load = LoadStock { items: (0..64).map(item).collect(), publish: true };
    add(Command::Shop(shop::Command::LoadStock(load)), context(AccountId(1), 1, 6));
    state
}

/// A customer buys one unit of so many items.
fn buy(items: u64) -> Command {
    let lines = (1..=items).map(|item| Wanted { item: ItemId(item), n: 1, max_price: 1 }).collect();
    Command::Shop(shop::Command::Purchases(purchases::Command::Buy(Buy { lines })))
}

/// An agent brings units of many items in.
fn load_stock(kind: &str) -> Command {
    let item = |number: u64| LoadedItem { name: format!("{kind} {number:05}"), n: 1, price: Some(9) };
    let load = LoadStock { items: (0..8_192).map(item).collect(), publish: true };
    Command::Shop(shop::Command::LoadStock(load))
}

fn registration(account: u64) -> Command {
    let public_key = made::key(account).public().spki().to_vec();
    let register = accounts::Register { handle: format!("member-{account}"), public_key };
    Command::Accounts(accounts::Command::Register(register))
}

fn context(author: AccountId, key: u64, index: u64) -> Context<'static> {
    let key_id = made::key(key).public().key_id();
    let command_id = CommandId::default();
    Context { ledger_id: LEDGER, author, key_id, command_id, message: &[], timestamp: made::NOW, index }
}

/// Account 2 settles a cheque of account 1.
fn settle(number: u64) -> Command {
    let cheque = Cheque {
        ledger_id: LEDGER,
        payer: AccountId(1),
        key_id: made::key(1).public().key_id(),
        cheque_id: cheque_id(number),
        payee: AccountId(2),
        amount: number % 900 + 1,
        expires_ms: made::NOW.millis() + 1,
        memo: "invoice 2026-11".to_owned(),
    };
    Command::Payments(payments::Command::Settle(Settle { cheque, signature: made::NO_SIGNATURE.to_vec() }))
}

fn revoke(number: u64) -> Command {
    Command::Payments(payments::Command::RevokeCheque(RevokeCheque { cheque_id: cheque_id(number) }))
}

/// Ids without an order among them, as random ones are.
fn cheque_id(number: u64) -> ChequeId {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&spread.to_be_bytes());
    ChequeId(id)
}

/// Each command is a block of its own.
fn measure(what: &str, author: u64, elements: u64, commands: &[Command]) {
    let (mut state, mut costs) = (state(), Costs::default());
    // Reading a clock costs as much as a small command: the clock is read once for many.
    let chunk = if elements == 1 { 1_000 } else { 1 };
    for (number, commands) in commands.chunks(chunk).enumerate() {
        let at = |n: usize| context(AccountId(author), author, (7 + number * chunk + n) as u64);
        let contexts: Vec<Context<'_>> = (0..commands.len()).map(at).collect();
        costs.add(&mut state, commands, &contexts);
    }
    costs.print(what, elements);
}

/// A member joins, each time a ledger that has none: no key joins the same one twice.
fn measure_registration() {
    let mut costs = Costs::default();
    for _ in 0..1_000 {
        let mut state = State::new(Settings { opening_grant: made::GRANT, ..Settings::default() });
        costs.add(&mut state, &[registration(1)], &[context(AccountId::NONE, 1, 1)]);
    }
    costs.print("registrations", 1);
}

/// What commands took so far.
#[derive(Default)]
struct Costs {
    decoding: Duration,
    deciding: Duration,
    applying: Duration,
    commands: u64,
    bytes: u64,
}

impl Costs {
    /// Decodes, decides and applies these.
    fn add(&mut self, state: &mut State, commands: &[Command], contexts: &[Context<'_>]) {
        let encoded: Vec<_> = commands.iter().map(Command::encode).collect();
        self.commands += commands.len() as u64;
        self.bytes += encoded.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        let start = Instant::now();
        for (tag, bytes) in &encoded {
            black_box(Command::decode(*tag, bytes).unwrap());
        }
        self.decoding += start.elapsed();
        // An event says what follows from the state before it, so that each command is decided after the one before was
        // applied, and the two are told apart by a first pass that only decides.
        let start = Instant::now();
        for (command, context) in commands.iter().zip(contexts) {
            black_box(domain::decide(state, command, context).unwrap());
        }
        let deciding = start.elapsed();
        let commands = commands.to_vec();
        let start = Instant::now();
        for (command, context) in commands.into_iter().zip(contexts) {
            let event = domain::decide(state, &command, context).unwrap();
            domain::apply(state, &Happened::of(command, event).unwrap(), context, &mut |_, _| ()).unwrap();
        }
        self.deciding += deciding;
        self.applying += start.elapsed().saturating_sub(deciding);
    }

    /// Prints what each of so many elements in a command took, and each byte of it.
    fn print(&self, what: &str, elements: u64) {
        let all = [self.decoding, self.deciding, self.applying];
        let [decode, decide, apply] = all.map(|all| nanos_each(all, self.commands * elements));
        let byte = nanos_each(all.into_iter().sum(), self.bytes);
        println!("{what}: {decode:.1} | {decide:.1} | {apply:.1}; per byte {byte:.2}");
    }
}
