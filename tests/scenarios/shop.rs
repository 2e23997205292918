//! The words of the shop in scenarios: opening it, and keeping its stock.

use ledgerd::codec;
use ledgerd::crypto::{KeyId, SIGNATURE_BYTES_MAX};
use ledgerd::domain::shop::{
    self, Event, InvalidSetting, InvalidTill, ItemId, Rejection as S, Setting, StockInReason, StockOutReason,
};
use ledgerd::domain::{self, AccountId, Rejection, Role, State};
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::domain::{Asked, Domain, RawCommand, list};
use super::purchases;
use super::world::spki;

pub(super) struct Shop;

impl Domain for Shop {
    fn name(&self) -> &'static str {
        "shop"
    }

    fn command(&self, asked: &Asked) -> Option<RawCommand> {
        let (verb, words) = asked.plain()?;
        match (verb, words.as_slice()) {
            ("open-shop", [till, words @ ..]) => open_shop(till.parse().ok()?, words),
            ("leave-till", ["now"]) => Some(RawCommand::new(shop::LEAVE_TILL, Vec::new())),
            ("add-item", [name, price @ ..]) => {
                let price = perhaps(price)?;
                Some(RawCommand::new(shop::ADD_ITEM, codec::encode(&(unescaped(name), price))))
            }
            ("stock-in", [item, n, reason]) => {
                let reason = reason.parse::<StockInReason>().map(u8::from).ok();
                let reason = reason.or_else(|| words.last()?.parse().ok())?;
                Some(moved(shop::STOCK_IN, item.parse().ok()?, n.parse().ok()?, &reason))
            }
            ("stock-out", [item, n, reason]) => {
                let reason = reason.parse::<StockOutReason>().map(u8::from).ok();
                let reason = reason.or_else(|| words.last()?.parse().ok())?;
                Some(moved(shop::STOCK_OUT, item.parse().ok()?, n.parse().ok()?, &reason))
            }
            ("publish", [item, n, price @ ..]) => {
                Some(moved(shop::PUBLISH, item.parse().ok()?, n.parse().ok()?, &perhaps(price)?))
            }
            ("unpublish", [item, n @ ..]) => {
                let (item, n): (u64, Option<u64>) = (item.parse().ok()?, perhaps(n)?);
                Some(RawCommand::new(shop::UNPUBLISH, codec::encode(&(item, n))))
            }
            ("set-price", [item, price]) => {
                let (item, price): (u64, u64) = (item.parse().ok()?, price.parse().ok()?);
                Some(RawCommand::new(shop::SET_PRICE, codec::encode(&(item, price))))
            }
            ("load-stock", ["publish", lines @ ..]) => Some(load(&list(lines, line)?, true)),
            ("load-stock", lines) => Some(load(&list(lines, line)?, false)),
            (verb, words) => purchases::command(verb, words),
        }
    }

    fn outcome(&self, event: &domain::Event) -> Option<String> {
        let domain::Event::Shop(event) = event else { return None };
        Some(match event {
            Event::ShopOpened(opened) => format!("settings {}", opened.settings),
            Event::TillLeft(left) => format!("till-since {}", left.since),
            Event::ItemAdded(added) => format!("item {}", added.item),
            Event::StockedIn(stocked) => format!("unlisted {}", stocked.unlisted),
            Event::StockedOut(stocked) => format!("unlisted {}", stocked.unlisted),
            Event::Published(published) => format!("listed {}", published.listed),
            Event::Unpublished(unpublished) => format!("unpublished {}", unpublished.n),
            Event::PriceSet(set) => format!("price-before {}", shown(set.before)),
            Event::StockLoaded(loaded) => format!("items {}", loaded.items),
            Event::Purchases(event) => purchases::outcome(event),
        })
    }

    fn answer(&self, state: &State, question: &[&str]) -> Option<String> {
        let shop = &state.shop;
        let item = |number: &str| shop.item(ItemId(number.parse().ok()?));
        match *question {
            ["till"] => Some(shown(shop.till().map(|till| format!("{} since {}", till.account, till.since)))),
            ["setting", name] => Some(shop.settings()?.get(name.parse::<Setting>().ok()?).to_string()),
            ["items"] => Some(shop.items_count().to_string()),
            ["price", "of", number] => Some(shown(item(number)?.price)),
            ["name", "of", number] => Some(item(number)?.name.clone()),
            ["on-sale", number] => Some(if item(number)?.on_sale { "yes" } else { "no" }.to_owned()),
            ["stock", "of", number] => {
                let held = item(number)?.buckets;
                Some(format!(
                    "supplied {} listed {} unlisted {} lost {}",
                    held.supplied, held.listed, held.unlisted, held.lost
                ))
            }
            _ => purchases::answer(state, question),
        }
    }

    fn refusals(&self) -> Vec<Rejection> {
        let mut refusals = vec![
            S::NoShop,
            S::NeedsRole(Role::Agent),
            S::NotTill,
            S::InvalidUser(AccountId(1)),
            S::InvalidTill(AccountId(1), InvalidTill::Agent),
            S::BadConsent(AccountId(1)),
            S::InvalidSetting(InvalidSetting::Unknown(10)),
            S::IsTill(AccountId(1)),
            S::InvalidItem { element: None, item: ItemId(1) },
            S::InvalidName { element: None },
            S::NameTaken(ItemId(1)),
            S::ZeroPrice { element: None },
            S::Overflow { element: None },
            S::InvalidQuantity { element: None, n: 0, most: 1 },
            S::InvalidReason(9),
            S::NotThatMany(1),
            S::NothingToPublish(1),
            S::NoPrice { element: None },
            S::NoLines,
            S::TooManyLines { count: 8_193, most: 8_192 },
            S::DuplicateItem { element: 1 },
        ];
        refusals.extend(purchases::refusals());
        for refusal in &refusals {
            match refusal {
                S::NoShop | S::NeedsRole(_) | S::NotTill => {}
                S::InvalidUser(_) | S::InvalidTill(..) | S::BadConsent(_) | S::InvalidSetting(_) => {}
                S::IsTill(_) | S::InvalidItem { .. } | S::InvalidName { .. } | S::NameTaken(_) => {}
                S::ZeroPrice { .. } | S::Overflow { .. } | S::InvalidQuantity { .. } => {}
                S::InvalidReason(_) | S::NotThatMany(_) | S::NothingToPublish(_) | S::NoPrice { .. } => {}
                S::NoLines | S::TooManyLines { .. } | S::DuplicateItem { .. } => {}
                S::NotCustomer
                | S::NoTill
                | S::NotInPurchase { .. }
                | S::NotForSale { .. }
                | S::OutOfStock { .. } => {}
                S::PriceChanged { .. } | S::InsufficientBalance { .. } | S::NoSuchPurchase => {}
                S::OwnBusiness | S::NotYours | S::WrongState { .. } | S::TooEarly { .. } => {}
                S::NothingToCancel { .. } | S::AlreadyFound | S::Duplicate { .. } => {}
                S::AlreadyReleased { .. } | S::NothingHeld { .. } | S::WrongScope(_) => {}
                S::InvalidSealed | S::Erased { .. } | S::OpenBusiness(_) | S::OpenPurchases { .. } => {}
            }
        }
        refusals.into_iter().map(Rejection::Shop).collect()
    }

    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>) {
        let item = || 0..5u64;
        let commands = prop_oneof![
            2 => (0..5u64, any_settings(), any::<bool>()).prop_map(|(till, settings, consents)| {
                opened(till, consents.then(|| till.clamp(1, 4).to_string()), &settings)
            }),
            1 => Just(RawCommand::new(shop::LEAVE_TILL, Vec::new())),
            4 => (any_name(), any_price()).prop_map(|named| {
                RawCommand::new(shop::ADD_ITEM, codec::encode(&named))
            }),
            4 => (item(), any_units(), 0..6u8).prop_map(|(item, n, reason)| moved(shop::STOCK_IN, item, n, &reason)),
            2 => (item(), any_units(), 0..6u8).prop_map(|(item, n, reason)| moved(shop::STOCK_OUT, item, n, &reason)),
            4 => (item(), any_units(), any_price()).prop_map(|(item, n, price)| moved(shop::PUBLISH, item, n, &price)),
            3 => (item(), prop::option::of(any_units())).prop_map(|unpublish| {
                RawCommand::new(shop::UNPUBLISH, codec::encode(&unpublish))
            }),
            2 => (item(), any_price()).prop_map(|(item, price)| {
                RawCommand::new(shop::SET_PRICE, codec::encode(&(item, price.unwrap_or_default())))
            }),
            4 => (prop::collection::vec(any_line(), 0..4), any::<bool>()).prop_map(|(lines, publish)| {
                load(&lines, publish)
            }),
        ];
        (20, prop_oneof![12 => commands, 8 => purchases::commands()].boxed())
    }
}

