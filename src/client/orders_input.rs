//! Orders as people and programs write them: one JSON object, an array, or one object a line. Read as a stream,
//! so that a million orders need no memory in proportion, and refused with line, element and field.

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::order_fields::Fields;
use crate::chain::CommandId;
use crate::domain::orders::Order;

/// How an input is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One object.
    One,
    /// An array of objects.
    Array,
    /// Objects one after the other, one a line.
    Lines,
}

/// One order of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Which one, from 0.
    pub element: u64,
    /// The order.
    pub order: Order,
    /// The id that its command shall have, where that may be said.
    pub command_id: Option<CommandId>,
}

/// Why an input is refused: nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The line, from 1.
    pub line: u64,
    /// The element, from 0, where there is one.
    pub element: Option<u64>,
    /// What was expected and what was found, with the field.
    pub reason: String,
}

impl InputError {
    fn new(line: u64, element: Option<u64>, reason: impl Into<String>) -> InputError {
        InputError { line, element, reason: reason.into() }
    }

    /// For a visitor that wants no more.
    pub fn stopped() -> InputError {
        InputError::new(0, None, "stopped")
    }

    fn of_json(error: &serde_json::Error, element: Option<u64>) -> InputError {
        // serde_json ends its sentences with the place, which is said in front already.
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = text.strip_suffix(&place).unwrap_or(&text);
        InputError::new(error.line() as u64, element, reason)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, ", self.line)?;
        if let Some(element) = self.element {
            write!(f, "element {element}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for InputError {}

/// What takes the orders; an error ends the reading and is what the reading ends with.
pub type Visit<'a> = dyn FnMut(Element) -> Result<(), InputError> + 'a;

/// Reads all orders of an input, in order.
///
/// # Errors
/// [`InputError`] for the first thing that is wrong, or what the visitor says.
pub fn read_orders(
    mut input: impl BufRead,
    allow_command_id: bool,
    visit: &mut Visit<'_>,
) -> Result<Form, InputError> {
    let (first, line) = first_byte(&mut input)?;
    let mut reader = Reader { allow_command_id, element: Cell::new(0), visit, stopped: None };
    // The bytes before the first one were white space; their lines still count.
    let lead = "\n".repeat(usize::try_from(line - 1).unwrap_or(0));
    let input = lead.as_bytes().chain(input);
    let form = match first {
        b'[' => reader.array(input),
        b'{' => reader.objects(input),
        _ => Err(InputError::new(line, None, "expected a JSON object or an array of objects")),
    };
    match reader.stopped.take() {
        Some(error) => Err(error),
        None => form,
    }
}

/// Reads the order of one line; none if the line is blank.
///
/// # Errors
/// [`InputError`], with the line's number.
pub fn parse_line(line: &str, number: u64, allow_command_id: bool) -> Result<Option<Element>, InputError> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed = OneOrder { allow_command_id }.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|fields| deserializer.end().map(|()| fields));
    let (order, command_id) = parsed
        .map_err(|error| InputError { line: number, ..InputError::of_json(&error, Some(number - 1)) })?;
    Ok(Some(Element { element: number - 1, order, command_id }))
}

/// The first byte that is not white space, which stays in the input, and its line.
fn first_byte(input: &mut impl BufRead) -> Result<(u8, u64), InputError> {
    let mut line = 1;
    loop {
        let available = input.fill_buf().map_err(|error| InputError::new(line, None, error.to_string()))?;
        let Some(&byte) = available.first() else {
            return Err(InputError::new(line, None, "the input is empty"));
        };
        match byte {
            b'\n' => line += 1,
            b' ' | b'\t' | b'\r' => {}
            0xef if available.starts_with(b"\xef\xbb\xbf") => {
                return Err(InputError::new(
                    line,
                    None,
                    "a byte order mark stands before the JSON; remove it",
                ));
            }
            _ => return Ok((byte, line)),
        }
        input.consume(1);
    }
}

struct Reader<'a, 'b> {
    allow_command_id: bool,
    element: Cell<u64>,
    visit: &'a mut Visit<'b>,
    stopped: Option<InputError>,
}

impl Reader<'_, '_> {
    fn array(&mut self, input: impl Read) -> Result<Form, InputError> {
        let mut deserializer = serde_json::Deserializer::from_reader(input);
        let read = deserializer.deserialize_seq(Elements { reader: self });
        let read = read.and_then(|()| deserializer.end());
        let element = Some(self.element.get());
        read.map_err(|error| InputError::of_json(&error, element))?;
        if self.element.get() == 0 {
            return Err(InputError::new(1, None, "the array has no orders"));
        }
        Ok(Form::Array)
    }

    fn objects(&mut self, input: impl Read) -> Result<Form, InputError> {
        let mut deserializer = serde_json::Deserializer::from_reader(input);
        loop {
            // The end of the input is the end of the orders only between two of them.
            if self.element.get() > 0 && deserializer.end().is_ok() {
                return Ok(if self.element.get() == 1 { Form::One } else { Form::Lines });
            }
            let one = OneOrder { allow_command_id: self.allow_command_id };
            let parsed = one.deserialize(&mut deserializer);
            let element = Some(self.element.get());
            let (order, command_id) = parsed.map_err(|error| InputError::of_json(&error, element))?;
            self.take(order, command_id)?;
        }
    }

    fn take(&mut self, order: Order, command_id: Option<CommandId>) -> Result<(), InputError> {
        let element = self.element.get();
        (self.visit)(Element { element, order, command_id })?;
        self.element.set(element + 1);
        Ok(())
    }
}

/// The elements of an array, each handed on as soon as it is read.
struct Elements<'r, 'a, 'b> {
    reader: &'r mut Reader<'a, 'b>,
}

impl<'de> Visitor<'de> for Elements<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let allow_command_id = self.reader.allow_command_id;
        while let Some((order, command_id)) = elements.next_element_seed(OneOrder { allow_command_id })? {
            if let Err(error) = self.reader.take(order, command_id) {
                self.reader.stopped = Some(error);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// One object. Every field is checked where it stands, so that an error carries its line.
struct OneOrder {
    allow_command_id: bool,
}

impl<'de> DeserializeSeed<'de> for OneOrder {
    type Value = (Order, Option<CommandId>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneOrder {
    type Value = (Order, Option<CommandId>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the fields of an order")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::new(self.allow_command_id);
        while let Some(name) = map.next_key::<String>()? {
            fields.check_name(&name).map_err(de::Error::custom)?;
            let value: Value = map.next_value()?;
            fields.set(&name, &value).map_err(de::Error::custom)?;
        }
        fields.finish().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::orders::{Currency, Operation, Price, StockName};

    fn read(text: &str) -> Result<(Form, Vec<Order>), InputError> {
        let mut orders = Vec::new();
        let form = read_orders(text.as_bytes(), false, &mut |element| {
            assert_eq!(element.element, orders.len() as u64);
            orders.push(element.order);
            Ok(())
        })?;
        Ok((form, orders))
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    const BUY: &str = r#"{"operation_type":"buy","stock_name":"AAPL"}"#;

    #[test]
    fn one_object_an_array_and_lines_are_told_apart() {
        assert_eq!(read(BUY).unwrap().0, Form::One);
        assert_eq!(read(&format!("\n\n  {}", BUY.replace(',', ",\n"))).unwrap().0, Form::One);
        assert_eq!(
            read(&format!("[{BUY},{BUY}]")).unwrap(),
            (Form::Array, read(&format!("{BUY}\n{BUY}\n")).unwrap().1)
        );
        assert_eq!(read(&format!("{BUY}\n\n{BUY}")).unwrap().0, Form::Lines);
    }

    #[test]
    fn a_price_keeps_the_digits_that_were_written() {
        let price = |text: &str| {
            let order = read(&format!(
                r#"{{"operation_type":"sell","stock_name":"A","price":{text},"currency":"EUR"}}"#
            ));
            order.map(|(_, orders)| orders[0].price.unwrap().ten_thousandths)
        };
        for (text, amount) in [
            ("0.1", 1_000),
            ("\"12.5000\"", 125_000),
            ("7", 70_000),
            ("0", 0),
            ("1844674407370955.1615", u64::MAX),
        ] {
            assert_eq!(price(text), Ok(amount), "{text}");
        }
        for text in [
            "-1",
            "0.00001",
            "\"1e2\"",
            "\".5\"",
            "\"5.\"",
            "\"\"",
            "\" 1\"",
            "\"+1\"",
            "1844674407370955.1616",
            "true",
            "null",
        ] {
            assert!(price(text).unwrap_err().to_string().contains("field price"), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_line_element_field_and_what_was_expected() {
        let text = refused(&format!("{BUY}\n{BUY}\n{}", r#"{"operation_type":"buy","stock_name":"aapl"}"#));
        assert_eq!(
            text,
            "line 3, element 2: field stock_name: expected a string of 1 to 16 of A-Z 0-9 . -, found \"aapl\""
        );
        let text = refused("[\n{\"operation_type\":\"buy\",\n\"stock_name\":\"A\",\n\"quantity\":0}]");
        assert!(
            text.starts_with("line 4, element 0: field quantity: expected a positive whole number"),
            "{text}"
        );
        assert!(refused("\u{feff}{}").contains("byte order mark"));
        assert!(refused(&format!("[{BUY}] x")).starts_with("line 1, "));
        assert!(refused(&format!("{BUY}\n[]")).starts_with("line 2, element 1: "));
        assert!(
            refused(r#"{"\u001b[31m":1}"#).contains("\\u{1b}"),
            "no control character reaches a terminal"
        );
        assert!(
            parse_line("{}", 7, true)
                .unwrap_err()
                .to_string()
                .starts_with("line 7, element 6: field operation_type")
        );
        assert_eq!(parse_line("  \r\n", 7, true), Ok(None));
    }

    #[test]
    fn the_first_order_is_handed_on_before_the_input_has_ended() {
        struct Endless<'a>(&'a Cell<u64>);
        impl Read for Endless<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0.set(self.0.get() + 1);
                let line = format!("{BUY}\n");
                let count = line.len().min(buffer.len());
                buffer[..count].copy_from_slice(&line.as_bytes()[..count]);
                Ok(count)
            }
        }
        let reads = Cell::new(0);
        let mut seen = 0;
        let input = BufReader::with_capacity(BUY.len() + 1, Endless(&reads));
        let ended = read_orders(input, false, &mut |_| {
            seen += 1;
            if seen == 3 { Err(InputError::stopped()) } else { Ok(()) }
        });
        assert_eq!(ended, Err(InputError::stopped()));
        assert!(reads.get() < 10);
    }

    proptest! {
        #[test]
        fn what_a_stranger_writes_never_panics(text in "[\\[\\]{}\":,a-z0-9. \n_-]{0,80}") {
            drop(read(&text));
            drop(parse_line(&text, 1, true));
        }

        #[test]
        fn every_order_reads_back(sell: bool, name in "[A-Z0-9.-]{1,16}", quantity in 1u64.., amount: u64, priced: bool) {
            let operation = if sell { Operation::Sell } else { Operation::Buy };
            let price = Price { ten_thousandths: amount, currency: Some(Currency(*b"USD")) };
            let (whole, part) = (amount / 10_000, amount % 10_000);
            let field = if priced { format!(",\"price\":\"{whole}.{part:04}\",\"currency\":\"USD\"") } else { String::new() };
            let text = format!(
                "{{\"operation_type\":\"{}\",\"stock_name\":\"{name}\",\"quantity\":{quantity}{field}}}", operation.as_str()
            );
            let expected = Order {
                operation, stock_name: StockName::new(&name).unwrap(), quantity, price: priced.then_some(price),
            };
            prop_assert_eq!(read(&text), Ok((Form::One, vec![expected])));
        }
    }
}
