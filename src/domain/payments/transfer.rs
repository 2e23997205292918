//! What a block did to money, one movement after the other: what statements and bookkeeping are made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Command, PAY, Payment, Settle};
use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};

/// What moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    /// The ledger's opening grant.
    Grant,
    /// An operator made it.
    Issue,
    /// A payment.
    Payment,
    /// A payment order that became money.
    Settlement,
}

impl Movement {
    /// All of them.
    pub const ALL: [Movement; 4] =
        [Movement::Grant, Movement::Issue, Movement::Payment, Movement::Settlement];
}

/// The stable name, in lower case.
impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Movement::Grant => "grant",
            Movement::Issue => "issue",
            Movement::Payment => "payment",
            Movement::Settlement => "settlement",
        })
    }
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What it was.
    pub movement: Movement,
    /// Whose money it was; none where it came into being.
    pub from: Option<AccountId>,
    /// Whose it is now.
    pub to: AccountId,
    /// Minor units.
    pub amount: u64,
    /// What it was for.
    pub memo: String,
}

impl Transfer {
    /// What a new account received.
    pub fn of_grant(account: AccountId, amount: u64) -> Transfer {
        Transfer { movement: Movement::Grant, from: None, to: account, amount, memo: String::new() }
    }
}

/// One movement of money, as it stands in the bytes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferRef<'a> {
    /// What it was.
    pub movement: Movement,
    /// Whose money it was; none where it came into being.
    pub from: Option<AccountId>,
    /// Whose it is now.
    pub to: AccountId,
    /// Minor units.
    pub amount: u64,
    /// What it was for.
    pub memo: &'a str,
}

/// The fields of a payment, its memo not copied.
type StoredPayment<'a> = (AccountId, i64, &'a str);

/// Walks over the movements of an accepted command in its own order, until `visit` wants no more. A command may hold
/// thousands of payments, and whoever looks for some of them has no use for the others: none is copied.
///
/// # Errors
/// [`Undecodable`] for bytes that are no command about money.
pub fn visit_transfers(
    author: AccountId,
    tag: Tag,
    body: &[u8],
    visit: &mut dyn FnMut(TransferRef<'_>) -> bool,
) -> Result<(), Undecodable> {
    if tag != PAY {
        let moved = transfers(author, Command::decode(tag, body)?);
        moved.iter().all(|Transfer { movement, from, to, amount, memo }| {
            visit(TransferRef { movement: *movement, from: *from, to: *to, amount: *amount, memo })
        });
        return Ok(());
    }
    let (count, mut rest) = codec::front::<u64>(body)?;
    for _ in 0..count {
        let ((to, amount, memo), more) = codec::front::<StoredPayment<'_>>(rest)?;
        rest = more;
        let amount = amount.unsigned_abs();
        if !visit(TransferRef { movement: Movement::Payment, from: Some(author), to, amount, memo }) {
            break;
        }
    }
    Ok(())
}

/// The movements of an accepted command, in its own order.
pub fn transfers(author: AccountId, command: Command) -> Vec<Transfer> {
    let one = |movement, from, to, amount, memo| Transfer { movement, from, to, amount, memo };
    match command {
        Command::Pay(pay) => {
            let moved = |Payment { to, amount, memo }| {
                one(Movement::Payment, Some(author), to, amount.unsigned_abs(), memo)
            };
            pay.payments.into_iter().map(moved).collect()
        }
        Command::Issue(issue) => {
            vec![one(Movement::Issue, None, issue.to, issue.amount.unsigned_abs(), String::new())]
        }
        Command::Settle(Settle { order, .. }) => {
            vec![one(Movement::Settlement, Some(order.payer), order.payee, order.amount, order.memo)]
        }
        Command::RevokeOrder(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payments::{Issue, Pay};

    fn walked(command: &Command, most: usize) -> Vec<Transfer> {
        let (tag, body) = command.encode();
        let mut seen = Vec::new();
        let mut visit = |TransferRef { movement, from, to, amount, memo }: TransferRef<'_>| {
            seen.push(Transfer { movement, from, to, amount, memo: memo.to_owned() });
            seen.len() < most
        };
        visit_transfers(AccountId(7), tag, &body, &mut visit).unwrap();
        seen
    }

    #[test]
    fn a_walk_sees_what_decoding_gives_and_ends_when_it_is_told_to() {
        let payments = (1..=300).map(|n| Payment {
            to: AccountId(n),
            amount: n as i64 * 99,
            memo: "é".repeat(n as usize % 9),
        });
        let issue = Command::Issue(Issue { to: AccountId(3), amount: 5 });
        for command in [Command::Pay(Pay { payments: payments.collect() }), issue] {
            let all = transfers(AccountId(7), command.clone());
            assert_eq!(walked(&command, usize::MAX), all);
            assert_eq!(walked(&command, 1), all[..1]);
        }
        assert!(visit_transfers(AccountId(7), PAY, &[9, 1], &mut |_| true).is_err());
    }
}
