//! The movements of money that each command makes.

use super::{Issue, Pay, PayOut, Payment, Settle};
use crate::codec;
use crate::domain::{AccountId, Movement, Place, Transfer, Undecodable};

/// Somebody who hears of movements, and says whether more are wanted.
pub(super) type Each<'e> = dyn FnMut(Transfer<'_>) -> bool + 'e;

impl Pay {
    /// The payments, in their own order.
    pub(super) fn transfers(&self, author: AccountId, each: &mut Each<'_>) {
        self.payments.iter().all(|Payment { to, amount, memo }| each(of_payment(author, *to, *amount, memo)));
    }
}

impl Issue {
    /// The one movement that there is.
    pub(super) fn transfers(&self, each: &mut Each<'_>) {
        let (to, amount) = (Place::Account(self.to), u64::try_from(self.amount).unwrap_or(0));
        each(Transfer { movement: Movement::Issue, from: Place::Issued, to, amount, memo: "" });
    }
}

impl Settle {
    /// The one movement that there is.
    pub(super) fn transfers(&self, each: &mut Each<'_>) {
        let cheque = &self.cheque;
        each(Transfer {
            movement: Movement::Settlement,
            from: Place::Account(cheque.payer),
            to: Place::Account(cheque.payee),
            amount: cheque.amount,
            memo: &cheque.memo,
        });
    }
}

impl PayOut {
    /// The one movement that there is. The money leaves the erased account, and not its author's.
    pub(super) fn transfers(&self, each: &mut Each<'_>) {
        let (from, to) = (Place::Account(self.account), Place::Account(self.to));
        each(Transfer { movement: Movement::PayOut, from, to, amount: self.amount, memo: "" });
    }
}

fn of_payment(author: AccountId, to: AccountId, amount: i64, memo: &str) -> Transfer<'_> {
    let (from, to) = (Place::Account(author), Place::Account(to));
    let amount = u64::try_from(amount).unwrap_or(0);
    Transfer { movement: Movement::Payment, from, to, amount, memo }
}

/// The fields of a payment, its memo not copied.
type StoredPayment<'a> = (AccountId, i64, &'a str);

/// Walks over the payments of a stored [`Pay`] without decoding all of it, until `each` wants no more. A command may hold
/// thousands of payments, and whoever looks for some of them has no use for the others.
///
/// # Errors
/// [`Undecodable`] for bytes that are no such command.
pub(in crate::domain) fn visit_stored_payments(
    author: AccountId,
    body: &[u8],
    each: &mut Each<'_>,
) -> Result<(), Undecodable> {
    let (count, mut rest) = codec::front::<u64>(body)?;
    for _ in 0..count {
        let ((to, amount, memo), more) = codec::front::<StoredPayment<'_>>(rest)?;
        rest = more;
        if !each(of_payment(author, to, amount, memo)) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What became known of the movements, with memos of its own.
    fn owned(transfer: &Transfer<'_>) -> (Place, Place, u64, String) {
        (transfer.from, transfer.to, transfer.amount, transfer.memo.to_owned())
    }

    #[test]
    fn a_walk_over_stored_payments_sees_what_decoding_gives_and_ends_when_it_is_told_to() {
        let payments = (1..=300).map(|n| Payment {
            to: AccountId(n),
            amount: n as i64 * 99,
            memo: "é".repeat(n as usize % 9),
        });
        let pay = Pay { payments: payments.collect() };
        let body = codec::encode(&pay);
        for most in [1, 7, usize::MAX] {
            let (mut decoded, mut walked) = (Vec::new(), Vec::new());
            pay.transfers(AccountId(7), &mut |transfer| {
                decoded.push(owned(&transfer));
                decoded.len() < most
            });
            let mut visit = |transfer: Transfer<'_>| {
                walked.push(owned(&transfer));
                walked.len() < most
            };
            visit_stored_payments(AccountId(7), &body, &mut visit).unwrap();
            assert_eq!(walked, decoded);
            assert_eq!(walked.len(), most.min(300));
        }
        assert!(visit_stored_payments(AccountId(7), &[9, 1], &mut |_| true).is_err());
    }
}
