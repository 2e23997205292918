//! The rules of cheques, one refusal a line, in a fixed order.

use super::memo::is_memo;
use super::{Cheque, ChequeRevoked, Fate, Rejection, RevokeCheque, Settled, State};
use crate::domain::Context;

/// Whether a cheque becomes money. That its payer signed it, with a key that stands, is checked before.
pub(super) fn decide_settle(
    state: &State,
    cheque: &Cheque,
    context: &Context<'_>,
) -> Result<Settled, Rejection> {
    if cheque.ledger_id != context.ledger_id {
        return Err(Rejection::OtherLedger);
    }
    if cheque.payee != context.author {
        return Err(Rejection::NotPayee);
    }
    if cheque.payer == cheque.payee {
        return Err(Rejection::SelfPayment { element: 0 });
    }
    if cheque.amount == 0 {
        return Err(Rejection::ZeroAmount { element: 0 });
    }
    if !is_memo(&cheque.memo) {
        return Err(Rejection::InvalidMemo { element: 0 });
    }
    open_fate(state.fate(cheque.payer, cheque.cheque_id))?;
    if context.timestamp >= cheque.expires() {
        return Err(Rejection::Expired(cheque.expires()));
    }
    if state.balance(cheque.payer) < cheque.amount {
        return Err(Rejection::UncoveredCheque(cheque.amount));
    }
    Ok(Settled { settlement: state.settlements() })
}

/// Whether a cheque can be taken back. The ledger has not seen it, unless it was settled: any id may be one.
pub(super) fn decide_revoke_cheque(
    state: &State,
    revoke: &RevokeCheque,
    context: &Context<'_>,
) -> Result<ChequeRevoked, Rejection> {
    open_fate(state.fate(context.author, revoke.cheque_id))?;
    Ok(ChequeRevoked { revocation: state.revocations() })
}

fn open_fate(fate: Option<Fate>) -> Result<(), Rejection> {
    match fate {
        None => Ok(()),
        Some(Fate::Settled(index)) => Err(Rejection::AlreadySettled(index)),
        Some(Fate::Revoked(index)) => Err(Rejection::Revoked(index)),
    }
}
