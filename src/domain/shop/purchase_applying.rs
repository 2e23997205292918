//! What blocks change of purchases and of the units in them.

use super::purchases::{
    Bought, Buy, Cancel, Cancelled, Happened, Line, MissingRefunded, Purchase, PurchaseId, PurchaseState,
    Release, Released, Step,
};
use super::{Bucket, ItemId, Setting, State};
use crate::domain::{AccountId, Context, Impossible};

/// Changes purchases, and the stock with them, by what happened, and holds what the event says against the state. The money of the
/// block is booked already.
///
/// # Errors
/// [`Impossible`] when the event says something else than follows; the state is of no use then.
pub(super) fn apply_to_purchases(
    state: &mut State,
    happened: &Happened,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    match happened {
        Happened::Bought(buy, bought) => buy_units(state, buy, bought, context),
        Happened::ShipmentConfirmed(confirm, confirmed) => {
            let due = step(state, confirm.purchase, PurchaseState::Confirmed, Setting::ShipBy, context)?;
            Impossible::unless_equal("ship_by", confirmed.ship_by.micros(), due)
        }
        Happened::Cancelled(cancel, cancelled) => cancel_units(state, cancel, *cancelled, context),
        Happened::Shipped(ship, shipped) => {
            if ship.found {
                change(state, ship.purchase)?.found = true;
            } else {
                send_units(state, ship.purchase)?;
            }
            same_customer(state, ship.purchase, shipped.customer)?;
            let due = step(state, ship.purchase, PurchaseState::Shipped, Setting::DeemedReceived, context)?;
            Impossible::unless_equal("received_by", shipped.received_by.micros(), due)
        }
        Happened::ReceiptConfirmed(confirm, confirmed) => {
            let due = step(state, confirm.purchase, PurchaseState::Received, Setting::ReturnWindow, context)?;
            Impossible::unless_equal("return_by", confirmed.return_by.micros(), due)
        }
        Happened::MissingReported(report, reported) => {
            let due = step(state, report.purchase, PurchaseState::Missing, Setting::ShipBy, context)?;
            Impossible::unless_equal("found_by", reported.found_by.micros(), due)
        }
        Happened::MissingRefunded(refund, refunded) => lose_units(state, refund.purchase, *refunded, context),
        Happened::Released(release, released) => release_money(state, release, released, context),
    }
}

/// Cancels what an erased customer has bought and not been sent. `said` is what the block says of it: the number of each purchase
/// with what was held for it.
///
/// # Errors
/// [`Impossible`] when the block says something else, or the stock does not hold the units.
pub(in crate::domain) fn erase(
    state: &mut State,
    customer: AccountId,
    said: &[(u64, u64)],
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let unsent: Vec<(u64, u64)> = state.purchases().unsent_of(customer).collect();
    Impossible::unless(unsent == said, Impossible::NoSuch("a purchase that an erasure cancels"))?;
    for (number, held) in unsent {
        let number = PurchaseId(number);
        let units = allocated(change(state, number)?);
        take_back(state, number, &units)?;
        let purchase = change(state, number)?;
        purchase.refunded = Impossible::sum("refunds", purchase.refunded, held)?;
        push_step(purchase, PurchaseState::Cancelled, context);
    }
    Ok(())
}

fn buy_units(state: &mut State, buy: &Buy, bought: &Bought, context: &Context<'_>) -> Result<(), Impossible> {
    Impossible::unless_equal("purchase", bought.purchase.0, state.purchases().next().0)?;
    let settings = state.settings_count().checked_sub(1).ok_or(Impossible::NoSuch("a setting"))?;
    Impossible::unless_equal("settings", bought.settings, settings)?;
    Impossible::unless_equal("prices", bought.prices.len() as u64, buy.lines.len() as u64)?;
    let mut lines = Vec::with_capacity(buy.lines.len());
    for (wanted, price) in buy.lines.iter().zip(&bought.prices) {
        let item = state.item_mut(wanted.item)?;
        Impossible::unless_equal("price", *price, item.price.ok_or(Impossible::NoSuch("a price"))?)?;
        item.buckets.shift(Bucket::Listed, Bucket::Allocated, wanted.n)?;
        let (item, price, bought) = (wanted.item, *price, wanted.n);
        lines.push(Line { item, price, bought, cancelled: 0, shipped: 0, lost: 0 });
    }
    let mut purchase = Purchase {
        customer: context.author,
        settings: bought.settings,
        lines,
        steps: Vec::with_capacity(4),
        found: false,
        paid: buy.total(&bought.prices),
        refunded: 0,
        released: 0,
    };
    push_step(&mut purchase, PurchaseState::Paid, context);
    state.purchases_mut().push(purchase);
    Ok(())
}

fn cancel_units(
    state: &mut State,
    cancel: &Cancel,
    cancelled: Cancelled,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    same_customer(state, cancel.purchase, cancelled.customer)?;
    let units = match &cancel.lines {
        Some(lines) => lines.iter().map(|line| (line.item, line.n)).collect(),
        None => allocated(change(state, cancel.purchase)?),
    };
    let refund = take_back(state, cancel.purchase, &units)?;
    Impossible::unless_equal("refund", cancelled.refund, refund)?;
    let purchase = change(state, cancel.purchase)?;
    purchase.refunded = Impossible::sum("refunds", purchase.refunded, refund)?;
    let left = purchase.allocated();
    if left == 0 {
        push_step(purchase, PurchaseState::Cancelled, context);
    }
    Impossible::unless_equal("left", cancelled.left, left)
}

