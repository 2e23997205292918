//! The reasons for which a rule refuses a command of money: names for programs, sentences for people.

use super::{Currency, MEMO_BYTES_MAX};
use crate::domain::{AccountId, Fact, Value};
use crate::limits::{ISSUED_MAX, PAYMENTS_MAX};
use crate::refusal;
use crate::time::Timestamp;

/// The reason for which a command of money was refused. `element` counts the payments of the command from 0; sentences count them
/// from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Only an operator makes money.
    NoPermission,
    /// Only an operator pays out what an erased account has.
    MayNotPayOut,
    /// The author, the receiver of issued money, or one of the two accounts of a pay-out is no member.
    InvalidUser(AccountId),
    /// The receiver of a payment is no member.
    InvalidPayee {
        /// The number of the payment.
        element: usize,
        /// The number that is no account.
        account: AccountId,
    },
    /// The receiver of issued money, or of what is paid out, was erased.
    Erased {
        /// The account.
        account: AccountId,
        /// The block that erased it.
        block: u64,
    },
    /// The receiver of a payment was erased.
    ErasedPayee {
        /// The number of the payment.
        element: usize,
        /// The account.
        account: AccountId,
        /// The block that erased it.
        block: u64,
    },
    /// An account that is to be erased has so much money, in minor units.
    BalanceLeft(u64),
    /// The account whose money is to be paid out was not erased.
    NotErased(AccountId),
    /// The account whose money is to be paid out was erased not long enough ago.
    TooEarly {
        /// The account.
        account: AccountId,
        /// The block that erased it.
        block: u64,
        /// The first time at which its money may be paid out.
        until: Timestamp,
    },
    /// The command has no payment.
    NoPayments,
    /// The command has more payments than it may: this many.
    TooManyPayments(usize),
    /// The amount of a payment is below zero.
    NegativeAmount {
        /// The number of the payment.
        element: usize,
    },
    /// The amount of a payment, or of a cheque, is zero.
    ZeroAmount {
        /// The number of the payment.
        element: usize,
    },
    /// Payer and payee are the same.
    SelfPayment {
        /// The number of the payment.
        element: usize,
    },
    /// The memo is too long, not in Unicode's form NFC, or holds control characters.
    InvalidMemo {
        /// The number of the payment.
        element: usize,
    },
    /// The payer has less than all payments up to this one.
    InsufficientBalance {
        /// The number of the payment.
        element: usize,
        /// The balance of the payer, in minor units.
        balance: u64,
        /// The sum of all payments up to this one, in minor units.
        needed: u64,
    },
    /// More money would have been issued than a ledger can count.
    Overflow,
    /// The cheque is of another ledger.
    OtherLedger,
    /// The account with this number never had the key that signed the cheque, or does not exist.
    UnknownPayer(AccountId),
    /// The cheque names another payee than the author of the command.
    NotPayee,
    /// The payer has less than the cheque says: its amount in minor units. The balance of the payer is not told to the payee.
    UncoveredCheque(u64),
    /// The cheque expired at this time.
    Expired(Timestamp),
    /// The cheque was settled in this block.
    AlreadySettled(u64),
    /// The payer took the cheque back in this block.
    Revoked(u64),
}

