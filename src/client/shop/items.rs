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
            // No two items have one name.
            each_item(member, name, &mut |item| {
                found = Some(item).filter(|item| folded(&item.name) == wanted);
                Ok(found.is_none())
            })?;
        }
    }
    found.ok_or_else(|| absent(named))
}

/// The stock of an item that was found, as agents see it.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_item` when there is no such item.
pub fn fetch_stock_item(member: &mut Member, found: &CatalogueItem) -> Result<StockItem, ClientError> {
    // The name keeps out most of what comes behind the item, and the answer short.
    let page = member.ask(&question::Stock { name_part: found.name.clone(), from: found.item })?;
    let first = page.items.into_iter().next().filter(|first| first.item == found.item);
    first.ok_or_else(|| absent(&ItemNamed::Number(found.item)))
}

fn absent(named: &ItemNamed) -> ClientError {
    ClientError::Refused(Refusal::fail(refusal::INVALID_ITEM, format!("there is no item {named}")))
}

/// Visits what the shop sells, by number, as long as `each` wants to go on; where `name_part` is not empty, what has it in its
/// name.
///
/// # Errors
/// [`ClientError`], also that of `each`.
pub fn each_item(
    member: &mut Member,
    name_part: &str,
    each: &mut dyn FnMut(CatalogueItem) -> Result<bool, ClientError>,
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
    each: &mut dyn FnMut(StockItem) -> Result<bool, ClientError>,
) -> Result<(), ClientError> {
    let mut ask = |from| member.ask(&question::Stock { name_part: name_part.to_owned(), from });
    each_page(&mut ask, each)
}

/// Visits page after page, as long as the server goes forward and `each` wants to go on.
fn each_page<T>(
    ask: &mut dyn FnMut(ItemId) -> Result<Page<T>, ClientError>,
    each: &mut dyn FnMut(T) -> Result<bool, ClientError>,
) -> Result<(), ClientError> {
    let mut from = ItemId(1);
    loop {
        let Page { items, next } = ask(from)?;
        for item in items {
            if !each(item)? {
                return Ok(());
            }
        }
        match next {
            None => return Ok(()),
            Some(next) if next > from => from = next,
            Some(_) => return Err(ClientError::other_answer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_for_behind_what_was_looked_for() {
        for (wanted, pages_asked) in [(1, 1), (2, 1), (3, 2), (9, 3)] {
            let mut asked = Vec::new();
            let mut ask = |from: ItemId| {
                asked.push(from.0);
                let next = Some(ItemId(from.0 + 2)).filter(|next| next.0 < 7);
                Ok(Page { items: vec![from.0, from.0 + 1], next })
            };
            let mut visited = 0;
            let mut each = |item| {
                visited = item;
                Ok(item != wanted)
            };
            each_page(&mut ask, &mut each).unwrap();
            assert_eq!((visited, asked.len()), (wanted.min(6), pages_asked), "{asked:?}");
        }
    }
}
