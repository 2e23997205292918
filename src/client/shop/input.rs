//! Stock as people and programs write it: JSON, one object a line, or a table with a header. Everything is looked at before
//! anything is sent.

use std::io::{BufRead as _, BufReader, Read};

use serde_json::Value;

use crate::client::ClientError;
use crate::client::elements::{Fields, InputError, Place, expected, read_elements, shown};
use crate::client::table::{cell, listed, plain, read_table};
use crate::client::written_amount::{BadAmount, Names, WrittenAmount};
use crate::domain::Fact;
use crate::domain::payments::Currency;
use crate::domain::shop::LoadedItem;
use crate::limits::STOCK_LINES_MAX;

/// The fields of a price.
const PRICE: Names = ("price", "price_minor");

/// One line of what is to be loaded into the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLine {
    name: String,
    quantity: u64,
    price: WrittenAmount,
    file: String,
    place: Place,
}

impl StockLine {
    /// The line as a command holds it.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for a price that does not fit the currency.
    pub(super) fn loaded(&self, currency: &Currency) -> Result<LoadedItem, ClientError> {
        let price = price(&self.price, currency).map_err(|BadAmount { field, reason }| {
            ClientError::Usage(format!("{}: {}: field {field}: {reason}", self.file, self.place))
        })?;
        Ok(LoadedItem { name: self.name.clone(), n: self.quantity, price })
    }
}

/// A price in minor units; none where none was written.
fn price(written: &WrittenAmount, currency: &Currency) -> Result<Option<u64>, BadAmount> {
    let units = written.units(currency, PRICE)?;
    units
        .map(|units| {
            let what = if units < 0 { "negative_amount" } else { "zero_amount" };
            let bad =
                || BadAmount { field: PRICE.0, reason: format!("{what}: {}", currency.show_signed(units)) };
            u64::try_from(units).ok().filter(|price| *price > 0).ok_or_else(bad)
        })
        .transpose()
}

/// A price, or another amount that is asked for, from the command line, in minor units. `what` is the option or the argument.
///
/// # Errors
/// [`ClientError::Usage`] says what was expected.
pub fn price_of(what: &str, text: &str, currency: &Currency) -> Result<u64, ClientError> {
    let bad = |reason: &str| ClientError::Usage(format!("{what}: {reason}"));
    let price = price(&WrittenAmount::of_text(text), currency).map_err(|error| bad(&error.reason))?;
    price.ok_or_else(|| bad("missing"))
}

/// Reads what is to be loaded: objects with `name`, `quantity` and perhaps `price` or `price_minor`, or a table with such columns.
/// What begins with a bracket or a brace is JSON.
///
/// # Errors
/// [`ClientError::Usage`] names line, element, field, what was expected and what was found.
pub fn read_stock(name: &str, source: impl Read) -> Result<Vec<StockLine>, ClientError> {
    let unreadable = |error: &dyn std::fmt::Display| ClientError::Usage(format!("{name}: {error}"));
    let mut source = BufReader::new(source);
    let is_json = starts_as_json(source.fill_buf().map_err(|error| unreadable(&error))?);
    let mut lines = Vec::new();
    let mut take = |place: Place, (item, quantity, price)| {
        if lines.len() >= STOCK_LINES_MAX {
            let text = format!("a command holds at most {STOCK_LINES_MAX} items");
            return Err(InputError::new(place.line, Some(place.element), text));
        }
        lines.push(StockLine { name: item, quantity, price, file: name.to_owned(), place });
        Ok(())
    };
    let read = if is_json {
        read_elements(source, &StockFields::default, &mut take)
    } else {
        read_table(source, columns, |place, row, (headings, columns)| {
            let refused = |reason| InputError::new(place.line, Some(place.element), reason);
            let element = element_of(row, headings, columns).map_err(refused)?;
            take(place, element)
        })
    };
    read.map_err(|error| unreadable(&error))?;
    Ok(lines)
}

fn starts_as_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, None | Some(b'{' | b'['))
}

/// Says in a refusal by a rule where the line stands that it is about.
pub(super) fn refused(lines: &[StockLine], error: ClientError) -> ClientError {
    let ClientError::Refused(mut refusal) = error else { return error };
    let element = refusal.number(Fact::Element).and_then(|element| element.checked_sub(1));
    let line = element.and_then(|element| lines.get(usize::try_from(element).ok()?));
    if let Some(StockLine { name, file, place, .. }) = line {
        // The rule has counted the lines of the command, which are not those of the file.
        let counted = refusal.message.split_once(": ").filter(|(line, _)| line.starts_with("line "));
        let what = counted.map_or(refusal.message.as_str(), |(_, what)| what);
        refusal.message = format!("{file}: {place} ({}): {what}", shown(name));
    }
    ClientError::Refused(refusal)
}

/// Name, quantity and price of a line.
type Element = (String, u64, WrittenAmount);

const NAMES: [&str; 4] = ["name", "quantity", "price", "price_minor"];

/// The fields of a line that were seen so far.
#[derive(Debug, Default)]
struct StockFields {
    name: Option<String>,
    quantity: Option<u64>,
    price: WrittenAmount,
}

impl Fields for StockFields {
    type Element = Element;
    const NAME: &'static str = "an item of the stock";

