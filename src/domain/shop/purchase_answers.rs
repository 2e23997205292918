//! The answers to questions about purchases: to customers about their own, and to agents about anybody's.

use super::purchases::{
    LineFace, Purchase, PurchaseFace, PurchaseId, PurchasePage, PurchasesWanted, Stage, Step,
};
use super::{NAME_BYTES_MAX, Others, Rejection, State};
use crate::domain::accounts::HANDLE_BYTES_MAX;
use crate::domain::{AccountId, Declined, Role, ScopeKind};
use crate::limits::PAGE_BYTES_MAX;
use crate::refusal;
use crate::time::Timestamp;

/// The number under which the journal notes [`super::Query::Purchases`]: see [`crate::domain::noted_questions`].
pub const NOTED_PURCHASES: u16 = 51;
/// The number under which the journal notes [`super::Query::Purchase`].
pub const NOTED_PURCHASE: u16 = 52;

/// Bytes that a line takes in an answer at most, beside the item's name.
const LINE_BYTES: usize = 64;

/// Bytes that a step takes in an answer at most.
const STEP_BYTES: usize = 24;

/// Bytes that a purchase takes in an answer at most, beside its lines, its steps and the customer's handle.
const PURCHASE_BYTES: usize = 128;

/// Answers [`super::Query::Purchases`]: as many as there is room for, and one at least.
///
/// # Errors
/// [`Declined`] where somebody asks about others without being an agent.
pub(super) fn answer_page(
    shop: &State,
    others: Others<'_>,
    asker: AccountId,
    wanted: PurchasesWanted,
    now: Timestamp,
) -> Result<PurchasePage, Declined> {
    let PurchasesWanted { customer, from } = wanted;
    if customer != Some(asker) && !others.accounts.has_role(asker, Role::Agent) {
        return Err(Declined::new(refusal::NO_PERMISSION, "only an agent may ask about others' purchases"));
    }
    let all = shop.purchases();
    let wanted: Box<dyn Iterator<Item = (PurchaseId, &Purchase)>> = match customer {
        Some(customer) => Box::new(all.of(customer, from)),
        None => Box::new(all.from(from)),
    };
    let (mut purchases, mut bytes) = (Vec::new(), 0);
    for (number, purchase) in wanted {
        bytes += PURCHASE_BYTES + purchase.lines.len() * (LINE_BYTES + NAME_BYTES_MAX);
        bytes += purchase.steps.len() * STEP_BYTES + HANDLE_BYTES_MAX;
        if bytes > PAGE_BYTES_MAX && !purchases.is_empty() {
            return Ok(PurchasePage { purchases, next: Some(number) });
        }
        purchases.push(face(shop, others, (number, purchase), now));
    }
    Ok(PurchasePage { purchases, next: None })
}

/// Answers [`super::Query::Purchase`].
///
/// # Errors
/// [`Declined`] for what is not there and for what is another's, with the same words.
pub(super) fn answer_one(
    shop: &State,
    others: Others<'_>,
    asker: AccountId,
    number: PurchaseId,
    now: Timestamp,
) -> Result<PurchaseFace, Declined> {
    let is_agent = others.accounts.has_role(asker, Role::Agent);
    let found = shop.purchases().get(number).filter(|purchase| is_agent || purchase.customer == asker);
    match found {
        Some(purchase) => Ok(face(shop, others, (number, purchase), now)),
        None => Err(Declined::new(refusal::NO_SUCH_PURCHASE, Rejection::NO_SUCH_PURCHASE)),
    }
}

fn face(
    shop: &State,
    others: Others<'_>,
    (number, purchase): (PurchaseId, &Purchase),
    now: Timestamp,
) -> PurchaseFace {
    let terms = shop.terms(purchase.settings);
    let stage = purchase.stage(&terms, now);
    let Stage { state, since } = stage;
    let mut steps = purchase.steps.clone();
    if stage != purchase.signed_stage() {
        steps.push(Step { state, time: since, block: None });
    }
    let name = |item| shop.item(item).map(|item| item.name.clone()).unwrap_or_default();
    let lines = purchase.lines.iter().map(|line| LineFace {
        item: line.item,
        name: name(line.item),
        price: line.price,
        bought: line.bought,
        cancelled: line.cancelled,
        shipped: line.shipped,
        lost: line.lost,
    });
    let member = others.accounts.get(purchase.customer);
    PurchaseFace {
        purchase: number,
        customer: purchase.customer,
        handle: member.map(|member| member.handle.clone()).unwrap_or_default(),
        state,
        since,
        until: purchase.deadline(&terms, stage),
        paid: purchase.paid,
        refunded: purchase.refunded,
        held: purchase.held(),
        scope: others.scopes.newest(ScopeKind::Purchase, number.0),
        lines: lines.collect(),
        steps,
    }
}
