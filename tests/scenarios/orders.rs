//! The words of orders in scenarios, in both schemas. Orders are put together by hand, so that they can be what no honest
//! client would send.

use ledgerd::codec;
use ledgerd::domain::orders::{self, Event, Rejection as O};
use ledgerd::domain::{self, AccountId, Rejection, State};
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde::Serialize;

use super::domain::{Asked, Domain, RawCommand, list};

pub(super) struct Orders;

impl Domain for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn command(&self, asked: &Asked) -> Option<RawCommand> {
        let (verb, words) = asked.plain()?;
        match verb {
            "place-orders" => Some(place(&list(&words, order)?)),
            "place-orders-v1" => Some(place_v1(&list(&words, order_v1)?)),
            _ => None,
        }
    }

    fn outcome(&self, event: &domain::Event) -> Option<String> {
        let domain::Event::Orders(event) = event else { return None };
        Some(match event {
            Event::OrdersPlaced(placed) => format!("first_order {}", placed.first_order),
        })
    }

    fn answer(&self, state: &State, question: &[&str]) -> Option<String> {
        match *question {
            ["orders"] => Some(state.orders.count().to_string()),
            ["orders", "of", account] => {
                let tally = state.orders.tally(AccountId(account.parse().ok()?));
                Some(format!("{} buy, {} sell", tally.buy, tally.sell))
            }
            _ => None,
        }
    }

    fn refusals(&self) -> Vec<Rejection> {
        let refusals = [
            O::NoOrders,
            O::TooManyOrders(8_193),
            O::ZeroQuantity { element: 0 },
            O::InvalidCurrency { element: 0 },
        ];
        for refusal in &refusals {
            match refusal {
                O::NoOrders | O::TooManyOrders(_) => {}
                O::ZeroQuantity { .. } | O::InvalidCurrency { .. } => {}
            }
        }
        refusals.into_iter().map(Rejection::Orders).collect()
    }

    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>) {
        let commands = prop_oneof![
            2 => prop::collection::vec(any_order(), 0..4).prop_map(|orders| place(&orders)),
            1 => prop::collection::vec(any_order_v1(), 0..4).prop_map(|orders| place_v1(&orders)),
        ];
        (3, commands.boxed())
    }
}

fn place(orders: &[RawOrder]) -> RawCommand {
    let mut body = codec::encode(&orders.len());
    body.extend(orders.iter().flat_map(RawOrder::encode));
    RawCommand::new(orders::PLACE_ORDERS, body)
}

fn place_v1(orders: &[RawOrderV1]) -> RawCommand {
    RawCommand::new(orders::PLACE_ORDERS_V1, codec::encode(orders))
}

#[derive(Clone, Copy, Debug, Serialize)]
enum RawOperation {
    Buy,
    Sell,
    /// No such operation.
    Hold,
}

/// An order as it is encoded, put together by hand.
#[derive(Clone, Debug)]
struct RawOrder {
    operation: RawOperation,
    stock_name: String,
    quantity: RawDecimal,
    price: Option<RawDecimal>,
    /// Empty for none.
    currency: String,
}

/// Digits, and how many of them stand behind the point.
#[derive(Clone, Copy, Debug)]
struct RawDecimal {
    mantissa: u64,
    scale: u8,
}

impl RawOrder {
    fn encode(&self) -> Vec<u8> {
        let scales = (self.quantity.scale << 4) | self.price.map_or(0, |price| price.scale);
        // There is no bit for a third operation: an unknown bit is what comes closest.
        let operation = match self.operation {
            RawOperation::Buy => 0,
            RawOperation::Sell => 1,
            RawOperation::Hold => 128,
        };
        let price = if self.price.is_some() { 2 } else { 0 };
        let scaled = if scales == 0 { 0 } else { 4 };
        let mut bytes = vec![operation | price | scaled | ((self.currency.len() as u8) << 3)];
        bytes.extend(codec::encode(&self.stock_name));
        bytes.extend(codec::encode(&self.quantity.mantissa));
        if scales != 0 {
            bytes.push(scales);
        }
        bytes.extend(self.price.iter().flat_map(|price| codec::encode(&price.mantissa)));
        bytes.extend(self.currency.as_bytes());
        bytes
    }
}

#[derive(Clone, Debug, Serialize)]
struct RawOrderV1 {
    operation: RawOperation,
    stock_name: String,
    quantity: u64,
    price: Option<RawPriceV1>,
}

