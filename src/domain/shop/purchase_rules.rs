//! The rules of purchases, one refusal a line, in a fixed order.

use std::collections::BTreeSet;

use super::purchases::{
    Bought, Buy, Cancel, Cancelled, Command, ConfirmReceipt, ConfirmShipment, Event, ItemUnits, Line,
    MissingRefunded, MissingReported, Purchase, PurchaseId, PurchaseState, ReceiptConfirmed, RefundMissing,
    Release, Released, ReportMissing, Ship, ShipmentConfirmed, Shipped, Stage, Wanted,
};
use super::{ItemId, Others, Rejection, Setting, State, Till};
use crate::domain::{Context, Role, ScopeKind, SealedText};
use crate::limits::{ISSUED_MAX, LINE_UNITS_MAX, PURCHASE_LINES_MAX, RELEASED_PURCHASES_MAX};
use crate::time::Timestamp;

/// Decides a command of purchases. That there is a shop, and that the author has the role which the command is only for, is asked
/// before.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub(super) fn decide_purchase(
    shop: &State,
    others: Others<'_>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Event, Rejection> {
    let rules = Rules { shop, others, context };
    match command {
        Command::Buy(buy) => rules.buy(buy).map(Event::Bought),
        Command::ConfirmShipment(confirm) => rules.confirm_shipment(confirm).map(Event::ShipmentConfirmed),
        Command::Cancel(cancel) => rules.cancel(cancel).map(Event::Cancelled),
        Command::Ship(ship) => rules.ship(ship).map(Event::Shipped),
        Command::ConfirmReceipt(confirm) => rules.confirm_receipt(*confirm).map(Event::ReceiptConfirmed),
        Command::ReportMissing(report) => rules.report_missing(*report).map(Event::MissingReported),
        Command::RefundMissing(refund) => rules.refund_missing(*refund).map(Event::MissingRefunded),
        Command::Release(release) => rules.release(release).map(Event::Released),
    }
}

/// Who deals with a purchase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Customer,
    Agent,
}

/// What the rules look at.
struct Rules<'a> {
    shop: &'a State,
    others: Others<'a>,
    context: &'a Context<'a>,
}

impl<'a> Rules<'a> {
    fn buy(&self, buy: &Buy) -> Result<Bought, Rejection> {
        let author = self.context.author;
        if self.shop.is_till(author) || self.others.accounts.has_role(author, Role::Agent) {
            return Err(Rejection::NotCustomer);
        }
        self.till()?;
        check_lines(buy.lines.len(), PURCHASE_LINES_MAX)?;
        let mut prices = Vec::with_capacity(buy.lines.len());
        for (element, line) in buy.lines.iter().enumerate() {
            let earlier = buy.lines.iter().take(element);
            prices.push(self.check_wanted(element, *line, earlier.map(|line| line.item))?);
        }
        let total = buy.total(&prices);
        if total > ISSUED_MAX {
            return Err(Rejection::Overflow { element: None });
        }
        let balance = self.others.payments.balance(author);
        if balance < total {
            return Err(Rejection::InsufficientBalance { balance, needed: total });
        }
        // That there is a shop, and so settings, is asked before.
        let settings = self.shop.settings_count().saturating_sub(1);
        let purchase = self.shop.purchases().next();
        Ok(Bought { purchase, settings, prices })
    }

    /// The price of a line that can be bought.
    fn check_wanted(
        &self,
        element: usize,
        line: Wanted,
        mut earlier: impl Iterator<Item = ItemId>,
    ) -> Result<u64, Rejection> {
        let Wanted { item, n, max_price } = line;
        let held = self.shop.item(item).ok_or(Rejection::InvalidItem { element: Some(element), item })?;
        if earlier.any(|other| other == item) {
            return Err(Rejection::DuplicateItem { element });
        }
        check_units(element, n)?;
        let price = held.price.filter(|_| held.on_sale).ok_or(Rejection::NotForSale { element })?;
        if n > held.buckets.listed {
            return Err(Rejection::OutOfStock { element, left: held.buckets.listed });
        }
        if price > max_price {
            return Err(Rejection::PriceChanged { element, price });
        }
        Ok(price)
    }

    fn confirm_shipment(&self, confirm: &ConfirmShipment) -> Result<ShipmentConfirmed, Rejection> {
        let ConfirmShipment { purchase: number, address } = confirm;
        let purchase = self.own(*number)?;
        self.in_state(purchase, PurchaseState::Paid)?;
        self.check_text(*number, purchase, address.as_ref())?;
        Ok(ShipmentConfirmed { ship_by: self.due(purchase, Setting::ShipBy) })
    }

