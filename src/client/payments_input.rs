//! Payments as people write them: on the command line, or as JSON Lines. Everything is looked at before anything
//! is sent.

use std::io::BufRead;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::{ClientError, User};
use crate::domain::payments::{Currency, MEMO_BYTES_MAX};
use crate::limits::PAYMENTS_MAX;
use crate::text;

/// A line longer than this is no payment.
const LINE_BYTES_MAX: usize = 4 << 10;

/// A payment that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The payee.
    pub to: User,
    /// What it is for.
    pub memo: String,
    amount: String,
    place: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    to: serde_json::Value,
    amount: serde_json::Value,
    #[serde(default)]
    memo: String,
}

impl Wanted {
    /// The amount in minor units.
    ///
    /// # Errors
    /// [`ClientError::Usage`] names `negative_amount`, `zero_amount`, or what was expected.
    pub fn amount(&self, currency: &Currency) -> Result<i64, ClientError> {
        let Wanted { amount, place, .. } = self;
        let Currency { name, scale } = currency;
        let bad = |what: String| ClientError::Usage(format!("{place}amount: {what}"));
        match currency.read(amount) {
            None => Err(bad(format!("expected {name} with at most {scale} decimals, found {amount:?}"))),
            Some(..0) => Err(bad(format!("negative_amount: {amount}"))),
            Some(0) => Err(bad("zero_amount: nothing would be paid".to_owned())),
            Some(amount) => Ok(amount),
        }
    }

    fn checked(mut self) -> Result<Wanted, ClientError> {
        // One spelling of what looks the same: keyboards and file systems differ.
        self.memo = self.memo.nfc().collect();
        let place = &self.place;
        if self.memo.len() > MEMO_BYTES_MAX {
            let length = self.memo.len();
            let text = format!("{place}memo: expected at most {MEMO_BYTES_MAX} bytes, found {length}");
            return Err(ClientError::Usage(text));
        }
        if let Some(hidden) = text::first_hidden(&self.memo) {
            let name = text::name(hidden);
            let text = format!("{place}memo: expected characters that can be seen, found {name}");
            return Err(ClientError::Usage(text));
        }
        Ok(self)
    }
}

/// One payment from the command line.
///
/// # Errors
/// [`ClientError::Usage`] names the field and what was expected.
pub fn one(to: &str, amount: &str, memo: &str) -> Result<Wanted, ClientError> {
    let to = to.parse().map_err(ClientError::Usage)?;
    let wanted = Wanted { to, amount: amount.to_owned(), memo: memo.to_owned(), place: String::new() };
    wanted.checked()
}

/// A payee in JSON: a string names a member as on the command line, a number is that of an account.
fn payee(value: &serde_json::Value) -> Result<User, String> {
    match value {
        serde_json::Value::String(text) => text.parse(),
        serde_json::Value::Number(number) => format!("#{number}").parse(),
        other => Err(format!("expected a string or a number, found {other}")),
    }
}

/// A payment a line: `{"to":"bob","amount":"1.50","memo":"lunch"}`, the amount a number or a string.
///
/// # Errors
/// [`ClientError::Usage`] names line, field and what was expected.
pub fn lines(name: &str, source: impl BufRead) -> Result<Vec<Wanted>, ClientError> {
    let mut wanted = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("{name}: line {number}: ");
        if line.len() > LINE_BYTES_MAX || wanted.len() >= PAYMENTS_MAX {
            return Err(ClientError::Usage(format!(
                "{place}a line has at most {LINE_BYTES_MAX} bytes, a file at most {PAYMENTS_MAX} payments"
            )));
        }
        let parsed: Result<Line, _> = serde_json::from_str(&line);
        let Line { to, amount, memo } =
            parsed.map_err(|error| ClientError::Usage(format!("{place}{error}")))?;
        let word = |value: serde_json::Value, field: &str| match value {
            serde_json::Value::String(text) => Ok(text),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            _ => Err(ClientError::Usage(format!("{place}{field}: expected a string or a number"))),
        };
        let to = payee(&to).map_err(|error| ClientError::Usage(format!("{place}to: {error}")))?;
        let amount = word(amount, "amount")?;
        wanted.push(Wanted { to, amount, memo, place }.checked()?);
    }
    if wanted.is_empty() {
        return Err(ClientError::Usage(format!("{name}: there is no payment in it")));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        Currency { name: "USD".to_owned(), scale: 2 }
    }

    #[test]
    fn lines_are_read_with_numbers_or_strings() {
        let text = "{\"to\":\"bob\",\"amount\":\"1.50\"}\n\n{\"to\":7,\"amount\":2,\"memo\":\"two\"}\n";
        let wanted = lines("f", text.as_bytes()).unwrap();
        let read: Vec<_> = wanted
            .iter()
            .map(|wanted| (wanted.to.to_string(), wanted.amount(&usd()).unwrap(), wanted.memo.as_str()))
            .collect();
        assert_eq!(read, [("bob".to_owned(), 150, ""), ("#7".to_owned(), 200, "two")]);
        assert_eq!(one("bob", "1", "cafe\u{301}").unwrap().memo, "caf\u{e9}", "one spelling");
    }

    #[test]
    fn a_refusal_names_line_field_and_reason() {
        let long = "x".repeat(97);
        for (line, words) in [
            ("{\"to\":\"bob\",\"amount\":-1}", "line 2: amount: negative_amount"),
            ("{\"to\":\"bob\",\"amount\":\"0.00\"}", "line 2: amount: zero_amount"),
            ("{\"to\":\"bob\",\"amount\":1.234}", "line 2: amount: expected USD with at most 2 decimals"),
            ("{\"to\":\"bob\",\"amount\":[]}", "line 2: amount: expected a string or a number"),
            ("{\"to\":\"\",\"amount\":1}", "line 2: to: \"\" names no member"),
            ("{\"to\":\"2\",\"amount\":1}", "line 2: to: \"2\" is no handle"),
            ("{\"to\":2.0,\"amount\":1}", "line 2: to: \"#2.0\" is no number of an account"),
            ("{\"to\":-2,\"amount\":1}", "line 2: to: \"#-2\" is no number of an account"),
            ("{\"to\":null,\"amount\":1}", "line 2: to: expected a string or a number"),
            ("{\"amount\":1}", "line 2: missing field `to`"),
            ("{\"to\":\"bob\",\"amount\":1,\"note\":1}", "line 2: unknown field `note`"),
            (
                "{\"to\":\"bob\",\"amount\":1,\"memo\":\"a\\u0007\"}",
                "line 2: memo: expected characters that can be seen, found U+0007",
            ),
            ("{\"to\":\"bob\",\"amount\":1,\"memo\":\"a\\u202eb\"}", "found U+202E"),
            (&format!("{{\"to\":\"bob\",\"amount\":1,\"memo\":\"{long}\"}}"), "line 2: memo: expected"),
            ("nonsense", "line 2: expected"),
        ] {
            let text = format!("{{\"to\":\"ann\",\"amount\":1}}\n{line}\n");
            let read = lines("f", text.as_bytes());
            let amounts =
                read.and_then(|wanted| wanted.iter().try_for_each(|one| one.amount(&usd()).map(drop)));
            let error = amounts.unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
        assert!(lines("f", &b"\n"[..]).unwrap_err().to_string().contains("no payment"));
    }
}
