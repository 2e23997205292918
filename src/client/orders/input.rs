//! Orders as people and programs write them.

use std::io::Read;

use super::csv;
pub use super::csv::Columns;
use super::fields::OrderFields;
pub use super::fields::{Element, Visit};
pub use crate::client::elements::{Form, InputError, Place};
use crate::client::elements::{read_elements, read_line};

/// How an input of orders is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// JSON: one object, an array, or one object a line.
    Json,
    /// A table with a header, as brokers and exchanges export it.
    Csv(Columns),
}

/// Reads all orders of an input, in order.
///
/// # Errors
/// [`InputError`] for the first thing that is wrong, or what the visitor says.
pub fn read_orders(input: impl Read, layout: &Layout, visit: &mut Visit<'_>) -> Result<Form, InputError> {
    match layout {
        Layout::Csv(columns) => csv::read(input, columns, visit),
        Layout::Json => {
            let new = || OrderFields::new(false);
            read_elements(input, &new, &mut |place, (order, _)| {
                visit(Element { place, order, command_id: None })
            })
        }
    }
}

/// Where an element stands, which is counted from 1, in an input that was read before.
pub fn place_of(input: impl Read, layout: &Layout, element: u64) -> Option<Place> {
    let mut place = None;
    let read = read_orders(input, layout, &mut |found| {
        if found.place.element < element {
            return Ok(());
        }
        place = Some(found.place);
        Err(InputError::stopped())
    });
    read.err().and(place)
}