impl Rejection {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NoPermission | Rejection::MayNotPayOut | Rejection::NotPayee => refusal::NO_PERMISSION,
            Rejection::InvalidUser(_) | Rejection::InvalidPayee { .. } | Rejection::UnknownPayer(_) => {
                refusal::INVALID_USER
            }
            Rejection::Erased { .. } | Rejection::ErasedPayee { .. } => refusal::ERASED,
            Rejection::BalanceLeft(_) => refusal::BALANCE_LEFT,
            Rejection::NotErased(_) => refusal::NOT_ERASED,
            Rejection::TooEarly { .. } => refusal::TOO_EARLY,
            Rejection::NoPayments => refusal::NO_PAYMENTS,
            Rejection::TooManyPayments(_) => refusal::TOO_MANY_PAYMENTS,
            Rejection::NegativeAmount { .. } => refusal::NEGATIVE_AMOUNT,
            Rejection::ZeroAmount { .. } => refusal::ZERO_AMOUNT,
            Rejection::SelfPayment { .. } => refusal::SELF_PAYMENT,
            Rejection::InvalidMemo { .. } => refusal::INVALID_MEMO,
            Rejection::InsufficientBalance { .. } | Rejection::UncoveredCheque(_) => {
                refusal::INSUFFICIENT_BALANCE
            }
            Rejection::Overflow => refusal::OVERFLOW,
            Rejection::OtherLedger => refusal::OTHER_LEDGER,
            Rejection::Expired(_) => refusal::EXPIRED,
            Rejection::AlreadySettled(_) => refusal::ALREADY_SETTLED,
            Rejection::Revoked(_) => refusal::REVOKED,
        }
    }

    /// The facts with which the sentence is filled.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        let mut facts: Vec<(Fact, Value)> = Vec::new();
        facts.extend(self.element().map(|element| (Fact::Element, Value::from(element + 1))));
        match *self {
            Rejection::InvalidUser(account)
            | Rejection::InvalidPayee { account, .. }
            | Rejection::NotErased(account)
            | Rejection::UnknownPayer(account) => facts.push((Fact::Account, account.0.into())),
            Rejection::Erased { account, block } | Rejection::ErasedPayee { account, block, .. } => {
                facts.extend([(Fact::Account, account.0.into()), (Fact::Block, block.into())]);
            }
            Rejection::BalanceLeft(left) => facts.push((Fact::Left, left.into())),
            Rejection::TooEarly { account, block, until } => facts.extend([
                (Fact::Account, account.0.into()),
                (Fact::Block, block.into()),
                (Fact::Until, until.into()),
            ]),
            Rejection::TooManyPayments(count) => {
                facts.extend([(Fact::Wanted, count.into()), (Fact::Most, PAYMENTS_MAX.into())]);
            }
            Rejection::InsufficientBalance { balance, needed, .. } => {
                facts.extend([(Fact::Left, balance.into()), (Fact::Wanted, needed.into())]);
            }
            Rejection::UncoveredCheque(amount) => facts.push((Fact::Wanted, amount.into())),
            Rejection::Overflow => facts.push((Fact::Most, ISSUED_MAX.into())),
            Rejection::Expired(at) => facts.push((Fact::Until, at.into())),
            Rejection::AlreadySettled(index) | Rejection::Revoked(index) => {
                facts.push((Fact::Block, index.into()));
            }
            Rejection::NoPermission
            | Rejection::MayNotPayOut
            | Rejection::NoPayments
            | Rejection::NegativeAmount { .. }
            | Rejection::ZeroAmount { .. }
            | Rejection::SelfPayment { .. }
            | Rejection::InvalidMemo { .. }
            | Rejection::OtherLedger
            | Rejection::NotPayee => {}
        }
        facts
    }

    /// The number of the refused payment in the command, from 0; none where no single payment was refused.
    fn element(&self) -> Option<usize> {
        match *self {
            Rejection::InvalidPayee { element, .. }
            | Rejection::ErasedPayee { element, .. }
            | Rejection::NegativeAmount { element }
            | Rejection::ZeroAmount { element }
            | Rejection::SelfPayment { element }
            | Rejection::InvalidMemo { element }
            | Rejection::InsufficientBalance { element, .. } => Some(element),
            Rejection::NoPermission
            | Rejection::MayNotPayOut
            | Rejection::InvalidUser(_)
            | Rejection::NotErased(_)
            | Rejection::TooEarly { .. }
            | Rejection::Erased { .. }
            | Rejection::BalanceLeft(_)
            | Rejection::NoPayments
            | Rejection::TooManyPayments(_)
            | Rejection::Overflow
            | Rejection::OtherLedger
            | Rejection::UnknownPayer(_)
            | Rejection::NotPayee
            | Rejection::UncoveredCheque(_)
            | Rejection::Expired(_)
            | Rejection::AlreadySettled(_)
            | Rejection::Revoked(_) => None,
        }
    }

    /// The sentence for people, with amounts as they are shown in this currency.
    pub fn sentence(&self, currency: &Currency) -> String {
        let money = |amount| currency.show_named(amount);
        let which = self.element().map_or_else(String::new, |element| format!("payment {}: ", element + 1));
        let what = match *self {
            Rejection::NoPermission => "only an operator issues money".to_owned(),
            Rejection::MayNotPayOut => "only an operator pays out what an erased account has".to_owned(),
            Rejection::InvalidUser(account) | Rejection::InvalidPayee { account, .. } => {
                format!("there is no account {account}")
            }
            Rejection::Erased { account, block } | Rejection::ErasedPayee { account, block, .. } => {
                format!("account {account} was erased by block {block}")
            }
            Rejection::BalanceLeft(left) => {
                format!("the account still has {}: pay it away first", money(left))
            }
            Rejection::NotErased(account) => format!("account {account} was not erased"),
            Rejection::TooEarly { account, block, until } => format!(
                "account {account} was erased by block {block}, and what it has can be paid out from {until} on"
            ),
            Rejection::NoPayments => "a command holds at least one payment".to_owned(),
            Rejection::TooManyPayments(count) => {
                format!("a command holds at most {PAYMENTS_MAX} payments, not {count}")
            }
            Rejection::NegativeAmount { .. } => "the amount is negative".to_owned(),
            Rejection::ZeroAmount { .. } => "the amount is zero".to_owned(),
            Rejection::SelfPayment { .. } => "payer and payee are the same".to_owned(),
            Rejection::InvalidMemo { .. } => {
                format!("a memo has at most {MEMO_BYTES_MAX} bytes, is in NFC and has no control characters")
            }
            Rejection::InsufficientBalance { element: 0, balance, needed } => {
                format!("{} is there, {} is needed", money(balance), money(needed))
            }
            Rejection::InsufficientBalance { balance, needed, .. } => {
                let (balance, needed) = (money(balance), money(needed));
                format!("{balance} is there, the payments up to this one need {needed}")
            }
            Rejection::Overflow => format!("a ledger counts at most {}", money(ISSUED_MAX)),
            Rejection::OtherLedger => "the cheque is of another ledger".to_owned(),
            Rejection::UnknownPayer(account) => format!("there is no account {account} with this key"),
            Rejection::NotPayee => "only the payee named in a cheque settles it".to_owned(),
            Rejection::UncoveredCheque(amount) => {
                format!("the payer's balance does not cover the cheque of {}", money(amount))
            }
            Rejection::Expired(at) => format!("the cheque expired at {at}"),
            Rejection::AlreadySettled(index) => format!("the cheque was settled in block {index}"),
            Rejection::Revoked(index) => {
                format!("the cheque was revoked by its payer in block {index}")
            }
        };
        which + &what
    }
}
