//! The items of the shop as people name them, and as the server lists them.

use std::fmt;
use std::str::FromStr;

use super::question;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::domain::shop::{CatalogueItem, ItemId, Page, ShopFace, StockItem, folded};
use crate::refusal;
use crate::wire::Refusal;

/// An item as somebody named one: by its name, in whichever case, or by its number behind a `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemNamed {
    /// The item of this number, written `#2`.
    Number(ItemId),
    /// The item with this name.
    Name(String),
}

impl FromStr for ItemNamed {
    type Err = String;

    fn from_str(text: &str) -> Result<ItemNamed, String> {
        match text.strip_prefix('#').map(|digits| (digits, digits.parse())) {
            // A name may begin with this character, too, but not be a number behind it.
            Some((digits, Ok(number))) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(ItemNamed::Number(ItemId(number)))
            }
            _ if text.is_empty() => {
                Err("an item is named by its name, or by its number like '#2'".to_owned())
            }
            _ => Ok(ItemNamed::Name(text.to_owned())),
        }
    }
}

impl fmt::Display for ItemNamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ItemNamed::Number(item) => write!(f, "#{item}"),
            ItemNamed::Name(name) => name.fmt(f),
        }
    }
}

/// The till and the settings of the shop.
///
/// # Errors
/// [`ClientError::Refused`] with `no_shop` before there is one.
pub fn fetch_shop(member: &mut Member) -> Result<ShopFace, ClientError> {
    member.ask(&question::Shop)
}

/// Finds out which item is meant.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_item` when there is no such item.
pub fn find_item(member: &mut Member, named: &ItemNamed) -> Result<CatalogueItem, ClientError> {
    let mut found = None;
    match named {
        ItemNamed::Number(number) => {
            let page = member.ask(&question::Items { name_part: String::new(), from: *number })?;
            found = page.items.into_iter().next().filter(|item| item.item == *number);
        }
        ItemNamed::Name(name) => {
            let wanted = folded(name);
            each_item(member, name, &mut |item| {
                if folded(&item.name) == wanted {
                    found = Some(item);
                }
                Ok(())
            })?;
        }
    }
    let absent =
        || ClientError::Refused(Refusal::fail(refusal::INVALID_ITEM, format!("there is no item {named}")));
    found.ok_or_else(absent)
}

/// Visits what the shop sells, by number; where `name_part` is not empty, what has it in its name.
///
/// # Errors
/// [`ClientError`], also that of `each`.
pub fn each_item(
    member: &mut Member,
    name_part: &str,
    each: &mut dyn FnMut(CatalogueItem) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut ask = |from| member.ask(&question::Items { name_part: name_part.to_owned(), from });
    each_page(&mut ask, each)
}

/// Visits the stock as agents see it, like [`each_item`].
///
/// # Errors
/// As for [`each_item`].
pub fn each_of_stock(
    member: &mut Member,
    name_part: &str,
    each: &mut dyn FnMut(StockItem) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut ask = |from| member.ask(&question::Stock { name_part: name_part.to_owned(), from });
    each_page(&mut ask, each)
}

/// Visits page after page, as long as the server goes forward.
fn each_page<T>(
    ask: &mut dyn FnMut(ItemId) -> Result<Page<T>, ClientError>,
    each: &mut dyn FnMut(T) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut from = ItemId(1);
    loop {
        let Page { items, next } = ask(from)?;
        items.into_iter().try_for_each(&mut *each)?;
        match next {
            None => return Ok(()),
            Some(next) if next > from => from = next,
            Some(_) => return Err(ClientError::other_answer()),
        }
    }
}
