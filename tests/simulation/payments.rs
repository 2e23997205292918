//! Money in the simulator: payments, cheques that are settled and taken back, and money counted a second
//! time, from the blocks alone and with other arithmetic than the ledger's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ledgerd::chain::Block;
use ledgerd::crypto::random::Seeded;
use ledgerd::domain::payments::{
    Cheque, ChequeId, Command as Paid, Pay, PayOut, PayOutReason, Payment, RevokeCheque, Settle,
};
use ledgerd::domain::{AccountId, Command, State, accounts, shop};

use super::domains::{Domain, Witness, number_of};
use super::purchases::Purchases;
use super::template::{OPERATOR, START_MS, Template};
use super::vault::LEAVER;

/// See the module.
pub(super) struct Payments;

/// The cheques that each payee has. Two commands settle each of them.
pub(super) const CHEQUES: [u32; 2] = [2, 5];

/// Commands that settle; behind them come those that revoke, those that pay, and one that is refused.
const SETTLEMENTS: u32 = 4;

/// Orders that a payer takes back: two that there are, and one that there is not.
const REVOKED: [u32; 3] = [5, 2, 99];

/// What the payments move. Nobody can make all of them without receiving something.
const AMOUNTS: [i64; 3] = [21, 29, 37];

const FIRST_REVOCATION: u32 = SETTLEMENTS;
const FIRST_PAYMENT: u32 = FIRST_REVOCATION + REVOKED.len() as u32;
const REFUSED: u32 = FIRST_PAYMENT + AMOUNTS.len() as u32;

/// The command that pays out what the account has which the operator erases in the middle of the run.
const PAY_OUT: u32 = REFUSED + 1;

/// The number among all commands of one that settles this cheque of the payee who sends it.
pub(super) fn settlement(cheque: u32) -> u32 {
    let place = CHEQUES.iter().position(|number| *number == cheque).expect("a cheque of the payee");
    number_of("payments", place as u32)
}

/// Names a cheque by its payee and its number.
pub(super) fn cheque_id(payee: usize, number: u32) -> ChequeId {
    let mut id = [0; 16];
    (id[0], id[1]) = (payee as u8, number as u8);
    ChequeId(id)
}

/// Order `number` to a payee, from the member after it.
pub(super) fn cheque(template: &Template, payee: usize, number: u32) -> Settle {
    static SIGNED: Mutex<BTreeMap<ChequeId, Settle>> = Mutex::new(BTreeMap::new());
    let cheque_id = cheque_id(payee, number);
    let payer = (payee + 1) % 3;
    let make = || {
        let cheque = Cheque {
            ledger_id: template.ledger_id,
            payer: AccountId(payer as u64 + 1),
            key_id: template.members[payer].public().key_id(),
            cheque_id,
            payee: AccountId(payee as u64 + 1),
            amount: 30 + u64::from(number),
            expires_ms: START_MS + 24 * 60 * 60 * 1_000,
            memo: String::new(),
        };
        let signature = template.members[payer].sign(&mut Seeded::new("cheque"), &[&cheque.encode()]);
        Settle { cheque, signature: signature.to_vec() }
    };
    SIGNED.lock().unwrap().entry(cheque_id).or_insert_with(make).clone()
}

