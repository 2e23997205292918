//! The rules of payment orders, one refusal a line, in a fixed order.

use super::memo::is_memo;
use super::{Fate, OrderRevoked, PaymentOrder, Rejection, RevokeOrder, Settled, State};
use crate::domain::{Context, accounts};

/// Whether an order becomes money. That its payer signed it is checked before, by whoever has the time for that.
pub(super) fn decide_settle(
    state: &State,
    accounts: &accounts::State,
    order: &PaymentOrder,
    context: &Context<'_>,
) -> Result<Settled, Rejection> {
    if order.ledger_id != context.ledger_id {
        return Err(Rejection::OtherLedger);
    }
    if order.payee != context.author {
        return Err(Rejection::NotPayee);
    }
    if accounts.get(order.payer).is_none_or(|payer| payer.key_id != order.key_id) {
        return Err(Rejection::UnknownPayer(order.payer));
    }
    if order.payer == order.payee {
        return Err(Rejection::SelfPayment { element: 0 });
    }
    if order.amount == 0 {
        return Err(Rejection::ZeroAmount { element: 0 });
    }
    if !is_memo(&order.memo) {
        return Err(Rejection::InvalidMemo { element: 0 });
    }
    open_fate(state.fate(order.payer, order.order_id))?;
    if context.timestamp >= order.expires() {
        return Err(Rejection::Expired(order.expires()));
    }
    if state.balance(order.payer) < order.amount {
        return Err(Rejection::UncoveredOrder(order.amount));
    }
    Ok(Settled { settlement: state.settlements() })
}

/// Whether an order can be taken back. The ledger has not seen it, unless it was settled: any id may be one.
pub(super) fn decide_revoke_order(
    state: &State,
    revoke: &RevokeOrder,
    context: &Context<'_>,
) -> Result<OrderRevoked, Rejection> {
    open_fate(state.fate(context.author, revoke.order_id))?;
    Ok(OrderRevoked { revocation: state.revocations() })
}

fn open_fate(fate: Option<Fate>) -> Result<(), Rejection> {
    match fate {
        None => Ok(()),
        Some(Fate::Settled(index)) => Err(Rejection::AlreadySettled(index)),
        Some(Fate::Revoked(index)) => Err(Rejection::Revoked(index)),
    }
}