    fn names(&self) -> &[&'static str] {
        &NAMES
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "name" => {
                let text = value.as_str().filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| expected(name, "a string that is not empty", value))?;
                self.name = Some(text.to_owned());
            }
            "quantity" => {
                // A cell of a table is a text.
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                let written = value.as_str().filter(|text| digits(text));
                let units = value.as_u64().or_else(|| written?.parse().ok());
                self.quantity = Some(units.ok_or_else(|| expected(name, "a whole number of units", value))?);
            }
            "price" => self.price.set_amount(name, value)?,
            _ => self.price.set_minor(name, value)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, String> {
        let StockFields { name, quantity, price } = self;
        let name = name.ok_or("field name: missing")?;
        Ok((name, quantity.ok_or("field quantity: missing")?, price))
    }
}

/// The fields with what tables call them, in small letters and digits alone.
const COLUMNS: [(&str, &[&str]); 3] = [
    ("name", &["name", "card", "item", "product", "title"]),
    ("quantity", &["quantity", "qty", "units", "stock", "count"]),
    ("price", &["price", "unitprice"]),
];

/// The columns of the fields among the headings.
fn columns(headings: &csv::StringRecord) -> Result<Vec<(&'static str, usize)>, String> {
    let mut places = Vec::new();
    for (field, known) in COLUMNS {
        let found = (0..).zip(headings).filter(|(_, heading)| known.contains(&plain(heading).as_str()));
        let found: Vec<usize> = found.map(|(place, _)| place).collect();
        match found.as_slice() {
            [place] => places.push((field, *place)),
            [] if field == "price" => {}
            [] => return Err(format!("no column for the {field}; {}", listed(headings))),
            _ => return Err(format!("several columns for the {field}; {}", listed(headings))),
        }
    }
    Ok(places)
}

fn element_of(
    row: &csv::StringRecord,
    headings: &csv::StringRecord,
    columns: &[(&'static str, usize)],
) -> Result<Element, String> {
    let mut fields = StockFields::default();
    for (field, place) in columns {
        let text = cell(row, *place);
        // An item whose price is said later, or was said before.
        if *field == "price" && text.is_empty() {
            continue;
        }
        let set = fields.set(field, &Value::String(text.to_owned()));
        set.map_err(|reason| {
            format!("column {}: {reason}", shown(headings.get(*place).unwrap_or_default()))
        })?;
    }
    fields.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        Currency { name: "USD".to_owned(), scale: 2 }
    }

    fn read(text: &str) -> Result<Vec<LoadedItem>, String> {
        let lines = read_stock("f", text.as_bytes()).map_err(|error| error.to_string())?;
        lines.iter().map(|line| line.loaded(&usd()).map_err(|error| error.to_string())).collect()
    }

    fn item(name: &str, n: u64, price: Option<u64>) -> LoadedItem {
        LoadedItem { name: name.to_owned(), n, price }
    }

    #[test]
    fn tables_and_json_say_the_same() {
        let both = vec![item("Caterpie", 12, Some(900)), item("Mewtwo, holo", 1, None)];
        let json = "{\"name\":\"Caterpie\",\"price\":\"9\",\"quantity\":12}\n{\"name\":\"Mewtwo, holo\",\"quantity\":1}\n";
        assert_eq!(read(json), Ok(both.clone()));
        let table = "\u{feff}Card,Set,Unit Price,Qty\r\nCaterpie,x,9.00,12\r\n\r\n\"Mewtwo, holo\",,,1\r\n";
        assert_eq!(read(table), Ok(both.clone()));
        let array = "[{\"name\":\"Caterpie\",\"price_minor\":\"900\",\"quantity\":\"12\"}]";
        assert_eq!(read(array).as_deref(), Ok(&both[..1]));
    }

    #[test]
    fn what_is_wrong_is_named_by_line_element_field_and_value() {
        for (row, words) in [
            (",1,9", "line 3, element 2: column name: field name: expected a string that is not empty"),
            ("Mew,,9", "line 3, element 2: column qty: field quantity: expected a whole number of units"),
            ("Mew,-1,9", "found \"-1\""),
            ("Mew,1.5,9", "field quantity"),
            ("Mew,1,9.999", "line 3, element 2: field price: expected USD with at most 2 decimals"),
            ("Mew,1,0", "line 3, element 2: field price: zero_amount: 0.00"),
            ("Mew,1,-2", "field price: negative_amount: -2.00"),
            ("Mew,1", "the header has 3 columns, this row 2"),
        ] {
            let error = read(&format!("name,qty,price\nCaterpie,1,9\n{row}\n")).unwrap_err();
            assert!(error.contains(words), "{row}: {error}");
        }
        for (text, words) in [
            ("{\"name\":\"Mew\"}", "element 1: field quantity: missing"),
            ("{\"quantity\":1}", "field name: missing"),
            (
                "{\"name\":\"Mew\",\"quantity\":1,\"price\":9}",
                "a bare number may mean USD or minor units, found 9",
            ),
            (
                "{\"name\":\"Mew\",\"quantity\":1,\"set\":\"base\"}",
                "field set: unknown; there are name, quantity",
            ),
            ("qty,price\n1,9\n", "no column for the name; the header has qty, price"),
            ("name,qty,units\nMew,1,1\n", "several columns for the quantity"),
            ("name,qty\n", "the table has no rows"),
            ("", "the input is empty"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("f: ") && error.contains(words), "{text}: {error}");
        }
        assert_eq!(price_of("--price", "12.50", &usd()).unwrap(), 1_250);
        assert!(price_of("--price", "0", &usd()).unwrap_err().to_string().contains("--price: zero_amount"));
    }
}
