//! Amounts as people write them in files: decimals of the ledger's currency as a text, minor units as a text, or both. A
//! bare number is neither where the currency has decimals: 500 is five dollars to one program and five hundred to the next.

use serde_json::Value;

use super::elements::{expected, shown};
use crate::domain::Currency;

/// The fields that an amount has: that of the decimals, and that of the minor units.
pub(super) type Names = (&'static str, &'static str);

/// The names of the fields of what is paid.
pub(super) const AMOUNT_NAMES: Names = ("amount", "minor");

/// An amount as it was written: minor units, a decimal, both, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WrittenAmount {
    amount: Option<Decimal>,
    minor: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Decimal {
    Text(String),
    /// A number of JSON, with the digits that were written.
    Number(String),
}

/// What is wrong with an amount, and in which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadAmount {
    pub(super) field: &'static str,
    pub(super) reason: String,
}

impl WrittenAmount {
    /// An amount from a command line.
    pub(super) fn of_text(text: &str) -> WrittenAmount {
        WrittenAmount { amount: Some(Decimal::Text(text.to_owned())), minor: None }
    }

    /// Takes the value of the field with the decimals.
    ///
    /// # Errors
    /// The field, what was expected, and what was found.
    pub(super) fn set_amount(&mut self, name: &str, value: &Value) -> Result<(), String> {
        self.amount = Some(match value {
            Value::String(text) => Decimal::Text(text.clone()),
            Value::Number(number) => Decimal::Number(number.to_string()),
            _ => return Err(expected(name, "a string such as \"5.00\"", value)),
        });
        Ok(())
    }

    /// Takes the value of the field with the minor units.
    ///
    /// # Errors
    /// As for [`WrittenAmount::set_amount`].
    pub(super) fn set_minor(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let digits = value.as_str().filter(|text| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        let units = digits.and_then(|digits| digits.parse().ok());
        self.minor =
            Some(units.ok_or_else(|| expected(name, "a whole number as a string such as \"500\"", value))?);
        Ok(())
    }

    /// The amount in minor units; none where none was written.
    ///
    /// # Errors
    /// [`BadAmount`].
    pub(super) fn units(&self, currency: &Currency, names: Names) -> Result<Option<i64>, BadAmount> {
        let read = self.amount.as_ref().map(|amount| amount.units(currency, names)).transpose();
        match (read.map_err(|reason| BadAmount { field: names.0, reason })?, self.minor) {
            (Some(read), Some(minor)) if read != minor => {
                let (read, minor) = (currency.show_signed(read), currency.show_signed(minor));
                let (name, (amount, field)) = (&currency.name, names);
                let reason = format!("stands for {minor} {name}, but {amount} for {read} {name}");
                Err(BadAmount { field, reason })
            }
            (read, minor) => Ok(read.or(minor)),
        }
    }

    /// The amount as it was written, behind a comma: for a sentence about a refusal.
    pub(super) fn as_written(&self, (amount, minor): Names) -> String {
        match self {
            WrittenAmount { amount: Some(Decimal::Text(digits) | Decimal::Number(digits)), .. } => {
                format!(", {amount} {}", shown(digits))
            }
            WrittenAmount { minor: Some(units), .. } => format!(", {minor} {units}"),
            WrittenAmount { .. } => String::new(),
        }
    }
}

impl Decimal {
    fn units(&self, currency: &Currency, (field, minor_field): Names) -> Result<i64, String> {
        let Currency { name, scale } = currency;
        let (text, found) = match self {
            Decimal::Text(text) => (text, format!("{text:?}")),
            Decimal::Number(digits) if *scale == 0 => (digits, digits.clone()),
            Decimal::Number(digits) => {
                let mut text =
                    format!("a bare number may mean {name} or minor units, found {}", shown(digits));
                let whole = currency.read(digits).map(|units| currency.show_signed(units));
                let minor = digits.parse().ok().map(|units| currency.show_signed(units));
                if let Some(whole) = whole {
                    text += &format!("; write \"{field}\":\"{whole}\" for {whole} {name}");
                }
                if let Some(minor) = minor {
                    text += &format!(", or \"{minor_field}\":\"{digits}\" for {minor} {name}");
                }
                return Err(text);
            }
        };
        currency
            .read(text)
            .ok_or_else(|| format!("expected {name} with at most {scale} decimals, found {}", shown(found)))
    }
}