/// The units of a purchase that wait to be sent, by item.
fn allocated(purchase: &Purchase) -> Vec<(ItemId, u64)> {
    purchase.lines.iter().map(|line| (line.item, line.allocated())).filter(|(_, n)| *n > 0).collect()
}

/// Takes units of a purchase that were not sent back into the stock. Gives what they had cost together.
fn take_back(state: &mut State, number: PurchaseId, units: &[(ItemId, u64)]) -> Result<u64, Impossible> {
    let mut cost = 0;
    for (item, n) in units {
        let line = line_of(change(state, number)?, *item)?;
        Impossible::unless(*n <= line.allocated(), Impossible::NoSuch("a unit of a purchase"))?;
        line.cancelled += n;
        let price = line.price;
        let paid = n.checked_mul(price).ok_or(Impossible::TooLarge("a refund"))?;
        cost = Impossible::sum("a refund", cost, paid)?;
        state.item_mut(*item)?.take_back(Bucket::Allocated, *n)?;
    }
    Ok(cost)
}

/// Sends all units of a purchase that wait to be sent.
fn send_units(state: &mut State, number: PurchaseId) -> Result<(), Impossible> {
    for (item, n) in allocated(change(state, number)?) {
        line_of(change(state, number)?, item)?.shipped += n;
        state.item_mut(item)?.buckets.shift(Bucket::Allocated, Bucket::Out, n)?;
    }
    Ok(())
}

/// Gives up all units of a purchase that were sent and got lost.
fn lose_units(
    state: &mut State,
    number: PurchaseId,
    refunded: MissingRefunded,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    same_customer(state, number, refunded.customer)?;
    let out: Vec<_> = change(state, number)?.lines.iter().map(|line| (line.item, line.out())).collect();
    for (item, n) in out {
        line_of(change(state, number)?, item)?.lost += n;
        state.item_mut(item)?.buckets.shift(Bucket::Out, Bucket::Lost, n)?;
    }
    let purchase = change(state, number)?;
    Impossible::unless_equal("refund", refunded.refund, purchase.held())?;
    purchase.refunded = Impossible::sum("refunds", purchase.refunded, refunded.refund)?;
    push_step(purchase, PurchaseState::Closed, context);
    Ok(())
}

fn release_money(
    state: &mut State,
    release: &Release,
    released: &Released,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let till = state.till().ok_or(Impossible::NoSuch("a till"))?;
    Impossible::unless_equal("till", released.till.0, till.account.0)?;
    Impossible::unless_equal("amounts", released.amounts.len() as u64, release.purchases.len() as u64)?;
    for (number, amount) in release.purchases.iter().zip(&released.amounts) {
        settle_deadline(state, *number, context)?;
        let purchase = change(state, *number)?;
        Impossible::unless_equal("amount", *amount, purchase.held())?;
        purchase.released = Impossible::sum("releases", purchase.released, *amount)?;
        push_step(purchase, PurchaseState::Completed, context);
    }
    match (released.customer, release.purchases.as_slice()) {
        (Some(customer), [one]) => same_customer(state, *one, customer),
        (None, [] | [_, _, ..]) => Ok(()),
        _ => Err(Impossible::NoSuch("the customer of a purchase")),
    }
}

/// Takes a step. Gives the moment at which the deadline that begins with it ends, in microseconds.
fn step(
    state: &mut State,
    number: PurchaseId,
    to: PurchaseState,
    deadline: Setting,
    context: &Context<'_>,
) -> Result<u64, Impossible> {
    let purchase = change(state, number)?;
    push_step(purchase, to, context);
    let settings = purchase.settings;
    Ok(state.terms(settings).after(context.timestamp, deadline).micros())
}

/// Writes down that a deadline has passed before this block, where one has.
fn settle_deadline(state: &mut State, number: PurchaseId, context: &Context<'_>) -> Result<(), Impossible> {
    let purchase = state.purchases().get(number).ok_or(NO_PURCHASE)?;
    let (signed, now) =
        (purchase.signed_stage(), purchase.stage(&state.terms(purchase.settings), context.timestamp));
    if now != signed {
        change(state, number)?.steps.push(Step { state: now.state, time: now.since, block: None });
    }
    Ok(())
}

fn push_step(purchase: &mut Purchase, to: PurchaseState, context: &Context<'_>) {
    purchase.steps.push(Step { state: to, time: context.timestamp, block: Some(context.index) });
}

const NO_PURCHASE: Impossible = Impossible::NoSuch("a purchase");

fn change(state: &mut State, number: PurchaseId) -> Result<&mut Purchase, Impossible> {
    state.purchases_mut().get_mut(number).ok_or(NO_PURCHASE)
}

fn line_of(purchase: &mut Purchase, item: ItemId) -> Result<&mut Line, Impossible> {
    let line = purchase.lines.iter_mut().find(|line| line.item == item);
    line.ok_or(Impossible::NoSuch("an item of a purchase"))
}

fn same_customer(state: &State, number: PurchaseId, said: AccountId) -> Result<(), Impossible> {
    let purchase = state.purchases().get(number).ok_or(NO_PURCHASE)?;
    Impossible::unless_equal("customer", said.0, purchase.customer.0)
}
