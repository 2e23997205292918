//! The words of purchases in scenarios.

use ledgerd::codec;
use ledgerd::crypto::sealed::Sealed;
use ledgerd::domain::shop::purchases::{
    self, Event, PurchaseFace, PurchaseId, PurchaseState, PurchasesWanted, Step,
};
use ledgerd::domain::shop::{self, ItemId, Rejection as S};
use ledgerd::domain::{
    self, AccountId, Answer, Past, Query, Recorded, ScopeUse, SealedText, State, Tag, Value,
};
use ledgerd::time::Timestamp;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;

use super::accounts::scope_id;
use super::domain::{RawCommand, list};
use super::world::START_MS;

const DAY_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn command(verb: &str, words: &[&str]) -> Option<RawCommand> {
    match (verb, words) {
        ("buy", lines) => Some(RawCommand::new(purchases::BUY, codec::encode(&list(lines, wanted)?))),
        ("confirm-shipment", [purchase, address @ ..]) => {
            Some(with_text(purchases::CONFIRM_SHIPMENT, &purchase.parse::<u64>().ok()?, text(address)?))
        }
        ("cancel", [purchase, lines @ ..]) => {
            let lines = if lines.is_empty() { None } else { Some(list(lines, pair)?) };
            Some(about(purchases::CANCEL, &(purchase.parse::<u64>().ok()?, lines)))
        }
        ("ship", [purchase, "found", tracking @ ..]) => {
            Some(with_text(purchases::SHIP, &(purchase.parse::<u64>().ok()?, true), text(tracking)?))
        }
        ("ship", [purchase, tracking @ ..]) => {
            Some(with_text(purchases::SHIP, &(purchase.parse::<u64>().ok()?, false), text(tracking)?))
        }
        ("confirm-receipt", [purchase]) => Some(about(purchases::CONFIRM_RECEIPT, &number(purchase)?)),
        ("report-missing", [purchase]) => Some(about(purchases::REPORT_MISSING, &number(purchase)?)),
        ("refund-missing", [purchase]) => Some(about(purchases::REFUND_MISSING, &number(purchase)?)),
        ("release", purchases) => {
            let one = |words: &[&str]| number(words.first()?);
            Some(about(purchases::RELEASE, &list(purchases, one)?))
        }
        _ => None,
    }
}

fn number(word: &str) -> Option<u64> {
    word.parse().ok()
}

fn about(tag: Tag, body: &impl serde::Serialize) -> RawCommand {
    RawCommand::new(tag, codec::encode(body))
}

fn with_text(tag: Tag, before: &impl serde::Serialize, text: Option<SealedText>) -> RawCommand {
    about(tag, &(before, text))
}

/// `ITEM N MAX`
fn wanted(words: &[&str]) -> Option<(u64, u64, u64)> {
    let [item, n, most] = words else { return None };
    Some((number(item)?, number(n)?, number(most)?))
}

/// `ITEM N`
fn pair(words: &[&str]) -> Option<(u64, u64)> {
    let [item, n] = words else { return None };
    Some((number(item)?, number(n)?))
}

/// Nothing, or `text open` or `text in SCOPE`, with `bytes N` behind it for a length that is not the shortest.
fn text(words: &[&str]) -> Option<Option<SealedText>> {
    let (words, bytes) = match words {
        [before @ .., "bytes", bytes] => (before, bytes.parse().ok()?),
        words => (words, 48),
    };
    let scope = match words {
        [] => return Some(None),
        ["text", "open"] => ScopeUse::Open([3; 32]),
        ["text", "in", scope] => ScopeUse::In(scope_id(scope)?),
        _ => return None,
    };
    Some(Some(SealedText { scope, text: Sealed { commit: [1; 32], text: vec![2; bytes] } }))
}

