//! Cheques that are about to be written: what was typed, looked up on the ledger, and signed.

use super::balance::fetch_balance;
use super::cheques::{DAY_MS, SignedCheque};
use super::input;
use super::sent_cheques::SentCheques;
use crate::client::accounts::find_member;
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::Registrant;
use crate::client::sending::{Submitted, submit_once};
use crate::client::{ClientError, clock};
use crate::crypto::random;
use crate::domain::Command;
use crate::domain::payments::{self, Cheque, ChequeId, Currency, RevokeCheque};
use crate::refusal;
use crate::wire::Refusal;

/// Whom somebody wants to pay, proven by the ledger, and what.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who is paid.
    pub payee: Registrant,
    /// How much, in minor units.
    pub amount: u64,
    /// What it is for.
    pub memo: String,
}

impl Draft {
    /// Looks up what a payment that somebody typed means on this ledger, and what money is called there.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for an amount that does not fit the currency, [`ClientError::Refused`] when there is no
    /// such member.
    pub fn look_up(member: &mut Member, typed: input::Wanted) -> Result<(Draft, Currency), ClientError> {
        let (_, currency) = fetch_balance(member)?;
        let amount = typed.amount(&currency)?.unsigned_abs();
        let payee = find_member(member, &typed.to)?;
        Ok((Draft { payee, amount, memo: typed.memo }, currency))
    }
}

/// Signs a cheque of the member's that is good for some days.
///
/// # Errors
/// [`ClientError::Refused`] with the name `self_payment`.
pub fn sign_cheque(
    member: &Member,
    draft: &Draft,
    cheque_id: ChequeId,
    days: u64,
) -> Result<SignedCheque, ClientError> {
    let payer = member.account_id();
    if draft.payee.account == payer {
        let text = "payer and payee are the same";
        return Err(ClientError::Refused(Refusal::fail(refusal::SELF_PAYMENT, text)));
    }
    let cheque = Cheque {
        ledger_id: member.server().ledger_id,
        payer,
        key_id: member.key().public().key_id(),
        cheque_id,
        payee: draft.payee.account,
        amount: draft.amount,
        expires_ms: clock::now().wall.millis().saturating_add(days * DAY_MS),
        memo: draft.memo.clone(),
    };
    Ok(SignedCheque::sign(cheque, member.key()))
}

/// Signs a cheque under an id that no other cheque has.
///
/// # Errors
/// As for [`sign_cheque`].
pub fn write_cheque(member: &Member, draft: &Draft, days: u64) -> Result<SignedCheque, ClientError> {
    sign_cheque(member, draft, ChequeId(random::bytes(&mut random::os())), days)
}

/// Makes money of a cheque to the member.
///
/// # Errors
/// As for [`submit_once`].
pub fn settle(
    member: &mut Member,
    cheque: &SignedCheque,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_once(member, &cheque.settle(), None, again)
}

/// Takes a cheque of the member's back. If it was sent from this home, it is sent no more.
///
/// # Errors
/// As for [`submit_once`].
pub fn revoke_cheque(
    member: &mut Member,
    cheque_id: ChequeId,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = Command::Payments(payments::Command::RevokeCheque(RevokeCheque { cheque_id }));
    let revoked = submit_once(member, &command, None, again)?;
    let forgotten = SentCheques::of(member).forget(cheque_id);
    forgotten.map_err(|error| ClientError::untold(revoked.accepted.index, error))?;
    Ok(revoked)
}
