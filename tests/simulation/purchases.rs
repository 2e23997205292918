//! Purchases in the simulator: member 1 buys, confirms and cancels, the agent ships and releases, the others try. The account that is
//! erased has bought something before the run. Units and money of purchases are counted a second time, from the blocks alone.

use std::collections::BTreeMap;

use ledgerd::chain::CommandId;
use ledgerd::crypto::KeyId;
use ledgerd::crypto::sealed::ScopeId;
use ledgerd::domain::accounts;
use ledgerd::domain::shop::purchases::{
    Buy, Cancel, Command as Bought, ConfirmReceipt, ConfirmShipment, ItemUnits, PurchaseId, Release,
    ReportMissing, Ship, Wanted,
};
use ledgerd::domain::shop::{Command as Shopped, ItemId};
use ledgerd::domain::{AccountId, Command, ScopeUse, SealedText, State};

use super::shop::AGENT;
use super::template::{Template, command_id};
use super::vault::{scope_key, seal};

/// Who buys.
const CUSTOMER: usize = 1;

/// What was bought before the run begins, by the account that is erased and by the customer.
const LEAVERS: PurchaseId = PurchaseId(1);
const FIRST: PurchaseId = PurchaseId(2);

/// What the customer buys in the run.
const NEXT: PurchaseId = PurchaseId(3);

const BUY: u32 = 0;
const CONFIRM: u32 = 1;
const CANCEL: u32 = 2;
const SHIP: u32 = 3;
const RECEIPT: u32 = 4;
const RELEASE: u32 = 5;
const CANCEL_LEAVERS: u32 = 6;
const REPORT: u32 = 7;

/// How many commands there are.
pub(super) const COUNT: u32 = 9;

/// What depends on the commands of others.
pub(super) const DEPENDS_ON_STATE: [&str; 10] = [
    "no_such_purchase",
    "wrong_state",
    "wrong_scope",
    "out_of_stock",
    "not_for_sale",
    "no_till",
    "nothing_held",
    "already_released",
    "nothing_to_cancel",
    "insufficient_balance",
];

pub(super) fn buy(item: ItemId, n: u64) -> Command {
    let lines = vec![Wanted { item, n, max_price: 9 }];
    Command::Shop(Shopped::Purchases(Bought::Buy(Buy { lines })))
}

/// Command `n` of a member; `number` is its number among all.
pub(super) fn command(template: &Template, member: usize, n: u32, number: u32, item: ItemId) -> Command {
    let text = || Some(text(template, member, command_id(number)));
    Command::Shop(Shopped::Purchases(match n {
        BUY => return buy(item, 1),
        CONFIRM => Bought::ConfirmShipment(ConfirmShipment { purchase: FIRST, address: text() }),
        CANCEL => Bought::Cancel(Cancel { purchase: NEXT, lines: None }),
        SHIP => Bought::Ship(Ship { purchase: FIRST, found: false, tracking: None }),
        RECEIPT => Bought::ConfirmReceipt(ConfirmReceipt { purchase: FIRST }),
        RELEASE => Bought::Release(Release { purchases: vec![FIRST] }),
        CANCEL_LEAVERS => {
            Bought::Cancel(Cancel { purchase: LEAVERS, lines: Some(vec![ItemUnits { item, n: 1 }]) })
        }
        // Nothing is missing on the day on which it was sent.
        REPORT => Bought::ReportMissing(ReportMissing { purchase: FIRST }),
        // An agent opens the scope of a customer whose purchase may not be sent any more.
        _ => Bought::Ship(Ship { purchase: LEAVERS, found: true, tracking: text() }),
    }))
}

pub(super) fn breaks_a_rule(member: usize, n: u32) -> bool {
    match n {
        BUY | CONFIRM | RECEIPT => member != CUSTOMER,
        SHIP | RELEASE | CANCEL_LEAVERS => member != AGENT,
        CANCEL => member != CUSTOMER && member != AGENT,
        _ => true,
    }
}

/// A text in the scope that its command opens.
fn text(template: &Template, member: usize, id: CommandId) -> SealedText {
    let (ledger_id, account) = (template.ledger_id, AccountId(member as u64 + 1));
    let key_id: KeyId = template.members[member].public().key_id();
    let scope = ScopeId::opened_by(ledger_id, account.0, key_id, &id.0);
    let used = ScopeUse::Open(scope_key(scope).commitment(ledger_id, scope));
    SealedText { scope: used, text: seal((ledger_id, account, scope), id, 0, "1 Quiet Lane") }
}