    fn cancel(&self, cancel: &Cancel) -> Result<Cancelled, Rejection> {
        let (purchase, party) = self.find(cancel.purchase)?;
        let stage = self.stage(purchase);
        match (stage.state, party) {
            (PurchaseState::Paid, _) | (PurchaseState::Confirmed, Party::Agent) => {}
            (PurchaseState::Confirmed, Party::Customer) => {
                let terms = self.shop.terms(purchase.settings);
                self.not_before(None, terms.after(stage.since, Setting::ShipBy))?;
            }
            (state, _) => return Err(Rejection::WrongState { element: None, state }),
        }
        let refund = match &cancel.lines {
            None => {
                let costs = purchase.lines.iter().map(|line| line.allocated().saturating_mul(line.price));
                costs.fold(0, u64::saturating_add)
            }
            Some(lines) => refund_of(purchase, lines)?,
        };
        let units: u64 = match &cancel.lines {
            None => purchase.allocated(),
            Some(lines) => lines.iter().map(|line| line.n).fold(0, u64::saturating_add),
        };
        Ok(Cancelled {
            customer: purchase.customer,
            refund,
            left: purchase.allocated().saturating_sub(units),
        })
    }

    fn ship(&self, ship: &Ship) -> Result<Shipped, Rejection> {
        let Ship { purchase: number, found, tracking } = ship;
        let (purchase, _) = self.find(*number)?;
        let right = if *found { PurchaseState::Missing } else { PurchaseState::Confirmed };
        self.in_state(purchase, right)?;
        if *found && purchase.found {
            return Err(Rejection::AlreadyFound);
        }
        self.check_text(*number, purchase, tracking.as_ref())?;
        let received_by = self.due(purchase, Setting::DeemedReceived);
        Ok(Shipped { customer: purchase.customer, received_by })
    }

    fn confirm_receipt(&self, confirm: ConfirmReceipt) -> Result<ReceiptConfirmed, Rejection> {
        let purchase = self.own(confirm.purchase)?;
        let state = self.stage(purchase).state;
        if !matches!(state, PurchaseState::Shipped | PurchaseState::Missing) {
            return Err(Rejection::WrongState { element: None, state });
        }
        Ok(ReceiptConfirmed { return_by: self.due(purchase, Setting::ReturnWindow) })
    }

    fn report_missing(&self, report: ReportMissing) -> Result<MissingReported, Rejection> {
        let purchase = self.own(report.purchase)?;
        // A parcel is found once, so that it is reported twice at most.
        let stage = self.in_state(purchase, PurchaseState::Shipped)?;
        let terms = self.shop.terms(purchase.settings);
        self.not_before(None, terms.after(stage.since, Setting::MissingAfter))?;
        Ok(MissingReported { found_by: self.due(purchase, Setting::ShipBy) })
    }

    fn refund_missing(&self, refund: RefundMissing) -> Result<MissingRefunded, Rejection> {
        let (purchase, party) = self.find(refund.purchase)?;
        let stage = self.in_state(purchase, PurchaseState::Missing)?;
        if party == Party::Customer {
            let terms = self.shop.terms(purchase.settings);
            self.not_before(None, terms.after(stage.since, Setting::ShipBy))?;
        }
        Ok(MissingRefunded { customer: purchase.customer, refund: purchase.held() })
    }

    fn release(&self, release: &Release) -> Result<Released, Rejection> {
        let purchases = &release.purchases;
        // Whatever is not there, or is the author's own, is told before anything else.
        let found = purchases.iter().map(|number| self.find(*number).map(|(purchase, _)| purchase));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let till = self.till()?.account;
        check_lines(purchases.len(), RELEASED_PURCHASES_MAX)?;
        let (mut amounts, mut earlier) = (Vec::with_capacity(found.len()), BTreeSet::new());
        for (element, (number, purchase)) in purchases.iter().zip(&found).enumerate() {
            if !earlier.insert(number) {
                return Err(Rejection::Duplicate { element });
            }
            amounts.push(self.check_released(element, purchase)?);
        }
        let customer = match found.as_slice() {
            [one] => Some(one.customer),
            _ => None,
        };
        Ok(Released { till, customer, amounts })
    }

