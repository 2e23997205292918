//! What the server's journal notes of a question: a number that is the question's for ever, and the account that the question
//! is about. A domain has as many numbers as it has kinds of commands.

use super::{AccountId, Query, accounts, payments, shop};

/// Every question that there is, in the order of the numbers, each with its name.
const QUESTIONS: &[(u16, &str)] = &[
    (accounts::NOTED_MEMBER, "member"),
    (accounts::NOTED_KEYS, "keys"),
    (accounts::NOTED_PROFILE, "profile"),
    (payments::NOTED_BALANCE, "balance"),
    (payments::NOTED_STATEMENT, "statement"),
    (payments::NOTED_CHEQUE, "cheque"),
    (shop::NOTED_SHOP, "shop"),
    (shop::NOTED_ITEMS, "items"),
    (shop::NOTED_STOCK, "stock"),
    (shop::NOTED_PURCHASES, "purchases"),
    (shop::NOTED_PURCHASE, "purchase"),
];

/// The numbers and the names of all questions, in the order of the numbers.
pub fn noted_questions() -> impl Iterator<Item = (u16, &'static str)> {
    QUESTIONS.iter().copied()
}

impl Query<'_> {
    /// The number of the question, and the number of what it is about: of an account, or of what the question's name says. 0
    /// where it is about the asker alone.
    pub fn noted(&self) -> (u16, u64) {
        let of_account = |(number, account): (u16, AccountId)| (number, account.0);
        match self {
            Query::Accounts(query) => of_account(query.noted()),
            Query::Payments(query) => of_account(query.noted()),
            Query::Shop(query) => query.noted(),
        }
    }
}
