//! The reasons for which a rule refuses a command of the shop: names for programs, sentences for people.

use super::setting::InvalidSetting;
use super::{ItemId, NAME_BYTES_MAX};
use crate::domain::{AccountId, Currency, Fact, Role, Value};
use crate::limits::{ISSUED_MAX, STOCK_LINES_MAX, STOCK_UNITS_MAX};
use crate::refusal;

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
    /// There is no item with this number.
    InvalidItem(ItemId),
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
    /// The command has more lines than it may: this many.
    TooManyLines(usize),
    /// The item of a line stands in an earlier one.
    DuplicateItem {
        /// The number of the line.
        element: usize,
    },
}

/// Why an account cannot be the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTill {
    /// It is an agent.
    Agent,
    /// It was erased, by this block.
    Erased(u64),
}

impl Rejection {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NoShop => refusal::NO_SHOP,
            Rejection::NeedsRole(_) | Rejection::NotTill => refusal::NO_PERMISSION,
            Rejection::InvalidUser(_) => refusal::INVALID_USER,
            Rejection::InvalidTill(..) => refusal::INVALID_TILL,
            Rejection::BadConsent(_) => refusal::BAD_CONSENT,
            Rejection::InvalidSetting(_) => refusal::INVALID_SETTING,
            Rejection::IsTill(_) => refusal::IS_TILL,
            Rejection::InvalidItem(_) => refusal::INVALID_ITEM,
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
            Rejection::TooManyLines(_) => refusal::TOO_MANY_LINES,
            Rejection::DuplicateItem { .. } => refusal::DUPLICATE_ITEM,
        }
    }

    /// The facts with which the sentence is filled.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        let mut facts: Vec<(Fact, Value)> = Vec::new();
        facts.extend(self.element().map(|element| (Fact::Element, Value::from(element + 1))));
        match *self {
            Rejection::InvalidUser(account) | Rejection::BadConsent(account) | Rejection::IsTill(account) => {
                facts.push((Fact::Account, account.0.into()));
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
            Rejection::InvalidItem(item) | Rejection::NameTaken(item) => {
                facts.push((Fact::Item, item.0.into()));
            }
            Rejection::InvalidQuantity { n, .. } => {
                facts.extend([(Fact::Wanted, n.into()), (Fact::Most, STOCK_UNITS_MAX.into())]);
            }
            Rejection::InvalidReason(number) => facts.push((Fact::Wanted, u64::from(number).into())),
            Rejection::NotThatMany(left) | Rejection::NothingToPublish(left) => {
                facts.push((Fact::Left, left.into()));
            }
            Rejection::TooManyLines(count) => {
                facts.extend([(Fact::Wanted, count.into()), (Fact::Most, STOCK_LINES_MAX.into())]);
            }
            Rejection::Overflow { .. } => facts.push((Fact::Most, ISSUED_MAX.into())),
            Rejection::NoShop
            | Rejection::NeedsRole(_)
            | Rejection::NotTill
            | Rejection::InvalidName { .. }
            | Rejection::ZeroPrice { .. }
            | Rejection::NoPrice { .. }
            | Rejection::NoLines
            | Rejection::DuplicateItem { .. } => {}
        }
        facts
    }

    /// The number of the refused line in the command, from 0; none where no single line was refused.
    fn element(&self) -> Option<usize> {
        match *self {
            Rejection::InvalidName { element }
            | Rejection::ZeroPrice { element }
            | Rejection::Overflow { element }
            | Rejection::InvalidQuantity { element, .. }
            | Rejection::NoPrice { element } => element,
            Rejection::DuplicateItem { element } => Some(element),
            Rejection::NoShop
            | Rejection::NeedsRole(_)
            | Rejection::NotTill
            | Rejection::InvalidUser(_)
            | Rejection::InvalidTill(..)
            | Rejection::BadConsent(_)
            | Rejection::InvalidSetting(_)
            | Rejection::IsTill(_)
            | Rejection::InvalidItem(_)
            | Rejection::NameTaken(_)
            | Rejection::InvalidReason(_)
            | Rejection::NotThatMany(_)
            | Rejection::NothingToPublish(_)
            | Rejection::NoLines
            | Rejection::TooManyLines(_) => None,
        }
    }

    /// The sentence for people, with amounts as they are shown in this currency.
    pub fn sentence(&self, currency: &Currency) -> String {
        let which = self.element().map_or_else(String::new, |element| format!("item {}: ", element + 1));
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
            Rejection::InvalidItem(item) => format!("there is no item {item}"),
            Rejection::InvalidName { .. } => format!(
                "a name has 1 to {NAME_BYTES_MAX} bytes in NFC, of characters that Unicode 16 assigns, without controls \
                 and format characters"
            ),
            Rejection::NameTaken(item) => format!("item {item} has this name"),
            Rejection::ZeroPrice { .. } => "the price is zero".to_owned(),
            Rejection::Overflow { .. } => {
                format!("a ledger counts at most {} and {ISSUED_MAX} units", currency.show_named(ISSUED_MAX))
            }
            Rejection::InvalidQuantity { n, .. } => {
                format!("a number of units is 1 to {STOCK_UNITS_MAX}, not {n}")
            }
            Rejection::InvalidReason(number) => format!("there is no reason {number}"),
            Rejection::NotThatMany(left) => format!("not that many units are there: {left} left"),
            Rejection::NothingToPublish(left) => {
                format!("not that many units can be put on sale: {left} left")
            }
            Rejection::NoPrice { .. } => "the item has no price yet".to_owned(),
            Rejection::NoLines => "a command holds at least one item".to_owned(),
            Rejection::TooManyLines(count) => {
                format!("a command holds at most {STOCK_LINES_MAX} items, not {count}")
            }
            Rejection::DuplicateItem { .. } => "an earlier line is of the same item".to_owned(),
        };
        which + &what
    }
}