pub(super) fn outcome(event: &Event) -> String {
    match event {
        Event::Bought(bought) => {
            let prices: Vec<String> = bought.prices.iter().map(u64::to_string).collect();
            format!("purchase {} settings {} prices {}", bought.purchase, bought.settings, prices.join(" "))
        }
        Event::ShipmentConfirmed(confirmed) => format!("ship-by day {}", day(confirmed.ship_by)),
        Event::Cancelled(cancelled) => {
            format!("customer {} refund {} left {}", cancelled.customer, cancelled.refund, cancelled.left)
        }
        Event::Shipped(shipped) => {
            format!("customer {} received-by day {}", shipped.customer, day(shipped.received_by))
        }
        Event::ReceiptConfirmed(confirmed) => format!("return-by day {}", day(confirmed.return_by)),
        Event::MissingReported(reported) => format!("found-by day {}", day(reported.found_by)),
        Event::MissingRefunded(refunded) => {
            format!("customer {} refund {}", refunded.customer, refunded.refund)
        }
        Event::Released(released) => {
            let amounts: Vec<String> = released.amounts.iter().map(u64::to_string).collect();
            let customer = released.customer.map_or_else(|| "several".to_owned(), |one| one.to_string());
            format!("till {} customer {customer} amounts {}", released.till, amounts.join(" "))
        }
    }
}

/// Whole days since the story began.
fn day(time: Timestamp) -> u64 {
    time.micros().saturating_sub(START_MS * 1_000) / DAY_MICROS
}

pub(super) fn answer(state: &State, question: &[&str]) -> Option<String> {
    match *question {
        ["purchase", purchase] => {
            let purchase = state.shop.purchases().get(PurchaseId(number(purchase)?))?;
            Some(format!(
                "customer {} paid {} refunded {} released {} held {}",
                purchase.customer,
                purchase.paid,
                purchase.refunded,
                purchase.released,
                purchase.held()
            ))
        }
        ["units", "of", item] => {
            let held = state.shop.item(ItemId(number(item)?))?.buckets;
            Some(format!(
                "listed {} allocated {} unlisted {} out {} lost {}",
                held.listed, held.allocated, held.unlisted, held.out, held.lost
            ))
        }
        ["state", "of", purchase, "on", "day", days] => {
            let face = asked(state, number(purchase)?, number(days)?)?;
            let until = face.until.map_or_else(|| "none".to_owned(), |until| day(until).to_string());
            Some(format!("{} since day {} until {until}", face.state, day(face.since)))
        }
        ["steps", "of", purchase, "on", "day", days] => {
            let step = |step: &Step| match step.block {
                Some(block) => format!("{} {block}", step.state),
                None => step.state.to_string(),
            };
            let face = asked(state, number(purchase)?, number(days)?)?;
            Some(face.steps.iter().map(step).collect::<Vec<_>>().join(", "))
        }
        ["purchases", "of", customer, "asked", "by", asker] => {
            let customer = (customer != "all").then(|| number(customer).map(AccountId));
            let wanted = PurchasesWanted { customer: customer.flatten(), from: PurchaseId(1) };
            let query = Query::Shop(shop::Query::Purchases(wanted));
            Some(match ask(state, number(asker)?, &query, 0) {
                Ok(Answer::Shop(shop::Answer::Purchases(page))) => {
                    let numbers = page.purchases.iter().map(|face| face.purchase.to_string());
                    format!("[{}]", numbers.collect::<Vec<_>>().join(" "))
                }
                Ok(other) => panic!("{other:?}"),
                Err(declined) => declined.name.to_owned(),
            })
        }
        ["purchase", purchase, "asked", "by", asker] => {
            let query = Query::Shop(shop::Query::Purchase(PurchaseId(number(purchase)?)));
            Some(match ask(state, number(asker)?, &query, 0) {
                Ok(_) => "told".to_owned(),
                Err(declined) => format!("{}: {}", declined.name, declined.sentence),
            })
        }
        _ => None,
    }
}

/// What the customer of a purchase is told of it.
fn asked(state: &State, purchase: u64, days: u64) -> Option<PurchaseFace> {
    let customer = state.shop.purchases().get(PurchaseId(purchase))?.customer.0;
    let query = Query::Shop(shop::Query::Purchase(PurchaseId(purchase)));
    match ask(state, customer, &query, days) {
        Ok(Answer::Shop(shop::Answer::Purchase(face))) => Some(*face),
        other => panic!("{other:?}"),
    }
}