#[derive(Clone, Debug, Serialize)]
struct RawPriceV1 {
    ten_thousandths: u64,
    currency: Option<[u8; 3]>,
}

/// The words of an order: `buy AAPL 3`, `sell BRK.B 1 @ 12.50`, `buy AAPL 3 @ 12.50 USD`.
struct Words<'a> {
    operation: RawOperation,
    stock_name: String,
    quantity: &'a str,
    price: Option<(&'a str, Option<&'a str>)>,
}

fn words_of<'a>(words: &[&'a str]) -> Option<Words<'a>> {
    let (head, price) = match *words {
        [ref head @ .., "@", amount] => (head, Some((amount, None))),
        [ref head @ .., "@", amount, currency] => (head, Some((amount, Some(currency)))),
        _ => (words, None),
    };
    let [operation, stock_name, quantity] = *head else { return None };
    let operation = match operation {
        "buy" => RawOperation::Buy,
        "sell" => RawOperation::Sell,
        "hold" => RawOperation::Hold,
        _ => return None,
    };
    Some(Words { operation, stock_name: stock_name.to_owned(), quantity, price })
}

fn order(words: &[&str]) -> Option<RawOrder> {
    let Words { operation, stock_name, quantity, price } = words_of(words)?;
    let currency = price.and_then(|(_, currency)| currency).unwrap_or_default().to_owned();
    let price = match price {
        None => None,
        Some((amount, _)) => Some(decimal(amount)?),
    };
    Some(RawOrder { operation, stock_name, quantity: decimal(quantity)?, price, currency })
}

/// Digits as they stand there, zeros at their end included.
fn decimal(text: &str) -> Option<RawDecimal> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    Some(RawDecimal { mantissa: format!("{whole}{decimals}").parse().ok()?, scale: decimals.len() as u8 })
}

fn order_v1(words: &[&str]) -> Option<RawOrderV1> {
    let Words { operation, stock_name, quantity, price } = words_of(words)?;
    let price = match price {
        None => None,
        Some((amount, currency)) => Some(RawPriceV1 {
            ten_thousandths: ten_thousandths(amount)?,
            currency: match currency {
                None => None,
                Some(code) => Some(code.as_bytes().try_into().ok()?),
            },
        }),
    };
    Some(RawOrderV1 { operation, stock_name, quantity: quantity.parse().ok()?, price })
}

fn ten_thousandths(amount: &str) -> Option<u64> {
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    if decimals.len() > 4 {
        return None;
    }
    format!("{whole}{decimals:0<4}").parse().ok()
}

fn any_operation() -> impl Strategy<Value = RawOperation> {
    prop_oneof![
        8 => Just(RawOperation::Buy),
        8 => Just(RawOperation::Sell),
        1 => Just(RawOperation::Hold),
    ]
}

fn any_order() -> impl Strategy<Value = RawOrder> {
    let stock_name = prop_oneof![8 => "[A-Za-z0-9./:-]{1,32}", 1 => ".{0,20}"];
    let mantissa = || prop_oneof![1 => Just(0), 4 => 1..100u64, 1 => Just(u64::MAX)];
    let scale = || prop_oneof![8 => Just(0), 4 => 0..9u8, 1 => 0..16u8];
    let decimal = || (mantissa(), scale()).prop_map(|(mantissa, scale)| RawDecimal { mantissa, scale });
    let currency = prop_oneof![4 => Just("USDT".to_owned()), 4 => Just(String::new()), 1 => "[A-Za-z]{0,9}"];
    (any_operation(), stock_name, decimal(), prop::option::of(decimal()), currency).prop_map(
        |(operation, stock_name, quantity, price, currency)| RawOrder {
            operation,
            stock_name,
            quantity,
            price,
            currency,
        },
    )
}

fn any_order_v1() -> impl Strategy<Value = RawOrderV1> {
    let stock_name = prop_oneof![8 => "[A-Z0-9.-]{1,16}", 1 => ".{0,20}"];
    let quantity = prop_oneof![1 => Just(0), 4 => 1..100u64, 1 => Just(u64::MAX)];
    let currency = prop_oneof![4 => Just(*b"USD"), 1 => any::<[u8; 3]>()];
    let price = (any::<u64>(), prop::option::of(currency))
        .prop_map(|(ten_thousandths, currency)| RawPriceV1 { ten_thousandths, currency });
    (any_operation(), stock_name, quantity, prop::option::of(price)).prop_map(
        |(operation, stock_name, quantity, price)| RawOrderV1 { operation, stock_name, quantity, price },
    )
}
