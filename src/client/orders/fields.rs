//! The fields of an order: which there are, and what each may be. JSON and CSV have the same.

use rust_decimal::Decimal as Number;
use serde_json::Value;

use crate::chain::CommandId;
use crate::client::elements::{Fields, InputError, Place, expected, shown};
use crate::domain::orders::{
    Currency, Decimal, InvalidDecimal, Operation, Order, Price, SCALE_MAX, StockName,
};

/// One order of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Where it stands.
    pub place: Place,
    /// The order.
    pub order: Order,
    /// The id that its command shall have, where that may be said.
    pub command_id: Option<CommandId>,
}

/// What takes the orders; an error ends the reading and is what the reading ends with.
pub type Visit<'a> = dyn FnMut(Element) -> Result<(), InputError> + 'a;

const COMMAND_ID: &str = "command_id";
/// The names of all fields; the last stands only where a line is a command.
const NAMES: [&str; 6] = ["operation_type", "stock_name", "quantity", "price", "currency", COMMAND_ID];

/// The fields seen so far.
#[derive(Debug, Default)]
pub(super) struct OrderFields {
    names: &'static [&'static str],
    operation: Option<Operation>,
    stock_name: Option<StockName>,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    currency: Option<Currency>,
    command_id: Option<CommandId>,
}

impl OrderFields {
    /// None yet.
    pub(super) fn new(allow_command_id: bool) -> OrderFields {
        let [before @ .., _] = &NAMES;
        let names = if allow_command_id { &NAMES[..] } else { before };
        OrderFields { names, ..OrderFields::default() }
    }
}

impl Fields for OrderFields {
    type Element = (Order, Option<CommandId>);
    const NAME: &'static str = "an order";

    fn names(&self) -> &[&'static str] {
        self.names
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "operation_type" => self.operation = Some(operation(value)?),
            "stock_name" => self.stock_name = Some(stock_name(value)?),
            "quantity" => self.quantity = Some(quantity(value)?),
            "price" => self.price = Some(price(value)?),
            "currency" => self.currency = Some(currency(value)?),
            _ => self.command_id = Some(command_id(value)?),
        }
        Ok(())
    }

    fn finish(self) -> Result<(Order, Option<CommandId>), String> {
        let missing = |name: &str| format!("field {name}: missing");
        let operation = self.operation.ok_or_else(|| missing("operation_type"))?;
        let stock_name = self.stock_name.ok_or_else(|| missing("stock_name"))?;
        if self.currency.is_some() && self.price.is_none() {
            return Err("field currency: stands only beside a price".to_owned());
        }
        let currency = self.currency;
        let price = self.price.map(|amount| Price { amount, currency });
        let quantity = self.quantity.unwrap_or(Decimal::from(1));
        Ok((Order { operation, stock_name, quantity, price }, self.command_id))
    }
}

fn operation(value: &Value) -> Result<Operation, String> {
    let word = value.as_str().unwrap_or_default();
    [Operation::Buy, Operation::Sell]
        .into_iter()
        .find(|operation| word.eq_ignore_ascii_case(operation.as_str()))
        .ok_or_else(|| expected("operation_type", "\"buy\" or \"sell\"", value))
}

fn stock_name(value: &Value) -> Result<StockName, String> {
    let name = value.as_str().and_then(|text| StockName::new(text).ok());
    name.ok_or_else(|| expected("stock_name", "a string of 1 to 32 of A-Z a-z 0-9 . - ^ / = & : _ +", value))
}

fn quantity(value: &Value) -> Result<Decimal, String> {
    let what = format!("a number of more than nothing with at most {SCALE_MAX} decimals");
    match decimal(value) {
        Ok(quantity) if !quantity.is_zero() => Ok(quantity),
        Ok(_) => Err(expected("quantity", &what, value)),
        Err(Some(InvalidDecimal::Negative)) => Err(format!(
            "field quantity: negative, found {}; who sells writes \"sell\" and how many",
            shown(value)
        )),
        Err(why) => Err(refused("quantity", &what, why, value)),
    }
}

fn price(value: &Value) -> Result<Decimal, String> {
    let what = format!("a number, not negative, with at most {SCALE_MAX} decimals");
    decimal(value).map_err(|why| refused("price", &what, why, value))
}

fn refused(name: &str, what: &str, why: Option<InvalidDecimal>, value: &Value) -> String {
    let text = expected(name, what, value);
    match why {
        None | Some(InvalidDecimal::NoNumber) => text,
        Some(why) => format!(
            "{text}, which is {}",
            match why {
                InvalidDecimal::Decimals => "a number of more decimals".to_owned(),
                other => other.to_string(),
            }
        ),
    }
}

/// A number of JSON with the digits that were written, or a text of digits and a point. A program that writes a small
/// number writes it with an exponent, `1e-05`; nobody writes a text so.
fn decimal(value: &Value) -> Result<Decimal, Option<InvalidDecimal>> {
    match value {
        Value::String(text) => Decimal::parse(text).map_err(Some),
        Value::Number(number) => {
            let text = number.to_string();
            if !text.contains(['e', 'E']) {
                return Decimal::parse(&text).map_err(Some);
            }
            let plain = Number::from_scientific(&text).map_err(|_| Some(InvalidDecimal::NoNumber))?;
            Decimal::parse(&plain.to_string()).map_err(Some)
        }
        _ => Err(None),
    }
}

/// Capitals or small letters, but not both: `GBp` is pence, a hundredth of `GBP`.
fn currency(value: &Value) -> Result<Currency, String> {
    let what = "a name of 2 to 8 letters such as \"USD\" or \"USDT\", pence being \"GBX\"";
    let text = value.as_str().filter(|text| {
        let is_small = |byte: u8| byte.is_ascii_lowercase();
        text.bytes().all(is_small) || !text.bytes().any(is_small)
    });
    let name = text.and_then(|text| Currency::new(&text.to_ascii_uppercase()).ok());
    name.ok_or_else(|| expected("currency", what, value))
}

fn command_id(value: &Value) -> Result<CommandId, String> {
    let text = value.as_str().filter(|text| text.len() == 32);
    let id = text.and_then(|text| const_hex::decode_to_array(text).ok()).map(CommandId);
    id.ok_or_else(|| expected(COMMAND_ID, "a string of 32 hexadecimal digits", value))
}