/// Reads the order of one line; none if the line is blank.
///
/// # Errors
/// [`InputError`], with the line's number.
pub fn parse_line(line: &str, number: u64, allow_command_id: bool) -> Result<Option<Element>, InputError> {
    let read = read_line(line, number, OrderFields::new(allow_command_id))?;
    let place = Place { line: number, element: number };
    Ok(read.map(|(order, command_id)| Element { place, order, command_id }))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::orders::Order;
    use crate::domain::orders::{Currency, Decimal, Operation, Price, StockName};

    fn read(text: &str) -> Result<(Form, Vec<Order>), InputError> {
        let mut orders = Vec::new();
        let form = read_orders(text.as_bytes(), &Layout::Json, &mut |element| {
            assert_eq!(element.place.element, orders.len() as u64 + 1);
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
    fn quantities_and_prices_are_numbers_or_texts_with_the_digits_that_were_written() {
        let order = |field: &str, text: &str| {
            let currency = if field == "price" { r#","currency":"EUR""# } else { "" };
            read(&format!(r#"{{"operation_type":"sell","stock_name":"A","{field}":{text}{currency}}}"#))
                .map(|(_, orders)| orders[0])
        };
        let price = |text: &str| order("price", text).map(|order| order.price.unwrap().amount.to_string());
        let quantity = |text: &str| order("quantity", text).map(|order| order.quantity.to_string());
        for (text, shown) in [
            ("0.1", "0.1"),
            ("\"12.5000\"", "12.5"),
            ("7", "7"),
            ("0.00001300", "0.000013"),
            ("\"36000.00000000\"", "36000"),
            ("1e-05", "0.00001"),
            ("1.25E2", "125"),
            ("1844674407370955.1615", "1844674407370955.1615"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(price(text).as_deref(), Ok(shown), "{text}");
            assert_eq!(quantity(text).as_deref(), Ok(shown), "{text}");
        }
        assert_eq!(price("0").as_deref(), Ok("0"));
        for text in [
            "0.000000001",
            "\"1e2\"",
            "\".5\"",
            "\"5.\"",
            "\"\"",
            "\" 1\"",
            "\"+1\"",
            "\"1,234.50\"",
            "0.30000000000000004",
            "1844674407370955.1616",
            "1e40",
            "1e-30",
            "true",
            "null",
            "[1]",
        ] {
            assert!(
                price(text).unwrap_err().to_string().contains("field price: expected a number"),
                "{text}"
            );
            assert!(
                quantity(text).unwrap_err().to_string().contains("field quantity: expected a number"),
                "{text}"
            );
        }
        assert!(price("-1").unwrap_err().to_string().ends_with("found -1, which is negative"));
        assert!(
            price("0.000000001").unwrap_err().to_string().ends_with("which is a number of more decimals")
        );
        assert!(quantity("0").unwrap_err().to_string().contains("of more than nothing"));
        for text in ["-25", "\"-0.5\""] {
            let said = quantity(text).unwrap_err().to_string();
            assert!(said.contains("field quantity: negative") && said.contains("writes \"sell\""), "{said}");
        }
    }

    #[test]
    fn words_are_read_as_the_world_writes_them() {
        let order = |text: &str| read(text).map(|(_, orders)| orders[0]).map_err(|error| error.to_string());
        let text = r#"{"operation_type":"Sell","stock_name":"shib/usd","price":"1","currency":"usdt"}"#;
        let read = order(text).unwrap();
        assert_eq!((read.operation, read.stock_name.as_str()), (Operation::Sell, "shib/usd"));
        assert_eq!(read.price.unwrap().currency, Currency::new("USDT").ok());
        assert!(order(&text.replace("Sell", "BUY")).is_ok());
        assert!(order(&text.replace("usdt", "GBX")).is_ok());
        for (from, to) in [
            ("Sell", "short"),
            ("shib/usd", "shib usd"),
            ("usdt", "€"),
            ("usdt", "GBp"),
            ("usdt", "TOOLONGNAME"),
        ] {
            assert!(order(&text.replace(from, to)).unwrap_err().contains(", found \""), "{to}");
        }
    }

    #[test]
    fn a_refusal_names_line_element_field_and_what_was_expected() {
        let text = refused(&format!("{BUY}\n{BUY}\n{}", r#"{"operation_type":"buy","stock_name":"A APL"}"#));
        assert_eq!(
            text,
            "line 3, element 3: field stock_name: expected a string of 1 to 32 of A-Z a-z 0-9 . - ^ / = & : _ +, found \"A APL\""
        );
        let text = refused("[\n{\"operation_type\":\"buy\",\n\"stock_name\":\"A\",\n\"quantity\":0}]");
        assert!(
            text.starts_with("line 4, element 1: field quantity: expected a number of more than nothing"),
            "{text}"
        );
        assert!(refused(&format!("[{BUY}] x")).starts_with("line 1, "));
        assert!(refused(&format!("{BUY}\n[]")).starts_with("line 2, element 2: "));
        assert!(
            refused(r#"{"\u001b[31m":1}"#).contains("\\u{1b}"),
            "no control character reaches a terminal"
        );
        assert!(
            parse_line("{}", 7, true)
                .unwrap_err()
                .to_string()
                .starts_with("line 7, element 7: field operation_type")
        );
        assert_eq!(parse_line("  \r\n", 7, true), Ok(None));
    }

    #[test]
    fn an_array_is_no_object_and_an_element_that_is_none_is_named() {
        for (text, words) in [
            (
                r#"["buy","AAPL"]"#.to_owned(),
                "line 1, element 1: invalid type: string \"buy\", expected an object",
            ),
            (
                format!("[{BUY},\n[\"buy\",\"AAPL\"]]"),
                "line 2, element 2: invalid type: sequence, expected an object",
            ),
            (
                format!("{BUY}\n[\"buy\",\"AAPL\"]"),
                "line 2, element 2: invalid type: sequence, expected an object",
            ),
            (format!("[{BUY},null]"), "line 1, element 2: invalid type: null, expected an object"),
            (
                "5".to_owned(),
                "line 1, element 1: invalid type: integer `5`, expected a JSON object or an array",
            ),
            (" \n\n".to_owned(), "line 3: the input is empty"),
            ("[]".to_owned(), "line 1: the array is empty"),
        ] {
            assert!(refused(&text).starts_with(words), "{text}: {}", refused(&text));
        }
        assert!(
            parse_line("[\"buy\",\"AAPL\"]", 3, true)
                .unwrap_err()
                .to_string()
                .contains("element 3: invalid type")
        );
    }

    #[test]
    fn every_element_knows_the_line_in_which_it_begins() {
        let pretty = BUY.replace(',', ",\n");
        let lines = |text: String| {
            let mut lines = Vec::new();
            let read = read_orders(text.as_bytes(), &Layout::Json, &mut |element| {
                lines.push(element.place.line);
                Ok(())
            });
            read.map(|_| lines)
        };
        assert_eq!(lines(format!("\n{pretty}\n\n{BUY} {BUY}\n{BUY}")), Ok(vec![2, 5, 5, 6]));
        let array = format!("[\n{pretty},{BUY},\n\n{BUY}]");
        assert_eq!(place_of(array.as_bytes(), &Layout::Json, 3), Some(Place { line: 5, element: 3 }));
        assert_eq!(place_of(array.as_bytes(), &Layout::Json, 4), None);
        assert_eq!(lines(array), Ok(vec![2, 3, 5]));
    }

    #[test]
    fn a_mark_of_utf_8_is_nothing_bad_and_other_encodings_are_named() {
        assert_eq!(read(&format!("\u{feff}{BUY}\n{BUY}")).unwrap().0, Form::Lines);
        assert_eq!(
            parse_line(&format!("\u{feff}{BUY}"), 1, true).unwrap().map(|element| element.place.line),
            Some(1)
        );
        assert!(parse_line(&format!("\u{feff}{BUY}"), 2, true).is_err());
        let wide = |bytes: fn(u16) -> [u8; 2], mark: bool| {
            let text = if mark { format!("\u{feff}{BUY}") } else { BUY.to_owned() };
            text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        for (bytes, name) in [
            (wide(u16::to_le_bytes, true), "UTF-16 with a byte order mark (little-endian)"),
            (wide(u16::to_be_bytes, true), "UTF-16 with a byte order mark (big-endian)"),
            (wide(u16::to_le_bytes, false), "UTF-16 (little-endian)"),
            (wide(u16::to_be_bytes, false), "UTF-16 (big-endian)"),
            (vec![0xff, 0xfe, 0, 0, b'{', 0, 0, 0], "UTF-32 with a byte order mark"),
            (vec![0x1f, 0x8b, 8, 0], "compressed (gzip)"),
        ] {
            let error = read_orders(&bytes[..], &Layout::Json, &mut |_| Ok(())).unwrap_err();
            assert_eq!(error.to_string(), format!("line 1: the input is {name}; save it as UTF-8"));
            let line = String::from_utf8_lossy(&bytes).into_owned();
            let each = parse_line(&line, 1, true).unwrap_err().to_string();
            assert!(each.contains("save it as UTF-8") || name.contains("gzip"), "{each}");
        }
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
        let ended = read_orders(input, &Layout::Json, &mut |_| {
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
        fn every_order_reads_back(
            sell: bool, name in "[A-Za-z0-9./^=&:_+-]{1,32}", quantity in 1u64.., scales in (0u8..9, 0u8..9), amount: u64,
            currency in proptest::option::of("[A-Z]{2,8}"), priced: bool,
        ) {
            let operation = if sell { Operation::Sell } else { Operation::Buy };
            let quantity = Decimal::new(quantity, scales.0).unwrap();
            let price = Price {
                amount: Decimal::new(amount, scales.1).unwrap(),
                currency: currency.as_deref().map(|name| Currency::new(name).unwrap()),
            };
            let mut field = if priced { format!(",\"price\":{}", price.amount) } else { String::new() };
            if let (true, Some(name)) = (priced, &currency) {
                field += &format!(",\"currency\":\"{name}\"");
            }
            let text = format!(
                "{{\"operation_type\":\"{}\",\"stock_name\":\"{name}\",\"quantity\":\"{quantity}\"{field}}}", operation.as_str()
            );
            let expected = Order {
                operation, stock_name: StockName::new(&name).unwrap(), quantity, price: priced.then_some(price),
            };
            prop_assert_eq!(read(&text), Ok((Form::One, vec![expected])));
            prop_assert_eq!(crate::codec::strict::<Order>(&crate::codec::encode(&expected)), Ok(expected));
        }
    }
}