/// A purchase, as it is counted here: one line each.
#[derive(Clone, Copy, Debug)]
struct Counted {
    customer: AccountId,
    item: ItemId,
    price: i128,
    waiting: i128,
    sent: i128,
    held: i128,
}

/// What is counted of purchases.
#[derive(Default)]
pub(super) struct Purchases {
    all: Vec<Counted>,
}

/// Units of each item that come back to the shelf, and those that leave it.
pub(super) type Shelf<'a> = &'a mut dyn FnMut(ItemId, i128);

impl Purchases {
    /// Counts what a block did to purchases, whichever domain's block it is.
    pub(super) fn follow_any(
        &mut self,
        author: AccountId,
        command: &Command,
        state: &State,
        shelf: Shelf<'_>,
    ) {
        match command {
            Command::Shop(Shopped::Purchases(command)) => self.follow(author, command, state, shelf),
            Command::Accounts(accounts::Command::Erase(erase)) => self.erase(erase.account, shelf),
            _ => {}
        }
    }

    /// What is held for each purchase, with its customer.
    pub(super) fn held(&self) -> Vec<(AccountId, i128)> {
        self.all.iter().map(|purchase| (purchase.customer, purchase.held)).collect()
    }

    /// Counts what a command of purchases did. `shelf` is told of units that come back to the shelf, and with a minus of those
    /// that leave it.
    fn follow(&mut self, author: AccountId, command: &Bought, state: &State, shelf: Shelf<'_>) {
        match command {
            Bought::Buy(buy) => {
                let Wanted { item, n, .. } = buy.lines[0];
                shelf(item, -i128::from(n));
                let price = i128::from(state.shop.item(item).unwrap().price.unwrap());
                let (waiting, held) = (i128::from(n), i128::from(n) * price);
                self.all.push(Counted { customer: author, item, price, waiting, sent: 0, held });
            }
            Bought::Cancel(cancel) => {
                let purchase = self.of(cancel.purchase);
                let named = cancel.lines.as_ref().map(|lines| i128::from(lines[0].n));
                let n = named.unwrap_or(purchase.waiting);
                purchase.take_back(n, shelf);
            }
            Bought::Ship(ship) => {
                let purchase = self.of(ship.purchase);
                (purchase.sent, purchase.waiting) = (purchase.sent + purchase.waiting, 0);
            }
            Bought::Release(release) => release.purchases.iter().for_each(|number| self.of(*number).held = 0),
            Bought::ConfirmShipment(_)
            | Bought::ConfirmReceipt(_)
            | Bought::ReportMissing(_)
            | Bought::RefundMissing(_) => {}
        }
    }

    /// Counts what ends with an account.
    fn erase(&mut self, account: AccountId, shelf: Shelf<'_>) {
        for purchase in self.all.iter_mut().filter(|purchase| purchase.customer == account) {
            purchase.take_back(purchase.waiting, shelf);
        }
    }

    fn of(&mut self, number: PurchaseId) -> &mut Counted {
        &mut self.all[number.0 as usize - 1]
    }

    /// Units of an item that wait to be sent, and those that were sent.
    pub(super) fn units(&self, item: ItemId) -> (i128, i128) {
        let of_item = self.all.iter().filter(|purchase| purchase.item == item);
        of_item.fold((0, 0), |(waiting, sent), purchase| (waiting + purchase.waiting, sent + purchase.sent))
    }

    /// Holds what is counted here against the state.
    ///
    /// # Errors
    /// The purchase that differs.
    pub(super) fn look_at(&self, state: &State) -> Result<(), String> {
        let held: BTreeMap<u64, i128> = (1..).zip(self.all.iter().map(|purchase| purchase.held)).collect();
        let said = state.shop.purchases().from(PurchaseId(1));
        let said: BTreeMap<u64, i128> = said.map(|(number, it)| (number.0, it.held().into())).collect();
        if held == said { Ok(()) } else { Err(format!("held are {held:?}, and the state says {said:?}")) }
    }
}

impl Counted {
    fn take_back(&mut self, n: i128, shelf: Shelf<'_>) {
        self.waiting -= n;
        self.held -= n * self.price;
        shelf(self.item, n);
    }
}