/// `TILL [consent KEY] [SETTING VALUE] …`: a setting by its name or its number.
fn open_shop(till: u64, words: &[&str]) -> Option<RawCommand> {
    let (key, words) = match words {
        ["consent", key, words @ ..] => (Some((*key).to_owned()), words),
        words => (None, words),
    };
    let settings = words.chunks(2).map(|pair| {
        let [setting, value] = *pair else { return None };
        let number = setting.parse::<Setting>().map(u8::from).ok().or_else(|| setting.parse().ok())?;
        Some((number, value.parse().ok()?))
    });
    Some(opened(till, key, &settings.collect::<Option<Vec<(u8, u64)>>>()?))
}

fn opened(till: u64, key: Option<String>, settings: &[(u8, u64)]) -> RawCommand {
    let signature = || ByteBuf::from(vec![0; SIGNATURE_BYTES_MAX]);
    let consent = key.map(|key| (KeyId::of_spki(spki(&key)), signature()));
    RawCommand::new(shop::OPEN_SHOP, codec::encode(&(till, consent, settings)))
}

fn moved(tag: domain::Tag, item: u64, n: u64, more: &impl Serialize) -> RawCommand {
    RawCommand::new(tag, codec::encode(&(item, n, more)))
}

#[derive(Clone, Debug, Serialize)]
struct RawLine {
    name: String,
    n: u64,
    price: Option<u64>,
}

