//! Payments as people write them: on the command line, or as JSON. Everything is looked at before anything is sent.
//!
//! An amount is a text of decimals in the ledger's currency, `"5.00"`, or `minor` units, `"500"`, or both, as this
//! program prints them. A bare number is neither where the currency has decimals: 500 is five dollars to one program
//! and five hundred to the next.

use std::io::Read;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use crate::client::ClientError;
use crate::client::accounts::User;
use crate::client::elements::{Fields, InputError, Place, expected, read_elements, shown};
use crate::client::written_amount::{AMOUNT_NAMES, WrittenAmount};
use crate::domain::Fact;
use crate::domain::payments::{Currency, MEMO_BYTES_MAX};
use crate::limits::PAYMENTS_MAX;
use crate::text;

/// A payment that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The payee.
    pub to: User,
    /// What it is for.
    pub memo: String,
    amount: WrittenAmount,
    /// What was written beside payee and amount, which has to be so.
    claims: Claims,
    place: Option<InFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Claims {
    to_handle: Option<String>,
    currency: Option<String>,
    scale: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct InFile {
    file: String,
    place: Place,
}

impl Wanted {
    /// The amount in minor units.
    ///
    /// # Errors
    /// [`ClientError::Usage`] names `negative_amount`, `zero_amount`, or what was expected.
    pub fn amount(&self, currency: &Currency) -> Result<i64, ClientError> {
        let Currency { name, scale } = currency;
        let Claims { currency: named, scale: scaled, .. } = &self.claims;
        if let Some(other) = named.as_ref().filter(|other| *other != name) {
            return Err(self.bad("currency", &format!("this ledger's is {name}, found {}", shown(other))));
        }
        if let Some(other) = scaled.filter(|other| *other != u64::from(*scale)) {
            return Err(self.bad("scale", &format!("this ledger's is {scale}, found {other}")));
        }
        let units = self.amount.units(currency, AMOUNT_NAMES);
        match units.map_err(|bad| self.bad(bad.field, &bad.reason))? {
            Some(units) if units < 0 => {
                Err(self.bad("amount", &format!("negative_amount: {}", currency.show_signed(units))))
            }
            Some(0) => Err(self.bad("amount", "zero_amount: nothing would be paid")),
            Some(units) => Ok(units),
            None => Err(self.bad("amount", "missing")),
        }
    }

    /// Whether the payee is who was written beside the number.
    ///
    /// # Errors
    /// [`ClientError::Usage`] with both handles.
    pub fn check_handle(&self, handle: &str) -> Result<(), ClientError> {
        match &self.claims.to_handle {
            Some(other) if !other.eq_ignore_ascii_case(handle) => {
                let text = format!("{} is {}, found {}", self.to, shown(handle), shown(other));
                Err(self.bad("to_handle", &text))
            }
            _ => Ok(()),
        }
    }

    /// Says in a refusal of this payment where it stands and what was written there.
    pub fn refused(&self, error: ClientError) -> ClientError {
        match (error, &self.place) {
            (ClientError::Refused(mut refusal), Some(InFile { file, place })) => {
                let amount = self.amount.as_written(AMOUNT_NAMES);
                refusal.message = format!("{file}: {place} (to {}{amount}): {}", self.to, refusal.message);
                ClientError::Refused(refusal)
            }
            (error, _) => error,
        }
    }

    fn bad(&self, field: &str, what: &str) -> ClientError {
        ClientError::Usage(match &self.place {
            Some(InFile { file, place }) => format!("{file}: {place}: field {field}: {what}"),
            None => format!("{field}: {what}"),
        })
    }
}

/// Says in a refusal by a rule where the payment stands that it is about.
pub fn refused(wanted: &[Wanted], error: ClientError) -> ClientError {
    let element = match &error {
        ClientError::Refused(refusal) => refusal.number(Fact::Element),
        _ => None,
    };
    let place = element.and_then(|element| usize::try_from(element.checked_sub(1)?).ok());
    match place.and_then(|place| wanted.get(place)) {
        Some(one) => one.refused(error),
        None => error,
    }
}

/// A memo in the one spelling of what looks the same: keyboards and file systems differ.
fn memo(text: &str) -> Result<String, String> {
    let memo: String = text.nfc().collect();
    if memo.len() > MEMO_BYTES_MAX {
        return Err(format!("memo: expected at most {MEMO_BYTES_MAX} bytes, found {}", memo.len()));
    }
    if let Some(hidden) = text::first_hidden(&memo) {
        return Err(format!("memo: expected characters that can be seen, found {}", text::name(hidden)));
    }
    Ok(memo)
}

/// One payment from the command line.
///
/// # Errors
/// [`ClientError::Usage`] names the field and what was expected.
pub fn one(to: &str, amount: &str, for_what: &str) -> Result<Wanted, ClientError> {
    let to = to.parse().map_err(ClientError::Usage)?;
    let amount = WrittenAmount::of_text(amount);
    let memo = memo(for_what).map_err(ClientError::Usage)?;
    Ok(Wanted { to, memo, amount, claims: Claims::default(), place: None })
}

/// Payments from a file: one object, an array, or one object a line, as in
/// `{"to":"bob","amount":"1.50","memo":"lunch"}`.
///
/// # Errors
/// [`ClientError::Usage`] names line, element, field, what was expected and what was found.
pub fn file(name: &str, source: impl Read) -> Result<Vec<Wanted>, ClientError> {
    let mut all = Vec::new();
    let read = read_elements(source, &PaymentFields::default, &mut |place, wanted| {
        if all.len() >= PAYMENTS_MAX {
            let text = format!("a command holds at most {PAYMENTS_MAX} payments");
            return Err(InputError::new(place.line, Some(place.element), text));
        }
        all.push(Wanted { place: Some(InFile { file: name.to_owned(), place }), ..wanted });
        Ok(())
    });
    read.map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
    Ok(all)
}

const NAMES: [&str; 7] = ["to", "to_handle", "amount", "minor", "currency", "scale", "memo"];

/// The fields of a payment seen so far.
#[derive(Debug, Default)]
struct PaymentFields {
    to: Option<User>,
    memo: String,
    amount: WrittenAmount,
    claims: Claims,
}

impl Fields for PaymentFields {
    type Element = Wanted;
    const NAME: &'static str = "a payment";

    fn names(&self) -> &[&'static str] {
        &NAMES
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let string = || value.as_str().ok_or_else(|| expected(name, "a string", value));
        match name {
            "to" => self.to = Some(payee(value)?),
            "to_handle" => self.claims.to_handle = Some(string()?.to_owned()),
            "amount" => self.amount.set_amount(name, value)?,
            "minor" => self.amount.set_minor(name, value)?,
            "currency" => self.claims.currency = Some(string()?.to_owned()),
            "scale" => {
                let scale = value.as_u64().ok_or_else(|| expected(name, "a whole number", value))?;
                self.claims.scale = Some(scale);
            }
            _ => self.memo = memo(string()?).map_err(|reason| format!("field {reason}"))?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Wanted, String> {
        let PaymentFields { to, memo, amount, claims } = self;
        let to = to.ok_or("field to: missing")?;
        if amount == WrittenAmount::default() {
            return Err("field amount: missing".to_owned());
        }
        Ok(Wanted { to, memo, amount, claims, place: None })
    }
}

/// A payee in JSON: a string names a member as on the command line, a number is that of an account.
fn payee(value: &Value) -> Result<User, String> {
    let user = match value {
        Value::String(text) => text.parse().map_err(|reason: String| shown_reason(&reason)),
        // A whole number without sign, point or exponent, as it was written.
        Value::Number(number) => format!("#{number}").parse().map_err(|_| shown_number(value)),
        _ => Err(shown_number(value)),
    };
    user.map_err(|reason| format!("field to: {reason}"))
}

fn shown_reason(reason: &str) -> String {
    text::escape(reason).into_owned()
}

fn shown_number(value: &Value) -> String {
    format!("expected a handle, a string like \"#2\", or the number of an account, found {}", shown(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal;

    fn currency(scale: u8) -> Currency {
        Currency { name: if scale == 0 { "TWD" } else { "USD" }.to_owned(), scale }
    }

    fn read(text: &str, scale: u8) -> Result<Vec<(String, i64, String)>, String> {
        let wanted = file("f", text.as_bytes()).map_err(|error| error.to_string())?;
        let one = |wanted: &Wanted| {
            let amount = wanted.amount(&currency(scale))?;
            Ok((wanted.to.to_string(), amount, wanted.memo.clone()))
        };
        wanted.iter().map(one).collect::<Result<_, ClientError>>().map_err(|error| error.to_string())
    }

    #[test]
    fn payments_are_one_object_an_array_or_lines() {
        let (bob, seven) =
            ("{\"to\":\"bob\",\"amount\":\"1.50\"}", "{\"to\":7,\"amount\":\"2\",\"memo\":\"two\"}");
        let both = vec![("bob".to_owned(), 150, String::new()), ("#7".to_owned(), 200, "two".to_owned())];
        assert_eq!(read(&format!("{bob}\n\n{seven}\n"), 2), Ok(both.clone()));
        assert_eq!(read(&format!("\u{feff}[{bob},\n{seven}]"), 2), Ok(both.clone()));
        assert_eq!(read(bob, 2).as_deref(), Ok(&both[..1]));
        assert_eq!(one("bob", "1", "cafe\u{301}").unwrap().memo, "caf\u{e9}", "one spelling");
    }

    #[test]
    fn an_amount_is_a_text_of_decimals_or_minor_units_or_both() {
        let of = |fields: &str, scale| {
            read(&format!("{{\"to\":\"bob\",{fields}}}"), scale).map(|payments| payments[0].1)
        };
        for fields in [
            "\"amount\":\"5.00\"",
            "\"amount\":\"5\"",
            "\"minor\":\"500\"",
            "\"amount\":\"5.00\",\"minor\":\"500\",\"currency\":\"USD\",\"scale\":2",
        ] {
            assert_eq!(of(fields, 2), Ok(500), "{fields}");
        }
        assert_eq!(of("\"amount\":500", 0), Ok(500), "one unit alone");
        assert_eq!(of("\"amount\":\"500\",\"minor\":\"500\"", 0), Ok(500));
        for (fields, words) in [
            (
                "\"amount\":500",
                "a bare number may mean USD or minor units, found 500; write \"amount\":\"500.00\" for 500.00 USD, or \
                 \"minor\":\"500\" for 5.00 USD",
            ),
            ("\"amount\":0.01", "found 0.01; write \"amount\":\"0.01\" for 0.01 USD"),
            ("\"amount\":5.0", "found 5.0; write \"amount\":\"5.00\" for 5.00 USD"),
            ("\"amount\":1e2", "a bare number may mean USD or minor units, found 1e"),
            ("\"amount\":0.30000000000000004", "a bare number may mean"),
            (
                "\"amount\":\"5.00\",\"minor\":\"5\"",
                "field minor: stands for 0.05 USD, but amount for 5.00 USD",
            ),
            ("\"minor\":500", "field minor: expected a whole number as a string such as \"500\", found 500"),
            ("\"minor\":\"5.00\"", "field minor: expected"),
            ("\"minor\":\"-1\"", "field amount: negative_amount: -0.01"),
            ("\"amount\":\"5\",\"currency\":\"EUR\"", "field currency: this ledger's is USD, found EUR"),
            ("\"amount\":\"5\",\"scale\":0", "field scale: this ledger's is 2, found 0"),
            ("\"memo\":\"\"", "field amount: missing"),
        ] {
            let error = of(fields, 2).unwrap_err();
            assert!(
                error.starts_with("f: line 1, element 1: field ") && error.contains(words),
                "{fields}: {error}"
            );
        }
        assert!(
            one("bob", "0.001", "")
                .unwrap()
                .amount(&currency(2))
                .unwrap_err()
                .to_string()
                .contains("at most 2")
        );
    }

    #[test]
    fn a_refusal_names_line_element_field_and_value() {
        let long = "x".repeat(97);
        for (line, words) in [
            ("{\"to\":\"bob\",\"amount\":\"-1\"}", "field amount: negative_amount: -1.00"),
            ("{\"to\":\"bob\",\"amount\":\"0.00\"}", "field amount: zero_amount"),
            (
                "{\"to\":\"bob\",\"amount\":\"1.234\"}",
                "field amount: expected USD with at most 2 decimals, found \"1.234\"",
            ),
            ("{\"to\":\"bob\",\"amount\":[]}", "field amount: expected a string such as \"5.00\", found []"),
            ("{\"to\":\"\",\"amount\":\"1\"}", "field to: \"\" names no member"),
            ("{\"to\":\"2\",\"amount\":\"1\"}", "field to: \"2\" is no handle"),
            (
                "{\"to\":2.0,\"amount\":\"1\"}",
                "field to: expected a handle, a string like \"#2\", or the number",
            ),
            ("{\"to\":-2,\"amount\":\"1\"}", "or the number of an account, found -2"),
            ("{\"to\":null,\"amount\":\"1\"}", "or the number of an account, found null"),
            ("{\"amount\":\"1\"}", "field to: missing"),
            ("{\"to\":\"bob\",\"amount\":\"1\",\"note\":1}", "field note: unknown; there are to, to_handle"),
            ("{\"to\":\"bob\",\"amount\":\"1\",\"amount\":\"5\"}", "field amount: stands twice"),
            (
                "{\"to\":\"bob\",\"amount\":\"1\",\"memo\":\"a\\u0007\"}",
                "field memo: expected characters that can be seen, found U+0007",
            ),
            ("{\"to\":\"bob\",\"amount\":\"1\",\"memo\":\"a\\u202eb\"}", "found U+202E"),
            ("{\"to\":\"bob\",\"amount\":\"1\",\"memo\":5}", "field memo: expected a string, found 5"),
            (
                &format!("{{\"to\":\"bob\",\"amount\":\"1\",\"memo\":\"{long}\"}}"),
                "field memo: expected at most",
            ),
            (
                "[\"bob\",\"0.01\",\"x\"]",
                "invalid type: sequence, expected an object with the fields of a payment",
            ),
            ("nonsense", "expected"),
        ] {
            let error = read(&format!("{{\"to\":\"ann\",\"amount\":\"1\"}}\n\n{line}\n"), 2).unwrap_err();
            assert!(error.starts_with("f: line 3, element 2: ") && error.contains(words), "{line}: {error}");
        }
        assert!(read("\n", 2).unwrap_err().ends_with("the input is empty"));
        assert!(read("[\"bob\",\"0.01\",\"x\"]", 2).unwrap_err().contains("element 1: invalid type: string"));
    }

    #[test]
    fn a_refusal_by_a_rule_is_about_the_line_that_was_written() {
        let text = "{\"to\":\"ann\",\"amount\":\"1\"}\n\n{\"to\":9,\"minor\":\"150\"}\n";
        let wanted = file("f", text.as_bytes()).unwrap();
        let refusal = crate::wire::Refusal::fail(refusal::INVALID_USER, "payment 2: there is no account 9");
        let facts = vec![(Fact::Element, 2_u64.into())];
        let about = crate::wire::Refusal { facts, ..refusal.clone() };
        let said = refused(&wanted, ClientError::Refused(about)).to_string();
        assert!(
            said.contains("f: line 3, element 2 (to #9, minor 150): payment 2: there is no account 9"),
            "{said}"
        );
        assert!(!refused(&wanted, ClientError::Refused(refusal)).to_string().contains("line"));
    }
}