/// Asks so many days after the story began, and half a day: no deadline is as near as that.
fn ask(state: &State, asker: u64, query: &Query<'_>, days: u64) -> Result<Answer, domain::Declined> {
    let now = Timestamp::from_millis(START_MS).plus_micros(days * DAY_MICROS + DAY_MICROS / 2);
    domain::answer(state, &mut NoPast, AccountId(asker), query, now)
}

/// The questions of purchases read no blocks.
struct NoPast;

impl Past for NoPast {
    fn money_of(&mut self, _: AccountId, _: u64, _: &mut dyn FnMut(&Recorded<'_>) -> bool) -> Option<u64> {
        None
    }

    fn may_read(&self, _: AccountId, _: u64) -> bool {
        false
    }
}

/// One of each refusal of purchases.
pub(super) fn refusals() -> Vec<S> {
    let (element, state) = (0, PurchaseState::Paid);
    let refusals = vec![
        S::NotCustomer,
        S::NoTill,
        S::NotForSale { element },
        S::NotInPurchase { element, item: ItemId(1) },
        S::OutOfStock { element, left: 1 },
        S::PriceChanged { element, price: 9 },
        S::InsufficientBalance { balance: 1, needed: 2 },
        S::NoSuchPurchase,
        S::OwnBusiness,
        S::NotYours,
        S::WrongState { element: None, state },
        S::TooEarly { element: None, until: Timestamp::default() },
        S::NothingToCancel { element, left: 1 },
        S::AlreadyFound,
        S::Duplicate { element },
        S::AlreadyReleased { element },
        S::NothingHeld { element },
        S::WrongScope(None),
        S::InvalidSealed,
        S::Erased { account: AccountId(1), block: 1 },
        S::OpenBusiness(AccountId(1)),
        S::OpenPurchases { account: AccountId(1), open: 1 },
    ];
    for refusal in &refusals {
        assert!(refusal.facts().iter().all(|(_, value)| *value != Value::Text(String::new())));
    }
    refusals
}

pub(super) fn commands() -> BoxedStrategy<RawCommand> {
    let purchase = || 0..6u64;
    let units = || prop_oneof![1 => Just(0u64), 8 => 1..4u64, 1 => Just(10_001u64)];
    let wanted = (0..4u64, units(), prop_oneof![1 => 0..9u64, 6 => Just(u64::MAX)]);
    let lines = prop::option::of(prop::collection::vec((0..4u64, units()), 0..3));
    let one = |tag| move |purchase: u64| about(tag, &purchase);
    prop_oneof![
        6 => prop::collection::vec(wanted, 0..3).prop_map(|lines| about(purchases::BUY, &lines)),
        3 => (purchase(), any_text()).prop_map(|(purchase, text)| {
            with_text(purchases::CONFIRM_SHIPMENT, &purchase, text)
        }),
        3 => (purchase(), lines).prop_map(|cancel| about(purchases::CANCEL, &cancel)),
        3 => (purchase(), any::<bool>(), any_text()).prop_map(|(purchase, found, text)| {
            with_text(purchases::SHIP, &(purchase, found), text)
        }),
        2 => purchase().prop_map(one(purchases::CONFIRM_RECEIPT)),
        2 => purchase().prop_map(one(purchases::REPORT_MISSING)),
        2 => purchase().prop_map(one(purchases::REFUND_MISSING)),
        2 => prop::collection::vec(purchase(), 0..3).prop_map(|all| about(purchases::RELEASE, &all)),
    ]
    .boxed()
}

fn any_text() -> impl Strategy<Value = Option<SealedText>> {
    let sealed = |bytes| SealedText {
        scope: ScopeUse::Open([3; 32]),
        text: Sealed { commit: [1; 32], text: vec![2; bytes] },
    };
    prop_oneof![4 => Just(None), 3 => Just(Some(sealed(48))), 1 => Just(Some(sealed(49)))]
}
