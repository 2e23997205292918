//! The fields of an order in JSON: which there are, and what each may be.

use iso_currency::Currency as IsoCurrency;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use crate::chain::CommandId;
use crate::cli::text::escape;
use crate::domain::orders::{Currency, Operation, Order, PRICE_SCALE, Price, StockName};

const NAMES: [&str; 5] = ["operation_type", "stock_name", "quantity", "price", "currency"];
const COMMAND_ID: &str = "command_id";

/// Characters of a value that are shown when it is refused.
const SHOWN_CHARS: usize = 40;

/// The fields seen so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    allow_command_id: bool,
    seen: Vec<String>,
    operation: Option<Operation>,
    stock_name: Option<StockName>,
    quantity: Option<u64>,
    price: Option<u64>,
    currency: Option<Currency>,
    command_id: Option<CommandId>,
}

impl Fields {
    pub(super) fn new(allow_command_id: bool) -> Fields {
        Fields { allow_command_id, ..Fields::default() }
    }

    /// Refuses fields that there are not, and those that stand twice.
    pub(super) fn check_name(&mut self, name: &str) -> Result<(), String> {
        let known = NAMES.contains(&name) || self.allow_command_id && name == COMMAND_ID;
        if !known {
            let more = if self.allow_command_id { ", command_id" } else { "" };
            return Err(format!("field {}: unknown; there are {}{more}", shown(name), NAMES.join(", ")));
        }
        if self.seen.iter().any(|seen| seen == name) {
            return Err(format!("field {name}: stands twice"));
        }
        self.seen.push(name.to_owned());
        Ok(())
    }

    /// Takes the value of a field.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
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

    /// The order, if it is whole.
    pub(super) fn finish(self) -> Result<(Order, Option<CommandId>), String> {
        let missing = |name: &str| format!("field {name}: missing");
        let operation = self.operation.ok_or_else(|| missing("operation_type"))?;
        let stock_name = self.stock_name.ok_or_else(|| missing("stock_name"))?;
        if self.currency.is_some() && self.price.is_none() {
            return Err("field currency: stands only beside a price".to_owned());
        }
        let currency = self.currency;
        let price = self.price.map(|ten_thousandths| Price { ten_thousandths, currency });
        let quantity = self.quantity.unwrap_or(1);
        Ok((Order { operation, stock_name, quantity, price }, self.command_id))
    }
}

/// A value as it is quoted in a refusal: short, and harmless for a terminal.
fn shown(value: impl ToString) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escape(&cut))
}

fn expected(name: &str, what: &str, found: &Value) -> String {
    format!("field {name}: expected {what}, found {}", shown(found))
}

fn operation(value: &Value) -> Result<Operation, String> {
    match value.as_str() {
        Some("buy") => Ok(Operation::Buy),
        Some("sell") => Ok(Operation::Sell),
        _ => Err(expected("operation_type", "\"buy\" or \"sell\"", value)),
    }
}

fn stock_name(value: &Value) -> Result<StockName, String> {
    let name = value.as_str().and_then(|text| StockName::new(text).ok());
    name.ok_or_else(|| expected("stock_name", "a string of 1 to 16 of A-Z 0-9 . -", value))
}

fn quantity(value: &Value) -> Result<u64, String> {
    // The digits as they were written: 1.0 and 1e3 are no whole numbers here.
    let number = value.is_number().then(|| value.to_string().parse::<u64>().ok()).flatten();
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| expected("quantity", "a positive whole number of at most 64 bits", value))
}

fn price(value: &Value) -> Result<u64, String> {
    let what = "a decimal number or string with at most 4 decimals, not negative";
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(expected("price", what, value)),
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit());
    let decimal = if plain { Decimal::from_str_exact(&text).ok() } else { None };
    let decimal = decimal.filter(|decimal| decimal.scale() <= PRICE_SCALE);
    let amount = decimal.and_then(|decimal| decimal.checked_mul(Decimal::from(10u64.pow(PRICE_SCALE))));
    amount.and_then(|amount| amount.to_u64()).ok_or_else(|| expected("price", what, value))
}

fn currency(value: &Value) -> Result<Currency, String> {
    let code = value.as_str().filter(|text| IsoCurrency::from_code(text).is_some());
    let bytes = code.and_then(|code| <[u8; 3]>::try_from(code.as_bytes()).ok()).map(Currency);
    let currency = bytes.filter(|currency| currency.is_well_formed());
    currency.ok_or_else(|| expected("currency", "an ISO 4217 code such as \"USD\"", value))
}

fn command_id(value: &Value) -> Result<CommandId, String> {
    let text = value.as_str().filter(|text| text.len() == 32);
    let id = text.and_then(|text| const_hex::decode_to_array(text).ok()).map(CommandId);
    id.ok_or_else(|| expected(COMMAND_ID, "a string of 32 hexadecimal digits", value))
}
