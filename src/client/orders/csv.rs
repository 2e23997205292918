//! Orders as brokers and exchanges export them: a table with a header (RFC 4180), of which some columns are those of an
//! order. The others are left alone.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use serde_json::Value;

use super::fields::{Element, OrderFields, Visit};
use crate::client::elements::{Fields as _, Form, InputError, shown};
use crate::client::table::{cell, listed, plain, read_table};

/// Which columns hold the fields of an order: by their heading where somebody said so, else by what exporters call
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<(Field, String)>);

/// A field of an order that a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Side,
    Symbol,
    Quantity,
    Price,
    Currency,
}

/// Every field: its name here, its name in JSON, and what exporters call it, in small letters and digits alone.
const FIELDS: [(Field, &str, &str, &[&str]); 5] = [
    (
        Field::Side,
        "side",
        "operation_type",
        &["side", "operationtype", "buysell", "transactiontype", "action"],
    ),
    (
        Field::Symbol,
        "symbol",
        "stock_name",
        &["symbol", "stockname", "ticker", "instrument", "pair", "market"],
    ),
    (Field::Quantity, "quantity", "quantity", &["quantity", "qty", "shares", "units", "volume", "orderqty"]),
    (Field::Price, "price", "price", &["price", "limitprice", "orderprice", "unitprice"]),
    (Field::Currency, "currency", "currency", &["currency", "ccy", "currencycode", "pricecurrency"]),
];

impl Field {
    fn row(self) -> &'static (Field, &'static str, &'static str, &'static [&'static str]) {
        let [first, ..] = &FIELDS;
        FIELDS.iter().find(|(field, ..)| *field == self).unwrap_or(first)
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Columns, String> {
        let mut columns = Vec::new();
        for pair in text.split(',') {
            let (name, heading) = pair.split_once('=').ok_or_else(|| {
                format!("{pair:?}: expected side=HEADING, symbol=HEADING and the like, with commas between")
            })?;
            let known = FIELDS.iter().find(|(_, short, long, _)| [*short, *long].contains(&name.trim()));
            let (field, ..) = known.ok_or_else(|| {
                format!("{name:?}: there are {}", FIELDS.map(|(_, short, ..)| short).join(", "))
            })?;
            if columns.iter().any(|(other, _)| other == field) {
                return Err(format!("{name} stands twice"));
            }
            columns.push((*field, heading.trim().to_owned()));
        }
        Ok(Columns(columns))
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (field, heading)) in self.0.iter().enumerate() {
            write!(f, "{}{}={heading}", if number == 0 { "" } else { "," }, field.row().1)?;
        }
        Ok(())
    }
}

/// Reads the orders of a table, in order.
///
/// # Errors
/// [`InputError`] for the first row that is wrong, or what the visitor says.
pub(super) fn read(input: impl Read, columns: &Columns, visit: &mut Visit<'_>) -> Result<Form, InputError> {
    read_table(
        input,
        |headings| columns.places(headings),
        |place, row, (headings, places)| {
            let refused = |reason| InputError::new(place.line, Some(place.element), reason);
            let order = order_of(row, headings, places).map_err(refused)?;
            visit(Element { place, order, command_id: None })
        },
    )
}

impl Columns {
    /// The places of the fields among the headings.
    fn places(&self, headings: &csv::StringRecord) -> Result<Vec<(Field, usize)>, String> {
        let mut places = Vec::new();
        for (field, short, _, known) in &FIELDS {
            let said = self.0.iter().find(|(named, _)| named == field).map(|(_, heading)| heading);
            let is_it = |heading: &str| match said {
                Some(said) => heading.trim() == said,
                None => known.contains(&plain(heading).as_str()),
            };
            let found: Vec<usize> =
                headings.iter().enumerate().filter(|(_, heading)| is_it(heading)).map(|(at, _)| at).collect();
            match (found.as_slice(), said) {
                ([place], _) => places.push((*field, *place)),
                ([], Some(said)) => return Err(format!("no column {}; {}", shown(said), listed(headings))),
                ([], None) if matches!(field, Field::Side | Field::Symbol) => {
                    let text = listed(headings);
                    return Err(format!(
                        "no column for the {short}; say which with --columns {short}=HEADING; {text}"
                    ));
                }
                ([], None) => {}
                (_, _) => {
                    let text = listed(headings);
                    return Err(format!("several columns for the {short}; say which with --columns; {text}"));
                }
            }
        }
        Ok(places)
    }
}

