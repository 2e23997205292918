//! The reasons for which a rule refuses a command of the shop: names for programs, sentences for people.

use super::purchases::PurchaseState;
use super::setting::InvalidSetting;
use super::{ItemId, NAME_BYTES_MAX};
use crate::crypto::sealed::ScopeId;
use crate::domain::{AccountId, Currency, Fact, Role, Value};
use crate::limits::ISSUED_MAX;
use crate::refusal;
use crate::time::Timestamp;

/// The reason for which a command of the shop was refused. `element` counts the lines of a command from 0, and is none in a command
/// without lines; sentences count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Nobody has opened the shop yet.
    NoShop,
    /// The author does not have the role that the command is for.
    NeedsRole(Role),
    /// The author is not the till.
    NotTill,
    /// The account that is to be the till does not exist.
    InvalidUser(AccountId),
    /// The account cannot be the till.
    InvalidTill(AccountId, InvalidTill),
    /// The account is another's, and its owner has not signed that it may be the till.
    BadConsent(AccountId),
    /// A setting is wrong.
    InvalidSetting(InvalidSetting),
    /// The account is the till, which is no agent and is not erased.
    IsTill(AccountId),
    /// The purchase holds nothing of the item.
    NotInPurchase {
        /// The number of the line.
        element: usize,
        /// The item.
        item: ItemId,
    },
    /// There is no item with this number.
    InvalidItem {
        /// The number of the line.
        element: Option<usize>,
        /// The item.
        item: ItemId,
    },
    /// The name breaks the rule of its form.
    InvalidName {
        /// The number of the line.
        element: Option<usize>,
    },
    /// This item has the name, or one that differs in case only.
    NameTaken(ItemId),
    /// A price is zero.
    ZeroPrice {
        /// The number of the line.
        element: Option<usize>,
    },
    /// A price, or the units of an item, would be larger than any number of a ledger.
    Overflow {
        /// The number of the line.
        element: Option<usize>,
    },
    /// A number of units is zero, or more than one command moves.
    InvalidQuantity {
        /// The number of the line.
        element: Option<usize>,
        /// The number of units.
        n: u64,
        /// The most units that one line may have.
        most: u64,
    },
    /// No reason of the command has this number.
    InvalidReason(u8),
    /// Fewer units are there: so many.
    NotThatMany(u64),
    /// Fewer units can be put on sale: so many.
    NothingToPublish(u64),
    /// The item never had a price.
    NoPrice {
        /// The number of the line.
        element: Option<usize>,
    },
    /// The command has no line.
    NoLines,
    /// The command has more lines than it may.
    TooManyLines {
        /// The number of lines.
        count: usize,
        /// The most that it may have.
        most: usize,
    },
    /// The item of a line stands in an earlier one.
    DuplicateItem {
        /// The number of the line.
        element: usize,
    },
    /// Agents and the till are no customers.
    NotCustomer,
    /// Nobody is the till.
    NoTill,
    /// The item of a line is not on sale.
    NotForSale {
        /// The number of the line.
        element: usize,
    },
    /// Fewer units of the item of a line can be bought.
    OutOfStock {
        /// The number of the line.
        element: usize,
        /// Units that can be bought.
        left: u64,
    },
    /// The item of a line costs more than the command wants to pay.
    PriceChanged {
        /// The number of the line.
        element: usize,
        /// The price of one unit in minor units.
        price: u64,
    },
    /// The customer has less money than the purchase costs.
    InsufficientBalance {
        /// What the customer has, in minor units.
        balance: u64,
        /// What the purchase costs.
        needed: u64,
    },
    /// There is no purchase with this number, or it is another's.
    NoSuchPurchase,
    /// The author is an agent, and the purchase is its own.
    OwnBusiness,
    /// Only the customer may do this with the purchase.
    NotYours,
    /// The purchase is in another state than the command is for.
    WrongState {
        /// The number of the line.
        element: Option<usize>,
        /// The state.
        state: PurchaseState,
    },
    /// The command comes too early.
    TooEarly {
        /// The number of the line.
        element: Option<usize>,
        /// The moment from which it may come.
        until: Timestamp,
    },
    /// Fewer units of a line can be cancelled.
    NothingToCancel {
        /// The number of the line.
        element: usize,
        /// Units that can be cancelled.
        left: u64,
    },
    /// The parcel was found before.
    AlreadyFound,
    /// The purchase of a line stands in an earlier one.
    Duplicate {
        /// The number of the line.
        element: usize,
    },
    /// The till has the money of the purchase already.
    AlreadyReleased {
        /// The number of the line.
        element: usize,
    },
    /// Nothing is held for the purchase.
    NothingHeld {
        /// The number of the line.
        element: usize,
    },
    /// The text is sealed in another scope than it has to be; the right one, or none where the command has to open one.
    WrongScope(Option<ScopeId>),
    /// The sealed text has a length that no sealed text has.
    InvalidSealed,
    /// The customer was erased, by this block.
    Erased {
        /// The account.
        account: AccountId,
        /// The block.
        block: u64,
    },
    /// The account has a purchase for which money is held, so that it cannot become an agent.
    OpenBusiness(AccountId),
    /// The account has purchases for which money is held, so that it is not erased.
    OpenPurchases {
        /// The account.
        account: AccountId,
        /// The number of such purchases.
        open: u64,
    },
}