fn load(lines: &[RawLine], publish: bool) -> RawCommand {
    RawCommand::new(shop::LOAD_STOCK, codec::encode(&(lines, publish)))
}

/// `NAME N [PRICE]`
fn line(words: &[&str]) -> Option<RawLine> {
    let [name, n, price @ ..] = words else { return None };
    Some(RawLine { name: unescaped(name), n: n.parse().ok()?, price: perhaps(price)? })
}

/// A number that may be missing.
fn perhaps(words: &[&str]) -> Option<Option<u64>> {
    match words {
        [] => Some(None),
        [number] => Some(Some(number.parse().ok()?)),
        _ => None,
    }
}

/// A name in which `\u{…}` stands for the character with this number.
fn unescaped(name: &str) -> String {
    let mut parts = name.split("\\u{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('}').expect("\\u{…}");
        text.push(u32::from_str_radix(number, 16).ok().and_then(char::from_u32).expect("a character"));
        text.push_str(rest);
    }
    text
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn any_settings() -> impl Strategy<Value = Vec<(u8, u64)>> {
    let one = prop_oneof![3 => (Just(6u8), 0..100u64), 1 => (0..11u8, 0..100u64)];
    prop::collection::vec(one, 0..3)
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[abAB]", 1 => "[a-c]{0,70}", 1 => Just("e\u{301}".to_owned())]
}

fn any_price() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(0)), 6 => (1..50u64).prop_map(Some), 1 => Just(Some(u64::MAX))]
}

fn any_units() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 8 => 1..20u64, 1 => Just(1_000_000_001)]
}

fn any_line() -> impl Strategy<Value = RawLine> {
    (any_name(), any_units(), any_price()).prop_map(|(name, n, price)| RawLine { name, n, price })
}