    /// What is held for a purchase that nobody can return any more.
    fn check_released(&self, element: usize, purchase: &Purchase) -> Result<u64, Rejection> {
        if purchase.released > 0 {
            return Err(Rejection::AlreadyReleased { element });
        }
        if purchase.held() == 0 {
            return Err(Rejection::NothingHeld { element });
        }
        let Stage { state, since } = self.stage(purchase);
        if state != PurchaseState::Received {
            return Err(Rejection::WrongState { element: Some(element), state });
        }
        let returnable_until = self.shop.terms(purchase.settings).after(since, Setting::ReturnWindow);
        self.not_before(Some(element), returnable_until)?;
        Ok(purchase.held())
    }

    fn till(&self) -> Result<Till, Rejection> {
        self.shop.till().ok_or(Rejection::NoTill)
    }

    /// A purchase that the author may know of, and as what. What is another's is not told apart from what is not there.
    fn find(&self, number: PurchaseId) -> Result<(&'a Purchase, Party), Rejection> {
        let author = self.context.author;
        let is_agent = self.others.accounts.has_role(author, Role::Agent);
        match self.shop.purchases().get(number) {
            Some(purchase) if purchase.customer == author && is_agent => Err(Rejection::OwnBusiness),
            Some(purchase) if purchase.customer == author => Ok((purchase, Party::Customer)),
            Some(purchase) if is_agent => Ok((purchase, Party::Agent)),
            Some(_) | None => Err(Rejection::NoSuchPurchase),
        }
    }

    /// A purchase of the author's own.
    fn own(&self, number: PurchaseId) -> Result<&'a Purchase, Rejection> {
        match self.find(number)? {
            (purchase, Party::Customer) => Ok(purchase),
            (_, Party::Agent) => Err(Rejection::NotYours),
        }
    }

    fn stage(&self, purchase: &Purchase) -> Stage {
        purchase.stage(&self.shop.terms(purchase.settings), self.context.timestamp)
    }

    fn in_state(&self, purchase: &Purchase, wanted: PurchaseState) -> Result<Stage, Rejection> {
        let stage = self.stage(purchase);
        let Stage { state, .. } = stage;
        if state == wanted { Ok(stage) } else { Err(Rejection::WrongState { element: None, state }) }
    }

    fn not_before(&self, element: Option<usize>, until: Timestamp) -> Result<(), Rejection> {
        let is_early = self.context.timestamp < until;
        if is_early { Err(Rejection::TooEarly { element, until }) } else { Ok(()) }
    }

    fn due(&self, purchase: &Purchase, setting: Setting) -> Timestamp {
        self.shop.terms(purchase.settings).after(self.context.timestamp, setting)
    }

    /// Whether a text may be sealed to a purchase, in the scope that it is sealed in.
    fn check_text(
        &self,
        number: PurchaseId,
        purchase: &Purchase,
        text: Option<&SealedText>,
    ) -> Result<(), Rejection> {
        let Some(SealedText { scope, text }) = text else { return Ok(()) };
        let customer = purchase.customer;
        if let Some(block) = self.others.accounts.erased_at(customer) {
            return Err(Rejection::Erased { account: customer, block });
        }
        self.others.scopes.check_use(scope, ScopeKind::Purchase, number.0).map_err(Rejection::WrongScope)?;
        if text.has_a_length() { Ok(()) } else { Err(Rejection::InvalidSealed) }
    }
}

/// What the customer receives for these units of a purchase, none of which was sent.
fn refund_of(purchase: &Purchase, lines: &[ItemUnits]) -> Result<u64, Rejection> {
    check_lines(lines.len(), PURCHASE_LINES_MAX)?;
    let mut refund = 0;
    for (element, ItemUnits { item, n }) in lines.iter().enumerate() {
        let (item, n) = (*item, *n);
        let line = purchase.line(item).ok_or(Rejection::NotInPurchase { element, item })?;
        if lines.iter().take(element).any(|earlier| earlier.item == item) {
            return Err(Rejection::DuplicateItem { element });
        }
        check_units(element, n)?;
        let left = Line::allocated(line);
        if n > left {
            return Err(Rejection::NothingToCancel { element, left });
        }
        // All units together were paid, and these are some of them.
        refund = n.saturating_mul(line.price).saturating_add(refund);
    }
    Ok(refund)
}

fn check_lines(count: usize, most: usize) -> Result<(), Rejection> {
    match count {
        0 => Err(Rejection::NoLines),
        count if count > most => Err(Rejection::TooManyLines { count, most }),
        _ => Ok(()),
    }
}

fn check_units(element: usize, n: u64) -> Result<(), Rejection> {
    let (element, most) = (Some(element), LINE_UNITS_MAX);
    if (1..=most).contains(&n) { Ok(()) } else { Err(Rejection::InvalidQuantity { element, n, most }) }
}