/// Why an account cannot be the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTill {
    /// It is an agent.
    Agent,
    /// It was erased, by this block.
    Erased(u64),
    /// It has a purchase for which money is held.
    OpenBusiness,
}

impl Rejection {
    /// The sentence about a purchase that is not there, and about one that is another's.
    pub(super) const NO_SUCH_PURCHASE: &'static str = "there is no such purchase of yours";

    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NoShop => refusal::NO_SHOP,
            Rejection::NeedsRole(_) | Rejection::NotTill | Rejection::NotCustomer => refusal::NO_PERMISSION,
            Rejection::InvalidUser(_) => refusal::INVALID_USER,
            Rejection::InvalidTill(..) => refusal::INVALID_TILL,
            Rejection::BadConsent(_) => refusal::BAD_CONSENT,
            Rejection::InvalidSetting(_) => refusal::INVALID_SETTING,
            Rejection::IsTill(_) => refusal::IS_TILL,
            Rejection::InvalidItem { .. } | Rejection::NotInPurchase { .. } => refusal::INVALID_ITEM,
            Rejection::InvalidName { .. } => refusal::INVALID_NAME,
            Rejection::NameTaken(_) => refusal::NAME_TAKEN,
            Rejection::ZeroPrice { .. } => refusal::ZERO_AMOUNT,
            Rejection::Overflow { .. } => refusal::OVERFLOW,
            Rejection::InvalidQuantity { .. } => refusal::INVALID_QUANTITY,
            Rejection::InvalidReason(_) => refusal::INVALID_REASON,
            Rejection::NotThatMany(_) => refusal::NOT_THAT_MANY,
            Rejection::NothingToPublish(_) => refusal::NOTHING_TO_PUBLISH,
            Rejection::NoPrice { .. } => refusal::NO_PRICE,
            Rejection::NoLines => refusal::NO_LINES,
            Rejection::TooManyLines { .. } => refusal::TOO_MANY_LINES,
            Rejection::DuplicateItem { .. } => refusal::DUPLICATE_ITEM,
            Rejection::NoTill => refusal::NO_TILL,
            Rejection::NotForSale { .. } => refusal::NOT_FOR_SALE,
            Rejection::OutOfStock { .. } => refusal::OUT_OF_STOCK,
            Rejection::PriceChanged { .. } => refusal::PRICE_CHANGED,
            Rejection::InsufficientBalance { .. } => refusal::INSUFFICIENT_BALANCE,
            Rejection::NoSuchPurchase => refusal::NO_SUCH_PURCHASE,
            Rejection::OwnBusiness => refusal::OWN_BUSINESS,
            Rejection::NotYours => refusal::NOT_YOURS,
            Rejection::WrongState { .. } => refusal::WRONG_STATE,
            Rejection::TooEarly { .. } => refusal::TOO_EARLY,
            Rejection::NothingToCancel { .. } => refusal::NOTHING_TO_CANCEL,
            Rejection::AlreadyFound => refusal::ALREADY_FOUND,
            Rejection::Duplicate { .. } => refusal::DUPLICATE,
            Rejection::AlreadyReleased { .. } => refusal::ALREADY_RELEASED,
            Rejection::NothingHeld { .. } => refusal::NOTHING_HELD,
            Rejection::WrongScope(_) => refusal::WRONG_SCOPE,
            Rejection::InvalidSealed => refusal::INVALID_SEALED,
            Rejection::Erased { .. } => refusal::ERASED,
            Rejection::OpenBusiness(_) => refusal::OPEN_BUSINESS,
            Rejection::OpenPurchases { .. } => refusal::OPEN_PURCHASES,
        }
    }

    /// The facts with which the sentence is filled.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        let mut facts: Vec<(Fact, Value)> = Vec::new();
        facts.extend(self.element().map(|element| (Fact::Element, Value::from(element + 1))));
        match *self {
            Rejection::InvalidUser(account)
            | Rejection::BadConsent(account)
            | Rejection::IsTill(account)
            | Rejection::OpenBusiness(account) => {
                facts.push((Fact::Account, account.0.into()));
            }
            Rejection::OpenPurchases { account, open } => {
                facts.extend([(Fact::Account, account.0.into()), (Fact::Left, open.into())]);
            }
            Rejection::Erased { account, block } => {
                facts.extend([(Fact::Account, account.0.into()), (Fact::Block, block.into())]);
            }
            Rejection::InvalidTill(account, why) => {
                facts.push((Fact::Account, account.0.into()));
                if let InvalidTill::Erased(block) = why {
                    facts.push((Fact::Block, block.into()));
                }
            }
            Rejection::InvalidSetting(invalid) => {
                facts.push((Fact::Setting, invalid.setting().into()));
                facts.extend(invalid.value().map(|value| (Fact::Wanted, value.into())));
            }
            Rejection::InvalidItem { item, .. }
            | Rejection::NotInPurchase { item, .. }
            | Rejection::NameTaken(item) => {
                facts.push((Fact::Item, item.0.into()));
            }
            Rejection::InvalidQuantity { n, most, .. } => {
                facts.extend([(Fact::Wanted, n.into()), (Fact::Most, most.into())]);
            }
            Rejection::InvalidReason(number) => facts.push((Fact::Wanted, u64::from(number).into())),
            Rejection::NotThatMany(left)
            | Rejection::NothingToPublish(left)
            | Rejection::OutOfStock { left, .. }
            | Rejection::NothingToCancel { left, .. } => facts.push((Fact::Left, left.into())),
            Rejection::TooManyLines { count, most } => {
                facts.extend([(Fact::Wanted, count.into()), (Fact::Most, most.into())]);
            }
            Rejection::PriceChanged { price, .. } => facts.push((Fact::Price, price.into())),
            Rejection::InsufficientBalance { balance, needed } => {
                facts.extend([(Fact::Left, balance.into()), (Fact::Wanted, needed.into())]);
            }
            Rejection::WrongState { state, .. } => facts.push((Fact::State, state.name().into())),
            Rejection::TooEarly { until, .. } => facts.push((Fact::Until, until.into())),
            Rejection::WrongScope(right) => {
                facts.push((Fact::Scope, right.map(|scope| scope.to_string()).into()));
            }
            Rejection::Overflow { .. } => facts.push((Fact::Most, ISSUED_MAX.into())),
            Rejection::NoShop
            | Rejection::NeedsRole(_)
            | Rejection::NotTill
            | Rejection::InvalidName { .. }
            | Rejection::ZeroPrice { .. }
            | Rejection::NoPrice { .. }
            | Rejection::NoLines
            | Rejection::DuplicateItem { .. }
            | Rejection::NotCustomer
            | Rejection::NoTill
            | Rejection::NotForSale { .. }
            | Rejection::NoSuchPurchase
            | Rejection::OwnBusiness
            | Rejection::NotYours
            | Rejection::AlreadyFound
            | Rejection::Duplicate { .. }
            | Rejection::AlreadyReleased { .. }
            | Rejection::NothingHeld { .. }
            | Rejection::InvalidSealed => {}
        }
        facts
    }

    /// The number of the refused line in the command, from 0; none where no single line was refused.
    fn element(&self) -> Option<usize> {
        match *self {
            Rejection::InvalidName { element }
            | Rejection::ZeroPrice { element }
            | Rejection::Overflow { element }
            | Rejection::InvalidItem { element, .. }
            | Rejection::InvalidQuantity { element, .. }
            | Rejection::WrongState { element, .. }
            | Rejection::TooEarly { element, .. }
            | Rejection::NoPrice { element } => element,
            Rejection::DuplicateItem { element }
            | Rejection::NotForSale { element }
            | Rejection::NotInPurchase { element, .. }
            | Rejection::OutOfStock { element, .. }
            | Rejection::PriceChanged { element, .. }
            | Rejection::NothingToCancel { element, .. }
            | Rejection::Duplicate { element }
            | Rejection::AlreadyReleased { element }
            | Rejection::NothingHeld { element } => Some(element),
            Rejection::NoShop
            | Rejection::NeedsRole(_)
            | Rejection::NotTill
            | Rejection::InvalidUser(_)
            | Rejection::InvalidTill(..)
            | Rejection::BadConsent(_)
            | Rejection::InvalidSetting(_)
            | Rejection::IsTill(_)
            | Rejection::NameTaken(_)
            | Rejection::InvalidReason(_)
            | Rejection::NotThatMany(_)
            | Rejection::NothingToPublish(_)
            | Rejection::NoLines
            | Rejection::TooManyLines { .. }
            | Rejection::NotCustomer
            | Rejection::NoTill
            | Rejection::InsufficientBalance { .. }
            | Rejection::NoSuchPurchase
            | Rejection::OwnBusiness
            | Rejection::NotYours
            | Rejection::AlreadyFound
            | Rejection::WrongScope(_)
            | Rejection::InvalidSealed
            | Rejection::Erased { .. }
            | Rejection::OpenBusiness(_)
            | Rejection::OpenPurchases { .. } => None,
        }
    }

    /// The sentence for people, with amounts as they are shown in this currency.
    pub fn sentence(&self, currency: &Currency) -> String {
        let which = self.element().map_or_else(String::new, |element| format!("line {}: ", element + 1));
        let what = match *self {
            Rejection::NoShop => "this ledger has no shop yet: an operator opens it".to_owned(),
            Rejection::NeedsRole(role) => format!("only an {role} may do this"),
            Rejection::NotTill => "only the shop's till stops being the till".to_owned(),
            Rejection::InvalidUser(account) => format!("there is no account {account}"),
            Rejection::InvalidTill(account, InvalidTill::Agent) => {
                format!("account {account} is an agent, and no agent is the till")
            }
            Rejection::InvalidTill(account, InvalidTill::Erased(block)) => {
                format!("account {account} was erased by block {block}")
            }
            Rejection::BadConsent(account) => {
                format!("account {account} has not signed, with a full key of its own, that it is the till")
            }
            Rejection::InvalidSetting(invalid) => invalid.to_string(),
            Rejection::IsTill(account) => format!("account {account} is the shop's till"),
            Rejection::InvalidTill(account, InvalidTill::OpenBusiness) => {
                format!(
                    "account {account} has a purchase for which money is held, and the till is no customer"
                )
            }
            Rejection::InvalidItem { item, .. } => format!("there is no item {item}"),
            Rejection::NotInPurchase { item, .. } => format!("the purchase holds nothing of item {item}"),
            Rejection::InvalidName { .. } => format!(
                "a name has 1 to {NAME_BYTES_MAX} bytes in NFC, of characters that Unicode 16 assigns, without controls \
                 and format characters"
            ),
            Rejection::NameTaken(item) => format!("item {item} has this name"),
            Rejection::ZeroPrice { .. } => "the price is zero".to_owned(),
            Rejection::Overflow { .. } => {
                format!("a ledger counts at most {} and {ISSUED_MAX} units", currency.show_named(ISSUED_MAX))
            }
            Rejection::InvalidQuantity { n, most, .. } => {
                format!("a number of units is 1 to {most}, not {n}")
            }
            Rejection::InvalidReason(number) => format!("there is no reason {number}"),
            Rejection::NotThatMany(left) => format!("not that many units are there: {left} left"),
            Rejection::NothingToPublish(left) => {
                format!("not that many units can be put on sale: {left} left")
            }
            Rejection::NoPrice { .. } => "the item has no price yet".to_owned(),
            Rejection::NoLines => "a command holds at least one line".to_owned(),
            Rejection::TooManyLines { count, most } => {
                format!("a command of this kind holds at most {most} lines, not {count}")
            }
            Rejection::DuplicateItem { .. } => "an earlier line is of the same item".to_owned(),
            Rejection::NotCustomer => "agents and the shop's till are no customers of it".to_owned(),
            Rejection::NoTill => {
                "the shop has no till at the moment: an operator opens it with one".to_owned()
            }
            Rejection::NotForSale { .. } => "the item is not on sale".to_owned(),
            Rejection::OutOfStock { left, .. } => format!("not that many can be bought: {left} left"),
            Rejection::PriceChanged { price, .. } => {
                format!("one costs {} now, which is more than you wanted to pay", currency.show_named(price))
            }
            Rejection::InsufficientBalance { balance, needed } => format!(
                "the balance is {}, and the purchase costs {}",
                currency.show_named(balance),
                currency.show_named(needed)
            ),
            Rejection::NoSuchPurchase => Rejection::NO_SUCH_PURCHASE.to_owned(),
            Rejection::OwnBusiness => "an agent does not deal with a purchase of its own".to_owned(),
            Rejection::NotYours => "only the customer may do this with the purchase".to_owned(),
            Rejection::WrongState { state, .. } => format!("the purchase is {state}"),
            Rejection::TooEarly { until, .. } => format!("this is possible from {until} on"),
            Rejection::NothingToCancel { left, .. } => {
                format!("not that many can be cancelled: {left} left")
            }
            Rejection::AlreadyFound => "the parcel was found before, which happens once".to_owned(),
            Rejection::Duplicate { .. } => "an earlier line is of the same purchase".to_owned(),
            Rejection::AlreadyReleased { .. } => "the till has the money of this purchase".to_owned(),
            Rejection::NothingHeld { .. } => "nothing is held for this purchase".to_owned(),
            Rejection::WrongScope(Some(scope)) => {
                format!("the texts of this purchase are sealed in the scope {scope}")
            }
            Rejection::WrongScope(None) => {
                "this purchase has no text yet: its first one opens its scope".to_owned()
            }
            Rejection::InvalidSealed => {
                "the sealed text has a length that no sealed text can have".to_owned()
            }
            Rejection::Erased { account, block } => format!("account {account} was erased by block {block}"),
            Rejection::OpenBusiness(account) => {
                format!(
                    "account {account} has a purchase for which money is held, and no agent is a customer"
                )
            }
            Rejection::OpenPurchases { account, open } => {
                format!("money is held for {open} purchases of account {account}")
            }
        };
        which + &what
    }
}
