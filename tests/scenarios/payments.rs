//! The words of money in scenarios: payments, issued money, and cheques.

use ledgerd::codec;
use ledgerd::crypto::{KeyId, LedgerId, SIGNATURE_BYTES_MAX};
use ledgerd::domain::payments::{self, Cheque, ChequeId, Event, Rejection as P};
use ledgerd::domain::{self, AccountId, Rejection, State};
use ledgerd::time::Timestamp;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::domain::{Asked, Domain, RawCommand, list};
use super::world::{LEDGER, START_MS, spki};

pub(super) struct Payments;

impl Domain for Payments {
    fn name(&self) -> &'static str {
        "payments"
    }

    fn command(&self, asked: &Asked) -> Option<RawCommand> {
        let (verb, words) = asked.plain()?;
        match (verb, words.as_slice()) {
            ("pay", words) => Some(pay(&list(words, payment)?)),
            ("issue", [to, amount]) => {
                let (to, amount): (u64, i64) = (to.parse().ok()?, amount.parse().ok()?);
                Some(RawCommand::new(payments::ISSUE, codec::encode(&(to, amount))))
            }
            ("settle", words) => Some(settle(&cheque(words, asked.author)?)),
            ("revoke-cheque", [cheque]) => Some(revoke_cheque(cheque.parse().ok()?)),
            ("pay-out", [account, to, amount, reason]) => {
                let reason = reason.parse::<payments::PayOutReason>().map(u8::from).ok();
                let reason = reason.or_else(|| words.last()?.parse().ok())?;
                Some(pay_out(account.parse().ok()?, to.parse().ok()?, amount.parse().ok()?, reason))
            }
            _ => None,
        }
    }

    fn outcome(&self, event: &domain::Event) -> Option<String> {
        let domain::Event::Payments(event) = event else { return None };
        Some(match event {
            Event::Paid(paid) => format!("balance {}", paid.balance),
            Event::Issued(issued) => format!("balance {}", issued.balance),
            Event::Settled(settled) => format!("settled {}", settled.settlement),
            Event::ChequeRevoked(revoked) => format!("cheque_revoked {}", revoked.revocation),
            Event::PaidOut(paid_out) => format!("balance {}", paid_out.balance),
        })
    }

    fn answer(&self, state: &State, question: &[&str]) -> Option<String> {
        match *question {
            ["stranded", account] => {
                let mut stranded = 0;
                let account = AccountId(account.parse().ok()?);
                state.stranded(&mut |of, left| stranded += if of == account { left } else { 0 });
                Some(stranded.to_string())
            }
            ["issued"] => Some(state.payments.issued().to_string()),
            ["balance", "of", account] => {
                Some(state.payments.balance(AccountId(account.parse().ok()?)).to_string())
            }
            _ => None,
        }
    }

    fn refusals(&self) -> Vec<Rejection> {
        let refusals = [
            P::NoPermission,
            P::MayNotPayOut,
            P::InvalidUser(AccountId(1)),
            P::InvalidPayee { element: 0, account: AccountId(1) },
            P::Erased { account: AccountId(1), block: 1 },
            P::ErasedPayee { element: 0, account: AccountId(1), block: 1 },
            P::BalanceLeft(1),
            P::NotErased(AccountId(1)),
            P::TooEarly { account: AccountId(1), block: 1, until: Timestamp::default() },
            P::NoPayments,
            P::TooManyPayments(8_193),
            P::NegativeAmount { element: 0 },
            P::ZeroAmount { element: 0 },
            P::SelfPayment { element: 0 },
            P::InvalidMemo { element: 0 },
            P::InsufficientBalance { element: 0, balance: 0, needed: 1 },
            P::Overflow,
            P::OtherLedger,
            P::UnknownPayer(AccountId(1)),
            P::NotPayee,
            P::UncoveredCheque(1),
            P::Expired(Timestamp::default()),
            P::AlreadySettled(1),
            P::Revoked(1),
        ];
        for refusal in &refusals {
            match refusal {
                P::NoPermission | P::MayNotPayOut | P::InvalidUser(_) | P::InvalidPayee { .. } => {}
                P::NotErased(_) | P::TooEarly { .. } => {}
                P::Erased { .. } | P::ErasedPayee { .. } | P::BalanceLeft(_) => {}
                P::NoPayments | P::TooManyPayments(_) => {}
                P::NegativeAmount { .. } | P::ZeroAmount { .. } | P::SelfPayment { .. } => {}
                P::InvalidMemo { .. } | P::InsufficientBalance { .. } | P::Overflow => {}
                P::OtherLedger | P::UnknownPayer(_) | P::NotPayee | P::UncoveredCheque(_) => {}
                P::Expired(_) | P::AlreadySettled(_) | P::Revoked(_) => {}
            }
        }
        refusals.into_iter().map(Rejection::Payments).collect()
    }

    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>) {
        let commands = prop_oneof![
            3 => prop::collection::vec(any_payment(), 0..4).prop_map(|payments| pay(&payments)),
            4 => any_cheque().prop_map(|cheque| settle(&cheque)),
            1 => (0..3u8).prop_map(revoke_cheque),
            1 => (0..5u64, 0..5u64, any_amount(), 0..6u8)
                .prop_map(|(account, to, amount, reason)| pay_out(account, to, amount.unsigned_abs(), reason)),
        ];
        (8, commands.boxed())
    }
}