fn order_of(
    row: &csv::StringRecord,
    headings: &csv::StringRecord,
    places: &[(Field, usize)],
) -> Result<crate::domain::orders::Order, String> {
    let mut fields = OrderFields::new(false);
    let has_price = places.iter().any(|(field, at)| *field == Field::Price && !cell(row, *at).is_empty());
    for (field, at) in places {
        let text = cell(row, *at);
        let skipped = match field {
            // An order at any price; the currency is then one of the stock, and not of a price.
            Field::Price => text.is_empty(),
            Field::Currency => text.is_empty() || !has_price,
            Field::Side | Field::Symbol | Field::Quantity => false,
        };
        if !skipped {
            let name = field.row().2;
            let set = fields.set(name, &Value::String(text.to_owned()));
            set.map_err(|reason| {
                format!("column {}: {reason}", shown(headings.get(*at).unwrap_or_default()))
            })?;
        }
    }
    fields.finish().map(|(order, _)| order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::orders::{Currency, Decimal, Operation, Order, Price, StockName};

    fn read_all(text: &str, columns: &str) -> Result<Vec<(u64, Order)>, String> {
        let columns = if columns.is_empty() { Columns::default() } else { columns.parse()? };
        let mut orders = Vec::new();
        let read = read(text.as_bytes(), &columns, &mut |element| {
            assert_eq!(element.place.element, orders.len() as u64 + 1);
            orders.push((element.place.line, element.order));
            Ok(())
        });
        read.map(|form| assert_eq!(form, Form::Lines)).map_err(|error| error.to_string())?;
        Ok(orders)
    }

    fn order(operation: Operation, stock: &str, quantity: &str, price: Option<(&str, &str)>) -> Order {
        Order {
            operation,
            stock_name: StockName::new(stock).unwrap(),
            quantity: Decimal::parse(quantity).unwrap(),
            price: price.map(|(amount, currency)| Price {
                amount: Decimal::parse(amount).unwrap(),
                currency: Some(Currency::new(currency).unwrap()),
            }),
        }
    }

    #[test]
    fn what_exporters_call_the_columns_is_known_and_other_columns_are_left_alone() {
        let text = "\u{feff}Order ID,Time,Symbol,Side,Qty,Limit Price,Currency,Note\r\n\
                    1,09:30,VOD.L,BUY,100,71.44,GBX,\"a, b\"\r\n\
                    2,09:31,BTCUSDT,Sell,0.00400000,,USDT,\"two\r\nlines\"\r\n\
                    3,09:32,AAPL,buy,3,187.500000,usd,\r\n";
        let expected = [
            (2, order(Operation::Buy, "VOD.L", "100", Some(("71.44", "GBX")))),
            (3, order(Operation::Sell, "BTCUSDT", "0.004", None)),
            (5, order(Operation::Buy, "AAPL", "3", Some(("187.5", "USD")))),
        ];
        assert_eq!(read_all(text, "").unwrap(), expected);
        let blanks = "side,symbol\r\n\r\nbuy,A\r\n\r\n\r\nbuy,A\r\n\r\n";
        let lines: Vec<u64> = read_all(blanks, "").unwrap().iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 6]);
        let semicolons = "side;ticker;shares\nsell;M&M.NS;5\n";
        assert_eq!(read_all(semicolons, "").unwrap(), [(2, order(Operation::Sell, "M&M.NS", "5", None))]);
    }

    #[test]
    fn columns_can_be_named() {
        let text = "When,What,B/S,Executed,Avg\nx,AAPL,Buy,3,1.5\n";
        let columns = "side=B/S,symbol=What,quantity=Executed";
        assert_eq!(read_all(text, columns).unwrap(), [(2, order(Operation::Buy, "AAPL", "3", None))]);
        assert_eq!(columns.parse::<Columns>().unwrap().to_string(), columns);
        assert!(
            read_all(text, "")
                .unwrap_err()
                .contains("no column for the side; say which with --columns side=HEADING")
        );
        assert!(
            read_all(text, "side=Side")
                .unwrap_err()
                .contains("no column Side; the header has When, What, B/S")
        );
        let twice = "side,symbol,ticker\nbuy,A,B\n";
        assert!(read_all(twice, "").unwrap_err().contains("several columns for the symbol"));
        assert_eq!(read_all(twice, "symbol=ticker").unwrap(), [(2, order(Operation::Buy, "B", "1", None))]);
        for bad in ["", "side", "colour=red", "side=a,side=b"] {
            assert!(bad.parse::<Columns>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_row_is_named_by_line_element_column_and_value() {
        for (row, words) in [
            (
                "hold,AAPL,3,1,USD",
                "column side: field operation_type: expected \"buy\" or \"sell\", found \"hold\"",
            ),
            ("buy,A APL,3,1,USD", "column symbol: field stock_name: expected a string of 1 to 32"),
            (
                "sell,AAPL,-25,1,USD",
                "column qty: field quantity: negative, found \"-25\"; who sells writes \"sell\"",
            ),
            ("buy,AAPL,,1,USD", "column qty: field quantity: expected a number of more than nothing"),
            ("buy,AAPL,\"1,234\",1,USD", "column qty: field quantity: expected a number"),
            ("buy,AAPL,3,$1,USD", "column price: field price: expected a number, not negative"),
            ("buy,AAPL,3,1,€", "column currency: field currency: expected a name of 2 to 8 letters"),
            ("buy,AAPL,3", "the header has 5 columns, this row 3"),
        ] {
            let text = format!("side,symbol,qty,price,currency\nbuy,AAPL,1,,\n\n{row}\n");
            let error = read_all(&text, "").unwrap_err();
            assert!(error.starts_with("line 4, element 2: ") && error.contains(words), "{row}: {error}");
        }
        assert!(read_all("", "").unwrap_err().contains("no column for the side"));
        assert!(read_all("side,symbol\n", "").unwrap_err().contains("the table has no rows"));
        let wide: Vec<u8> = "side,symbol\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = read(&wide[..], &Columns::default(), &mut |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("UTF-16 (little-endian); save it as UTF-8"));
        let workbook = read(&b"PK\x03\x04rest"[..], &Columns::default(), &mut |_| Ok(())).unwrap_err();
        assert!(workbook.to_string().contains("workbook"), "{workbook}");
    }
}