impl Domain for Payments {
    fn name(&self) -> &'static str {
        "payments"
    }

    fn count(&self) -> u32 {
        PAY_OUT + 1
    }

    fn command(&self, template: &Template, member: usize, n: u32) -> Command {
        let pay = |to: usize, amount| {
            let to = AccountId(to as u64 + 1);
            Paid::Pay(Pay { payments: vec![Payment { to, amount, memo: "sim".to_owned() }] })
        };
        Command::Payments(match n {
            ..FIRST_REVOCATION => Paid::Settle(cheque(template, member, CHEQUES[n as usize % CHEQUES.len()])),
            FIRST_REVOCATION..FIRST_PAYMENT => {
                // Of the cheque that this member gave to the one who settles it.
                let cheque_id = cheque_id((member + 2) % 3, REVOKED[(n - FIRST_REVOCATION) as usize]);
                Paid::RevokeCheque(RevokeCheque { cheque_id })
            }
            FIRST_PAYMENT..REFUSED => pay((member + 1) % 3, AMOUNTS[(n - FIRST_PAYMENT) as usize]),
            REFUSED => pay(member, 1),
            _ => {
                let to = AccountId(member as u64 + 1);
                Paid::PayOut(PayOut { account: LEAVER, to, amount: 5, reason: PayOutReason::Heirs })
            }
        })
    }

    fn breaks_a_rule(&self, member: usize, n: u32) -> bool {
        n == REFUSED || n == PAY_OUT && member != OPERATOR
    }

    fn depends_on_state(&self) -> &'static [&'static str] {
        &["insufficient_balance", "already_settled", "revoked", "not_erased", "too_early"]
    }

    fn witness(&self) -> Box<dyn Witness> {
        Box::new(Money::default())
    }

    /// Money only moves.
    fn look_at(&self, state: &State) -> Result<(), String> {
        let money = &state.payments;
        if money.sum() == u128::from(money.issued()) {
            return Ok(());
        }
        Err(format!("{} were issued, the balances are {}", money.issued(), money.sum()))
    }
}

/// What everybody has after some blocks.
#[derive(Default)]
struct Money {
    balances: BTreeMap<AccountId, i128>,
    issued: i128,
    settled: BTreeSet<(AccountId, ChequeId)>,
    purchases: Purchases,
}

impl Witness for Money {
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String> {
        match command {
            Command::Accounts(accounts::Command::Register(_)) => {
                let grant = i128::from(state.settings.opening_grant);
                self.issued += grant;
                *self.balances.entry(AccountId(state.accounts.count())).or_default() += grant;
            }
            Command::Payments(Paid::Pay(pay)) => {
                for payment in &pay.payments {
                    self.move_from(block.author, payment.to, i128::from(payment.amount));
                }
            }
            Command::Payments(Paid::Settle(Settle { cheque, .. })) => {
                if !self.settled.insert((cheque.payer, cheque.cheque_id)) {
                    return Err(format!("block {} settles a cheque for the second time", block.index));
                }
                self.move_from(cheque.payer, cheque.payee, i128::from(cheque.amount));
            }
            Command::Payments(Paid::PayOut(pay_out)) => {
                if state.erased_at(pay_out.account).is_none() {
                    return Err(format!("block {} pays out of an account that is there", block.index));
                }
                self.move_from(pay_out.account, pay_out.to, i128::from(pay_out.amount));
            }
            _ => {}
        }
        self.move_held(block.author, command, state);
        let same = self.balances.iter().all(|(account, balance)| {
            *balance >= 0 && *balance == i128::from(state.payments.balance(*account))
        });
        let held: i128 = self.purchases.held().iter().map(|(_, held)| held).sum();
        let conserved = self.balances.values().sum::<i128>() + held == self.issued;
        if same && conserved {
            Ok(())
        } else {
            Err(format!("block {}: {:?} of {} issued", block.index, self.balances, self.issued))
        }
    }
}

impl Money {
    /// What a purchase holds less than before went back to its customer, or to the till.
    fn move_held(&mut self, author: AccountId, command: &Command, state: &State) {
        let before = self.purchases.held();
        self.purchases.follow_any(author, command, state, &mut |_, _| ());
        let released =
            matches!(command, Command::Shop(shop::Command::Purchases(shop::purchases::Command::Release(_))));
        let till = state.shop.till().map(|till| till.account).filter(|_| released);
        for (number, (customer, held)) in self.purchases.held().into_iter().enumerate() {
            let before = before.get(number).map_or(0, |(_, held)| *held);
            *self.balances.entry(till.unwrap_or(customer)).or_default() += before - held;
        }
    }

    fn move_from(&mut self, from: AccountId, to: AccountId, amount: i128) {
        *self.balances.entry(from).or_default() -= amount;
        *self.balances.entry(to).or_default() += amount;
    }
}