#[derive(Clone, Debug, Serialize)]
struct RawPayment {
    to: u64,
    amount: i64,
    memo: String,
}

fn pay(payments: &[RawPayment]) -> RawCommand {
    RawCommand::new(payments::PAY, codec::encode(payments))
}

/// `2 x 7 50 'for lunch'` without the repetition: an account, an amount, perhaps a memo.
fn payment(words: &[&str]) -> Option<RawPayment> {
    let (to, amount, memo) = match *words {
        [to, amount] => (to, amount, ""),
        [to, amount, memo] => (to, amount, memo),
        _ => return None,
    };
    let memo = memo.replace("\\n", "\n");
    Some(RawPayment { to: to.parse().ok()?, amount: amount.parse().ok()?, memo })
}

#[derive(Clone, Debug)]
struct RawCheque {
    payer: u64,
    /// Name of the payer's key.
    key: String,
    payee: u64,
    amount: u64,
    /// Number of the cheque.
    cheque: u8,
    /// Seconds from the start of the story.
    expires: u64,
    memo: String,
    /// Which ledger: [`LEDGER`] is that of the story.
    ledger: u8,
}

fn settle(cheque: &RawCheque) -> RawCommand {
    let cheque = Cheque {
        ledger_id: LedgerId([cheque.ledger; 32]),
        payer: AccountId(cheque.payer),
        key_id: KeyId::of_spki(spki(&cheque.key)),
        cheque_id: ChequeId([cheque.cheque; 16]),
        payee: AccountId(cheque.payee),
        amount: cheque.amount,
        expires_ms: START_MS + 1_000 * cheque.expires,
        memo: cheque.memo.clone(),
    };
    let parts = (ByteBuf::from(cheque.encode()), ByteBuf::from(vec![0; SIGNATURE_BYTES_MAX]));
    RawCommand::new(payments::SETTLE, codec::encode(&parts))
}

/// `payer amount [cheque N] [payee N] [expires SECONDS] [key NAME] [ledger N] ['memo']`: cheque 1 to whoever settles
/// it, good for a minute, unless it says otherwise.
fn cheque(words: &[&str], author: u64) -> Option<RawCheque> {
    let [payer, amount, rest @ ..] = words else { return None };
    let mut cheque = RawCheque {
        payer: payer.parse().ok()?,
        key: (*payer).to_owned(),
        payee: author,
        amount: amount.parse().ok()?,
        cheque: 1,
        expires: 60,
        memo: String::new(),
        ledger: LEDGER,
    };
    for pair in rest.chunks(2) {
        match *pair {
            ["cheque", value] => cheque.cheque = value.parse().ok()?,
            ["payee", value] => cheque.payee = value.parse().ok()?,
            ["expires", value] => cheque.expires = value.parse().ok()?,
            ["key", value] => cheque.key = value.to_owned(),
            ["ledger", value] => cheque.ledger = value.parse().ok()?,
            [memo] => cheque.memo = memo.replace("\\n", "\n"),
            _ => return None,
        }
    }
    Some(cheque)
}

fn revoke_cheque(cheque: u8) -> RawCommand {
    RawCommand::new(payments::REVOKE_CHEQUE, codec::encode(&[cheque; 16]))
}

fn pay_out(account: u64, to: u64, amount: u64, reason: u8) -> RawCommand {
    RawCommand::new(payments::PAY_OUT, codec::encode(&(account, to, amount, reason)))
}

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![1 => -2..1i64, 8 => 1..60i64, 1 => Just(i64::MAX)]
}

fn any_payment() -> impl Strategy<Value = RawPayment> {
    (0..4u64, any_amount()).prop_map(|(to, amount)| RawPayment { to, amount, memo: String::new() })
}

fn any_cheque() -> impl Strategy<Value = RawCheque> {
    let expires = prop_oneof![1 => Just(0), 8 => Just(60u64)];
    (1..4u64, "[1-4]", 0..4u64, any_amount(), 0..3u8, expires).prop_map(
        |(payer, key, payee, amount, cheque, expires)| RawCheque {
            payer,
            key,
            payee,
            amount: amount.unsigned_abs(),
            cheque,
            expires,
            memo: String::new(),
            ledger: LEDGER,
        },
    )
}
